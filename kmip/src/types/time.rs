//! Moments as text: ISO 8601 in the proleptic Gregorian calendar.

use std::fmt;
use std::str::FromStr;

use super::primitive::{DateTime, DateTimeExtended};

const SECONDS_A_DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;

/// The text is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a date and time: write YYYY-MM-DDThh:mm:ss and Z or an offset such as +02:00"
)]
pub struct ParseTimeError(String);

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date_time(f, self.0)?;
        f.write_str("+00:00")
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DateTimeExtended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date_time(f, self.0.div_euclid(MICROS))?;
        write!(f, ".{:06}+00:00", self.0.rem_euclid(MICROS))
    }
}

impl fmt::Debug for DateTimeExtended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DateTime {
    type Err = ParseTimeError;

    /// Takes any offset and drops fractions of a second.
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let (seconds, _) = parse(text).ok_or_else(|| ParseTimeError(text.to_owned()))?;
        Ok(DateTime(seconds))
    }
}

impl FromStr for DateTimeExtended {
    type Err = ParseTimeError;

    /// Takes any offset and drops fractions of a microsecond.
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        parse(text)
            .and_then(|(seconds, micros)| {
                let exact = i128::from(seconds) * i128::from(MICROS) + i128::from(micros);
                i64::try_from(exact).ok()
            })
            .map(DateTimeExtended)
            .ok_or_else(|| ParseTimeError(text.to_owned()))
    }
}

fn write_date_time(f: &mut fmt::Formatter<'_>, seconds: i64) -> fmt::Result {
    if let Some(digits) = date_time_digits(seconds) {
        return f.write_str(std::str::from_utf8(&digits).unwrap_or_default());
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_A_DAY));
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    if year < 0 {
        f.write_str("-")?;
    }
    write!(
        f,
        "{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}",
        year.unsigned_abs()
    )
}

/// `YYYY-MM-DDThh:mm:ss` for the years with four digits.
pub(crate) fn date_time_digits(seconds: i64) -> Option<[u8; 19]> {
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_A_DAY));
    let year = u16::try_from(year).ok().filter(|year| *year <= 9999)?;
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    let mut digits = *b"0000-00-00T00:00:00";
    let mut pair = |at: usize, value: u8| {
        digits[at] += value / 10;
        digits[at + 1] += value % 10;
    };
    pair(0, (year / 100) as u8);
    pair(2, (year % 100) as u8);
    pair(5, month as u8);
    pair(8, day as u8);
    pair(11, (of_day / 3600) as u8);
    pair(14, (of_day / 60 % 60) as u8);
    pair(17, (of_day % 60) as u8);
    Some(digits)
}

/// Seconds since 1970 and microseconds of the second.
fn parse(text: &str) -> Option<(i64, i64)> {
    let (year_text, rest) = split_year(text)?;
    let year = year_text.parse::<i64>().ok()?;
    let mut scan = Scanner(rest.as_bytes());
    let month = scan.separated_pair(b'-')?;
    let day = scan.separated_pair(b'-')?;
    if !scan.take(b'T') && !scan.take(b't') && !scan.take(b' ') {
        return None;
    }
    let hour = scan.pair()?;
    let minute = scan.separated_pair(b':')?;
    let second = scan.separated_pair(b':')?;
    let micros = scan.fraction()?;
    let offset = scan.offset()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second counts as the second after it, as POSIX time has it.
    let valid = (1..=days).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    // The first day of the range begins before the first second of the range.
    let seconds = i128::from(days_from_civil(year, month, day)) * i128::from(SECONDS_A_DAY)
        + i128::from(hour * 3600 + minute * 60 + second - offset);
    let seconds = i64::try_from(seconds).ok()?;
    (valid && scan.0.is_empty()).then_some((seconds, micros))
}

/// Splits behind the year, which may be negative and has four digits or more, up to the widest
/// that a signed 64-bit count of seconds can reach.
fn split_year(text: &str) -> Option<(&str, &str)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if !(4..=12).contains(&length) {
        return None;
    }
    Some(text.split_at(text.len() - digits.len() + length))
}

struct Scanner<'t>(&'t [u8]);

impl Scanner<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        if !first.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        Some(i64::from(first - b'0'))
    }

    fn pair(&mut self) -> Option<i64> {
        Some(self.digit()? * 10 + self.digit()?)
    }

    fn separated_pair(&mut self, separator: u8) -> Option<i64> {
        if self.take(separator) {
            self.pair()
        } else {
            None
        }
    }

    /// Microseconds; further digits are dropped.
    fn fraction(&mut self) -> Option<i64> {
        if !self.take(b'.') {
            return Some(0);
        }
        let mut unit = 100_000;
        let mut micros = self.digit()? * unit;
        while let Some(digit) = self.digit() {
            unit /= 10;
            micros += digit * unit;
        }
        Some(micros)
    }

    /// Seconds east of UTC; no offset means UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.take(b'Z') || self.take(b'z') {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.pair()?;
        let _ = self.take(b':');
        let minutes = self.pair()?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Days since 1970-01-01. Counts years from March, so that a leap day ends its year, in eras of
/// 400 years, which repeat.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The reverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let time = DateTime(0x47DA_67F8);
        assert_eq!(time.to_string(), "2008-03-14T11:56:40+00:00");
        assert_eq!("2008-03-14T11:56:40+00:00".parse(), Ok(time));
        assert_eq!("2008-03-14T12:56:40.999+01:00".parse(), Ok(time));
        assert_eq!("2008-03-14T11:56:40Z".parse(), Ok(time));
    }

    #[test]
    fn every_moment_survives_the_text() {
        for seconds in [
            0,
            -1,
            951_782_400,
            4_102_444_799,
            -62_135_596_800,
            253_402_300_800,
            i64::MIN,
            i64::MAX,
        ] {
            let text = DateTime(seconds).to_string();
            assert_eq!(text.parse(), Ok(DateTime(seconds)), "{text}");
        }
        for micros in [0, -1, 1_402_388_612_000_001, i64::MIN, i64::MAX] {
            let text = DateTimeExtended(micros).to_string();
            assert_eq!(text.parse(), Ok(DateTimeExtended(micros)), "{text}");
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for bad in [
            "",
            "2008-03-14",
            "2007-02-29T00:00:00Z",
            "2008-13-01T00:00:00Z",
            "2008-00-01T00:00:00Z",
            "2008-01-00T00:00:00Z",
            "2008-01-01T24:00:00Z",
            "2008-01-01T00:60:00Z",
            "2008-01-01T00:00:00+0",
            "2008-01-01T00:00:00 ",
            "2008-01-01T00:00:00.Z",
            "08-01-01T00:00:00Z",
            "99999999999999-01-01T00:00:00Z",
            "0x0000000047DA67F8",
        ] {
            assert!(bad.parse::<DateTime>().is_err(), "{bad}");
        }
    }
}
