//! Durations and sizes as people write them: a whole number and its unit, nothing else.

use std::time::Duration;

/// Reads `"10s"`, `"50ms"`, `"5m"`, `"1h"`, `"100us"`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const HELP: &str = "write a whole number and its unit (us, ms, s, m or h), like \"10s\"";
    let (number, unit) = split(text).ok_or(HELP)?;
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return Err(HELP),
    };
    // A year bounds every sum with a clock's time.
    const YEAR: u64 = 365 * 24 * 3_600_000_000;
    match number.checked_mul(micros) {
        Some(micros) if micros <= YEAR => Ok(Duration::from_micros(micros)),
        _ => Err("write at most a year, \"8760h\""),
    }
}

/// Reads `"64MiB"`, `"1GiB"`, `"10MB"`, `"512B"`.
pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    const HELP: &str = "write a whole number and its unit (B, KiB, MiB, GiB, kB, MB or GB), like \"64MiB\"";
    let (number, unit) = split(text).ok_or(HELP)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(HELP),
    };
    const MOST: u64 = 1 << 50;
    number.checked_mul(bytes).filter(|bytes| *bytes <= MOST).ok_or("write at most \"1048576GiB\"")
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, micros) in
            [("10s", 10_000_000), ("50ms", 50_000), ("5m", 300_000_000), ("1h", 3_600_000_000), ("7us", 7), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "10", "s", "1.5s", "-1s", "10 s", " 10s", "10S", "10sec", "99999999999999999999s", "9999999h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("64MiB", 64 << 20), ("1GiB", 1 << 30), ("10MB", 10_000_000), ("512B", 512), ("2KiB", 2048)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "64", "MiB", "64mib", "64 MiB", "1.5MiB", "-1B", "18446744073709551615GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
