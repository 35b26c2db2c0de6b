//! Revocation lists that are renewed while a server runs.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use kmip::transport::tls::{ClientTls, ServerTls, TlsAcceptor};
use kmip::transport::{Deadline, TcpStream};
use openssl::x509::X509;
use tempfile::TempDir;
use test_support::{Certified, ScriptedServer};

use crate::world::{REQUEST, RESPONSE, World, address, exchange, identity, refused, tls_error};

/// Emulated processors are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a file of lists, and two clients.
struct Renewing {
    world: World,
    directory: TempDir,
    list: PathBuf,
    other: Certified,
    reports: Arc<Mutex<Vec<Result<(), String>>>>,
    server: ScriptedServer,
}

impl Renewing {
    fn new(revoked: impl Fn(&World) -> Vec<X509>) -> Self {
        let world = World::new();
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join("list.pem");
        let revoked = revoked(&world);
        let named: Vec<&X509> = revoked.iter().collect();
        fs::write(&list, world.ca.revocation_list(&named, 30)).unwrap();
        let reports = Arc::<Mutex<Vec<_>>>::default();
        let tls = world.server_tls().client_crl_file(&list);
        let tls = tls.on_client_crl_renewal({
            let reports = reports.clone();
            move |outcome| {
                let outcome = outcome.map_err(|error| error.to_string());
                reports.lock().unwrap().push(outcome);
            }
        });
        Renewing {
            other: world.ca.client("another"),
            server: serve(tls),
            world,
            directory,
            list,
            reports,
        }
    }

    fn of(&self, revoked: &[&X509]) -> Vec<u8> {
        self.world.ca.revocation_list(revoked, 30)
    }

    /// Puts a file in place of the list at once.
    fn replace(&self, content: &[u8]) {
        let new = self.directory.path().join("new.pem");
        fs::write(&new, content).unwrap();
        fs::rename(new, &self.list).unwrap();
    }

    fn other_tls(&self) -> ClientTls {
        self.world.client_tls().identity(identity(&self.other))
    }

    fn accepts(&self, client: ClientTls) {
        drop(exchange(&address(&self.server, "localhost"), client).unwrap());
    }

    fn refuses(&self, client: ClientTls) {
        let error = refused(&address(&self.server, "localhost"), client);
        assert!(error.to_string().contains("revoked"), "{error}");
    }

    fn reports(&self) -> Vec<Result<(), String>> {
        std::mem::take(&mut *self.reports.lock().unwrap())
    }
}

/// A server that answers requests of many connections at a time.
fn serve(tls: ServerTls) -> ScriptedServer {
    let acceptor = TlsAcceptor::new(tls).unwrap();
    ScriptedServer::start(move |socket, _| {
        let acceptor = acceptor.clone();
        thread::spawn(move || {
            let deadline = Deadline::after(PATIENCE);
            let accepted = acceptor.accept(TcpStream::from(socket), "client", deadline);
            let Ok(mut stream) = accepted else { return };
            let mut request = [0; REQUEST.len()];
            while stream.read_exact(&mut request).is_ok() {
                if stream.write_all(&RESPONSE).is_err() {
                    break;
                }
            }
        });
    })
}

#[test]
fn renewed_lists_hold_from_the_next_handshake_on() {
    let server = Renewing::new(|_| Vec::new());
    server.accepts(server.world.client_tls());
    server.accepts(server.world.client_tls());
    assert_eq!(server.reports(), []);
    server.replace(&server.of(&[&server.world.client.certificate]));
    server.refuses(server.world.client_tls());
    server.accepts(server.other_tls());
    assert_eq!(server.reports(), [Ok(())]);
    // Written in its place, too.
    let both = [&server.world.client.certificate, &server.other.certificate];
    fs::write(&server.list, server.of(&both)).unwrap();
    server.refuses(server.other_tls());
    server.replace(&server.of(&[&server.other.certificate]));
    server.accepts(server.world.client_tls());
    server.refuses(server.other_tls());
    assert_eq!(server.reports(), [Ok(()), Ok(())]);
}

