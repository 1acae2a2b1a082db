//! Durations as an operator writes them: `30s`, `15m`, `36h`, `7d`.

use std::time::Duration;

/// Parses an integer with a unit: seconds, minutes, hours or days.
///
/// # Errors
/// What a duration must be.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a duration: an integer with the unit s, m, h or d, for example \"36h\"".to_owned();
    let unit_at = text.len().checked_sub(1).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
    let seconds_each: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds_each));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_integers_with_a_unit_only() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_secs(172_800)));
        for text in ["", "s", "1", "1w", "-1s", "+1s", "1.5h", "1é", "99999999999999999999d", "9999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
