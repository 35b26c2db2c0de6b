//! Well-formed TTLV that is steered by arbitrary bytes. A mutation of such bytes changes an item of a
//! message; a mutation of the message itself mostly breaks a length.

use kmip::ttlv::Writer;
use kmip::types::{Operation, Tag};

const DEPTH: usize = 12;
const FIRST_TAG: u32 = 0x42_0001;
const TAGS: u32 = 0x175;
const OPERATIONS: u32 = 0x40;

/// A message whose header is sound, with batch items that the bytes make up.
pub fn message(mut input: &[u8], request: bool) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut writer = Writer::new(&mut buffer);
    let (root, header) = if request {
        (Tag::REQUEST_MESSAGE, Tag::REQUEST_HEADER)
    } else {
        (Tag::RESPONSE_MESSAGE, Tag::RESPONSE_HEADER)
    };
    let message = writer.begin(root);
    let (minor, items) = {
        let choice = byte(&mut input);
        (choice & 7, 1 + (choice >> 6))
    };
    let begun = writer.begin(header);
    let version = writer.begin(Tag::PROTOCOL_VERSION);
    // 0 to 4 are those of 1.x, 5 and 6 those of 2.x, and 7 is from the future.
    let (major, minor) = if minor < 5 {
        (1, minor)
    } else {
        (2, minor - 5)
    };
    writer.integer(Tag::PROTOCOL_VERSION_MAJOR, major);
    writer.integer(Tag::PROTOCOL_VERSION_MINOR, i32::from(minor));
    end(&mut writer, version);
    if !request {
        writer.date_time(Tag::TIME_STAMP, 1_700_000_000);
    }
    writer.integer(Tag::BATCH_COUNT, i32::from(items));
    end(&mut writer, begun);
    for _ in 0..items {
        batch_item(&mut writer, &mut input, request);
    }
    end(&mut writer, message);
    buffer
}

fn batch_item(writer: &mut Writer<'_>, input: &mut &[u8], request: bool) {
    let item = writer.begin(Tag::BATCH_ITEM);
    let operation = Operation(u32::from(byte(input)) % OPERATIONS);
    writer.enumeration(Tag::OPERATION, operation.0);
    let payload = if request {
        Tag::REQUEST_PAYLOAD
    } else {
        writer.enumeration(Tag::RESULT_STATUS, 0);
        Tag::RESPONSE_PAYLOAD
    };
    let payload = writer.begin(payload);
    items(writer, input, DEPTH);
    end(writer, payload);
    end(writer, item);
}

/// Items until the bytes end the structure.
fn items(writer: &mut Writer<'_>, input: &mut &[u8], depth: usize) {
    while !input.is_empty() {
        let kind = byte(input) & 0x0F;
        if kind == 0 {
            return;
        }
        let tag = u32::from(byte(input)) | u32::from(byte(input) & 1) << 8;
        let tag = Tag(FIRST_TAG + tag % TAGS);
        match kind {
            1 | 12.. if depth > 0 => {
                let structure = writer.begin(tag);
                items(writer, input, depth - 1);
                end(writer, structure);
            }
            2 => writer.integer(tag, number(input)),
            3 => writer.long_integer(tag, number(input).into()),
            4 => {
                let value = number(input);
                let value = i64::from(value).to_be_bytes();
                writer.big_integer(tag, &value).expect("eight bytes");
            }
            5 => writer.enumeration(tag, number(input).cast_unsigned()),
            6 => writer.boolean(tag, byte(input) & 1 == 1),
            7 => {
                let text = String::from_utf8_lossy(take(input)).into_owned();
                writer.text_string(tag, &text).expect("a short text");
            }
            8 => writer.byte_string(tag, take(input)).expect("few bytes"),
            9 => writer.date_time(tag, number(input).into()),
            10 => writer.interval(tag, number(input).cast_unsigned()),
            _ => writer.date_time_extended(tag, number(input).into()),
        }
    }
}

fn end(writer: &mut Writer<'_>, begun: usize) {
    writer.end(begun).expect("a short structure");
}

fn byte(input: &mut &[u8]) -> u8 {
    input.split_off_first().copied().unwrap_or_default()
}

/// Mostly small numbers, which are those that mean something.
fn number(input: &mut &[u8]) -> i32 {
    let first = byte(input);
    if first < 0xF0 {
        return first.into();
    }
    i32::from_be_bytes(std::array::from_fn(|_| byte(input)))
}

fn take<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(byte(input)).min(input.len());
    let (taken, rest) = input.split_at(length);
    *input = rest;
    taken
}
