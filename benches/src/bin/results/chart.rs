//! The results as a chart: a row for each message, points on a logarithmic scale of time.

use std::fmt::Write as _;

use kmip::Encoding;

use crate::measured::{Measured, Results, Work};
use crate::page::title;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const ROW: f64 = 40.0;
/// Distance of decode and encode from the middle of their row.
const LINE: f64 = 9.0;

/// Ends of the scale, as powers of ten of nanoseconds.
const FIRST: i32 = 1;
const LAST: i32 = 7;
const UNITS: [&str; 7] = [
    "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms",
];

/// The SVG. It follows the colour scheme of the reader, and has a background of its own, since
/// pages do not always follow it.
pub(crate) fn chart(results: &Results) -> String {
    let height = TOP + ROW * results.messages.len() as f64 + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Time to decode and encode nine messages\">\n{STYLE}\
         <rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n"
    );
    let end = TOP + ROW * results.messages.len() as f64;
    legend(&mut svg, !results.peers.is_empty());
    for power in FIRST..=LAST {
        let x = x_of(10_f64.powi(power));
        let unit = UNITS[(power - FIRST) as usize];
        line(&mut svg, "grid", x, TOP, x, end);
        text(&mut svg, "axis", x, end + 18.0, unit);
    }
    text(
        &mut svg,
        "note",
        12.0,
        end + 18.0,
        "logarithmic scale; left is faster",
    );
    for (index, message) in results.messages.iter().enumerate() {
        let middle = TOP + ROW * (index as f64 + 0.5);
        line(
            &mut svg,
            "grid",
            12.0,
            middle + ROW / 2.0,
            WIDTH - RIGHT,
            middle + ROW / 2.0,
        );
        row(&mut svg, results, message, middle);
    }
    svg.push_str("</svg>\n");
    svg
}

const STYLE: &str = "<style>\n\
    text { font: 13px sans-serif; fill: #24292f; dominant-baseline: middle }\n\
    .page { fill: #ffffff }\n\
    .title, .letter { font-weight: bold }\n\
    .axis { font-size: 12px; text-anchor: middle }\n\
    .small { font-size: 11px; text-anchor: end; fill: #57606a }\n\
    .note { font-size: 12px; fill: #57606a }\n\
    .grid { stroke: #8b949e; stroke-opacity: .35 }\n\
    .span { stroke: #8b949e; stroke-width: 2 }\n\
    .mark { stroke: #ffffff; stroke-width: 1 }\n\
    .walk { fill: #6e7781 }\n\
    .ttlv { fill: #0b7285 }\n\
    .json { fill: #d9730d }\n\
    .xml { fill: #9c36b5 }\n\
    .peer { fill: #e03131 }\n\
    @media (prefers-color-scheme: dark) {\n\
    .page { fill: #0d1117 } .mark { stroke: #0d1117 }\n\
    text { fill: #e6edf3 } .small, .note { fill: #9da7b3 } .walk { fill: #9da7b3 }\n\
    .ttlv { fill: #3bc9db } .json { fill: #ffa94d } .xml { fill: #da77f2 } .peer { fill: #ff6b6b }\n\
    }\n</style>\n";

fn legend(svg: &mut String, with_peers: bool) {
    let mut names = vec![
        ("walk", "bare walk"),
        ("ttlv", "TTLV"),
        ("json", "JSON"),
        ("xml", "XML"),
    ];
    if with_peers {
        names.push(("peer", "kmip-protocol, TTLV"));
    }
    text(svg, "title", 12.0, 22.0, "CPU time per message");
    let mut x = LEFT;
    for (class, name) in names {
        point(svg, class, x, 22.0, name);
        text(svg, "name", x + 11.0, 22.0, name);
        x += 34.0 + 7.5 * name.len() as f64;
    }
}

fn row(svg: &mut String, results: &Results, message: &Measured, middle: f64) {
    text(svg, "letter", 12.0, middle, &message.letter.to_string());
    text(svg, "name", 30.0, middle, message.title);
    for (work, name, y) in [
        (Work::Decode, "decode", middle - LINE),
        (Work::Encode, "encode", middle + LINE),
    ] {
        text(svg, "small", LEFT - 12.0, y, name);
        let mut points = Vec::new();
        for codec in &message.codecs {
            let time = match work {
                Work::Decode => codec.times.decode,
                Work::Encode => codec.times.encode,
            };
            points.push((
                kmip_benches::name_of(codec.encoding),
                title(codec.encoding),
                time,
            ));
        }
        if let (Work::Decode, Some(codec)) = (work, message.codec(Encoding::Ttlv)) {
            points.push(("walk", "walk", codec.times.walk));
        }
        let peers = results.peers.iter();
        let peers = peers.filter(|peer| peer.letter == message.letter && peer.work == work);
        points.extend(peers.map(|peer| ("peer", "kmip-protocol", peer.theirs)));
        let times = || points.iter().map(|(_, _, time)| *time);
        let (least, most) = (
            times().fold(f64::MAX, f64::min),
            times().fold(0.0, f64::max),
        );
        line(svg, "span", x_of(least), y, x_of(most), y);
        for (class, title, time) in points {
            point(svg, class, x_of(time), y, &format!("{title}: {time:.0} ns"));
        }
    }
}

/// Where a time stands on the scale.
fn x_of(nanoseconds: f64) -> f64 {
    let (first, last) = (f64::from(FIRST), f64::from(LAST));
    let share = (nanoseconds.log10() - first) / (last - first);
    LEFT + share.clamp(0.0, 1.0) * (WIDTH - RIGHT - 16.0 - LEFT)
}

/// A mark, with a form of its own for each class: colours are not for everybody.
fn point(svg: &mut String, class: &str, x: f64, y: f64, title: &str) {
    let form = match class {
        "walk" => "M-2-6h4v12h-4z",
        "json" => "M-5.5-5.5h11v11h-11z",
        "xml" => "M0-6l6 6-6 6-6-6z",
        "peer" => "M0-6l6 10.5h-12z",
        _ => "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    };
    writeln!(
        svg,
        "<path class=\"mark {class}\" transform=\"translate({x:.1} {y:.1})\" d=\"{form}\">\
         <title>{title}</title></path>"
    )
    .ok();
}

fn line(svg: &mut String, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
    writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    )
    .ok();
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
    )
    .ok();
}
