//! Points in time as certificates have them (RFC 5280, 4.1.2.5).

use std::time::{SystemTime, UNIX_EPOCH};

use crate::der::{self, GENERALIZED_TIME, SEQUENCE, UTC_TIME};

const DAY: u64 = 24 * 60 * 60;

/// From `now` for that many days; `None` after the year 9999.
pub(super) fn days_from(now: SystemTime, days: u32) -> Option<Vec<u8>> {
    let start = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let end = start + u64::from(days) * DAY;
    Some(der::encode(SEQUENCE, &[&time(start)?, &time(end)?]))
}

/// Seconds since 1970 as DER Time.
fn time(seconds: u64) -> Option<Vec<u8>> {
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        ..2050 => {
            let text = format!("{:02}{rest}", year % 100);
            Some(der::encode(UTC_TIME, &[text.as_bytes()]))
        }
        2050..10000 => {
            let text = format!("{year}{rest}");
            Some(der::encode(GENERALIZED_TIME, &[text.as_bytes()]))
        }
        _ => None,
    }
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day at the end. 719468 days lie between
    // 0000-03-01 and 1970-01-01; an era of 400 years has 146097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openssl::asn1::Asn1Time;

    use super::*;

    #[test]
    fn dates_are_those_of_openssl() {
        for days in (0..2_932_896)
            .step_by(97)
            .chain([11_016, 11_017, 2_932_896])
        {
            let (year, month, day) = date(days);
            let text = format!("{year:04}{month:02}{day:02}000000Z");
            let expected = Asn1Time::from_unix((days * DAY) as i64).unwrap();
            assert!(Asn1Time::from_str(&text).unwrap() == expected, "{text}");
        }
    }

    #[test]
    fn the_year_2050_changes_the_notation() {
        let start = UNIX_EPOCH + Duration::from_secs(2_524_607_999);
        let text = |encoded: Vec<u8>| String::from_utf8_lossy(&encoded).into_owned();
        let validity = text(days_from(start, 1).unwrap());
        assert!(validity.contains("491231235959Z"), "{validity}");
        assert!(validity.contains("20500101235959Z"), "{validity}");
        assert!(days_from(start, u32::MAX).is_none());
    }
}
