//! PyKMIP beside us, where `scripts/pykmip.sh` has started it: its client with our server, our
//! client with its server, and its client with its server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::transport::tls::{ClientTls, Identity};
use kmip::types::CryptographicUsageMask;

use super::tls::World;
use kmip_benches::IDENTIFIER;

/// Fetches a key so many times, and prints how many seconds that took.
const CLIENT: &str = "\
import sys, time, tempfile
from kmip.core import enums
from kmip.pie.client import ProxyKmipClient
host, port, ca, cert, key, identifier, count = sys.argv[1:]
with tempfile.NamedTemporaryFile('w', suffix='.conf') as config:
    config.write('[client]\\n')
    config.flush()
    client = ProxyKmipClient(hostname=host, port=int(port), ca=ca, cert=cert, key=key,
        ssl_version='PROTOCOL_TLSv1_2', config_file=config.name,
        kmip_version=enums.KMIPVersion.KMIP_1_4)
    with client:
        client.get(identifier)
        begin = time.monotonic()
        for _ in range(int(count)):
            client.get(identifier)
        print(time.monotonic() - begin)
";

pub(crate) fn measure(c: &mut Criterion<WallTime>, world: &World) {
    let Some(peer) = Peer::from_environment() else {
        println!("skipped: PyKMIP is not running (scripts/pykmip.sh)");
        return;
    };
    let mut group = c.benchmark_group("round-trip-pykmip");
    group.sample_size(10);
    let mut client = peer.client();
    let usage = CryptographicUsageMask::ENCRYPT;
    let key = client.create_symmetric_key(256, usage, []).expect("a key");
    group.bench_function("server", |b| {
        b.iter(|| client.get(&key).expect("a key"));
    });
    let files = ["ca.crt", "client.crt", "client.key"].map(|name| world.file(name));
    let address = world.address().to_string();
    peer.run(&mut group, "client", &address, &files, IDENTIFIER);
    let files = [&peer.ca, &peer.cert, &peer.key].map(PathBuf::clone);
    peer.run(&mut group, "both", &peer.address, &files, &key.to_string());
    group.finish();
}

struct Peer {
    address: String,
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
    python: PathBuf,
}

impl Peer {
    fn from_environment() -> Option<Self> {
        let variable = |name: &str| env::var_os(format!("KMIP_PYKMIP_{name}"));
        let path = |name: &str| variable(name).map(PathBuf::from);
        Some(Peer {
            address: variable("ADDRESS")?.into_string().ok()?,
            ca: path("CA")?,
            cert: path("CERT")?,
            key: path("KEY")?,
            python: path("PYTHON")?,
        })
    }

    fn client(&self) -> Client {
        let identity = Identity::from_pem_files(&self.cert, &self.key, None);
        let tls = ClientTls::new()
            .ca_file(&self.ca)
            .identity(identity.expect("an identity"));
        Client::builder(self.address.parse().expect("an address"))
            .tls(tls)
            .version(ProtocolVersion::V1_4)
            .connect()
            .expect("PyKMIP")
    }

    /// PyKMIP's client with a server.
    fn run(
        &self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        name: &str,
        address: &str,
        [ca, cert, key]: &[PathBuf; 3],
        identifier: &str,
    ) {
        let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
        let files: [&Path; 3] = [ca, cert, key];
        group.bench_function(name, |b| {
            b.iter_custom(|count| {
                let output = Command::new(&self.python)
                    .args(["-c", CLIENT, host, port])
                    .args(files)
                    .args([identifier, &count.to_string()])
                    .output()
                    .expect("Python");
                let seconds = String::from_utf8_lossy(&output.stdout);
                let errors = || String::from_utf8_lossy(&output.stderr).into_owned();
                let seconds = seconds.trim().parse();
                Duration::from_secs_f64(seconds.unwrap_or_else(|_| panic!("{}", errors())))
            });
        });
    }
}
