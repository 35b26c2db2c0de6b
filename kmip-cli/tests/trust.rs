//! Whom the program trusts, and as whom it connects, as the command line and the configuration file
//! say.

mod common;
#[path = "common/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::Output;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use server::{Server, World, failure, text};
use test_support::{Authority, Request};

/// A server whose certificate is of an authority of the test.
struct Trial {
    world: World,
    authority: Authority,
    cert: PathBuf,
    server: Server,
}

impl Trial {
    fn new(options: &[&str]) -> Self {
        let world = World::new();
        let authority = Authority::new("Trial CA");
        authority.write_pem(&world.path("ca.crt"));
        let certified = Request::new("localhost").ip("127.0.0.1");
        let (cert, key) = certified
            .signed_by(&authority)
            .write_pem(&world.path("dev"), "trial");
        let server = world.serve_as(&cert, &key, options);
        Trial {
            world,
            authority,
            cert,
            server,
        }
    }

    /// `kmip query` with these options.
    fn query(&self, options: &[&str]) -> Output {
        let mut command = self.world.command(&["query"]);
        command
            .args(["--server", &self.server.address])
            .args(options);
        command.output().expect("the program")
    }

    fn path(&self, name: &str) -> String {
        self.world.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn certificate(&self) -> X509 {
        X509::from_pem(&std::fs::read(&self.cert).unwrap()).unwrap()
    }
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn revoked_certificates_are_refused() {
    let trial = Trial::new(&[]);
    let ca = trial.path("ca.crt");
    let list = |name: &str, revoked: &[&X509], days| {
        let list = trial.authority.revocation_list(revoked, days);
        trial.world.write(name, &list);
        trial.path(name)
    };
    let certificate = trial.certificate();
    let none = list("none.crl", &[], 7);
    let revoked = list("revoked.crl", &[&certificate], 7);
    let old = list("old.crl", &[], -1);
    succeeds(&trial.query(&["--ca", &ca, "--crl", &none]));
    for (crl, what) in [(&revoked, "revoked"), (&old, "expired")] {
        let error = failure(&trial.query(&["--ca", &ca, "--crl", crl]), 3);
        assert!(error.contains(what), "{error}");
    }
    let missing = trial.path("missing.crl");
    let error = failure(&trial.query(&["--ca", &ca, "--crl", &missing]), 2);
    assert!(error.contains("missing.crl"), "{error}");
    // The same from the configuration file; another CA on the command line does not switch it off.
    let address = &trial.server.address;
    let file = format!(
        "[servers.trial]\naddress = \"{address}\"\ncert = \"dev/client.crt\"\nkey = \
         \"dev/client.key\"\nca = \"ca.crt\"\ncrl = \"revoked.crl\"\n"
    );
    let file = trial.world.write("servers.toml", file.as_bytes());
    for options in [&[][..], &["--ca", &ca]] {
        let mut command = common::kmip();
        command
            .arg("query")
            .arg("--config")
            .arg(&file)
            .args(options);
        let error = failure(&command.env_remove("KMIP_SERVER").output().unwrap(), 3);
        assert!(error.contains("revoked"), "{error}");
    }
    // The doctor tells it, too.
    let mut command = trial.world.command(&["doctor", address, "--ca", &ca]);
    let output = command.args(["--crl", &revoked]).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(
        shown.contains("✗   chain") && shown.contains("revoked"),
        "{shown}"
    );
}

#[test]
fn trust_comes_in_every_form() {
    let trial = Trial::new(&[]);
    // A directory whose files are named by hash.
    let hashed = trial.world.path("hashed");
    std::fs::create_dir(&hashed).unwrap();
    let hash = trial.authority.certificate().subject_name_hash();
    trial
        .authority
        .write_pem(&hashed.join(format!("{hash:08x}.0")));
    succeeds(&trial.query(&["--ca", hashed.to_str().unwrap()]));
    let ca = trial.path("ca.crt");
    // A pin, as certificate and as public key, besides the chain.
    let key = trial.certificate().public_key().unwrap();
    let pin = trial
        .world
        .write("pin.pem", &key.public_key_to_pem().unwrap());
    let pin = pin.to_str().unwrap();
    succeeds(&trial.query(&["--ca", &ca, "--pin", pin]));
    let other = trial.path("dev/server.crt");
    let key = X509::from_pem(&std::fs::read(&other).unwrap()).unwrap();
    let key = key.public_key().unwrap().public_key_to_pem().unwrap();
    let other_key = trial.world.write("other.pem", &key);
    for pin in [&other, other_key.to_str().unwrap()] {
        let error = failure(&trial.query(&["--ca", &ca, "--pin", pin]), 3);
        assert!(error.contains("another"), "{error}");
    }
    let error = failure(&trial.query(&["--pin", pin]), 3);
    assert!(error.contains("issuer"), "{error}");
    let error = failure(&trial.query(&["--trust", pin]), 2);
    assert!(error.contains("pin.pem"), "{error}");

    // A self-signed one, which is for no name of this machine.
    let certified = Request::new("keys.example.com")
        .dns("keys.example.com")
        .self_signed();
    let (cert, key) = certified.write_pem(&trial.world.path("dev"), "own");
    let own = trial.world.serve_as(&cert, &key, &[]);
    let query = |options: &[&str]| {
        let mut command = trial.world.command(&["query", "--server", &own.address]);
        command
            .arg("--trust")
            .arg(&cert)
            .args(options)
            .output()
            .unwrap()
    };
    let error = failure(&query(&[]), 3);
    assert!(error.contains("keys.example.com"), "{error}");
    succeeds(&query(&["--host-name", "keys.example.com"]));
    succeeds(&query(&["--no-verify-host-name"]));
}

#[test]
fn an_identity_may_be_in_pkcs12() {
    let trial = Trial::new(&[]);
    let read = |name: &str| std::fs::read(trial.world.path(name)).unwrap();
    let mut builder = Pkcs12::builder();
    builder.name("me");
    builder.pkey(&PKey::private_key_from_pem(&read("dev/client.key")).unwrap());
    builder.cert(&X509::from_pem(&read("dev/client.crt")).unwrap());
    let p12 = builder.build2("correct horse").unwrap().to_der().unwrap();
    trial.world.write("me.p12", &p12);
    trial.world.write("phrase", b"correct horse\n");
    trial.world.write("wrong", b"battery\n");
    let query = |phrase: &str| {
        let mut command = common::kmip();
        command
            .args(["query", "--server", &trial.server.address])
            .args([
                "--ca",
                &trial.path("ca.crt"),
                "--p12",
                &trial.path("me.p12"),
            ])
            .args(["--pass-phrase-file", &trial.path(phrase)])
            .env("XDG_CONFIG_HOME", trial.world.path("none"))
            .env_remove("KMIP_CONFIG");
        command.output().unwrap()
    };
    succeeds(&query("phrase"));
    let error = failure(&query("wrong"), 2);
    assert!(
        error.contains("me.p12") && !error.contains("battery"),
        "{error}"
    );
    let error = failure(&query("missing"), 2);
    assert!(error.contains("missing"), "{error}");
}

#[test]
fn versions_and_suites_of_tls_can_be_chosen() {
    // PyKMIP has TLS 1.2 at most.
    let trial = Trial::new(&["--personality", "pykmip"]);
    let ca = trial.path("ca.crt");
    let query = |options: &[&str]| trial.query(&[&["--ca", &ca][..], options].concat());
    succeeds(&query(&[]));
    let error = failure(&query(&["--tls-min", "1.3"]), 3);
    assert!(error.contains("TLS 1.3"), "{error}");
    succeeds(&query(&["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]));
    let error = failure(&query(&["--ciphers", "DHE-RSA-AES128-GCM-SHA256"]), 3);
    assert!(error.contains("DHE-RSA-AES128-GCM-SHA256"), "{error}");
    for wrong in [&["--ciphers", "NONSENSE"], &["--cipher-suites", "NONSENSE"]] {
        let error = failure(&query(wrong), 2);
        assert!(error.contains("NONSENSE"), "{error}");
    }
    assert_eq!(query(&["--tls-min", "0.9"]).status.code(), Some(2));
    let write = |line: &str| {
        let address = &trial.server.address;
        let file = format!(
            "[servers.trial]\naddress = \"{address}\"\ncert = \"dev/client.crt\"\nkey = \
             \"dev/client.key\"\nca = \"ca.crt\"\n{line}\n"
        );
        trial.world.write("servers.toml", file.as_bytes())
    };
    let run = |file: &Path| {
        let mut command = common::kmip();
        command.arg("query").arg("--config").arg(file);
        command.env_remove("KMIP_SERVER").output().unwrap()
    };
    let error = failure(&run(&write("tls-min = \"1.3\"")), 3);
    assert!(error.contains("TLS 1.3"), "{error}");
    succeeds(&run(&write("ciphers = \"ECDHE-ECDSA-AES128-GCM-SHA256\"")));
    for wrong in ["tls-min = \"2\"", "kmip-version = \"9.9\"", "timeout = -1"] {
        let error = failure(&run(&write(wrong)), 2);
        assert!(error.contains("servers.toml: line 6"), "{wrong}: {error}");
    }
}

#[test]
fn checks_that_are_asked_for_are_made_whatever_the_file_says() {
    let trial = Trial::new(&[]);
    let address = &trial.server.address;
    let run = |lines: &str, options: &[&str]| {
        let file = format!(
            "[servers.trial]\naddress = \"{address}\"\ncert = \"dev/client.crt\"\nkey = \
             \"dev/client.key\"\n{lines}\n"
        );
        let file = trial.world.write("servers.toml", file.as_bytes());
        let mut command = common::kmip();
        command.arg("query").arg("--config").arg(&file);
        command.args(options).env_remove("KMIP_SERVER");
        command.output().unwrap()
    };
    let (ca, other) = (trial.path("ca.crt"), trial.path("dev/server.crt"));
    succeeds(&run("no-verify = true", &[]));
    succeeds(&run("no-verify = true", &["--ca", &ca]));
    for options in [["--ca", &other], ["--trust", &other], ["--pin", &other]] {
        failure(&run("no-verify = true", &options), 3);
    }
    let by_name = ["--host-name", "keys.example.com"];
    let file = "ca = \"ca.crt\"\nno-verify-host-name = true";
    succeeds(&run(file, &[]));
    failure(&run(file, &by_name), 3);
    failure(&run("ca = \"ca.crt\"\nno-verify = true", &by_name), 3);
    for lines in [
        "no-verify = true\ntrust = \"ca.crt\"",
        "no-verify = true\ncrl = \"ca.crt\"",
        "no-verify-host-name = true\nhost-name = \"a\"",
    ] {
        let error = failure(&run(lines, &[]), 2);
        assert!(error.contains("contradict"), "{error}");
    }
}
