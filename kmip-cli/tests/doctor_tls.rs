//! `kmip doctor` with servers that speak old versions of TLS only.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::Arc;

use kmip::server::Engine;
use kmip::transport::tls::{Protocol, TlsVersion};
use kmip_server::{Configuration, KeyServer, MemoryStore};
use server::{World, text};

/// What the doctor says of a server that speaks these versions, and its status.
struct Patient {
    world: World,
    server: kmip::server::Server,
}

impl Patient {
    fn new(oldest: TlsVersion, newest: TlsVersion) -> Self {
        let world = World::new();
        let protocol = Protocol::default()
            .minimum_version(oldest)
            .maximum_version(newest)
            .cipher_list("ALL:@SECLEVEL=0");
        let store = Arc::new(MemoryStore::new());
        let keys = KeyServer::new(Configuration::default(), store);
        let server = world.within_over(Arc::new(Engine::new(keys)), protocol);
        Patient { world, server }
    }

    fn examine(&self, options: &[&str]) -> (Option<i32>, String) {
        let address = self.server.address().to_string();
        let mut command = self.world.command(&["doctor", &address]);
        command.arg("--ca").arg(self.world.path("dev/ca.crt"));
        let output = command.args(options).output().unwrap();
        assert_eq!(text(&output.stderr), "");
        (output.status.code(), text(&output.stdout))
    }
}

#[test]
fn a_server_with_tls_1_0_and_1_1_only_is_told_from_one_that_is_not_there() {
    let patient = Patient::new(TlsVersion::TLS1, TlsVersion::TLS1_1);
    let (status, shown) = patient.examine(&[]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(shown.contains("✗ TLS "), "{shown}");
    assert!(shown.contains("the server took TLSv1.1 with"), "{shown}");
    assert!(shown.contains("it is too old"), "{shown}");
    assert!(shown.contains("--tls-min 1.0"), "{shown}");
    // As it is advised, which is no state to be left in.
    let old = ["--tls-min", "1.0", "--ciphers", "DEFAULT@SECLEVEL=0"];
    let (status, shown) = patient.examine(&old);
    assert_eq!(status, Some(0), "{shown}");
    for part in [
        "TLS 1.0 (",
        "TLS 1.1 (",
        "! TLS versions",
        "have the server updated",
        "✓ TLS as configured      TLSv1.1",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("TLS 1.2 ("), "{shown}");
}

#[test]
fn a_server_with_tls_1_0_alone_is_found_to_be_so() {
    let patient = Patient::new(TlsVersion::TLS1, TlsVersion::TLS1);
    let (status, shown) = patient.examine(&[]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(shown.contains("the server took TLSv1 with"), "{shown}");
    assert!(shown.contains("it is too old"), "{shown}");
}

#[test]
fn a_server_with_tls_1_2_only_is_well() {
    let patient = Patient::new(TlsVersion::TLS1_2, TlsVersion::TLS1_2);
    let (status, shown) = patient.examine(&[]);
    assert_eq!(status, Some(0), "{shown}");
    assert!(
        shown.contains("✓ TLS versions           TLS 1.2 ("),
        "{shown}"
    );
    assert!(!shown.contains("TLS 1.3"), "{shown}");
    assert!(!shown.contains("! TLS versions"), "{shown}");
    // Who wants more than it has is told what it has.
    let (status, shown) = patient.examine(&["--tls-min", "1.3"]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(shown.contains("the server took TLSv1.2 with"), "{shown}");
    assert!(shown.contains("--tls-min"), "{shown}");
}
