//! Credentials for the header of requests (Credential, 2.1.2 in KMIP 1.x, 9.9 in 2.0).

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::sha::Sha256;
use zeroize::Zeroizing;

use crate::types::{
    AttestationCredential, Authentication, Credential, CredentialType, CredentialValue,
    DateTimeExtended, DeviceCredential, HashedPasswordCredential, HashingAlgorithm,
    OneTimePasswordCredential, Secret, SecretText, Ticket, TicketCredential,
    UsernameAndPasswordCredential,
};

/// A credential alone.
impl<'a> From<Credential<'a>> for Authentication<'a> {
    fn from(credential: Credential<'a>) -> Self {
        Authentication {
            credential: vec![credential],
            ..Authentication::default()
        }
    }
}

impl<'a> Credential<'a> {
    /// A user name and a password.
    ///
    /// ```
    /// use kmip::client::Client;
    /// use kmip::types::Credential;
    ///
    /// let settings = Client::builder("keys.example.com".parse()?)
    ///     .credential(Credential::username_and_password("me", "secret".to_owned()));
    /// assert!(!format!("{:?}", Credential::username_and_password("me", "secret".to_owned()))
    ///     .contains("secret"));
    /// # let _ = settings;
    /// # Ok::<(), kmip::transport::AddressError>(())
    /// ```
    pub fn username_and_password(username: impl Into<Cow<'a, str>>, password: String) -> Self {
        let value = UsernameAndPasswordCredential {
            username: username.into(),
            password: Some(SecretText::owned(password)),
            ..UsernameAndPasswordCredential::default()
        };
        credential(
            CredentialType::USERNAME_AND_PASSWORD,
            CredentialValue::UsernameAndPassword(value),
        )
    }

    /// What identifies a device (since KMIP 1.1), with the fields that it has.
    pub fn device(device: DeviceCredential<'a>) -> Self {
        credential(CredentialType::DEVICE, CredentialValue::Device(device))
    }

    /// The state of a machine, for a nonce of the server (since KMIP 1.2). See
    /// [`ClientBuilder::attestation`](crate::client::ClientBuilder::attestation), which makes one when
    /// it is asked for.
    pub fn attestation(attestation: AttestationCredential<'a>) -> Self {
        let value = CredentialValue::Attestation(attestation);
        credential(CredentialType::ATTESTATION, value)
    }

    /// A user name, a password that may be left out, and a password that is good for once (since
    /// KMIP 2.0).
    pub fn one_time_password(
        username: impl Into<Cow<'a, str>>,
        password: Option<String>,
        one_time_password: String,
    ) -> Self {
        let value = OneTimePasswordCredential {
            username: username.into(),
            password: password.map(SecretText::owned),
            one_time_password: SecretText::owned(one_time_password),
            ..OneTimePasswordCredential::default()
        };
        credential(
            CredentialType::ONE_TIME_PASSWORD,
            CredentialValue::OneTimePassword(value),
        )
    }

    /// A user name and the hash that server and client have agreed on, with the time it was made at
    /// (since KMIP 2.0).
    pub fn hashed_password(
        username: impl Into<Cow<'a, str>>,
        time_stamp: DateTimeExtended,
        hashing_algorithm: impl Into<Option<HashingAlgorithm>>,
        hashed_password: Vec<u8>,
    ) -> Self {
        let value = HashedPasswordCredential {
            username: username.into(),
            time_stamp,
            hashing_algorithm: hashing_algorithm.into(),
            hashed_password: Secret::owned(hashed_password),
            ..HashedPasswordCredential::default()
        };
        credential(
            CredentialType::HASHED_PASSWORD,
            CredentialValue::HashedPassword(value),
        )
    }

    /// A user name and the proof that the client knows the password, made now with SHA-256 (since KMIP 2.0;
    /// 2.1, 9.11). The password itself is not sent. A server takes the proof once: see
    /// [`Client::login_with`](crate::client::Client::login_with).
    ///
    /// ```no_run
    /// use kmip::types::Credential;
    ///
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
    /// client.login_with(Credential::password_proof("me", "secret"), None, None)?;
    /// # Ok(()) }
    /// ```
    pub fn password_proof(username: &str, password: &str) -> Credential<'static> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_micros());
        let time = i64::try_from(now).unwrap_or(i64::MAX);
        let hash = |parts: [&[u8]; 2]| {
            let mut whole = Sha256::new();
            parts.into_iter().for_each(|part| whole.update(part));
            Zeroizing::new(whole.finish())
        };
        let (name, password) = (username.as_bytes(), password.as_bytes());
        let first = hash([&*hash([name, password]), &time.to_be_bytes()]);
        let second = hash([password, name]);
        let proof = [&first[..], &second[..]].concat();
        let time = DateTimeExtended(time);
        Credential::hashed_password(username.to_owned(), time, HashingAlgorithm::SHA_256, proof)
    }

    /// What a server has given out at Login (since KMIP 2.0). See
    /// [`Client::login`](crate::client::Client::login), which uses it by itself.
    pub fn ticket(ticket: Ticket<'a>) -> Self {
        let value = TicketCredential {
            ticket,
            ..TicketCredential::default()
        };
        credential(CredentialType::TICKET, CredentialValue::Ticket(value))
    }
}

pub(super) fn credential<'a>(
    credential_type: CredentialType,
    credential_value: CredentialValue<'a>,
) -> Credential<'a> {
    Credential {
        credential_type,
        credential_value,
        ..Credential::default()
    }
}
