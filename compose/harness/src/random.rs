//! Random secrets and names.

use std::fs::File;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::error::Doing as _;

/// 32 random bytes in base64: a master key.
///
/// # Errors
///
/// When the system has no random source.
pub fn key() -> Result<String, Error> {
    Ok(STANDARD.encode(bytes::<32>()?))
}

/// 24 random letters and digits: a password, or a part of a name.
///
/// # Errors
///
/// When the system has no random source.
pub fn word() -> Result<String, Error> {
    let hex = bytes::<12>()?.into_iter().map(|byte| format!("{byte:02x}"));
    Ok(hex.collect())
}

/// A random number below `limit`.
///
/// # Errors
///
/// When the system has no random source.
pub fn below(limit: u16) -> Result<u16, Error> {
    Ok(u16::from_ne_bytes(bytes::<2>()?) % limit.max(1))
}

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .doing(|| "/dev/urandom cannot be read".to_owned())?;
    Ok(bytes)
}
