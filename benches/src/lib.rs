//! The messages that the benchmarks decode and encode.
//!
//! | | message | version |
//! |---|---|---|
//! | a | Create request, AES-256 | 1.2 |
//! | b | Get response, 32-byte key | 1.2 |
//! | c | Get response, AES key wrapped by RSA | 1.4 |
//! | d | Locate response, 1,000 identifiers | 1.2 |
//! | e | 100 Get requests in a batch | 1.4 |
//! | f | Register request, certificate of 4 KiB | 1.4 |
//! | g | Create request, AES-256 | 2.1 |
//! | h | Get Attributes response, 25 attributes | 2.1 |
//! | i | Get response, opaque object of 1 MiB | 1.4 |

mod allocations;
mod answering;
mod messages;
mod readers;
mod walk;

pub use allocations::{Counting, allocations_of};
pub use answering::{Answering, EngineStream, IDENTIFIER};
pub use messages::{Sample, samples};
pub use readers::{Readers, name_of, value_first};
pub use walk::walk;
