//! Clients that send requests and leave without waiting for the responses.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Error;
use crate::error::Doing as _;

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It closes the connection.
    Close,
    /// It resets the connection, as the system does for a program that ends with unread data.
    Reset,
    /// It ends its side of the connection, and still reads the responses.
    HalfClose,
}

impl Departure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Close, Self::Reset, Self::HalfClose];
}

/// Sends `bytes` unchanged to an `http://HOST:PORT` address, and leaves.
///
/// # Errors
///
/// If it cannot connect or send.
pub async fn hang_up(base: &str, bytes: &[u8], departure: Departure) -> Result<(), Error> {
    let address = base.trim_start_matches("http://");
    let sent = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(bytes).await?;
        match departure {
            Departure::Close => {}
            Departure::Reset => stream.set_zero_linger()?,
            Departure::HalfClose => {
                stream.shutdown().await?;
                stream.read_to_end(&mut Vec::new()).await?;
            }
        }
        Ok::<(), std::io::Error>(())
    };
    sent.await.doing(|| format!("a request to {base} cannot be sent"))
}
