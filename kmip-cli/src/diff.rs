//! `kmip diff`: where two messages differ.

use std::io::{self, Write};
use std::process::ExitCode;

use kmip::ProtocolVersion;
use serde_json::json;

use crate::arguments::Diff;
use crate::failure::Failure;
use crate::input;
use crate::message;
use crate::online::show;
use crate::paint::Paint;
use crate::tree::{self, Node, Value};

/// Differences that are printed without `--all`.
const FIRST: usize = 10;

pub(crate) fn run(options: &Diff) -> Result<ExitCode, Failure> {
    let read = |argument: &str| {
        let input = input::read(Some(argument), &options.input)?;
        message::to_ttlv(&input, &options.input).map_err(|source| {
            let name = input.name;
            Failure::Message { name, source }
        })
    };
    let (left, right) = (read(&options.left)?, read(&options.right)?);
    let (left, right) = (tree::read(&left).0, tree::read(&right).0);
    let version = |nodes: &[Node<'_>]| {
        tree::version(nodes).unwrap_or_else(|| message::item_version(&options.input))
    };
    let mut comparison = Comparison {
        left: Side {
            version: version(&left),
            nodes: &left,
        },
        right: Side {
            version: version(&right),
            nodes: &right,
        },
        secrets: options.output.show_secrets,
        found: Vec::new(),
    };
    comparison.items(0..left.len(), 0..right.len(), "");
    let paint = Paint::new(options.output.color);
    let found = comparison.found;
    let status = match found.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    if options.json {
        let list = found.iter().map(|difference| {
            json!({
                "path": difference.path,
                "left": difference.left,
                "right": difference.right,
            })
        });
        show::json(&list.collect())?;
        return Ok(status);
    }
    let mut output = io::stdout().lock();
    let limit = if options.all { found.len() } else { FIRST };
    for difference in found.iter().take(limit) {
        writeln!(output, "{}", paint.head(&difference.path))?;
        for (sign, shown) in [("-", &difference.left), ("+", &difference.right)] {
            if let Some(shown) = shown {
                writeln!(output, "  {} {shown}", paint.error(sign))?;
            }
        }
    }
    if found.len() > limit {
        writeln!(output, "and {} more differences", found.len() - limit)?;
    }
    output.flush()?;
    Ok(status)
}

struct Side<'n> {
    version: ProtocolVersion,
    nodes: &'n [Node<'n>],
}

/// A difference: what one message has and the other has not.
struct Difference {
    path: String,
    left: Option<String>,
    right: Option<String>,
}

struct Comparison<'n> {
    left: Side<'n>,
    right: Side<'n>,
    secrets: bool,
    found: Vec<Difference>,
}

type Range = std::ops::Range<usize>;

impl Comparison<'_> {
    /// Compares the items of two structures, which stand in these ranges. Depth is limited by the
    /// reader.
    fn items(&mut self, left: Range, right: Range, path: &str) {
        let lefts = children(self.left.nodes, left);
        let rights = children(self.right.nodes, right);
        let (mut l, mut r) = (0, 0);
        while l < lefts.len() || r < rights.len() {
            let (a, b) = (lefts.get(l).cloned(), rights.get(r).cloned());
            match (a, b) {
                (Some(a), Some(b)) if self.tag_of(&a, true) == self.tag_of(&b, false) => {
                    let step = step(self.left.nodes, &lefts, l);
                    self.item(a, b, &join(path, &step));
                    l += 1;
                    r += 1;
                }
                (Some(a), b) => {
                    // Whoever finds the other's item further on has something inserted.
                    let ahead = b.as_ref().is_none_or(|b| {
                        let wanted = self.tag_of(b, false);
                        lefts[l..].iter().any(|a| self.tag_of(a, true) == wanted)
                    });
                    match b {
                        Some(b) if !ahead => {
                            self.only(b, path, false);
                            r += 1;
                        }
                        _ => {
                            self.only(a, path, true);
                            l += 1;
                        }
                    }
                }
                (None, Some(b)) => {
                    self.only(b, path, false);
                    r += 1;
                }
                (None, None) => {}
            }
        }
    }

    fn tag_of(&self, range: &Range, left: bool) -> kmip::types::Tag {
        let nodes = if left {
            self.left.nodes
        } else {
            self.right.nodes
        };
        nodes[range.start].tag
    }

    fn item(&mut self, left: Range, right: Range, path: &str) {
        let (a, b) = (&self.left.nodes[left.start], &self.right.nodes[right.start]);
        if a.value == Value::Structure && b.value == Value::Structure {
            return self.items(left.start + 1..left.end, right.start + 1..right.end, path);
        }
        if a.value != b.value {
            let shown = |node: &Node<'_>, version| {
                Some(format!(
                    "{} {}",
                    node.shown(version, self.secrets),
                    node.type_name()
                ))
            };
            let difference = Difference {
                path: path.to_owned(),
                left: shown(a, self.left.version),
                right: shown(b, self.right.version),
            };
            self.found.push(difference);
        }
    }

    /// An item that only one message has.
    fn only(&mut self, range: Range, path: &str, left: bool) {
        let side = if left { &self.left } else { &self.right };
        let node = &side.nodes[range.start];
        let shown = format!(
            "{} {}",
            node.shown(side.version, self.secrets),
            node.type_name()
        );
        let shown = Some(shown.trim_start().to_owned());
        let path = join(path, &node.tag.to_string());
        let (left, right) = if left { (shown, None) } else { (None, shown) };
        self.found.push(Difference { path, left, right });
    }
}

/// The ranges of the items that stand directly in a range.
fn children(nodes: &[Node<'_>], range: Range) -> Vec<Range> {
    let mut children = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let depth = nodes[at].depth;
        let inner = nodes[at + 1..range.end].iter();
        let end = at + 1 + inner.take_while(|node| node.depth > depth).count();
        children.push(at..end);
        at = end;
    }
    children
}

/// The name of an item, with its number if there are several.
fn step(nodes: &[Node<'_>], siblings: &[Range], index: usize) -> String {
    let tag = nodes[siblings[index].start].tag;
    let same = |ranges: &[Range]| ranges.iter().filter(|r| nodes[r.start].tag == tag).count();
    match same(siblings) {
        1 => tag.to_string(),
        _ => format!("{tag}[{}]", same(&siblings[..index])),
    }
}

fn join(path: &str, step: &str) -> String {
    match path {
        "" => step.to_owned(),
        path => format!("{path}/{step}"),
    }
}
