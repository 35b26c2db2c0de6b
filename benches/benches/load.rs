//! The reference server under load: beside a bare echo over TLS, beside bare SQLite, beside PyKMIP;
//! its memory, and its index. Prints the page `benches/LOAD.md`, if `KMIP_LOAD` is set.
//!
//! `KMIP_LOAD_SECONDS` is the length of a turn (1), `KMIP_LOAD_OBJECTS` the largest number of objects
//! (1,000,000), `KMIP_LOAD_REQUESTS` the requests after which memory is looked at (1,000,000).

#[path = "load/bare.rs"]
mod bare;
#[path = "load/index.rs"]
mod index;
#[path = "load/memory.rs"]
mod memory;
#[path = "load/page.rs"]
mod page;
#[path = "load/pykmip.rs"]
mod pykmip;
#[path = "load/requests.rs"]
mod requests;
#[path = "load/side.rs"]
mod side;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use kmip_server::{MemoryStore, SqliteStore, Store};

use page::Page;
use side::{Latencies, Load, Side};

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
    if env::var_os(memory::ROLE).is_some() {
        return memory::serve();
    }
    // It takes minutes, and is not what criterion is asked for.
    if env::var_os("KMIP_LOAD").is_none() {
        eprintln!("skipped: set KMIP_LOAD=1 to measure the server under load");
        return;
    }
    memory::allow_descriptors();
    let mut page = Page::new();
    gets(&mut page);
    creates(&mut page);
    memory::measure(&mut page);
    index::measure(&mut page);
    page.print();
}

/// Gets from memory beside an echo of the same sizes.
fn gets(page: &mut Page) {
    let side = Side::start(Arc::new(MemoryStore::new()));
    let get = side.client.prepare_get(side.address());
    let echo = bare::Echo::start(&side.authority, get.len(), side.answer(&get).len());
    let mut server = Load::connect(&side.client, side.address(), CONNECTIONS);
    let mut bare = Load::connect(&side.client, echo.address(), CONNECTIONS);
    let (mut ratios, mut rates, mut echoes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut waits, mut bare_waits) = (Latencies::default(), Latencies::default());
    for _ in 0..TURNS {
        let echoed = bare.run(turn(), |_, _| get.clone());
        let ours = server.run(turn(), |_, _| get.clone());
        ratios.push(ours.rate / echoed.rate);
        rates.push(ours.rate);
        echoes.push(echoed.rate);
        waits.add(ours.latencies);
        bare_waits.add(echoed.latencies);
    }
    let rate = page::median(&mut rates);
    page.figure("Gets over 16 connections, per second", rate);
    page.figure(
        "bare TLS echoes over 16 connections, per second",
        page::median(&mut echoes),
    );
    page.at_least("Gets / bare TLS echo", page::median(&mut ratios), 0.6);
    let (middle, slow) = waits.middle_and_slow();
    let (bare_middle, bare_slow) = bare_waits.middle_and_slow();
    for (what, middle, slow) in [
        ("a Get", middle, slow),
        ("a bare echo", bare_middle, bare_slow),
    ] {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        page.figure(
            &format!("{what} over 16 connections, median, µs"),
            micros(middle),
        );
        page.figure(&format!("{what}, 99th percentile, µs"), micros(slow));
    }
    let spread = |middle: Duration, slow: Duration| slow.as_secs_f64() / middle.as_secs_f64();
    page.figure(
        "99th percentile / median of a bare echo",
        spread(bare_middle, bare_slow),
    );
    page.below(
        "99th percentile / median of a Get",
        spread(middle, slow),
        10.0,
    );
    match pykmip::gets() {
        Some(pykmip) => {
            page.figure("Gets of PyKMIP's server, per second", pykmip);
            page.at_least("Gets / Gets of PyKMIP's server", rate / pykmip, 50.0);
        }
        None => page.note("PyKMIP was not there: `scripts/pykmip.sh` starts it."),
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
