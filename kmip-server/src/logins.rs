//! Users and their passwords: plain, hashed with the time, and good for once (KMIP 2.1, 9.11).

use kmip::server::Failure;
use kmip::types::{
    Authentication, Credential, CredentialValue, DateTime, DateTimeExtended,
    HashedPasswordCredential, HashingAlgorithm, OneTimePasswordCredential, ResultReason, Secret,
    SecretText,
};
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use zeroize::Zeroizing;

use crate::configuration::{Configuration, User};
use crate::crypto::hash_function;
use crate::kept;
use crate::object::StoredObject;
use crate::remembered::Remembered;
use crate::repeat::repeat;
use crate::server::owner_of_user;
use crate::store::{Store, StoreError, internal_content, internal_identifier};

/// How far the clock of a client that hashes its password may be from that of the server, in seconds.
const TOLERANCE: i64 = 300;

/// What a login is checked against.
pub(crate) struct Door<'d> {
    pub(crate) configuration: &'d Configuration,
    pub(crate) remembered: &'d Remembered,
    pub(crate) store: &'d dyn Store,
    /// When the server has begun: what was hashed before may have been used before.
    pub(crate) begun: DateTime,
}

impl Door<'_> {
    /// Lets a user in by the first of the credentials that is one with a name. The others count for
    /// nothing.
    ///
    /// # Errors
    /// If the name or the password is wrong, or was used before.
    pub(crate) fn open_first(
        &self,
        credentials: &Authentication<'_>,
    ) -> Option<Result<String, Failure>> {
        self.open(&first_login(credentials)?.credential_value)
    }

    /// Lets a user in, if the credential is one with a name.
    ///
    /// # Errors
    /// If the name or the password is wrong, or was used before.
    fn open(&self, credential: &CredentialValue<'_>) -> Option<Result<String, Failure>> {
        let (name, opened) = match credential {
            CredentialValue::UsernameAndPassword(login) => {
                let right = self.is_password(&login.username, login.password.as_ref());
                (&login.username, Ok(right))
            }
            CredentialValue::OneTimePassword(login) => (&login.username, self.one_time(login)),
            CredentialValue::HashedPassword(login) => (&login.username, self.hashed(login)),
            _ => return None,
        };
        Some(opened.and_then(|right| match right {
            true => Ok(owner_of_user(name)),
            false => Err(refused()),
        }))
    }

    fn user(&self, name: &str) -> Option<&User> {
        self.configuration.users.get(name)
    }

    fn is_password(&self, name: &str, password: Option<&SecretText<'_>>) -> bool {
        let Some(given) = password else {
            return false;
        };
        match self.user(name) {
            Some(user) => self.remembered.check(name, &user.password, given),
            // Compared also for unknown users, whom a quick answer would give away.
            None => {
                let mut others = self.configuration.users.values();
                let other = others.next();
                let _ = other.map(|other| self.remembered.compare(&other.password, given));
                false
            }
        }
    }

    /// Whether the password is one of those that are good for once, and was not used.
    fn one_time(&self, login: &OneTimePasswordCredential<'_>) -> Result<bool, Failure> {
        if login.password.is_some() && !self.is_password(&login.username, login.password.as_ref()) {
            return Ok(false);
        }
        let own = self.user(&login.username);
        let mut own = own.iter().flat_map(|user| &user.one_time_passwords);
        if !own.any(|password| *password == login.one_time_password) {
            return Ok(false);
        }
        self.noted(|| self.use_up(&login.username, &login.one_time_password))
    }

    /// Notes something about a password in the store; `false` if what is noted there speaks against it.
    fn noted(&self, note: impl Fn() -> Result<bool, StoreError>) -> Result<bool, Failure> {
        repeat(note, StoreError::is_conflict).map_err(|error| {
            (self.configuration.report)(&error);
            error.told()
        })
    }

    /// Notes in the store that a password was used; `false` if it was before.
    fn use_up(&self, name: &str, password: &SecretText<'_>) -> Result<bool, StoreError> {
        let mut both = Zeroizing::new(name.as_bytes().to_vec());
        both.push(0);
        both.extend_from_slice(password.expose().as_bytes());
        let identifier = internal_identifier("one-time-password", &both);
        let mut transaction = self.store.begin()?;
        if transaction.get(&identifier)?.is_some() {
            return Ok(false);
        }
        transaction.insert(&StoredObject::internal(&identifier), None)?;
        transaction.commit()?;
        Ok(true)
    }

    fn hashed(&self, login: &HashedPasswordCredential<'_>) -> Result<bool, Failure> {
        let user = self.user(&login.username);
        // Compared also for unknown users, whom a quick answer or another one would give away.
        let mut others = self.configuration.users.values();
        let compared = user.or_else(|| others.find(|other| other.password.in_clear().is_some()));
        let Some(compared) = compared else {
            return Ok(false);
        };
        let hashes = Hashes::new(&login.username, compared, login.hashing_algorithm);
        let Ok(expected) = hashes.and_then(|hashes| hashes.of_client(login.time_stamp)) else {
            return Ok(false);
        };
        let given = login.hashed_password.expose();
        let same = expected.len() == given.len() && memcmp::eq(&expected, given);
        if !same || user.is_none() {
            return Ok(false);
        }
        let now = self.configuration.clock.now();
        let seconds = login.time_stamp.0.div_euclid(1_000_000);
        if seconds < self.begun.0 || (seconds - now.0).abs() > TOLERANCE {
            return Ok(false);
        }
        self.noted(|| self.advance(&login.username, login.time_stamp))
    }

    /// Notes in the store the time of the last hashed password of a user, which only ever increases;
    /// `false` if this one is not later.
    fn advance(&self, name: &str, time: DateTimeExtended) -> Result<bool, StoreError> {
        let identifier = internal_identifier("hashed-password", name.as_bytes());
        let mut transaction = self.store.begin()?;
        let noted = internal_content(Secret::owned(time.0.to_be_bytes().to_vec()));
        match kept::read_to_change(&*transaction, &identifier)? {
            Some(before) => {
                let before = before.expose().try_into();
                if before.map_or(true, |before| time.0 <= i64::from_be_bytes(before)) {
                    return Ok(false);
                }
                transaction.replace_content(&identifier, &noted)?;
            }
            None => transaction.insert(&StoredObject::internal(&identifier), Some(&noted))?,
        }
        transaction.commit()?;
        Ok(true)
    }

    /// What proves to a client with a hashed password that the server knows the password, too. Only
    /// for the one that was let in with it: others could guess passwords by it.
    pub(crate) fn server_hash(&self, credentials: &Authentication<'_>) -> Option<Vec<u8>> {
        let first = first_login(credentials)?;
        let CredentialValue::HashedPassword(login) = &first.credential_value else {
            return None;
        };
        let user = self.user(&login.username)?;
        let hashes = Hashes::new(&login.username, user, login.hashing_algorithm).ok()?;
        hashes.of_server(login.time_stamp).ok()
    }
}

