//! `kmip decode`: a message as a tree.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use kmip::ProtocolVersion;
use kmip::codec::Error;
use serde_json::json;

use crate::arguments::{Decode, InputOptions};
use crate::failure::Failure;
use crate::fragments;
use crate::input::{self, Encoding, Input};
use crate::message;
use crate::online::show;
use crate::paint::Paint;
use crate::tree::{self, Node, Value};

/// Bytes of a broken TTLV message that are shown: the header of an item, which is no secret.
const SHOWN_BYTES: usize = 8;

/// Characters of a broken text that are shown before and behind the fault.
const SHOWN_CHARACTERS: usize = 60;

pub(crate) fn run(options: &Decode) -> Result<ExitCode, Failure> {
    let input = input::read(options.message.as_deref(), &options.input)?;
    let paint = Paint::new(options.output.color);
    let secrets = options.output.show_secrets;
    let mut output = io::stdout().lock();
    let forms: Vec<String> = input.forms.iter().map(|form| format!("{form:?}")).collect();
    let form = paint.kind(&format!("# {}, {}", input.name, forms.join(", ")));
    match message::to_ttlv(&input, &options.input) {
        Ok(ttlv) => {
            let (nodes, _) = tree::read(&ttlv);
            let version = version_of(&nodes, &options.input);
            if options.json {
                drop(output);
                show::json(&json!({
                    "name": input.name,
                    "forms": forms,
                    "version": version.to_string(),
                    "tag": nodes.first().map(Node::name),
                    "value": show::to_json(&nodes, version, secrets),
                }))?;
                return Ok(ExitCode::SUCCESS);
            }
            let tree = text(&nodes, version, paint, secrets);
            writeln!(output, "{form}\n{}", tree.trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if options.input.lenient {
                let tree = readable(&input, &options.input, paint, secrets);
                writeln!(output, "{form}\n{}", tree.trim_end())?;
            }
            write!(output, "{}", place(&input, &error, paint, secrets))?;
            output.flush()?;
            let name = input.name;
            Err(Failure::Message {
                name,
                source: error,
            })
        }
    }
}

/// What can be read of a broken message, with marks where it cannot.
fn readable(input: &Input, options: &InputOptions, paint: Paint, secrets: bool) -> String {
    let show = |nodes: &[Node<'_>]| {
        let version = version_of(nodes, options);
        text(nodes, version, paint, secrets)
    };
    if input.encoding == Encoding::Ttlv {
        let readable = tree::without_missing(&input.bytes);
        let (nodes, _) = tree::read(&readable);
        return show(&nodes);
    }
    let rules = message::options(options);
    let (fragments, fault) = match input.encoding {
        Encoding::Json => kmip::json::Reader::new().fragments(&input.bytes, &rules),
        _ => kmip::xml::Reader::new().fragments(&input.bytes, &rules),
    };
    let mut shown = show(&fragments::nodes(&fragments));
    if fault.is_some() {
        shown.push_str(&paint.error("(not readable from here on)"));
    }
    shown
}

fn version_of(nodes: &[Node<'_>], options: &InputOptions) -> ProtocolVersion {
    tree::version(nodes).unwrap_or_else(|| message::item_version(options))
}

/// The tree, a line for each item.
pub(crate) fn text(
    nodes: &[Node<'_>],
    version: ProtocolVersion,
    paint: Paint,
    secrets: bool,
) -> String {
    let mut text = String::new();
    for node in nodes {
        let _ = write!(text, "{:1$}", "", 2 * node.depth);
        text.push_str(&paint.tag(&node.name()));
        if node.value != Value::Structure {
            let shown = node.shown(version, secrets);
            let shown = match node.secret {
                true => paint.secret(&shown),
                false => shown,
            };
            let _ = write!(text, ": {shown}");
            if !node.type_name().is_empty() {
                let _ = write!(text, " {}", paint.kind(node.type_name()));
            }
        } else if node.depth == 0 && tree::version(nodes).is_some() {
            let _ = write!(text, " {}", paint.kind(&format!("KMIP {version}")));
        }
        if let Some(fault) = node.fault(secrets) {
            let _ = write!(text, " {}", paint.error(&format!("({fault})")));
        }
        text.push('\n');
    }
    text
}

/// The place of a fault, with a caret below it.
fn place(input: &Input, error: &Error, paint: Paint, secrets: bool) -> String {
    let Some(offset) = error.offset() else {
        return String::new();
    };
    let caret = paint.error("^");
    if input.encoding == Encoding::Ttlv {
        let end = input.bytes.len().min(offset + SHOWN_BYTES);
        let shown = input.bytes.get(offset..end).unwrap_or_default();
        let digits: Vec<String> = shown.iter().map(|byte| format!("{byte:02X}")).collect();
        let digits = match digits.is_empty() {
            true => "(the end)".to_owned(),
            false => digits.join(" "),
        };
        return format!(
            "byte {offset}: {digits}\n{:1$}{caret}\n",
            "",
            format!("byte {offset}: ").len()
        );
    }
    let text = String::from_utf8_lossy(&input.bytes);
    let offset = (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default();
    let (before, behind) = text.split_at(offset);
    let line = 1 + before.matches('\n').count();
    let before = before.rsplit('\n').next().unwrap_or_default();
    let behind = behind.split('\n').next().unwrap_or_default();
    let skip = before.chars().count().saturating_sub(SHOWN_CHARACTERS);
    let before: String = before.chars().skip(skip).map(visible).collect();
    let mut behind: String = behind.chars().take(SHOWN_CHARACTERS).map(visible).collect();
    let mut before = before.trim_start().to_owned();
    if !secrets {
        // A value may be a key.
        if !before.is_empty() {
            before = "...".to_owned();
        }
        behind = without_values(&behind);
    }
    let head = format!("line {line}: ");
    let width = head.len() + before.chars().count();
    format!("{head}{before}{behind}\n{:1$}{caret}\n", "", width)
}

fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Puts dots in the place of what stands behind `value`, and of values without it.
fn without_values(text: &str) -> String {
    match text.find("value") {
        Some(at) => format!("{}...", &text[..at]),
        None if text.trim_start().starts_with(['<', '{', '}', ']', '/']) => text.to_owned(),
        None => "...".to_owned(),
    }
}
