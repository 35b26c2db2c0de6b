//! Round trips of client and server, a page of their own.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::goals::Goal;
use crate::machine::Machine;
use crate::measured::median;
use crate::page::{goal_rows, reasons};

/// CPU time of a Get by client and engine, nanoseconds.
const MEMORY: f64 = 5000.0;
/// Part of the rate of a bare exchange that a client reaches over TLS.
const RATE: f64 = 0.7;
/// How much faster batches of 50 are.
const BATCHES: f64 = 5.0;

/// Medians; nanoseconds, or ratios.
pub(crate) struct RoundTrips {
    memory: f64,
    memory_batches: f64,
    get: f64,
    bare: f64,
    rate: f64,
    batches: f64,
    pykmip: Option<Pykmip>,
}

/// A Get, nanoseconds.
struct Pykmip {
    /// Our client with its server.
    server: f64,
    /// Its client with our server.
    client: f64,
    /// Its client with its server.
    both: f64,
}

impl RoundTrips {
    /// Reads criterion's directory; `None` where they were not measured.
    pub(crate) fn read(criterion: &Path) -> Result<Option<Self>> {
        if !criterion.join("round-trip-memory").exists() {
            return Ok(None);
        }
        let read =
            |group: &str, name: &str| median(criterion, &format!("round-trip-{group}"), name);
        let pykmip = match criterion.join("round-trip-pykmip").exists() {
            true => Some(Pykmip {
                server: read("pykmip", "server")?,
                client: read("pykmip", "client")?,
                both: read("pykmip", "both")?,
            }),
            false => None,
        };
        Ok(Some(RoundTrips {
            memory: read("memory", "get")?,
            memory_batches: read("memory", "get-100-in-batches")?,
            get: read("tls", "get")?,
            bare: read("tls", "bare")?,
            rate: read("tls-ratio", "rate")?,
            batches: read("tls-ratio", "batches")?,
            pykmip,
        }))
    }

    fn goals(&self) -> [Goal; 3] {
        let goal = |what: &str, limit, measured, at_least| Goal {
            what: what.to_owned(),
            limit,
            measured,
            at_least,
        };
        [
            goal(
                "Get in memory, client and engine, ns of CPU",
                MEMORY,
                self.memory,
                false,
            ),
            goal(
                "Get over TLS, rate / rate of a bare exchange",
                RATE,
                self.rate,
                true,
            ),
            goal(
                "100 keys one by one / in batches of 50, over TLS",
                BATCHES,
                self.batches,
                true,
            ),
        ]
    }

    /// The page.
    pub(crate) fn page(&self, machine: &Machine) -> String {
        let mut page = String::from("# Round trips\n\n");
        let Machine {
            processor,
            cores,
            compiler,
            date,
        } = machine;
        writeln!(
            page,
            "{processor}, cores in use: {cores}; {compiler}; {date}."
        )
        .ok();
        page.push_str(
            "\n`make bench` writes this page. Medians of Gets of an AES-256 key in KMIP 1.4, from a \
             server that has no store.\nIn memory, client and engine run in one thread, and its CPU \
             time counts. Over TLS both are on the loopback\ninterface of the same machine, and the \
             clock on the wall counts; the bare exchange sends and receives as many\nbytes through \
             OpenSSL and does nothing else. What is compared was measured by turns, since the machine \
             may be\nshared.\n\n## Goals\n\n",
        );
        goal_rows(&mut page, self.goals());
        reasons(&mut page, self.goals());
        page.push_str("\n## Microseconds\n\n| | a Get |\n|---|--:|\n");
        let mut row = |what: &str, nanoseconds: f64| {
            writeln!(page, "| {what} | {:.1} |", nanoseconds / 1000.0).ok();
        };
        row("in memory", self.memory);
        row("in memory, in batches of 50", self.memory_batches / 100.0);
        row("over TLS", self.get);
        row("bare exchange over TLS", self.bare);
        if let Some(pykmip) = &self.pykmip {
            row("our client, PyKMIP's server", pykmip.server);
            row("PyKMIP's client, our server", pykmip.client);
            row("PyKMIP's client, PyKMIP's server", pykmip.both);
        }
        page
    }
}
