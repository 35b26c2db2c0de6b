//! Identity keys and what is made with them, before the program `openssl`.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use kmip::transport::tls::TlsVersion;
use tempfile::TempDir;
use zkey_kmip::identity::{CertificateOptions, certificate_request, self_signed_certificate};
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{CardType, Curve, KeySpec, SecureKeyBackend, tls_identity};

use crate::observed::Observed;
use crate::peer;

fn is_there() -> bool {
    let found = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        test_support::skip("there is no program openssl");
    }
    found
}

fn backend(directory: &TempDir) -> Arc<Observed> {
    let file = MasterKeyFile::at(directory.path().join("master-key"));
    peer::observed(Arc::new(Software::new(CardType::Ep11, file)))
}

fn openssl(arguments: &[&str], path: &Path) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

#[test]
fn it_verifies_requests_and_renewed_certificates() {
    if !is_there() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let backend = backend(&directory);
    for (spec, rsa_pss, algorithm) in [
        (KeySpec::DEFAULT, false, "ecdsa-with-SHA512"),
        (
            KeySpec::Ecc(Curve::BrainpoolP384r1),
            false,
            "ecdsa-with-SHA384",
        ),
        (KeySpec::Rsa(2048), false, "sha256WithRSAEncryption"),
        (KeySpec::Rsa(2048), true, "rsassaPss"),
    ] {
        let key = backend.generate_identity_key(spec).unwrap();
        let options = CertificateOptions {
            subject: Some("CN=client"),
            host_name: "host.example",
            rsa_pss,
            ..CertificateOptions::default()
        };
        let now = SystemTime::now();
        let request = certificate_request(&*backend, &key, &options).unwrap();
        let path = directory.path().join("request.pem");
        std::fs::write(&path, request.to_pem().unwrap()).unwrap();
        let text = openssl(&["req", "-verify", "-noout", "-text", "-in"], &path);
        assert!(text.contains("OK") && text.contains(algorithm), "{text}");
        let first = self_signed_certificate(&*backend, &key, &options, now, 30).unwrap();
        let options = CertificateOptions {
            subject: None,
            renew: Some(&first),
            ..options
        };
        let renewed = self_signed_certificate(&*backend, &key, &options, now, 60).unwrap();
        let path = directory.path().join("certificate.pem");
        std::fs::write(&path, renewed.to_pem().unwrap()).unwrap();
        let trusted = path.to_str().unwrap();
        openssl(&["verify", "-check_ss_sig", "-CAfile", trusted], &path);
        assert_eq!(backend.take_signatures().len(), 3);
    }
}

/// `openssl s_server`, which sends each line back the other way round.
struct Server {
    process: Child,
    _input: ChildStdin,
    address: SocketAddr,
}

impl Server {
    fn start(directory: &Path, version: &str) -> Server {
        let identity = peer::authority().server();
        let (certificate, key) = identity.write_pem(directory, "server");
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", version, "-rev"])
            .args(["-Verify", "1", "-verify_return_error", "-cert"])
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .arg("-CAfile")
            .arg(directory.join("client.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.parse().ok())
            .unwrap();
        // It must be able to go on writing.
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            process,
            _input: input,
            address,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_accepts_the_handshakes() {
    if !is_there() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let backend = backend(&directory);
    for (spec, version, name) in [
        (KeySpec::DEFAULT, TlsVersion::TLS1_2, "-tls1_2"),
        (KeySpec::DEFAULT, TlsVersion::TLS1_3, "-tls1_3"),
        (KeySpec::Rsa(2048), TlsVersion::TLS1_3, "-tls1_3"),
    ] {
        let token = backend.generate_identity_key(spec).unwrap();
        let key = tls_identity(&peer::shared(&backend), &token).unwrap();
        let certificate = peer::certificate(&*backend, &token, false);
        let mut file = std::fs::File::create(directory.path().join("client.pem")).unwrap();
        file.write_all(&certificate.to_pem().unwrap()).unwrap();
        backend.take_signatures();
        let server = Server::start(directory.path(), name);
        peer::visit(
            server.address,
            version,
            &key,
            &certificate,
            b"hello\n",
            b"olleh\n",
        )
        .unwrap();
        assert_eq!(backend.take_signatures().len(), 1, "{spec} {name}");
    }
}
