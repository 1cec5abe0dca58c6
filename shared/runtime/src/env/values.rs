//! Parsers of the values of variables. An error says what the value must be, and the reader adds the name and the value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use shared::duration;

/// Any text.
///
/// # Errors
///
/// Never.
pub fn text(value: &str) -> Result<String, std::convert::Infallible> {
    Ok(value.to_owned())
}

/// A whole number within bounds, both included.
pub fn between<T>(least: T, most: T) -> impl FnOnce(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + fmt::Display,
{
    move |value| match value.parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("must be a number from {least} to {most}")),
    }
}

/// A duration within bounds, both included.
pub fn duration_between(least: Duration, most: Duration) -> impl FnOnce(&str) -> Result<Duration, String> {
    move |value| match duration::parse(value).map_err(|why| why.to_string())? {
        span if span >= least && span <= most => Ok(span),
        _ => {
            Err(format!("must be a duration from {} to {}", duration::format(least), duration::format(most)))
        }
    }
}

/// A size in bytes within bounds, both included: a whole number and a unit.
pub fn size_between(least: u64, most: u64) -> impl FnOnce(&str) -> Result<u64, String> {
    let bytes = |text: &str| {
        let (number, unit) = text.split_at(text.find(|byte: char| !byte.is_ascii_digit())?);
        let (_, shift) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(1 << shift)
    };
    move |value| match bytes(value) {
        Some(size) if (least..=most).contains(&size) => Ok(size),
        Some(_) => Err(format!("must be from {} to {}", size(least), size(most))),
        None => Err("must be a whole number and a unit (KiB, MiB, GiB), such as 128MiB".to_owned()),
    }
}

/// The units of sizes, and by how many bits each shifts a number; the greatest first.
const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// A size as text, in the greatest unit of which it is a multiple.
fn size(bytes: u64) -> String {
    let unit = UNITS.into_iter().find(|(_, shift)| bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| bytes.to_string(), |(name, shift)| format!("{}{name}", bytes >> shift))
}

/// `true` or `false`.
///
/// # Errors
///
/// If it is neither.
pub fn boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_and_lies_within_its_bounds() {
        let read = |value: &str| size_between(1 << 20, 1 << 31)(value);
        for (value, bytes) in
            [("1MiB", 1 << 20), ("1024KiB", 1 << 20), ("2GiB", 1 << 31), ("007MiB", 7 << 20)]
        {
            assert_eq!(read(value), Ok(bytes), "{value}");
        }
        for value in
            ["", "128", "MiB", "-1MiB", "1 MiB", "1MB", "1mib", "1.5MiB", "99999999999999999999GiB", "1MiB "]
        {
            assert!(read(value).unwrap_err().starts_with("must be a whole number and a unit"), "{value}");
        }
        for value in ["1KiB", "3GiB", "0MiB"] {
            assert_eq!(read(value), Err("must be from 1MiB to 2GiB".to_owned()), "{value}");
        }
        assert!(read("18014398509481984KiB").is_err());
    }
}
