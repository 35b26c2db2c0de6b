//! Two readers of TTLV that know nothing of each other: what ours accepts, `kmip-ttlv` reads as
//! the same items; what ours refuses for its value, `kmip-ttlv` refuses too.
//!
//! Differences that were looked into, and are meant:
//!
//! | input | ours | kmip-ttlv 0.3.5 | who is right |
//! |---|---|---|---|
//! | Interval, Date-Time Extended | read | not supported | the specification has them |
//! | Big Integer or structure whose length is no multiple of 8 | refused | read | refusing: 9.1.1.3 |
//! | Big Integer of no bytes | zero, in 8 bytes | no bytes | either: zero is not written so, but meant |
//! | tag 0 | refused | read | refusing: 9.1.3.1 |
//! | a length beyond the end | refused | allocated, then refused | refusing before |
//! | bytes behind the message | refused | not looked at | either |
//! | structures nested without limit | refused | read | refusing, the stack is finite |

#![no_main]

use std::io::Cursor;

use kmip::codec::{Error, ErrorKind, Options, RawItem, RawValue};
use kmip::ttlv;
use kmip::types::ProtocolVersion;
use kmip_ttlv::types::{
    SerializableTtlvType, TtlvBigInteger, TtlvBoolean, TtlvByteString, TtlvDateTime,
    TtlvEnumeration, TtlvInteger, TtlvLength, TtlvLongInteger, TtlvTag, TtlvTextString, TtlvType,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bytes = first_item(bytes);
    match ours(bytes) {
        Ok(item) if !only_ours(&item.value) => {
            let theirs = theirs(&mut Cursor::new(bytes));
            assert_eq!(
                theirs.ok().as_ref(),
                Some(&item),
                "kmip-ttlv reads something else"
            );
        }
        Ok(_) => {}
        Err(error) => {
            if both_refuse(&error) {
                assert!(
                    theirs(&mut Cursor::new(bytes)).is_err(),
                    "kmip-ttlv takes it: {error}"
                );
            }
        }
    }
});

/// Without what follows the first item.
fn first_item(bytes: &[u8]) -> &[u8] {
    let Some(header) = bytes.first_chunk::<{ ttlv::HEADER_BYTES }>() else {
        return bytes;
    };
    let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let end = ttlv::HEADER_BYTES + (length as usize).next_multiple_of(8);
    bytes.get(..end).unwrap_or(bytes)
}

fn ours(bytes: &[u8]) -> Result<RawItem<'_>, Error> {
    let tag = ttlv::Reader::new(bytes)?.tag().unwrap_or_default();
    let version = ProtocolVersion::LATEST;
    let value = ttlv::decode_item(bytes, tag, version, &Options::default())?;
    Ok(RawItem { tag, value })
}

/// Faults of values, found at the first item that has one, when all before it was good.
fn both_refuse(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidBoolean(_) | ErrorKind::InvalidUtf8 | ErrorKind::InvalidType(12..)
    )
}

fn only_ours(value: &RawValue<'_>) -> bool {
    match value {
        RawValue::Structure(items) => items.iter().any(|item| only_ours(&item.value)),
        RawValue::Interval(_) | RawValue::DateTimeExtended(_) => true,
        _ => false,
    }
}

fn theirs(source: &mut Cursor<&[u8]>) -> Result<RawItem<'static>, kmip_ttlv::types::Error> {
    let tag = kmip::types::Tag(*TtlvTag::read(source)?);
    let value = match TtlvType::read(source)? {
        TtlvType::Structure => {
            let length = u64::from(*TtlvLength::read(source)?);
            let end = source.position() + length;
            let mut items = Vec::new();
            while source.position() < end {
                items.push(theirs(source)?);
            }
            RawValue::Structure(items)
        }
        TtlvType::Integer => RawValue::Integer(*TtlvInteger::read(source)?),
        TtlvType::LongInteger => RawValue::LongInteger(*TtlvLongInteger::read(source)?),
        TtlvType::BigInteger => {
            let mut bytes = TtlvBigInteger::read(source)?.0;
            if bytes.is_empty() {
                bytes = vec![0; 8];
            }
            RawValue::BigInteger(kmip::types::BigInteger(bytes.into()))
        }
        TtlvType::Enumeration => RawValue::Enumeration(*TtlvEnumeration::read(source)?),
        TtlvType::Boolean => RawValue::Boolean(*TtlvBoolean::read(source)?),
        TtlvType::TextString => RawValue::TextString(TtlvTextString::read(source)?.0.into()),
        TtlvType::ByteString => RawValue::ByteString(TtlvByteString::read(source)?.0.into()),
        TtlvType::DateTime => {
            RawValue::DateTime(kmip::types::DateTime(*TtlvDateTime::read(source)?))
        }
    };
    Ok(RawItem { tag, value })
}
