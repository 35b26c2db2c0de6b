//! Type codes as they stand in a header.

pub(crate) const STRUCTURE: u8 = 1;
pub(crate) const INTEGER: u8 = 2;
pub(crate) const LONG_INTEGER: u8 = 3;
pub(crate) const BIG_INTEGER: u8 = 4;
pub(crate) const ENUMERATION: u8 = 5;
pub(crate) const BOOLEAN: u8 = 6;
pub(crate) const TEXT_STRING: u8 = 7;
pub(crate) const BYTE_STRING: u8 = 8;
pub(crate) const DATE_TIME: u8 = 9;
pub(crate) const INTERVAL: u8 = 10;
pub(crate) const DATE_TIME_EXTENDED: u8 = 11;
