//! Servers that run in a process of their own. So nothing of theirs, such as the memory allocator's locks,
//! is shared with the threads that put them under load.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kmip_server::MemoryStore;
use openssl::pkey::PKey;
use openssl::x509::X509;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use test_support::Authority;

use crate::bare::Echo;
use crate::side::{Client, exchange, listen};

/// Set for such a process. Its value says what it is.
pub(crate) const ROLE: &str = "KMIP_LOAD_ROLE";

/// What a process does.
pub(crate) enum Role {
    /// The server, with its objects in memory.
    Server,
    /// An echo with messages of the same sizes.
    Echo { request: usize, response: usize },
}

/// Lets this process and the server have as many descriptors as are allowed.
pub(crate) fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, all);
}

/// The server of this process: tells its address and its authority, and ends with its input.
pub(crate) fn serve() {
    allow_descriptors();
    let authority = Authority::new("load CA");
    let role = env::var(ROLE).unwrap_or_default();
    let sizes: Vec<usize> = role.split(' ').flat_map(str::parse).collect();
    let (_server, address) = match sizes[..] {
        [request, response] => (None, Echo::start(&authority, request, response).address()),
        _ => {
            let server = listen(&authority, Arc::new(MemoryStore::new()));
            let address = server.address();
            (Some(server), address)
        }
    };
    let client = authority.client("load");
    let pem = [
        authority.certificate().to_pem().expect("a certificate"),
        client.certificate.to_pem().expect("a certificate"),
        client.key.private_key_to_pem_pkcs8().expect("a key"),
    ]
    .concat();
    let mut output = std::io::stdout();
    writeln!(output, "{address}").expect("told");
    output.write_all(&pem).expect("told");
    output.flush().expect("told");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// A process that serves, until this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub(crate) fn start(role: &Role) -> Self {
        let role = match role {
            Role::Server => "server".to_owned(),
            Role::Echo { request, response } => format!("echo {request} {response}"),
        };
        let mut child = Command::new(env::current_exe().expect("this program"))
            .env(ROLE, role)
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

    /// Its answer to a request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        exchange(&mut self.client.connect(self.address), request)
    }

    /// What the processor has done for it.
    pub(crate) fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(path).expect("the times of the server");
        // Behind the name, which may have spaces in it; for users' code and for the system's.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.flat_map(str::parse::<u64>).sum();
        Duration::from_secs(ticks) / rustix::param::clock_ticks_per_second() as u32
    }

    /// A number from its status.
    pub(crate) fn status(&self, name: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("the status of the server");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.expect(name).parse().expect("a number")
    }
}
