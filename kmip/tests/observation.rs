//! What can be seen of a client from outside, and what must not be.

mod support;

use std::sync::{Arc, Mutex};

use kmip::Encoding;
use kmip::client::{
    Client, FailureEvent, Hook, MessageLog, NewKey, NewObject, Redacted, RequestEvent,
    ResponseEvent,
};
use kmip::server::Engine;
use kmip::types::{
    Attribute, Credential, Operation, ProtocolVersion, RegisterRequest, RequestMessage,
    ResponseHeader, ResponseMessage,
};
use support::{Store, answering, in_memory};

const PASSWORD: &str = "swordfish";
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

fn store_a_key(mut client: Client) {
    let key = NewObject::aes_key(KEY.to_vec()).name("visible name");
    // The small server does not know the operation, which does not matter here.
    client.store(key).unwrap_err();
}

#[test]
fn a_message_log_shows_structure_and_no_secret() {
    for version in [ProtocolVersion::V1_0, ProtocolVersion::V2_1] {
        let text = Arc::new(Mutex::new(String::new()));
        let log = MessageLog::new({
            let text = text.clone();
            move |lines: &str| text.lock().unwrap().push_str(lines)
        });
        let engine = Arc::new(Engine::new(Store::default()));
        let settings = in_memory(&engine)
            .version(version)
            .credential(Credential::username_and_password("me", PASSWORD.to_owned()))
            .hook(log);
        let mut client = settings.connect().unwrap();
        // A vendor's attribute may be anything, also if it is called as one of the specification.
        if version == ProtocolVersion::V2_1 {
            let misleading = Attribute::custom("vendor", "Comment", PASSWORD);
            let _ = client.create(NewKey::aes(256).attribute(misleading));
        }
        store_a_key(client);
        let text = text.lock().unwrap();
        for part in [
            "> in.memory:5696",
            "RequestMessage\n",
            "    BatchCount: 1\n",
            "Operation: Register",
            "Username: \"me\"",
            "[redacted, 32 bytes]",
            "visible name",
            "< in.memory:5696",
            "ResultReason: Operation Not Supported",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        let digits: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [PASSWORD, std::str::from_utf8(KEY).unwrap(), &digits] {
            assert!(!text.contains(secret), "{secret} is in:\n{text}");
        }
    }
}

#[test]
fn every_encoding_is_redacted_and_what_is_damaged_is_not_shown() {
    let request = RequestMessage::single(
        ProtocolVersion::V1_4,
        RegisterRequest::from(NewObject::aes_key(KEY.to_vec())),
    );
    for encoding in Encoding::ALL {
        let mut bytes = Vec::new();
        encoding.encode(&request, &mut bytes).unwrap();
        let text = Redacted::request(encoding, &bytes).to_string();
        assert!(
            text.contains("[redacted, 32 bytes]"),
            "{encoding:?}: {text}"
        );
        for end in (0..bytes.len()).step_by(7) {
            let text = Redacted::request(encoding, &bytes[..end]).to_string();
            assert!(!text.contains("30313233"), "{encoding:?}: {text}");
            assert!(!text.contains("0123456789"), "{encoding:?}: {text}");
        }
    }
    let mut nested = Vec::new();
    for inside in (0..10_000_u32).rev() {
        nested.extend(b"\x42\x00\x7B\x01");
        nested.extend((8 * inside).to_be_bytes());
    }
    assert!(
        Redacted::response(Encoding::Ttlv, &nested)
            .to_string()
            .contains("not shown")
    );
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Hook for Seen {
    fn on_request(&mut self, event: &RequestEvent<'_>) {
        self.note(format!("{:?} in {}", event.operations, event.version));
    }

    fn on_response(&mut self, event: &ResponseEvent<'_>) {
        let results: Vec<bool> = event.results.iter().map(Result::is_ok).collect();
        self.note(format!("{results:?} {:?}", event.server_correlation_value));
    }

    fn on_failure(&mut self, event: &FailureEvent<'_>) {
        self.note(format!("failed {:?}", event.error.operation()));
    }
}

#[test]
fn hooks_see_requests_results_and_failures() {
    let seen = Seen::default();
    let server = answering(|request| match request.batch_item[0].operation {
        Operation::QUERY => None,
        _ => Some(ResponseMessage {
            response_header: ResponseHeader {
                server_correlation_value: Some("log entry 7".into()),
                batch_count: 1,
                protocol_version: ProtocolVersion::V1_4,
                ..ResponseHeader::default()
            },
            batch_item: vec![support::failure(
                None,
                kmip::types::ResultReason::ITEM_NOT_FOUND,
            )],
            ..ResponseMessage::default()
        }),
    });
    let settings = server.version(ProtocolVersion::V1_4).hook(seen.clone());
    let mut client = settings.connect().unwrap();
    assert!(client.destroy("nothing").unwrap_err().is_not_found());
    client.disconnect();
    client
        .query([kmip::types::QueryFunction::QUERY_OPERATIONS])
        .unwrap_err();
    let expected = [
        "[Destroy] in 1.4",
        "[false] Some(\"log entry 7\")",
        "[Query] in 1.4",
        "failed Some(Query)",
    ];
    assert_eq!(*seen.0.lock().unwrap(), expected);
}
