//! `kmip raw`: a message as it is, and its answer.

use std::io::{self, Write};

use kmip::Encoding as WireEncoding;

use crate::arguments::{Raw, Target};
use crate::connect::{Exchange, Settings};
use crate::decode;
use crate::failure::Failure;
use crate::input::{self, Encoding, Input};
use crate::message::{self, Layout};
use crate::paint::Paint;
use crate::tree;

pub(super) fn run(options: &Raw) -> Result<(), Failure> {
    let input = input::read(options.message.as_deref(), &options.input)?;
    let mut exchange = Exchange::open(&Settings::resolve(&options.server)?)?;
    let encoding = match exchange.encoding() {
        WireEncoding::Json => Encoding::Json,
        WireEncoding::Xml => Encoding::Xml,
        _ => Encoding::Ttlv,
    };
    // Sent as it is where that is possible, right or wrong.
    let request = match encoding == input.encoding {
        true => input.bytes,
        false => message::convert(&input, &options.input, encoding, Layout::Compact).map_err(
            |source| Failure::Message {
                name: input.name,
                source,
            },
        )?,
    };
    let answer = Input {
        name: "the answer".to_owned(),
        forms: Vec::new(),
        encoding,
        bytes: exchange.exchange(&request)?,
    };
    let shown = show(&answer, options).map_err(|source| Failure::Message {
        name: answer.name.clone(),
        source,
    })?;
    let mut output = io::stdout().lock();
    output.write_all(&shown)?;
    output.flush()?;
    Ok(())
}

fn show(answer: &Input, options: &Raw) -> kmip::codec::Result<Vec<u8>> {
    let input = &options.input;
    let mut shown = match options.to {
        Target::Json => message::convert(answer, input, Encoding::Json, Layout::Indented)?,
        Target::Xml => message::convert(answer, input, Encoding::Xml, Layout::Indented)?,
        Target::Ttlv => return message::convert(answer, input, Encoding::Ttlv, Layout::Compact),
        Target::Hex => {
            let bytes = message::convert(answer, input, Encoding::Ttlv, Layout::Compact)?;
            crate::values::to_hex(&bytes).into_bytes()
        }
        Target::Text => {
            let ttlv = message::to_ttlv(answer, input)?;
            let (nodes, _) = tree::read(&ttlv);
            let version = tree::version(&nodes);
            let version = version.unwrap_or_else(|| message::item_version(input));
            let paint = Paint::new(options.output.color);
            decode::text(&nodes, version, paint, options.output.show_secrets).into_bytes()
        }
    };
    if shown.last() != Some(&b'\n') {
        shown.push(b'\n');
    }
    Ok(shown)
}
