//! Allocations of the codecs.

use anyhow::Result;
use kmip::Encoding;
use kmip::codec::Message;
use kmip::types::{IntoOwned, RequestMessage, ResponseMessage};
use kmip_benches::{Readers, Sample, allocations_of};

/// How often the heap is asked, by a reader and for a buffer that were used before.
pub(crate) struct Allocations {
    pub(crate) decode: u64,
    /// Decoding included.
    pub(crate) into_owned: u64,
    pub(crate) encode: u64,
}

impl Allocations {
    /// Decodes and encodes a message.
    pub(crate) fn count(sample: &Sample, encoding: Encoding) -> Result<Self> {
        let bytes = sample.bytes(encoding);
        if sample.is_request {
            count::<RequestMessage<'_>>(encoding, bytes)
        } else {
            count::<ResponseMessage<'_>>(encoding, bytes)
        }
    }
}

fn count<'a, M>(encoding: Encoding, bytes: &'a [u8]) -> Result<Allocations>
where
    M: Message<'a> + IntoOwned,
{
    let mut readers = Readers::default();
    let mut buffer = Vec::new();
    let message = readers.decode::<M>(encoding, bytes)?;
    encoding.encode(&message, &mut buffer)?;
    buffer.clear();
    let (written, encode) = allocations_of(|| encoding.encode(&message, &mut buffer));
    written?;
    let (message, decode) = allocations_of(|| readers.decode::<M>(encoding, bytes));
    message?;
    let owned = || {
        readers
            .decode::<M>(encoding, bytes)
            .map(IntoOwned::into_owned)
    };
    let (owned, into_owned) = allocations_of(owned);
    owned?;
    Ok(Allocations {
        decode,
        into_owned,
        encode,
    })
}
