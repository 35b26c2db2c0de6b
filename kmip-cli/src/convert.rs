//! `kmip convert`: a message in another encoding.

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::arguments::{Convert, Target};
use crate::failure::Failure;
use crate::input::{self, Encoding};
use crate::message::{self, Layout};
use crate::paint::Paint;
use crate::{decode, tree};

pub(crate) fn run(options: &Convert) -> Result<ExitCode, Failure> {
    let input = input::read(options.message.as_deref(), &options.input)?;
    let layout = match options.compact {
        true => Layout::Compact,
        false => Layout::Indented,
    };
    let converted = match options.to {
        Target::Ttlv | Target::Hex => {
            message::convert(&input, &options.input, Encoding::Ttlv, layout)
        }
        Target::Json => message::convert(&input, &options.input, Encoding::Json, layout),
        Target::Xml => message::convert(&input, &options.input, Encoding::Xml, layout),
        Target::Text => message::to_ttlv(&input, &options.input),
    };
    let mut converted = converted.map_err(|source| {
        let name = input.name.clone();
        Failure::Message { name, source }
    })?;
    match options.to {
        Target::Hex => {
            let digits: String = converted.iter().map(|byte| format!("{byte:02X}")).collect();
            converted = digits.into_bytes();
            converted.push(b'\n');
        }
        Target::Text => {
            let (nodes, _) = tree::read(&converted);
            let version = tree::version(&nodes);
            let version = version.unwrap_or_else(|| message::item_version(&options.input));
            let text = decode::text(&nodes, version, Paint::none(), options.show_secrets);
            converted = text.into_bytes();
        }
        Target::Json | Target::Xml if options.compact => converted.push(b'\n'),
        _ => {}
    }
    match &options.output {
        Some(path) => fs::write(path, converted).map_err(Failure::writing(path))?,
        None => {
            let mut output = io::stdout().lock();
            output.write_all(&converted)?;
            output.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
