//! Operations for clients that attest: with a nonce of the server, once, and to a verifier that
//! accepts it.

mod common;

use std::sync::Arc;

use common::World;
use kmip::ProtocolVersion;
use kmip::client::Challenge;
use kmip::server::Peer;
use kmip::types::{
    AttestationCredential, AttestationType, Credential, CredentialType, CredentialValue,
    GetRequest, LocateRequest, Nonce, Operation, OperationRequest, QueryFunction, QueryRequest,
    RequestMessage, ResponseMessage, ResultReason, ResultStatus, UniqueIdentifier,
};
use kmip_server::AttestationVerifier;
use kmip_server::testing::Server;

/// Accepts a measurement that is the nonce backwards, and demands it for Get.
struct Backwards;

fn backwards(nonce: &Nonce<'_>) -> Vec<u8> {
    nonce.nonce_value.iter().rev().copied().collect()
}

impl AttestationVerifier for Backwards {
    fn types(&self) -> Vec<AttestationType> {
        vec![AttestationType::TPM_QUOTE]
    }

    fn demands(&self, operation: Operation) -> bool {
        operation == Operation::GET
    }

    fn verify(&self, _: &Peer, attestation: &AttestationCredential<'_>) -> Result<(), String> {
        let measured = attestation.attestation_measurement.as_deref();
        match measured == Some(&backwards(&attestation.nonce)[..]) {
            true => Ok(()),
            false => Err("the machine is not in order".to_owned()),
        }
    }
}

/// The versions that have attestation.
const VERSIONS: [ProtocolVersion; 5] = [
    ProtocolVersion::V1_2,
    ProtocolVersion::V1_3,
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
];

fn world() -> World {
    World::configured(|configuration| configuration.attestation = Some(Arc::new(Backwards)))
}

fn credential(
    kind: AttestationType,
    nonce: Nonce<'static>,
    measured: Vec<u8>,
) -> Credential<'static> {
    Credential {
        credential_type: CredentialType::ATTESTATION,
        credential_value: CredentialValue::Attestation(AttestationCredential {
            nonce,
            attestation_type: kind,
            attestation_measurement: Some(measured.into()),
            ..AttestationCredential::default()
        }),
        ..Credential::default()
    }
}

fn send<'a, R: OperationRequest<'a>>(
    world: &World,
    version: ProtocolVersion,
    request: R,
    capable: bool,
    credential: Option<Credential<'static>>,
) -> ResponseMessage<'static> {
    let mut message = RequestMessage::single(version, request);
    let header = &mut message.request_header;
    header.attestation_capable_indicator = capable.then_some(true);
    header.authentication = credential.map(|credential| credential.into());
    world.exchange(&world.peer, &message)
}

fn get(key: &UniqueIdentifier<'static>) -> GetRequest<'static> {
    GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    }
}

fn reason(answer: &ResponseMessage<'_>) -> Option<ResultReason> {
    answer.batch_item[0].result_reason
}

#[test]
fn a_key_is_given_to_a_client_that_attests_once_for_each_nonce() {
    for version in VERSIONS {
        let world = world();
        let key = world.create(version, []);
        // What is not demanded for goes on.
        let located = send(&world, version, LocateRequest::default(), false, None);
        assert_eq!(located.batch_item[0].result_status, ResultStatus::SUCCESS);
        let incapable = send(&world, version, get(&key), false, None);
        assert_eq!(reason(&incapable), Some(ResultReason::PERMISSION_DENIED));
        assert_eq!(incapable.response_header.nonce, None);

        let challenged = send(&world, version, get(&key), true, None);
        assert_eq!(
            reason(&challenged),
            Some(ResultReason::ATTESTATION_REQUIRED),
            "{version}"
        );
        let header = challenged.response_header;
        assert_eq!(header.attestation_type, [AttestationType::TPM_QUOTE]);
        let nonce = header.nonce.expect("a nonce");

        let quote = AttestationType::TPM_QUOTE;
        let right = || credential(quote, nonce.clone(), backwards(&nonce));
        let answer = send(&world, version, get(&key), true, Some(right()));
        assert_eq!(
            answer.batch_item[0].result_status,
            ResultStatus::SUCCESS,
            "{version}"
        );
        // The same again is a replay.
        let replayed = send(&world, version, get(&key), true, Some(right()));
        assert_eq!(reason(&replayed), Some(ResultReason::ATTESTATION_FAILED));
        // And nothing of it is left for the next message.
        let next = send(&world, version, get(&key), true, None);
        assert_eq!(reason(&next), Some(ResultReason::ATTESTATION_REQUIRED));
    }
}

