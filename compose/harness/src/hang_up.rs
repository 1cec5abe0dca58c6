//! Clients that send requests and leave without waiting for the responses.

use serde_json::json;
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

/// Sign-outs as clients write them: with an access token, the same in HTTP/1.0, and with a refresh token.
pub fn sign_outs(access: &str, refresh: &str) -> [String; 3] {
    let bearer = format!("Authorization: Bearer {access}\r\n");
    let body = json!({ "refresh_token": refresh }).to_string();
    let length = body.len();
    [
        format!("POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\n{bearer}Connection: close\r\n\r\n"),
        format!("POST /api/v1/auth/logout HTTP/1.0\r\n{bearer}\r\n"),
        format!(
            "POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    ]
}

/// A sign-out with an access token that leaves the connection open for the next request.
pub fn pipelined_sign_out(access: &str) -> String {
    format!("POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {access}\r\n\r\n")
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
