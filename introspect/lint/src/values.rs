//! Times and sizes, as nginx writes them.

use std::time::Duration;

/// A time such as `500ms`, `1m30s` or `60` (seconds).
pub(crate) fn time(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut whole = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|next: char| next.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let unit = after.len() - after.trim_start_matches(|next: char| next.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(unit);
        let milliseconds = match unit {
            "ms" => 1,
            "s" | "" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        whole = whole.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = after.trim_start();
    }
    (!text.is_empty()).then_some(whole)
}

/// A size such as `4k`, in bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = match (lower.strip_suffix('k'), lower.strip_suffix('m')) {
        (Some(number), _) => (number, 1 << 10),
        (_, Some(number)) => (number, 1 << 20),
        _ => (&*lower, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_nginx_s() {
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(time("60"), Some(Duration::from_secs(60)));
        assert_eq!(time("$a"), None);
        assert_eq!(time(""), None);
        assert_eq!(size("4k"), Some(4096));
        assert_eq!(size("1M"), Some(1 << 20));
        assert_eq!(size("99999999999999999999"), None);
    }
}