#[test]
fn attestations_that_prove_nothing_are_refused() {
    let version = ProtocolVersion::V2_1;
    let world = world();
    let key = world.create(version, []);
    let fresh = || {
        let challenged = send(&world, version, get(&key), true, None);
        challenged.response_header.nonce.expect("a nonce")
    };
    let (quote, saml) = (AttestationType::TPM_QUOTE, AttestationType::SAML_ASSERTION);
    let made_up = Nonce {
        nonce_id: vec![1; 8].into(),
        nonce_value: vec![2; 32].into(),
        ..Nonce::default()
    };
    let (one, other, third) = (fresh(), fresh(), fresh());
    let mixed = Nonce {
        nonce_value: other.nonce_value.clone(),
        ..one.clone()
    };
    let wrong = [
        credential(quote, made_up.clone(), backwards(&made_up)),
        credential(quote, mixed.clone(), backwards(&mixed)),
        credential(quote, one.clone(), vec![0; 32]),
        // Its nonce was used up by the attempt before.
        credential(quote, one.clone(), backwards(&one)),
        credential(saml, other.clone(), backwards(&other)),
    ];
    for wrong in wrong {
        let answer = send(&world, version, get(&key), true, Some(wrong));
        assert_eq!(reason(&answer), Some(ResultReason::ATTESTATION_FAILED));
    }
    // A nonce is for the client that it was given to, and not for long.
    let authority = test_support::Authority::new("tests");
    let mallory = common::peer(&authority, "mallory");
    let mut message = RequestMessage::single(version, LocateRequest::default());
    message.request_header.authentication =
        Some(credential(quote, third.clone(), backwards(&third)).into());
    let answer = world.exchange(&mallory, &message);
    assert_eq!(reason(&answer), Some(ResultReason::ATTESTATION_FAILED));
    world.clock.advance(301);
    let late = credential(quote, third.clone(), backwards(&third));
    let answer = send(&world, version, get(&key), true, Some(late));
    assert_eq!(reason(&answer), Some(ResultReason::ATTESTATION_FAILED));
}

#[test]
fn a_server_without_a_verifier_accepts_no_attestation() {
    for version in VERSIONS {
        let world = World::new();
        let key = world.create(version, []);
        let nonce = Nonce {
            nonce_id: vec![1; 8].into(),
            nonce_value: vec![2; 32].into(),
            ..Nonce::default()
        };
        let quote = credential(AttestationType::TPM_QUOTE, nonce, vec![]);
        let answer = send(&world, version, get(&key), true, Some(quote));
        assert_eq!(
            reason(&answer),
            Some(ResultReason::ATTESTATION_FAILED),
            "{version}"
        );
        let without = send(&world, version, get(&key), true, None);
        assert_eq!(without.batch_item[0].result_status, ResultStatus::SUCCESS);
    }
}

#[test]
fn query_tells_the_types_and_the_client_attests_by_itself() {
    let server = Server::builder()
        .configure(|configuration| configuration.attestation = Some(Arc::new(Backwards)))
        .start();
    let attest = |challenge: &Challenge| {
        assert_eq!(challenge.attestation_types, [AttestationType::TPM_QUOTE]);
        Ok(AttestationCredential {
            nonce: challenge.nonce.clone(),
            attestation_type: AttestationType::TPM_QUOTE,
            attestation_measurement: Some(backwards(&challenge.nonce).into()),
            ..AttestationCredential::default()
        })
    };
    let mut client = server.client().attestation(attest).connect().unwrap();
    let query = QueryRequest {
        query_function: vec![
            QueryFunction::QUERY_ATTESTATION_TYPES,
            QueryFunction::QUERY_CAPABILITIES,
        ],
        ..QueryRequest::default()
    };
    let told = client.call(query).unwrap();
    assert_eq!(told.attestation_type, [AttestationType::TPM_QUOTE]);
    let capabilities = &told.capability_information[0];
    assert_eq!(capabilities.attestation_capability, Some(true));
    let key = client.call(common::create([])).unwrap().unique_identifier;
    for _ in 0..2 {
        client.call(get(&key)).unwrap();
    }
}
