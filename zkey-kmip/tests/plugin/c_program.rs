//! A C program loads the shared object and drives every function of it.

use std::fs;
use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use openssl::hash::MessageDigest;
use openssl::x509::X509;
use rustix::net::sockopt::set_socket_linger;

use crate::common::c_source::build;
use crate::common::shared_object;
use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, PROFILE_2X};
use crate::ready::{ready, set_in_conf};

const VALGRIND: [&str; 6] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite",
    "--show-leak-kinds=definite",
];

/// The life of a key, by the program behind the words of `runner`.
fn drive(runner: &[impl AsRef<Path>]) {
    let machine = Machine::new();
    let Some(program) = build(machine.directory.path(), "host", &[]) else {
        return;
    };
    // Under valgrind and on a busy machine all takes its time.
    let patient = "connect-timeout=600\nresponse-timeout=600\n";
    machine.profile("used", &format!("{PROFILE_2X}{patient}"));
    machine.profile(
        "default",
        &format!("server-regex=x\nwrap-key-params=1024\n{patient}"),
    );
    let run = |arguments: &[&str], fingerprint: &str| {
        let words: Vec<_> = runner
            .iter()
            .map(AsRef::as_ref)
            .chain([&*program])
            .collect();
        let output = Command::new(words[0])
            .args(&words[1..])
            .arg(shared_object())
            .arg(machine.path("KMIP"))
            .args(arguments)
            .env("ZKEY_KMIP_BACKEND", "software")
            .env("ZKEY_KMIP_PROFILES", machine.path("profiles"))
            .env("ZKEY_KMIP_SOFTWARE_MASTER_KEY", machine.path("master-key"))
            .env("ZKEY_KMIP_SERVER_FINGERPRINT", fingerprint)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    };
    let certificate = machine.text_path("client.pem");
    let text = run(&["certificate", &certificate], "");
    assert!(text.ends_with("done\n"), "{text}");
    let client = X509::from_pem(&fs::read(&certificate).unwrap()).unwrap();
    let identity = machine.authority.server();
    let server = KeyServer::start(&identity, client, Behaviour::default());
    let digest = identity
        .certificate
        .digest(MessageDigest::sha256())
        .unwrap();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let arguments = ["keys", &server.address(), &machine.text_path("ca.pem")];
    let text = run(&arguments, &digits);
    // The C program's own output and the plugin's are in order.
    assert!(text.contains("KMIP version:"), "{text}");
    assert!(text.ends_with("done\n"), "{text}");
}

#[test]
fn a_c_program_drives_every_function() {
    let runner = test_support::runner();
    if !runner.is_empty() && std::env::var_os("KMIP_TEST_CC").is_none() {
        return test_support::skip(
            "there is no C compiler for the tests' architecture (KMIP_TEST_CC)",
        );
    }
    drive(&runner);
}

#[test]
fn the_same_under_valgrind() {
    if test_support::is_emulated() {
        println!("skipped: valgrind does not run programs of another architecture");
    } else if Command::new(VALGRIND[0]).arg("--version").output().is_err() {
        test_support::skip("there is no valgrind");
    } else {
        drive(&VALGRIND);
    }
}

/// A connection that is passed on to the server.
struct Passed {
    client: TcpStream,
    server: TcpStream,
    threads: [JoinHandle<()>; 2],
}

impl Passed {
    /// The first one that comes; those who come later are refused.
    fn first(listener: TcpListener, server: &str) -> Passed {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(server).unwrap();
        let pass = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                let _ = copy(&mut from, &mut to);
            })
        };
        let threads = [pass(&client, &server), pass(&server, &client)];
        Passed {
            client,
            server,
            threads,
        }
    }

    /// Resets the client's end. The client has got no closing alert before.
    fn reset(self) {
        self.client.shutdown(Shutdown::Read).unwrap();
        self.server.shutdown(Shutdown::Both).unwrap();
        for thread in self.threads {
            thread.join().unwrap();
        }
        set_socket_linger(&self.client, Some(Duration::ZERO)).unwrap();
    }
}

/// As zkey would, which leaves SIGPIPE alone. Once a connection was reset, whatever is still written to
/// it, such as a closing alert, brings that signal, unless it is written with care.
#[test]
fn a_server_that_goes_does_not_end_the_process() {
    if test_support::is_emulated() {
        println!("skipped: this is the same on every architecture");
        return;
    }
    let (machine, server) = ready("1.4");
    let Some(program) = build(machine.directory.path(), "host", &[]) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    set_in_conf(&machine, "kmip-server", &address);
    let server_address = server.address();
    let passed = thread::spawn(move || Passed::first(listener, &server_address));
    let mut child = Command::new(program)
        .arg(shared_object())
        .args([machine.text_path("KMIP").as_str(), "gone", "-"])
        .env("ZKEY_KMIP_BACKEND", "software")
        .env("ZKEY_KMIP_PROFILES", machine.path("profiles"))
        .env("ZKEY_KMIP_SOFTWARE_MASTER_KEY", machine.path("master-key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "connected\n");
    passed.join().unwrap().reset();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {errors}", ended.status);
}
