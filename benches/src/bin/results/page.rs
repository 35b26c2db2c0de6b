//! The results as Markdown.

use std::fmt::Write as _;

use kmip::Encoding;

use crate::goals::{Goal, goals};
use crate::machine::Machine;
use crate::measured::{Codec, Measured, Results, Times, Work};
use crate::missed_goals;

/// The whole page.
pub(crate) fn page(results: &Results, compile_time: &[(String, f64)], machine: &Machine) -> String {
    let mut page = String::new();
    head(&mut page, machine);
    page.push_str("\n## Goals\n\n");
    goal_table(&mut page, results);
    reasons(&mut page, goals(results));
    page.push_str("\n## Multiples of the walk\n\n");
    table(&mut page, results, |codec| codec.ratios, ratio);
    page.push_str("\nMessage a in JSON as others write it, decoded, in multiples of the walk: ");
    let variants = results.json_variants.iter();
    let variants = variants.map(|(name, times)| format!("{} {times:.1}", name.replace('_', " ")));
    page.push_str(&variants.collect::<Vec<_>>().join(", "));
    page.push_str(".\n");
    copies(&mut page, results);
    page.push_str("\n## Nanoseconds\n\n");
    table(&mut page, results, |codec| codec.times, nanoseconds);
    page.push_str("\n## Allocations\n\n");
    allocation_table(&mut page, results);
    if !results.peers.is_empty() {
        page.push_str("\n## Compared with kmip-protocol\n\n");
        peer_table(&mut page, results);
    }
    if !compile_time.is_empty() {
        page.push_str("\n## Compile time\n\n");
        compile_table(&mut page, compile_time);
    }
    page
}

/// Name of an encoding for people.
pub(crate) fn title(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "JSON",
        Encoding::Xml => "XML",
        _ => "TTLV",
    }
}

fn head(page: &mut String, machine: &Machine) {
    let Machine {
        processor,
        cores,
        compiler,
        date,
    } = machine;
    page.push_str("# Results of the benchmarks\n\n");
    page.push_str("`make bench` writes this page and the chart beside it, both from one run.\n\n");
    page.push_str("![Times of decoding and encoding](results.svg)\n\n");
    writeln!(
        page,
        "{processor}, cores in use: {cores}; {compiler}; {date}."
    )
    .ok();
    page.push_str(
        "
Times are medians of the thread's CPU time. The machine may be shared and change its speed:
compare the multiples, for which each work and the walk were measured by turns, not the
nanoseconds. The *walk* visits every item of the message in TTLV, checks headers, lengths and
padding, and builds nothing; no decoder can do with less. *Decode* borrows from the message and
includes freeing; *into owned* is decoding and then copying what was borrowed; *encode* appends
to a buffer that is used again, readers of JSON and XML are used again as well.
",
    );
}

fn goal_table(page: &mut String, results: &Results) {
    goal_rows(page, goals(results));
}

/// Goals, reached and missed.
pub(crate) fn goal_rows(page: &mut String, goals: impl IntoIterator<Item = Goal>) {
    page.push_str("| goal | limit | measured | |\n|---|---|---|---|\n");
    for goal in goals {
        let sign = if goal.at_least { "≥" } else { "≤" };
        let verdict = if goal.reached() {
            "reached"
        } else {
            "**missed**"
        };
        let (what, limit) = (&goal.what, goal.limit);
        let measured = ratio(goal.measured);
        writeln!(page, "| {what} | {sign} {limit} | {measured} | {verdict} |").ok();
    }
}

/// Why goals are missed, for those that are.
pub(crate) fn reasons(page: &mut String, goals: impl IntoIterator<Item = Goal>) {
    let missed: Vec<Goal> = goals.into_iter().filter(|goal| !goal.reached()).collect();
    if missed.is_empty() {
        return;
    }
    page.push_str("\n### Why goals are missed\n\n");
    for (goals, reason) in missed_goals::explained(&missed) {
        writeln!(page, "* **{}**: {reason}", goals.join("; ")).ok();
    }
}

