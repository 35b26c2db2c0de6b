//! The time limits of a profile, with servers that stop answering.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use openssl::ssl::{SslAcceptor, SslMethod};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Errno, KeyMode, PluginError};
use zkey_kmip::properties::{Integrity, Properties};

use crate::key_server::Behaviour;
use crate::machine::{Machine, PROFILE_2X, generate};
use crate::ready::DATA;

/// Far less than the limits without a profile, which are 20 and 30 seconds, and far more than a busy
/// machine needs beyond the second that is allowed.
const SOON: Duration = Duration::from_secs(15);

/// A server that takes one connection, and says nothing once TLS is established or, without
/// `identity`, not even that.
fn silent(acceptor: Option<SslAcceptor>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        // Until the client gives up.
        let _ = match acceptor {
            None => stream.read_to_end(&mut all),
            Some(acceptor) => match acceptor.accept(stream) {
                Ok(mut stream) => stream.read_to_end(&mut all),
                Err(_) => return,
            },
        };
    });
    (address, thread)
}

/// Waits for the end of a silent server, also if a slow machine used up the time before it connected.
fn ended(address: &str, thread: JoinHandle<()>) {
    drop(TcpStream::connect(address));
    thread.join().unwrap();
}

/// Asks for a key when the server of the configuration became this one.
fn generate_at(machine: &Machine, address: &str) -> PluginError {
    let path = machine.path("KMIP/kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values.set("kmip-server", address).unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
    let start = Instant::now();
    let error = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap_err();
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    error
}

#[test]
fn silent_servers_are_given_up() {
    for (limit, has_tls) in [("connect-timeout", false), ("response-timeout", true)] {
        let machine = Machine::new();
        let server = machine.server(Behaviour::default());
        machine.profile("used", &format!("{PROFILE_2X}{limit}=1\n"));
        machine.connect(&server, "used");
        let acceptor = has_tls.then(|| {
            let identity = machine.authority.server();
            let method = SslMethod::tls_server();
            let mut acceptor = SslAcceptor::mozilla_intermediate_v5(method).unwrap();
            acceptor.set_certificate(&identity.certificate).unwrap();
            acceptor.set_private_key(&identity.key).unwrap();
            acceptor.build()
        });
        let (address, thread) = silent(acceptor);
        let error = generate_at(&machine, &address);
        assert_eq!(error.errno(), Errno::ETIMEDOUT, "{error}");
        assert!(error.to_string().contains(&address), "{error}");
        ended(&address, thread);
    }
}

/// Already when the certificate of the server is looked at.
#[test]
fn a_silent_server_is_not_configured() {
    let machine = Machine::new();
    machine.with_certificate();
    machine.profile("used", &format!("{PROFILE_2X}connect-timeout=1\n"));
    let (address, thread) = silent(None);
    let start = Instant::now();
    let options = [(code::KMIP_SERVER, &*address), (code::PROFILE, "used")];
    let error = machine.configure(&options).unwrap_err();
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(error.to_string().contains(&address), "{error}");
    ended(&address, thread);
}
