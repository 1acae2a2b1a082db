//! Sizes as an operator writes them: `512MiB`, `2GiB`.

/// Parses an integer with a unit: KiB, MiB, GiB or TiB. Returns bytes.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "must be a size: an integer with the unit KiB, MiB, GiB or TiB, for example \"2GiB\"".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
    let bytes_each: u64 = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(bytes_each)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_integers_with_a_binary_unit_only() {
        assert_eq!(parse_size("0KiB"), Ok(0));
        assert_eq!(parse_size("3MiB"), Ok(3_145_728));
        assert_eq!(parse_size("2GiB"), Ok(2_147_483_648));
        for text in ["", "GiB", "1", "1GB", "1 GiB", "-1GiB", "+1GiB", "1.5GiB", "1gib", "99999999TiB", "1é"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
