//! Moments as the text encodings write them.

use std::io::Write;

use crate::types::{DateTime, DateTimeExtended, date_time_digits};

/// Appends `YYYY-MM-DDThh:mm:ss+00:00`.
pub(crate) fn push_date_time(buffer: &mut Vec<u8>, seconds: i64) {
    match date_time_digits(seconds) {
        Some(digits) => {
            buffer.extend_from_slice(&digits);
            buffer.extend_from_slice(b"+00:00");
        }
        // Writing to a Vec does not fail.
        None => drop(write!(buffer, "{}", DateTime(seconds))),
    }
}

/// Appends `YYYY-MM-DDThh:mm:ss.ffffff+00:00`.
pub(crate) fn push_date_time_extended(buffer: &mut Vec<u8>, microseconds: i64) {
    let _ = write!(buffer, "{}", DateTimeExtended(microseconds));
}
