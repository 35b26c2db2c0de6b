//! Memory of the server.

use std::thread;
use std::time::{Duration, Instant};

use crate::page::Page;
use crate::process::{Process, Role};
use crate::side::{Load, exchange};
use crate::{CONNECTIONS, setting};

const IDLE: usize = 1000;
/// Those of a server on which nothing happens are fewer.
const FEW_THREADS: f64 = 10.0;
/// After this, connections may keep their threads.
const PATIENCE: Duration = Duration::from_secs(30);

/// Resident memory in KiB that is no file's.
fn resident(process: &Process) -> f64 {
    process.status("RssAnon:")
}

/// Waits until connections have given up their threads.
fn rest(process: &Process) {
    let begin = Instant::now();
    while process.status("Threads:") > FEW_THREADS && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn measure(page: &mut Page) {
    let process = Process::start(&Role::Server);
    let get = process.client.prepare_get(process.address);
    let before = resident(&process);
    // Each has been used once.
    let idle = (0..IDLE).map(|_| {
        let mut stream = process.client.connect(process.address);
        exchange(&mut stream, &get);
        stream
    });
    let idle: Vec<_> = idle.collect();
    let busy = (resident(&process) - before) / IDLE as f64;
    page.figure("KiB for each of 1,000 connections just used", busy);
    rest(&process);
    page.figure(
        "threads beside 1,000 idle connections",
        process.status("Threads:"),
    );
    let each = (resident(&process) - before) / IDLE as f64;
    page.below(
        "KiB of memory for each of 1,000 idle connections",
        each,
        64.0,
    );
    drop(idle);

    let process = Process::start(&Role::Server);
    let get = process.client.prepare_get(process.address);
    let mut load = Load::connect(&process.client, process.address, CONNECTIONS);
    let requests = setting("KMIP_LOAD_REQUESTS", 1_000_000);
    let mut until = |count: u64| {
        let each = count / CONNECTIONS as u64;
        load.count(each, |_, _| get.clone());
        resident(&process)
    };
    let warm = until(requests / 20);
    let after = until(requests - requests / 20);
    page.figure(
        "requests between two looks at the memory",
        requests as f64 * 0.95,
    );
    page.below("memory after them / before them", after / warm, 1.1);
}
