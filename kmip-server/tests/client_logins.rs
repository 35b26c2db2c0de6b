//! The client proves who it is in every way that the server knows.

use kmip::ProtocolVersion;
use kmip::client::{Client, ClientBuilder, NewKey};
use kmip::types::{Credential, DeviceCredential, ResultReason, SecretText};
use kmip_server::User;
use kmip_server::testing::Server;

fn server() -> Server {
    let configured = Server::builder().configure(|configuration| {
        let mut anna = User::new(SecretText::borrowed("secret"));
        anna.one_time_passwords = vec![SecretText::borrowed("one"), SecretText::borrowed("two")];
        configuration.users.insert("anna".to_owned(), anna);
    });
    configured.start()
}

/// Anna, with a key of hers.
fn anna(server: &Server) -> (ClientBuilder, kmip::types::UniqueIdentifier<'static>) {
    let settings = || server.client().username_and_password("anna", "secret");
    let mut client = settings().connect().unwrap();
    let key = client.create(NewKey::aes(256)).unwrap();
    (settings(), key)
}

/// Nobody: such a server does not even tell its versions to strangers.
fn stranger(server: &Server) -> ClientBuilder {
    server.client().version(ProtocolVersion::V2_1)
}

fn is_refused<T: std::fmt::Debug>(outcome: Result<T, kmip::client::Error>) {
    let error = outcome.unwrap_err();
    let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
    assert_eq!(error.result_reason(), Some(reason), "{error}");
    assert!(error.is_permission_denied() && !error.is_retryable());
}

#[test]
fn a_name_and_a_password_are_sent_with_each_request() {
    let server = server();
    let (settings, key) = anna(&server);
    let mut client = settings.connect().unwrap();
    assert_eq!(client.locate([], None).unwrap(), [key]);
    assert_eq!(client.locate([], None).unwrap().len(), 1);
    let wrong = server.client().username_and_password("anna", "guessed");
    is_refused(
        wrong
            .connect()
            .and_then(|mut client| client.locate([], None)),
    );
}

/// Logs in with a credential that is good for once, and works on as Anna.
fn logs_in_once(client: &mut Client, credential: &Credential<'static>, count: usize) {
    client.login_with(credential.clone(), None, None).unwrap();
    for _ in 0..3 {
        assert_eq!(client.locate([], None).unwrap().len(), count);
    }
    client.logout().unwrap();
    is_refused(client.login_with(credential.clone(), None, None));
    // Which leaves the client as it was: a stranger.
    is_refused(client.locate([], None));
}

#[test]
fn what_is_good_for_once_is_used_for_the_login_alone() {
    let server = server();
    let (_, _key) = anna(&server);
    let mut client = stranger(&server).connect().unwrap();
    logs_in_once(
        &mut client,
        &Credential::password_proof("anna", "secret"),
        1,
    );
    // The next one is later than the last one.
    logs_in_once(
        &mut client,
        &Credential::password_proof("anna", "secret"),
        1,
    );
    is_refused(client.login_with(Credential::password_proof("anna", "guessed"), None, None));
    is_refused(client.login_with(Credential::password_proof("bert", "secret"), None, None));
    let once = |code: &str| Credential::one_time_password("anna", None, code.to_owned());
    logs_in_once(&mut client, &once("one"), 1);
    let with_password =
        Credential::one_time_password("anna", Some("secret".to_owned()), "two".to_owned());
    logs_in_once(&mut client, &with_password, 1);
    is_refused(client.login_with(once("three"), None, None));
}

#[test]
fn a_login_with_another_credential_replaces_the_former() {
    let server = server();
    let (settings, _key) = anna(&server);
    let mut client = stranger(&server).connect().unwrap();
    client
        .login_with(Credential::password_proof("anna", "secret"), None, None)
        .unwrap();
    let once = Credential::one_time_password("anna", None, "one".to_owned());
    client.login_with(once, None, None).unwrap();
    assert_eq!(client.locate([], None).unwrap().len(), 1);
    // A session with only so many requests.
    let mut client = settings.connect().unwrap();
    client.login(None, Some(2)).unwrap();
    client.locate([], None).unwrap();
    client.locate([], None).unwrap();
    assert!(client.locate([], None).unwrap_err().failure().is_some());
}

#[test]
fn a_device_is_no_user() {
    let server = server();
    let (_, _key) = anna(&server);
    let device = Credential::device(DeviceCredential {
        device_serial_number: Some("4711".into()),
        ..DeviceCredential::default()
    });
    let mut client = stranger(&server).credential(device).connect().unwrap();
    is_refused(client.locate([], None));
}
