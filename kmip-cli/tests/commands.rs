//! Every operation that clients ask for has a command.

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kmip::server::{Engine, Failure, Handler};
use kmip::types::{
    Enumeration, ExportResponse, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject,
    ObjectType, Operation, ProtocolVersion, RequestBatchItem, RequestHeader, ResponseBatchItem,
    ResponseHeader, ResponseMessage, Secret, SymmetricKey,
};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::X509ReqBuilder;
use server::{World, text};

/// Notes what it is asked for, and does nothing.
#[derive(Default)]
struct Recorder(Mutex<BTreeSet<Operation>>);

impl Handler for Recorder {
    fn admit(&self, _: &RequestHeader<'_>, items: &[RequestBatchItem<'_>]) -> Result<(), Failure> {
        let mut seen = self.0.lock().unwrap();
        seen.extend(items.iter().map(|item| item.operation));
        Ok(())
    }
}

/// What servers ask clients for.
const OF_SERVERS: [Operation; 2] = [Operation::PUT, Operation::NOTIFY];

/// The operation, and the words of a command that asks for it. `FILE`, `CSR`, `CERT`, `EXPORTED`,
/// `TICKET` and `NEW` stand for files.
const COMMANDS: [(Operation, &str); 57] = [
    (Operation::CREATE, "create"),
    (Operation::CREATE_KEY_PAIR, "create-key-pair"),
    (Operation::REGISTER, "register FILE"),
    (Operation::RE_KEY, "rekey a"),
    (Operation::DERIVE_KEY, "derive-key a --method HASH"),
    (Operation::CERTIFY, "certify a"),
    (Operation::RE_CERTIFY, "re-certify a"),
    (Operation::LOCATE, "locate"),
    (Operation::CHECK, "check a"),
    (Operation::GET, "get a"),
    (Operation::GET_ATTRIBUTES, "attributes get a"),
    (Operation::GET_ATTRIBUTE_LIST, "attributes list a"),
    (Operation::ADD_ATTRIBUTE, "attributes add a x-n=1"),
    (Operation::MODIFY_ATTRIBUTE, "attributes modify a x-n=1"),
    (Operation::DELETE_ATTRIBUTE, "attributes delete a x-n=1"),
    (Operation::OBTAIN_LEASE, "obtain-lease a"),
    (Operation::GET_USAGE_ALLOCATION, "get-usage-allocation a 1"),
    (Operation::ACTIVATE, "activate a"),
    (Operation::REVOKE, "revoke a"),
    (Operation::DESTROY, "destroy a --yes"),
    (Operation::ARCHIVE, "archive a"),
    (Operation::RECOVER, "recover a"),
    (Operation::VALIDATE, "validate a"),
    (Operation::QUERY, "query"),
    (Operation::CANCEL, "cancel 00"),
    (Operation::POLL, "poll 00 --kmip-version 2.1"),
    (Operation::RE_KEY_KEY_PAIR, "rekey a --pair"),
    (Operation::DISCOVER_VERSIONS, "versions"),
    (Operation::ENCRYPT, "encrypt a --input FILE"),
    (Operation::DECRYPT, "decrypt a --input FILE"),
    (Operation::SIGN, "sign a --input FILE"),
    (
        Operation::SIGNATURE_VERIFY,
        "verify a --input FILE --signature FILE",
    ),
    (Operation::MAC, "mac a --input FILE"),
    (Operation::MAC_VERIFY, "mac a --input FILE --verify FILE"),
    (Operation::RNG_RETRIEVE, "rng"),
    (Operation::RNG_SEED, "rng --seed FILE"),
    (Operation::HASH, "hash --input FILE"),
    (Operation::CREATE_SPLIT_KEY, "split-key --parts 2"),
    (Operation::JOIN_SPLIT_KEY, "join-split-key a b"),
    (Operation::IMPORT, "import EXPORTED"),
    (Operation::EXPORT, "export a --output NEW"),
    (Operation::LOG, "log text"),
    (Operation::LOGIN, "login --output NEW"),
    (Operation::LOGOUT, "logout TICKET"),
    (
        Operation::DELEGATED_LOGIN,
        "delegated-login --operation Get --object a --output NEW",
    ),
    (
        Operation::ADJUST_ATTRIBUTE,
        "attributes adjust a x-n increment --by 2",
    ),
    (Operation::SET_ATTRIBUTE, "attributes set a x-n=1"),
    (Operation::SET_ENDPOINT_ROLE, "set-endpoint-role server"),
    (Operation::PKCS_11, "pkcs11 C_Initialize"),
    (Operation::INTEROP, "interop begin TC-1"),
    (Operation::RE_PROVISION, "re-provision --request CSR"),
    (
        Operation::SET_DEFAULTS,
        "set-defaults -t SymmetricKey -a x-n=1",
    ),
    (
        Operation::SET_CONSTRAINTS,
        "constraints set --group g -a x-n=1",
    ),
    (Operation::GET_CONSTRAINTS, "constraints get"),
    (
        Operation::QUERY_ASYNCHRONOUS_REQUESTS,
        "query-asynchronous-requests --operation Create,Locate",
    ),
    (Operation::PROCESS, "process 00"),
    (Operation::PING, "ping"),
];

