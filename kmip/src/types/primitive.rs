//! Values of the item types that Rust has no type for.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::owned::{IntoOwned, owned};
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Item, Result};

/// Date-Time: a moment in seconds since 1970-01-01 UTC.
///
/// Displays and parses as in XML and JSON: `2008-03-14T11:56:40+00:00`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTime(pub i64);

/// Date-Time Extended (2.0 and later): a moment in microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTimeExtended(pub i64);

/// Interval: a span of time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Interval(pub u32);

/// Big Integer: two's complement, big-endian, with the sign extension as it stands in the
/// message. Many are secrets, so Debug shows the length only.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct BigInteger<'a>(pub Cow<'a, [u8]>);

impl DateTime {
    /// The current second.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for DateTime {
    /// Cuts off the fraction of the second; times out of range become the nearest in range.
    fn from(time: SystemTime) -> Self {
        DateTime(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                -seconds - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

impl From<SystemTime> for DateTimeExtended {
    /// Cuts off the fraction of the microsecond; times out of range become the nearest in range.
    fn from(time: SystemTime) -> Self {
        DateTimeExtended(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        })
    }
}

impl From<Interval> for Duration {
    fn from(interval: Interval) -> Self {
        Duration::from_secs(interval.0.into())
    }
}

impl BigInteger<'_> {
    /// The magnitude without leading zeros. `None` for a negative number.
    pub fn to_unsigned(&self) -> Option<&[u8]> {
        if self.0.first().is_some_and(|byte| byte & 0x80 != 0) {
            return None;
        }
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        Some(&self.0[zeros..])
    }

    /// The non-negative number with this big-endian magnitude, extended to a multiple of eight
    /// bytes.
    pub fn from_unsigned(magnitude: &[u8]) -> BigInteger<'static> {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = &magnitude[zeros..];
        let sign = usize::from(magnitude.first().is_none_or(|byte| byte & 0x80 != 0));
        let length = (magnitude.len() + sign).next_multiple_of(8);
        let mut bytes = vec![0; length - magnitude.len()];
        bytes.extend_from_slice(magnitude);
        BigInteger(Cow::Owned(bytes))
    }
}

impl fmt::Debug for BigInteger<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BigInteger([{} bytes])", self.0.len())
    }
}

impl IntoOwned for BigInteger<'_> {
    type Owned = BigInteger<'static>;

    fn into_owned(self) -> BigInteger<'static> {
        BigInteger(IntoOwned::into_owned(self.0))
    }
}

owned!(DateTime, DateTimeExtended, Interval);

impl<'a> Item<'a> for DateTime {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.date_time()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.date_time(tag, self.0)
    }
}

impl<'a> Item<'a> for DateTimeExtended {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.date_time_extended()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.date_time_extended(tag, self.0)
    }
}

impl<'a> Item<'a> for Interval {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.interval()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.interval(tag, self.0)
    }
}

impl<'a> Item<'a> for BigInteger<'a> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.big_integer()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.big_integer(tag, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_numbers_get_a_sign_byte_only_when_they_need_one() {
        let bytes = |magnitude: &[u8]| BigInteger::from_unsigned(magnitude).0.into_owned();
        assert_eq!(bytes(&[]), [0; 8]);
        assert_eq!(bytes(&[0, 0, 1]), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes(&[0x7F; 8]), [0x7F; 8]);
        assert_eq!(bytes(&[0x80; 8]).len(), 16);
        assert_eq!(
            BigInteger::from_unsigned(&[0x80; 8]).to_unsigned(),
            Some(&[0x80; 8][..])
        );
        assert_eq!(BigInteger(Cow::Borrowed(&[0xFF; 8])).to_unsigned(), None);
    }

    #[test]
    fn times_before_1970_round_down() {
        let before = UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(DateTime::from(before), DateTime(-2));
    }
}
