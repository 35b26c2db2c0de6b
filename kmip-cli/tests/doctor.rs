//! `kmip doctor` with servers that are well and servers that are not.

mod common;
#[path = "common/server.rs"]
mod server;

use std::net::TcpListener;
use std::sync::Arc;

use kmip::server::{Call, Engine, Failure, Handler, Peer};
use kmip::types::{
    AttributeValue, Authentication, DeleteAttributeResponse, IntoOwned, KeyFormatType,
    ManagedObject, RequestBatchItem, RequestHeader, RequestPayload, ResponsePayload, ResultReason,
};
use kmip_server::{Configuration, KeyServer, MemoryStore};
use serde_json::{Value, json};
use server::{Client, World, text};
use test_support::{Authority, is_emulated};
use zkey_kmip::profile::{Encoding, Profile, Transport, VersionChoice, WrapKeyFormat};
use zkey_kmip::secure_key::{DigestAlgorithm, WrapPadding};

/// The results of a check, by its name.
fn results<'r>(report: &'r Value, check: &str) -> Vec<&'r str> {
    let checks = report["checks"].as_array().expect("checks").iter();
    let checks = checks.filter(|one| one["check"].as_str().map(str::trim) == Some(check));
    checks
        .map(|one| one["result"].as_str().expect("a result"))
        .collect()
}

#[test]
fn a_server_that_is_well_gets_a_profile_that_the_plugin_takes() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let path = world.path("mine.profile");
    let report = client.json(&["doctor", "--write", "--profile", path.to_str().unwrap()]);
    assert_eq!(report["failed"], 0, "{report:#}");
    for check in [
        "name",
        "TCP",
        "chain",
        "names",
        "TLS as configured",
        "KMIP version",
        "Create",
        "Locate",
        "Get wrapped",
        "Revoke and Destroy",
    ] {
        assert_eq!(results(&report, check), ["ok"], "{check}");
    }
    assert_eq!(report["version"], "2.1");
    assert_eq!(report["versions"].as_array().unwrap().len(), 7);
    assert!(
        report["tls"]["version"]
            .as_str()
            .unwrap()
            .starts_with("TLSv1.")
    );
    // Nothing is left behind.
    assert_eq!(client.succeeds(&["locate", "--ids"]), "");

    let profile = Profile::load("mine", &path).unwrap();
    assert!(profile.matches("kmip-server 0.1.0"));
    assert!(profile.matches("kmip-server 12.34"));
    assert!(!profile.matches("another server"));
    assert_eq!(profile.kmip_version, VersionChoice::Auto);
    assert_eq!(profile.transport, Transport::Tls);
    assert_eq!(
        profile.wrap_padding,
        WrapPadding::Oaep(DigestAlgorithm::Sha256)
    );
    assert_eq!(profile.wrap_key_format, WrapKeyFormat::Pkcs1);
    assert!(profile.supports_link && profile.supports_description);
    assert!(profile.supports_sensitive && profile.check_always_sensitive);
    assert!(profile.check_server_capabilities);
    assert_eq!(profile.wrap_key_bits, 4096);
    assert_eq!(report["adaptations"], 0, "{report:#}");
    assert_eq!(report["wrapping_key_bits"], json!([2048, 3072, 4096]));
    assert_eq!(
        report["wrapping_key_formats"],
        json!(["PKCS#1", "PKCS#8", "transparent"])
    );
    let traits = profile.server_traits.expect("traits");
    assert_eq!(traits.to_string(), "set-attribute");
}

/// Has the peculiarities of several products at once.
struct Peculiar(KeyServer);

impl Handler for Peculiar {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let refuse = |text: &'static str| Err(Failure::new(ResultReason::INVALID_FIELD, text));
        match &request {
            RequestPayload::Register(register) => {
                if let Some(ManagedObject::PublicKey(key)) = &register.managed_object {
                    let block = &key.key_block;
                    if block.cryptographic_length > Some(3072) {
                        return refuse("the key is too long");
                    }
                    if block.key_format_type == KeyFormatType::PKCS_1 {
                        return refuse("no PKCS#1");
                    }
                }
            }
            RequestPayload::Get(get)
                if get.key_wrapping_specification.is_some() && get.key_format_type.is_some() =>
            {
                return refuse("a format and wrapping");
            }
            RequestPayload::DeleteAttribute(delete) if delete.attribute_reference.is_some() => {
                let unique_identifier = delete.unique_identifier.clone().unwrap_or_default();
                return Ok(DeleteAttributeResponse {
                    unique_identifier: unique_identifier.into_owned(),
                    ..DeleteAttributeResponse::default()
                }
                .into());
            }
            RequestPayload::Locate(locate) => {
                let mut attributes = locate.attributes.iter();
                if attributes.any(|one| matches!(one.value, AttributeValue::Custom(_))) {
                    return refuse("no custom attributes in Locate");
                }
            }
            _ => {}
        }
        self.0.handle(call, request)
    }

    fn admit(
        &self,
        header: &RequestHeader<'_>,
        items: &[RequestBatchItem<'_>],
    ) -> Result<(), Failure> {
        let placeholder = |item: &RequestBatchItem<'_>| {
            matches!(&item.request_payload, RequestPayload::Activate(activate)
                if activate.unique_identifier.is_none())
        };
        match items.iter().any(placeholder) {
            true => Err(Failure::new(
                ResultReason::INVALID_MESSAGE,
                "the Unique Identifier is missing",
            )),
            false => self.0.admit(header, items),
        }
    }

    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        self.0.authenticate(peer, credentials)
    }
}

