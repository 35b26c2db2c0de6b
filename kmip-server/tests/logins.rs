//! Who is let in by a name and a password: plain, hashed with the time, or good for once.

mod common;

use std::sync::Arc;

use common::{NOW, World, create};
use kmip::ProtocolVersion;
use kmip::types::{
    Authentication, Credential, CredentialType, CredentialValue, DateTimeExtended,
    HashedPasswordCredential, HashingAlgorithm, LocateRequest, OneTimePasswordCredential,
    RequestMessage, ResponseMessage, ResponsePayload, ResultReason, ResultStatus, Secret,
    SecretText,
};
use kmip_server::{Configuration, MemoryStore, SqliteStore, Store, User};
use openssl::sha::sha256;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

fn anna(configuration: &mut Configuration) {
    let mut user = User::new(SecretText::borrowed("secret"));
    user.one_time_passwords = vec![SecretText::borrowed("one"), SecretText::borrowed("two")];
    configuration.users.insert("anna".to_owned(), user);
}

/// Locates what a client has, with a credential.
fn locate(world: &World, credential: Option<Credential<'static>>) -> ResponseMessage<'static> {
    let mut message = RequestMessage::single(VERSION, LocateRequest::default());
    message.request_header.authentication = credential.map(Authentication::from);
    world.exchange(&world.peer, &message)
}

fn is_let_in(world: &World, credential: Credential<'static>) -> bool {
    let answer = locate(world, Some(credential)).batch_item.remove(0);
    match answer.result_status {
        ResultStatus::SUCCESS => true,
        _ => {
            let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
            assert_eq!(answer.result_reason, Some(reason));
            false
        }
    }
}

fn once(name: &'static str, password: Option<&str>, code: &str) -> Credential<'static> {
    Credential {
        credential_type: CredentialType::ONE_TIME_PASSWORD,
        credential_value: CredentialValue::OneTimePassword(OneTimePasswordCredential {
            username: name.into(),
            password: password.map(|password| SecretText::owned(password.to_owned())),
            one_time_password: SecretText::owned(code.to_owned()),
            ..OneTimePasswordCredential::default()
        }),
        ..Credential::default()
    }
}

/// S1 and S2 (KMIP 2.1, 9.11).
fn hashes(name: &str, password: &str) -> ([u8; 32], [u8; 32]) {
    let s1 = sha256(format!("{name}{password}").as_bytes());
    (s1, sha256(format!("{password}{name}").as_bytes()))
}

fn hashed(name: &'static str, password: &str, microseconds: i64) -> Credential<'static> {
    let (s1, s2) = hashes(name, password);
    let first = sha256(&[&s1[..], &microseconds.to_be_bytes()].concat());
    Credential {
        credential_type: CredentialType::HASHED_PASSWORD,
        credential_value: CredentialValue::HashedPassword(HashedPasswordCredential {
            username: name.into(),
            time_stamp: DateTimeExtended(microseconds),
            hashed_password: Secret::owned([first, s2].concat()),
            ..HashedPasswordCredential::default()
        }),
        ..Credential::default()
    }
}

#[test]
fn a_one_time_password_is_good_for_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::with(store.clone(), anna);
    assert!(is_let_in(&world, once("anna", None, "one")));
    assert!(!is_let_in(&world, once("anna", None, "one")), "a replay");
    // Neither after the server has begun anew.
    let world = World::with(store, anna);
    assert!(!is_let_in(&world, once("anna", None, "one")), "a replay");
    assert!(!is_let_in(&world, once("anna", None, "three")));
    assert!(!is_let_in(&world, once("bert", None, "two")));
    // The wrong password does not use up the other one.
    assert!(!is_let_in(&world, once("anna", Some("wrong"), "two")));
    assert!(is_let_in(&world, once("anna", Some("secret"), "two")));
}

#[test]
fn a_hashed_password_proves_itself_both_ways() {
    let world = World::configured(anna);
    let time = NOW.0 * 1_000_000 + 5;
    let answer = locate(&world, Some(hashed("anna", "secret", time)));
    assert_eq!(answer.batch_item[0].result_status, ResultStatus::SUCCESS);
    let (s1, s2) = hashes("anna", "secret");
    let expected = sha256(&[&time.to_be_bytes()[..], &s1, &sha256(&s2)].concat());
    let proof = answer.response_header.server_hashed_password;
    assert_eq!(proof.expect("a proof").expose(), expected);
}

#[test]
fn nobody_is_told_proofs_of_the_passwords_of_others() {
    let world = World::configured(|configuration| {
        anna(configuration);
        let user = User::new(SecretText::borrowed("other"));
        configuration.users.insert("bert".to_owned(), user);
    });
    let mut message = RequestMessage::single(VERSION, LocateRequest::default());
    message.request_header.authentication = Some(Authentication {
        credential: vec![
            Credential::username_and_password("bert", "other".to_owned()),
            hashed("anna", "a guess", NOW.0 * 1_000_000),
        ],
        ..Authentication::default()
    });
    let answer = world.exchange(&world.peer, &message);
    assert_eq!(answer.batch_item[0].result_status, ResultStatus::SUCCESS);
    assert_eq!(answer.response_header.server_hashed_password, None);
}

#[test]
fn an_unknown_hash_says_nothing_about_who_is_known() {
    let world = World::configured(anna);
    let answers = ["anna", "bert"].map(|name| {
        let mut credential = hashed(name, "secret", NOW.0 * 1_000_000);
        if let CredentialValue::HashedPassword(login) = &mut credential.credential_value {
            login.hashing_algorithm = Some(HashingAlgorithm(0x8000_0001));
        }
        locate(&world, Some(credential)).batch_item.remove(0)
    });
    let [known, unknown] = answers;
    let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
    assert_eq!(known.result_reason, Some(reason));
    assert_eq!(known.result_message, unknown.result_message);
    assert_eq!(known.result_reason, unknown.result_reason);
}

#[test]
fn a_hashed_password_is_not_replayed() {
    let world = World::configured(anna);
    let time = NOW.0 * 1_000_000;
    let second = 1_000_000;
    assert!(!is_let_in(&world, hashed("anna", "wrong", time)));
    assert!(!is_let_in(&world, hashed("bert", "secret", time)));
    assert!(is_let_in(&world, hashed("anna", "secret", time + second)));
    assert!(!is_let_in(&world, hashed("anna", "secret", time + second)));
    assert!(!is_let_in(&world, hashed("anna", "secret", time)));
    assert!(is_let_in(
        &world,
        hashed("anna", "secret", time + 2 * second)
    ));
    // From before the server has begun, or from the future.
    let world = World::configured(anna);
    assert!(!is_let_in(&world, hashed("anna", "secret", time - second)));
    assert!(!is_let_in(
        &world,
        hashed("anna", "secret", time + 3600 * second)
    ));
    let refused = locate(&world, Some(hashed("anna", "wrong", time)));
    assert_eq!(refused.response_header.server_hashed_password, None);
}

/// Servers that share a store, or one that is started again with it.
#[test]
fn a_hashed_password_is_not_replayed_to_another_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let server = || World::with(Arc::new(SqliteStore::open(&path).unwrap()), anna);
    let time = NOW.0 * 1_000_000;
    let (one, other) = (server(), server());
    assert!(is_let_in(&one, hashed("anna", "secret", time + 1)));
    assert!(!is_let_in(&other, hashed("anna", "secret", time + 1)));
    assert!(is_let_in(&other, hashed("anna", "secret", time + 2)));
    assert!(!is_let_in(&one, hashed("anna", "secret", time + 2)));
    drop((one, other));
    assert!(!is_let_in(&server(), hashed("anna", "secret", time + 2)));
    assert!(is_let_in(&server(), hashed("anna", "secret", time + 3)));
}

#[test]
fn a_login_can_be_optional() {
    let world = World::configured(|configuration| {
        anna(configuration);
        configuration.login_is_optional = true;
    });
    world.call(VERSION, create([])).expect("by certificate");
    assert!(!is_let_in(
        &world,
        Credential::username_and_password("anna", "x".to_owned())
    ));
    // Who logs in is somebody else than who does not.
    let right = Credential::username_and_password("anna", "secret".to_owned());
    let answer = locate(&world, Some(right)).batch_item.remove(0);
    let Some(ResponsePayload::Locate(found)) = answer.response_payload else {
        panic!("{answer:?}");
    };
    assert_eq!(found.unique_identifier, []);
}
