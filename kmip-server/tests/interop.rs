//! PyKMIP's client with our server, over TLS.

use std::env;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kmip::server::ServeOptions;
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip_server::{Configuration, KeyServer, MemoryStore, serve};
use test_support::Authority;

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_lives_and_dies_for_pykmip_in_every_version_it_speaks() {
    let python = env::var_os("KMIP_PYKMIP_PYTHON")
        .expect("KMIP_PYKMIP_PYTHON is not set; use `make interop`");
    let authority = Authority::new("interop");
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    authority.write_pem(&ca);
    let (certificate, key) = authority
        .client("pykmip")
        .write_pem(directory.path(), "client");

    let own = authority.server();
    let identity = Identity::new(own.key, own.certificate, Vec::new()).unwrap();
    let tls = ServerTls::new(identity).client_ca(authority.certificate().clone());
    let server = serve(
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TlsAcceptor::new(tls).unwrap(),
        KeyServer::new(Configuration::default(), Arc::new(MemoryStore::new())),
        ServeOptions::default(),
    )
    .unwrap();

    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pykmip/client.py");
    for version in ["1.0", "1.1", "1.2", "1.3", "1.4", "2.0"] {
        let ended = Command::new(&python)
            .arg(&client)
            .args([
                server.address().ip().to_string(),
                server.address().port().to_string(),
            ])
            .args([&ca, &certificate, &key])
            .arg(version)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&ended.stdout);
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{version}: {output}{errors}");
        assert_eq!(output, "ok: 9 steps\n", "{version}");
    }
}