#[test]
fn lists_that_cannot_be_taken_leave_the_previous_ones_in_use() {
    let server = Renewing::new(|world| vec![world.client.certificate.clone()]);
    let good = server.of(&[]);
    let cut = &good[..good.len() / 2];
    let certificate = server.world.ca.certificate().to_pem().unwrap();
    let damaged: [&[u8]; 5] = [b"", b"nothing", cut, &certificate, &[&good, cut].concat()];
    let stay = || {
        server.refuses(server.world.client_tls());
        server.accepts(server.other_tls());
        let reports = server.reports();
        // Once for each change.
        let [Err(told)] = &reports[..] else {
            panic!("{reports:?}");
        };
        assert!(told.contains(server.list.to_str().unwrap()), "{told}");
        assert!(told.contains("revocation list"), "{told}");
    };
    for content in damaged {
        server.replace(content);
        stay();
    }
    fs::remove_file(&server.list).unwrap();
    stay();
    fs::create_dir(&server.list).unwrap();
    stay();
    fs::remove_dir(&server.list).unwrap();
    stay();
    server.replace(&server.of(&[&server.other.certificate]));
    server.accepts(server.world.client_tls());
    server.refuses(server.other_tls());
    assert_eq!(server.reports(), [Ok(())]);
}

#[test]
fn while_one_handshake_reads_lists_others_go_on() {
    let server = Renewing::new(|_| Vec::new());
    let [pipe, held] = ["pipe", "held"].map(|name| server.directory.path().join(name));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    fs::hard_link(&pipe, &held).unwrap();
    fs::rename(pipe, &server.list).unwrap();
    let reader = thread::spawn({
        let (address, tls) = (
            address(&server.server, "localhost"),
            server.world.client_tls(),
        );
        move || exchange(&address, tls).map(drop)
    });
    // Returns when the handshake reads the other end.
    let held = File::options().write(true).open(held).unwrap();
    for _ in 0..3 {
        server.accepts(server.other_tls());
    }
    assert_eq!(server.reports(), []);
    // The first look comes to its end with what the pipe has, the second is at the new file.
    server.replace(&server.of(&[&server.world.client.certificate]));
    drop(held);
    let error = tls_error(reader.join().unwrap().unwrap_err());
    assert!(error.to_string().contains("revoked"), "{error}");
    assert_eq!(server.reports(), [Ok(())]);
    server.refuses(server.world.client_tls());
}

/// An exchange with OpenSSL's own client, which takes its last session up: whether the server let it.
/// `None` if it is refused.
fn resume(place: &Renewing, server: &ScriptedServer, version: &str) -> Option<bool> {
    let directory = place.directory.path();
    let [authority, session] = ["ca.pem", "session"].map(|name| directory.join(name));
    place.world.ca.write_pem(&authority);
    let (certificate, key) = place.world.client.write_pem(directory, "client");
    let mut command = Command::new("openssl");
    command.args(["s_client", version, "-connect"]);
    command.arg(server.address().to_string());
    command.arg("-CAfile").arg(authority);
    command.arg("-cert").arg(certificate).arg("-key").arg(key);
    if session.exists() {
        command.arg("-sess_in").arg(&session);
    }
    command.arg("-sess_out").arg(&session);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.stderr(Stdio::null()).spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    // It may have ended already.
    let _ = input.write_all(&REQUEST);
    let mut told = Vec::new();
    for byte in BufReader::new(client.stdout.take().unwrap()).bytes() {
        told.push(byte.unwrap());
        if told.ends_with(&RESPONSE) {
            break;
        }
    }
    let answered = told.ends_with(&RESPONSE);
    let _ = client.kill();
    client.wait().unwrap();
    let resumed = String::from_utf8_lossy(&told).contains("\nReused, ");
    answered.then_some(resumed)
}

#[test]
fn where_there_are_lists_no_session_is_resumed() {
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Renewing::new(|_| Vec::new());
        for _ in 0..2 {
            assert_eq!(resume(&server, &server.server, version), Some(false));
        }
        // Without lists it is, or the test would show nothing.
        let without = serve(server.world.server_tls());
        let _ = fs::remove_file(server.directory.path().join("session"));
        assert_eq!(resume(&server, &without, version), Some(false));
        assert_eq!(resume(&server, &without, version), Some(true));
    }
}