/// The credential that counts: the first one with a name.
fn first_login<'a, 'c>(credentials: &'a Authentication<'c>) -> Option<&'a Credential<'c>> {
    let mut credentials = credentials.credential.iter();
    credentials.find(|given| {
        matches!(
            given.credential_value,
            CredentialValue::UsernameAndPassword(_)
                | CredentialValue::OneTimePassword(_)
                | CredentialValue::HashedPassword(_)
        )
    })
}

/// S1 and S2 of a hashed password.
struct Hashes {
    function: MessageDigest,
    s1: Zeroizing<Vec<u8>>,
    s2: Zeroizing<Vec<u8>>,
}

impl Hashes {
    fn new(name: &str, user: &User, algorithm: Option<HashingAlgorithm>) -> Result<Self, Failure> {
        let function = hash_function(algorithm.unwrap_or(HashingAlgorithm::SHA_256))?;
        // Of a user of whom only another hash is known, this one cannot be made.
        let password = user.password.in_clear().ok_or_else(refused)?.expose();
        let s1 = digest(function, &[name.as_bytes(), password.as_bytes()])?;
        let s2 = digest(function, &[password.as_bytes(), name.as_bytes()])?;
        Ok(Hashes { function, s1, s2 })
    }

    /// Hash(S1 || Timestamp) || S2.
    fn of_client(&self, time: DateTimeExtended) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut hashed = digest(self.function, &[&self.s1, &time.0.to_be_bytes()])?;
        hashed.reserve_exact(self.s2.len());
        hashed.extend_from_slice(&self.s2);
        Ok(hashed)
    }

    /// Hash(Timestamp || S1 || Hash(S2)).
    fn of_server(&self, time: DateTimeExtended) -> Result<Vec<u8>, Failure> {
        let s2 = digest(self.function, &[&self.s2])?;
        let hashed = digest(self.function, &[&time.0.to_be_bytes(), &self.s1, &s2])?;
        Ok(hashed.to_vec())
    }
}

fn digest(function: MessageDigest, parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let whole = Zeroizing::new(parts.concat());
    let digest = hash(function, &whole).map_err(|_| refused())?;
    Ok(Zeroizing::new(digest.to_vec()))
}

fn refused() -> Failure {
    Failure::new(
        ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
        "the user name or the password is wrong",
    )
}
