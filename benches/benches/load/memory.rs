//! Memory of the server, which runs in a process of its own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use kmip_server::MemoryStore;
use openssl::pkey::PKey;
use openssl::x509::X509;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use test_support::Authority;

use crate::page::Page;
use crate::side::{Client, Load, exchange, listen};
use crate::{CONNECTIONS, setting};

/// Set for the process that is the server.
pub(crate) const ROLE: &str = "KMIP_LOAD_SERVER";
const IDLE: usize = 1000;
/// Those of a server on which nothing happens are fewer.
const FEW_THREADS: f64 = 10.0;
/// After this, connections may keep their threads.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets this process and the server have as many descriptors as are allowed.
pub(crate) fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, all);
}

/// The server: tells its address and its authority, and ends with its input.
pub(crate) fn serve() {
    allow_descriptors();
    let authority = Authority::new("load CA");
    let server = listen(&authority, Arc::new(MemoryStore::new()));
    let client = authority.client("load");
    let pem = [
        authority.certificate().to_pem().expect("a certificate"),
        client.certificate.to_pem().expect("a certificate"),
        client.key.private_key_to_pem_pkcs8().expect("a key"),
    ]
    .concat();
    let mut output = std::io::stdout();
    writeln!(output, "{}", server.address()).expect("told");
    output.write_all(&pem).expect("told");
    output.flush().expect("told");
    let _ = std::io::stdin().read_line(&mut String::new());
}

struct Process {
    child: Child,
    address: SocketAddr,
    client: Client,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut address = String::new();
        output.read_line(&mut address).expect("an address");
        let mut pem = String::new();
        while pem.matches("-----END").count() < 3 {
            assert_ne!(output.read_line(&mut pem).expect("its output"), 0);
        }
        let certificates = X509::stack_from_pem(pem.as_bytes()).expect("certificates");
        let key = PKey::private_key_from_pem(pem.as_bytes()).expect("a key");
        Process {
            child,
            address: address.trim().parse().expect("an address"),
            client: Client::new(&certificates[0], &certificates[1], &key),
        }
    }

    /// Resident memory in KiB that is no file's.
    fn resident(&self) -> f64 {
        self.status("RssAnon:")
    }

    fn status(&self, name: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("the status of the server");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.expect(name).parse().expect("a number")
    }

    /// Waits until connections have given up their threads.
    fn rest(&self) {
        let begin = Instant::now();
        while self.status("Threads:") > FEW_THREADS && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

pub(crate) fn measure(page: &mut Page) {
    let process = Process::start();
    let get = process.client.prepare_get(process.address);
    let before = process.resident();
    // Each has been used once.
    let idle = (0..IDLE).map(|_| {
        let mut stream = process.client.connect(process.address);
        exchange(&mut stream, &get);
        stream
    });
    let idle: Vec<_> = idle.collect();
    let busy = (process.resident() - before) / IDLE as f64;
    page.figure("KiB for each of 1,000 connections just used", busy);
    process.rest();
    page.figure(
        "threads beside 1,000 idle connections",
        process.status("Threads:"),
    );
    let each = (process.resident() - before) / IDLE as f64;
    page.below(
        "KiB of memory for each of 1,000 idle connections",
        each,
        64.0,
    );
    drop(idle);

    let process = Process::start();
    let get = process.client.prepare_get(process.address);
    let mut load = Load::connect(&process.client, process.address, CONNECTIONS);
    let requests = setting("KMIP_LOAD_REQUESTS", 1_000_000);
    let mut until = |count: u64| {
        let each = count / CONNECTIONS as u64;
        load.count(each, |_, _| get.clone());
        process.resident()
    };
    let warm = until(requests / 20);
    let after = until(requests - requests / 20);
    page.figure(
        "requests between two looks at the memory",
        requests as f64 * 0.95,
    );
    page.below("memory after them / before them", after / warm, 1.1);
}
