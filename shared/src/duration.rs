//! Durations as text, in configuration and in policies: `250ms`, `90s`, `15m`, `12h`, `30d`.

use std::time::Duration;

const LONGEST_MS: u64 = 100 * 365 * 86_400_000;

/// The text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The number or the unit is missing or unknown.
    #[error("must be a whole number and a unit (ms, s, m, h, d), such as 15m")]
    Malformed,
    /// Longer than a hundred years.
    #[error("must be at most 36500d (100 years)")]
    TooLong,
}

/// Reads a whole number and a unit.
///
/// # Errors
///
/// When the number or the unit is missing, or the duration is longer than a hundred years.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DurationError::Malformed),
    };
    let number: u64 = number.parse().map_err(|_| DurationError::Malformed)?;
    match number.checked_mul(unit_ms) {
        Some(ms) if ms <= LONGEST_MS => Ok(Duration::from_millis(ms)),
        _ => Err(DurationError::TooLong),
    }
}

/// The text of a duration, in the largest unit that divides it.
pub fn format(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, unit_ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if ms.is_multiple_of(unit_ms) && ms > 0 {
            return format!("{}{unit}", ms / unit_ms);
        }
    }
    if ms == 0 { "0s".to_owned() } else { format!("{ms}ms") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(parse("30d"), Ok(Duration::from_hours(720)));
        for malformed in ["", "15", "m", "-1s", "1.5s", "1 s", "1w", "99999999999999999999s"] {
            assert_eq!(parse(malformed), Err(DurationError::Malformed), "{malformed}");
        }
        assert_eq!(parse("36501d"), Err(DurationError::TooLong));
        assert_eq!(parse("18446744073709551615d"), Err(DurationError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_or_refused_without_panic(text in "[0-9]{0,25}[a-z ]{0,3}|\\PC{0,20}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration.as_millis() <= u128::from(LONGEST_MS));
                prop_assert_eq!(parse(&format(duration)), Ok(duration));
            }
        }
    }
}
