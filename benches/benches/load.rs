//! The reference server under load: beside a bare echo over TLS, beside bare SQLite, beside PyKMIP;
//! its memory, and its index. Prints the page `benches/LOAD.md`, if `KMIP_LOAD` is set.
//!
//! `KMIP_LOAD_SECONDS` is the length of a turn (1), `KMIP_LOAD_OBJECTS` the largest number of objects
//! (1,000,000), `KMIP_LOAD_REQUESTS` the requests after which memory is looked at (1,000,000). With
//! `KMIP_LOAD_PARTS`, only some are measured: `gets`, `creates`, `memory` and `locate`, with commas between.

#[path = "load/bare.rs"]
mod bare;
#[path = "load/index.rs"]
mod index;
#[path = "load/memory.rs"]
mod memory;
#[path = "load/page.rs"]
mod page;
#[path = "load/process.rs"]
mod process;
#[path = "load/pykmip.rs"]
mod pykmip;
#[path = "load/requests.rs"]
mod requests;
#[path = "load/side.rs"]
mod side;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use kmip_server::{SqliteStore, Store};

use page::Page;
use process::{Process, Role};
use side::{Load, Measured, Side};

/// Fills a part of the page.
type Measure = fn(&mut Page);

/// Connections at a time.
const CONNECTIONS: usize = 16;
/// Measurements of each of two that are compared, by turns.
const TURNS: usize = 5;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    let text = env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn turn() -> Duration {
    Duration::from_secs(setting("KMIP_LOAD_SECONDS", 1))
}

fn main() {
    if env::var_os(process::ROLE).is_some() {
        return process::serve();
    }
    // It takes minutes, and is not what criterion is asked for.
    if env::var_os("KMIP_LOAD").is_none() {
        eprintln!("skipped: set KMIP_LOAD=1 to measure the server under load");
        return;
    }
    process::allow_descriptors();
    let parts = env::var("KMIP_LOAD_PARTS").ok();
    let mut page = Page::new();
    let measures: [(&str, Measure); 4] = [
        ("gets", gets),
        ("creates", creates),
        ("memory", memory::measure),
        ("locate", index::measure),
    ];
    let is_wanted = |part: &str| {
        let parts = parts.as_deref();
        parts.is_none_or(|parts| parts.split(',').any(|wanted| wanted == part))
    };
    for (part, measure) in measures {
        if is_wanted(part) {
            measure(&mut page);
        }
    }
    page.print();
}

/// Gets from memory beside an echo of the same sizes.
fn gets(page: &mut Page) {
    let server = Process::start(&Role::Server);
    let get = server.client.prepare_get(server.address);
    let echo = Process::start(&Role::Echo {
        request: get.len(),
        response: server.answer(&get).len(),
    });
    let load = |process: &Process| Load::connect(&process.client, process.address, CONNECTIONS);
    let (mut ours, mut bare) = (load(&server), load(&echo));
    let run = |load: &mut Load, process: &Process| {
        let before = process.processor_time();
        let mut measured = load.run(turn(), |_, _| get.clone());
        measured.work += process.processor_time() - before;
        measured
    };
    let (mut ratios, mut rates, mut echoes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gets, mut bare_gets) = (Waits::default(), Waits::default());
    for _ in 0..TURNS {
        let echoed = run(&mut bare, &echo);
        let ours = run(&mut ours, &server);
        ratios.push(ours.rate / echoed.rate);
        rates.push(ours.rate);
        echoes.push(echoed.rate);
        gets.add(ours);
        bare_gets.add(echoed);
    }
    let rate = page::median(&mut rates);
    page.figure("Gets over 16 connections, per second", rate);
    page.figure(
        "bare TLS echoes over 16 connections, per second",
        page::median(&mut echoes),
    );
    page.at_least("Gets / bare TLS echo", page::median(&mut ratios), 0.6);
    gets.tell(page, "a Get");
    bare_gets.tell(page, "a bare echo");
    let spread = "99th percentile / median of";
    page.below(
        &format!("{spread} a Get"),
        page::median(&mut gets.spreads),
        10.0,
    );
    page.beside(
        &format!("{spread} a bare echo"),
        page::median(&mut bare_gets.spreads),
    );
    match pykmip::gets() {
        Some(pykmip) => {
            page.figure("Gets of PyKMIP's server, per second", pykmip);
            page.at_least("Gets / Gets of PyKMIP's server", rate / pykmip, 50.0);
        }
        None => page.note("PyKMIP was not there: `scripts/pykmip.sh` starts it."),
    }
}

/// How long answers took, turn by turn.
#[derive(Default)]
struct Waits {
    /// Microseconds.
    middles: Vec<f64>,
    slow: Vec<f64>,
    spreads: Vec<f64>,
    work: Vec<f64>,
}

impl Waits {
    fn add(&mut self, measured: Measured) {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        self.work
            .push(micros(measured.work) / measured.latencies.len() as f64);
        let (middle, slow) = measured.middle_and_slow();
        self.middles.push(micros(middle));
        self.slow.push(micros(slow));
        self.spreads.push(slow.as_secs_f64() / middle.as_secs_f64());
    }

    fn tell(&mut self, page: &mut Page, what: &str) {
        for (name, times) in [
            ("over 16 connections, median, µs", &mut self.middles),
            ("99th percentile, µs", &mut self.slow),
            ("processor time of client and server, µs", &mut self.work),
        ] {
            page.figure(&format!("{what}, {name}"), page::median(times));
        }
    }
}

/// Durable Creates beside transactions with the same rows.
fn creates(page: &mut Page) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("keys.sqlite");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).expect("a store"));
    let side = Side::start(store);
    let mut server = Load::connect(&side.client, side.address(), CONNECTIONS);
    let creates = requests::Creates::new();
    // The first rows are what the bare transactions carry.
    server.run(turn(), |_, _| creates.next());
    let mut bare = bare::Rows::like(&file, &directory.path().join("bare.sqlite"));
    let (mut ratios, mut rates, mut transactions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let alone = bare.run(turn());
        let ours = server.run(turn(), |_, _| creates.next()).rate;
        ratios.push(ours / alone);
        rates.push(ours);
        transactions.push(alone);
    }
    let rate = page::median(&mut rates);
    page.figure("durable Creates over 16 connections, per second", rate);
    page.figure(
        "bare SQLite transactions, per second",
        page::median(&mut transactions),
    );
    page.at_least(
        "Creates / bare SQLite transactions",
        page::median(&mut ratios),
        0.6,
    );
    if let Some(pykmip) = pykmip::creates() {
        page.figure("Creates of PyKMIP's server, per second", pykmip);
        page.at_least("Creates / Creates of PyKMIP's server", rate / pykmip, 50.0);
    }
}
