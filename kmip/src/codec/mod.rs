//! Between typed messages and their encodings.
//!
//! Generated code reads from a [`Decoder`] and writes to an [`Encoder`]. Both speak TTLV
//! themselves and any other encoding through the traits [`Source`] and [`Sink`].

mod decoder;
mod encoder;
mod error;
mod item;
mod options;
mod raw;
mod row;
mod source;

pub use decoder::{Decoder, Frame};
pub use encoder::{Encoder, Open};
pub use error::{Error, ErrorKind, Result, Step};
pub(crate) use item::{Choice, Structure};
pub use item::{Item, Message};
pub use options::{Limits, Mode, Options};
pub use raw::{Extra, RawItem, RawValue};
pub(crate) use row::{ExtraCursor, Layout, Progress, Row};
pub use source::{Sink, Source};