#[test]
fn what_the_plugin_can_do_otherwise_is_no_failure() {
    let world = World::new();
    let store = Arc::new(MemoryStore::new());
    let peculiar = Peculiar(KeyServer::new(Configuration::default(), store));
    let server = world.within(Arc::new(Engine::new(peculiar)));
    let path = world.path("peculiar.profile");
    let address = server.address().to_string();
    let doctor = |more: &[&str]| {
        let mut command = world.command(&["doctor", &address, "--write"]);
        command
            .arg("--profile")
            .arg(&path)
            .arg("--ca")
            .arg(world.path("dev/ca.crt"));
        command.args(more).output().unwrap()
    };
    let output = doctor(&["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["failed"], 0, "{report:#}");
    for check in [
        "batch, ID placeholder",
        "change attributes",
        "Locate by attribute",
        "RSA sizes",
    ] {
        assert!(
            results(&report, check).contains(&"adapted"),
            "{check}: {report:#}"
        );
    }
    assert_eq!(results(&report, "batch"), ["ok"], "{report:#}");
    assert_eq!(report["wrapping_key_bits"], json!([2048, 3072]));
    let profile = Profile::load("peculiar", &path).unwrap();
    assert_eq!(profile.wrap_key_bits, 3072);
    assert_eq!(profile.wrap_key_format, WrapKeyFormat::Pkcs8);
    assert_eq!(
        profile.server_traits.expect("traits").to_string(),
        "separate-activate,default-key-format,set-attribute,delete-by-value,coarse-locate"
    );
    // And for people, where making keys does not take long.
    if is_emulated() {
        return;
    }
    let output = doctor(&[]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("~ batch, ID placeholder"), "{shown}");
    assert!(shown.contains(": it works; 5 adaptations"), "{shown}");
}

#[test]
fn what_the_plugin_cannot_do_without_is_a_failure() {
    let world = World::new();
    let server = world.serve(&["--personality", "pykmip"]);
    let client = Client::of(&world, &server);
    let path = world.path("pykmip.profile");
    let output = client.run(&[
        "doctor",
        "--write",
        "--json",
        "--profile",
        path.to_str().unwrap(),
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(report["failed"], 1, "{report:#}");
    assert_eq!(results(&report, "attributes").last(), Some(&"failed"));
    let traits = Profile::load("pykmip", &path).unwrap().server_traits;
    assert_eq!(
        traits.expect("traits").to_string(),
        "separate-activate,no-add-attribute"
    );
}

#[test]
fn a_server_over_https_is_examined_without_writing() {
    let world = World::new();
    let server = world.serve(&[
        "--https",
        "/keys",
        "--vendor",
        "Acme (KMS) 7",
        "--max-version",
        "1.4",
    ]);
    let path = world.path("acme.profile");
    let url = format!("https://{}/keys", server.address);
    let mut command = world.command(&["doctor", &url, "--encoding", "json"]);
    command.arg("--ca").arg(world.path("dev/ca.crt"));
    command.arg("--profile").arg(&path);
    let output = command.output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains("✓ KMIP version           1.4, negotiated"),
        "{shown}"
    );
    assert!(shown.contains("2.0, 2.1 do not"), "{shown}");
    assert!(shown.contains("- write probe"), "{shown}");
    let profile = Profile::load("acme", &path).unwrap();
    assert!(profile.matches("Acme (KMS) 8"));
    assert_eq!(profile.transport, Transport::Https);
    assert_eq!(profile.encoding, Encoding::Json);
    assert_eq!(profile.https_uri, "/keys");
    assert!(!profile.supports_link && !profile.supports_sensitive);
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let world = World::new();
    let server = world.serve(&[]);
    let other = Authority::new("Other CA");
    let other_ca = world.path("other.crt");
    other.write_pem(&other_ca);
    let doctor = |arguments: &[&str]| {
        let arguments = [&["doctor"][..], arguments].concat();
        let output = world.command(&arguments).output().unwrap();
        assert_eq!(text(&output.stderr), "");
        (output.status.code(), text(&output.stdout))
    };
    let ca = world.path("dev/ca.crt");
    let ca = ca.to_str().unwrap();
    // Another CA than the server's.
    let (status, shown) = doctor(&[&server.address, "--ca", other_ca.to_str().unwrap()]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(shown.contains("✗   chain"), "{shown}");
    assert!(
        shown.contains("give the CA with --ca; issuer is 'CN=kmip trial CA'"),
        "{shown}"
    );
    assert!(shown.contains("✗ TLS as configured"), "{shown}");
    // A name that the certificate is not for.
    let (status, shown) = doctor(&[
        &server.address,
        "--ca",
        ca,
        "--host-name",
        "keys.example.com",
    ]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(
        shown.contains("✗   names") && shown.contains("localhost"),
        "{shown}"
    );
    // A client that the server does not know.
    let stranger = other
        .client("stranger")
        .write_pem(&world.path("dev"), "stranger");
    let mut command = common::kmip();
    command.args(["doctor", &server.address, "--ca", ca, "--json", "--cert"]);
    let output = command
        .arg(&stranger.0)
        .arg("--key")
        .arg(&stranger.1)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{report:#}");
    assert_eq!(results(&report, "chain"), ["ok"]);
    assert!(report["failed"].as_u64() > Some(0), "{report:#}");
    assert!(report.to_string().contains("unknown CA"), "{report:#}");
    // Nobody there.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (status, shown) = doctor(&[&free.to_string()]);
    assert_eq!(status, Some(3), "{shown}");
    assert!(
        shown.contains("✗ TCP") && shown.contains("nothing listens there"),
        "{shown}"
    );
}