#[test]
fn every_operation_has_a_command() {
    let all = Operation::TABLE.values.iter();
    let all = all.filter(|one| ProtocolVersion::ALL.iter().any(|at| one.is_defined_in(*at)));
    let lacking: Vec<&str> = all
        .filter(|one| {
            let operation = Operation(one.value);
            let mut known = COMMANDS.iter();
            !known.any(|(known, _)| *known == operation) && !OF_SERVERS.contains(&operation)
        })
        .map(|one| one.name)
        .collect();
    assert!(
        lacking.is_empty(),
        "operations without a command: {lacking:?}"
    );

    let world = World::new();
    let recorder = Arc::new(Engine::new(Recorder::default()));
    let server = world.within(recorder.clone());
    let address = server.address().to_string();
    let files = files(&world);
    for (operation, words) in COMMANDS {
        recorder.handler().0.lock().unwrap().clear();
        let words = words.split_whitespace();
        let arguments = words.clone().map(|word| {
            let file = files.iter().find(|(name, _)| *name == word);
            file.map_or(word, |(_, path)| path.to_str().unwrap())
        });
        let words = words.collect::<Vec<_>>().join(" ");
        let mut command = world.command(&arguments.collect::<Vec<_>>());
        command.args(["--server", &address, "--ca"]);
        let output = command.arg(world.path("dev/ca.crt")).output().unwrap();
        let seen = recorder.handler().0.lock().unwrap().clone();
        let errors = text(&output.stderr);
        assert!(seen.contains(&operation), "{words}: {seen:?}: {errors}");
        // All is refused, but what the engine answers itself, and any answer does for a ping.
        let answered = [Operation::DISCOVER_VERSIONS, Operation::PING].contains(&operation);
        let expected = if answered { 0 } else { 4 };
        assert_eq!(output.status.code(), Some(expected), "{words}: {errors}");
        assert!(errors.lines().count() <= 1, "{words}: {errors}");
    }
}

fn files(world: &World) -> Vec<(&'static str, std::path::PathBuf)> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut request = X509ReqBuilder::new().unwrap();
    request.set_pubkey(&key).unwrap();
    request.sign(&key, MessageDigest::sha256()).unwrap();
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(vec![
            7;
            16
        ])))),
        ..KeyBlock::default()
    };
    let exported = ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: ProtocolVersion::V2_1,
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem::success(ExportResponse {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: "a".into(),
            managed_object: ManagedObject::SymmetricKey(SymmetricKey {
                key_block,
                ..SymmetricKey::default()
            }),
            ..ExportResponse::default()
        })],
        ..ResponseMessage::default()
    };
    let mut xml = Vec::new();
    kmip::xml::encode_indented(&exported, &mut xml).unwrap();
    vec![
        ("FILE", world.write("file", &[0x11; 32])),
        (
            "CSR",
            world.write("csr", &request.build().to_pem().unwrap()),
        ),
        ("EXPORTED", world.write("exported.xml", &xml)),
        (
            "TICKET",
            world.write("ticket", br#"{"type":1,"value":"00"}"#),
        ),
        ("NEW", world.path("new")),
    ]
}

#[test]
fn every_command_speaks_json() {
    // Their output has a form of its own; groups have only commands.
    const OTHERS: [&str; 10] = [
        "kmip",
        "kmip-attributes",
        "kmip-constraints",
        "kmip-conformance",
        "kmip-conformance-codec",
        "kmip-completions",
        "kmip-convert",
        "kmip-explain",
        "kmip-man",
        "kmip-raw",
    ];
    let directory = tempfile::tempdir().unwrap();
    let made = common::kmip().arg("man").arg(directory.path()).output();
    assert!(made.unwrap().status.success());
    let mut without = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let page = std::fs::read_to_string(&path).unwrap();
        if !page.contains("\\-\\-json") && !OTHERS.contains(&name.as_str()) {
            without.push(name);
        }
    }
    assert!(without.is_empty(), "commands without --json: {without:?}");
}
