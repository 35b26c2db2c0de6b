//! What is printed.

use std::fmt::Write;

/// The page, line by line.
pub(crate) struct Page {
    goals: String,
    figures: String,
    notes: String,
    /// Of the machine, before.
    load: String,
}

impl Page {
    pub(crate) fn new() -> Self {
        Page {
            load: load_average(),
            goals: String::new(),
            figures: String::new(),
            notes: String::new(),
        }
    }

    /// A figure that is to be so large.
    pub(crate) fn at_least(&mut self, what: &str, measured: f64, limit: f64) {
        self.goal(what, "≥", measured, limit, measured >= limit);
    }

    /// A figure that is to be smaller.
    pub(crate) fn below(&mut self, what: &str, measured: f64, limit: f64) {
        self.goal(what, "<", measured, limit, measured < limit);
    }

    /// What a goal is to be seen beside.
    pub(crate) fn beside(&mut self, what: &str, measured: f64) {
        let measured = number(measured);
        eprintln!("{what}: {measured}");
        let _ = writeln!(self.goals, "| {what} | | {measured} | for comparison |");
    }

    fn goal(&mut self, what: &str, sign: &str, measured: f64, limit: f64, reached: bool) {
        let reached = if reached { "reached" } else { "**missed**" };
        let measured = number(measured);
        eprintln!("{what}: {measured} ({sign} {limit}): {reached}");
        let _ = writeln!(
            self.goals,
            "| {what} | {sign} {limit} | {measured} | {reached} |"
        );
    }

    pub(crate) fn figure(&mut self, what: &str, measured: f64) {
        let measured = number(measured);
        eprintln!("{what}: {measured}");
        let _ = writeln!(self.figures, "| {what} | {measured} |");
    }

    pub(crate) fn note(&mut self, text: &str) {
        let _ = writeln!(self.notes, "\n{text}");
    }

    pub(crate) fn print(&self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!("# Load\n");
        println!(
            "`make bench` prints this page but for what follows the figures, which is to be written anew for each run; cores in use: {cores}. Client and server share the machine and talk over \
             the loopback interface\nwith mutual TLS. The client of these measurements sends bytes that were \
             encoded beforehand and counts those that it receives, for\nthe server as for the bare echo, so that what \
             is compared are the servers. What is compared was measured by turns; medians. Locate is measured in \
             the engine,\nwithout a network, and in time of the processor, of which other programs take nothing. A ratio is the median of those of the turns, not\nthe ratio of the medians."
        );
        let (before, after) = (&self.load, load_average());
        println!(
            "\nLoad average of the machine (1 minute): {before} before this run, {after} after it."
        );
        println!(
            "\n## Goals\n\n| goal | limit | measured | |\n|---|---|--:|---|\n{}",
            self.goals
        );
        print!("## Figures\n\n| | |\n|---|--:|\n{}", self.figures);
        print!("{}", self.notes);
    }
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