/// Message by encoding and work.
fn table(
    page: &mut String,
    results: &Results,
    times: impl Fn(&Codec) -> Times,
    show: impl Fn(f64) -> String,
) {
    page.push_str("| message | bytes | walk |");
    for encoding in Encoding::ALL {
        let title = title(encoding);
        write!(page, " {title} decode | into owned | encode |").ok();
    }
    page.push_str("\n|---|--:|--:|");
    page.push_str(&"--:|".repeat(3 * Encoding::ALL.len()));
    page.push('\n');
    for message in &results.messages {
        row_head(page, message);
        let walk = message.codecs.first().map(|codec| show(times(codec).walk));
        write!(page, " {} |", walk.unwrap_or_default()).ok();
        for codec in &message.codecs {
            let times = times(codec);
            for time in [times.decode, times.into_owned, times.encode] {
                write!(page, " {} |", show(time)).ok();
            }
        }
        page.push('\n');
    }
}

/// What encoding a large payload costs beside copying it, with which no encoder can do without.
fn copies(page: &mut String, results: &Results) {
    let of = |message: &Measured| {
        let encode = message.codec(Encoding::Ttlv)?.ratios.encode;
        let times = ratio(encode / message.copy?);
        Some(format!("{} {times}", message.letter))
    };
    let list: Vec<String> = results.messages.iter().filter_map(of).collect();
    if !list.is_empty() {
        let list = list.join(", ");
        writeln!(
            page,
            "\nEncoding TTLV, in multiples of copying the same bytes into the buffer: {list}."
        )
        .ok();
    }
}

fn allocation_table(page: &mut String, results: &Results) {
    page.push_str(
        "Decode / into owned / encode, with a reader and a buffer that were used before. \
         A decode allocates once for each repeated field, and in text once for each byte \
         string and each text with escapes. XML allocates 4 to 9 times more: `quick-xml`'s reader \
         keeps a stack of the names of open elements, also if it is told not to check them, and \
         cannot be used for another message.\n\n| message | bytes | TTLV | JSON | XML |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for message in &results.messages {
        row_head(page, message);
        for codec in &message.codecs {
            let count = &codec.allocations;
            let (decode, into_owned, encode) = (count.decode, count.into_owned, count.encode);
            write!(page, " {decode} / {into_owned} / {encode} |").ok();
        }
        page.push('\n');
    }
}

fn row_head(page: &mut String, message: &Measured) {
    let Measured {
        letter,
        title,
        bytes,
        ..
    } = message;
    write!(page, "| {letter}: {title} | {bytes} |").ok();
}

fn peer_table(page: &mut String, results: &Results) {
    page.push_str(
        "`kmip-protocol` 0.4.3 with `kmip-ttlv` 0.3.5 on the same bytes, ns.\n\n\
         | | kmip | kmip-protocol | times faster |\n|---|--:|--:|--:|\n",
    );
    for peer in &results.peers {
        let work = match peer.work {
            Work::Decode => "decode",
            Work::Encode => "encode",
        };
        let (ours, theirs) = (nanoseconds(peer.ours), nanoseconds(peer.theirs));
        let times = ratio(peer.ratio);
        writeln!(
            page,
            "| {work} {} | {ours} | {theirs} | {times} |",
            peer.letter
        )
        .ok();
    }
}

fn compile_table(page: &mut String, compile_time: &[(String, f64)]) {
    page.push_str(
        "CPU seconds of a clean, not incremental build of the crate `kmip` with its generated \
         types and its build script; dependencies were built before.\n\n\
         | profile | CPU seconds |\n|---|--:|\n",
    );
    for (profile, seconds) in compile_time {
        writeln!(page, "| {profile} | {seconds:.1} |").ok();
    }
}

fn ratio(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.2}")
    } else {
        grouped(value)
    }
}

fn nanoseconds(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        grouped(value)
    }
}

/// A whole number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
