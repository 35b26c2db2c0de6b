//! Attestation: clients prove in what state their machines are, for operations that demand it
//! (Attestation Credential and Nonce: KMIP 1.4, 2.1.2, 2.1.14 and 6.14; 2.1, 9.11).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::{Failure, Peer};
use kmip::types::{
    AttestationCredential, AttestationType, Authentication, CredentialValue, DateTime, Nonce,
    Operation, RequestHeader, ResultReason,
};

use crate::crypto::random;

/// Judges attestations. What they mean (TPM quotes, integrity reports, SAML assertions) is the verifier's
/// business; that each is about a nonce which the client was given for it, and is taken once, is the
/// server's.
pub trait AttestationVerifier: Send + Sync {
    /// The kinds that it understands, the best first; clients are told.
    fn types(&self) -> Vec<AttestationType>;

    /// Whether an operation is performed only for clients that have attested.
    fn demands(&self, operation: Operation) -> bool;

    /// Whether a client is in the state that it should be in.
    ///
    /// # Errors
    /// If it is not, or the attestation is not about the nonce in it; the client is told why.
    fn verify(&self, peer: &Peer, attestation: &AttestationCredential<'_>) -> Result<(), String>;
}

/// How many nonces may be out at a time. The oldest give way.
const MOST: usize = 4096;
/// How many of them may be one client's. Its oldest give way before those of others.
const MOST_OF_ONE: usize = 16;
/// How many may be out for clients that are not told apart.
const MOST_OF_UNKNOWN: usize = 1024;
/// How long a nonce is good for, in seconds.
const SECONDS: i64 = 300;

thread_local! {
    /// Whether the client of the message that this thread answers has attested.
    static ATTESTED: Cell<bool> = const { Cell::new(false) };
    /// The nonce that the client of this message is given: one, however many of its items need it.
    static GIVEN: RefCell<Option<Nonce<'static>>> = const { RefCell::new(None) };
}

/// The nonces that are out.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    out: Mutex<VecDeque<Issued>>,
}

#[derive(Debug)]
struct Issued {
    nonce: Nonce<'static>,
    owner: String,
    until: DateTime,
}

impl Nonces {
    fn issue(&self, owner: &str, now: DateTime) -> Result<Nonce<'static>, Failure> {
        let nonce = Nonce {
            nonce_id: random(8)?.to_vec().into(),
            nonce_value: random(32)?.to_vec().into(),
            ..Nonce::default()
        };
        let mut out = self.lock();
        let most = match owner.is_empty() {
            true => MOST_OF_UNKNOWN,
            false => MOST_OF_ONE,
        };
        let is_own = |issued: &Issued| issued.owner == owner;
        if out.iter().filter(|issued| is_own(issued)).count() >= most {
            let oldest = out.iter().position(is_own);
            oldest.and_then(|at| out.remove(at));
        }
        if out.len() >= MOST {
            out.pop_front();
        }
        out.push_back(Issued {
            nonce: nonce.clone(),
            owner: owner.to_owned(),
            until: DateTime(now.0.saturating_add(SECONDS)),
        });
        Ok(nonce)
    }

    /// Takes a nonce back; `false` if the client was not given it, or long ago.
    fn take(&self, nonce: &Nonce<'_>, owner: &str, now: DateTime) -> bool {
        let mut out = self.lock();
        let same = |issued: &Issued| {
            issued.owner == owner
                && issued.nonce.nonce_id == nonce.nonce_id
                && issued.nonce.nonce_value == nonce.nonce_value
        };
        let found = out.iter().position(same).and_then(|at| out.remove(at));
        found.is_some_and(|issued| now < issued.until)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Issued>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What attestations are checked with.
pub(crate) struct Gate<'g> {
    pub(crate) verifier: Option<&'g dyn AttestationVerifier>,
    pub(crate) nonces: &'g Nonces,
    pub(crate) now: DateTime,
}

impl Gate<'_> {
    /// Looks at the attestation of a message, before its first item.
    ///
    /// # Errors
    /// If there is one that is not accepted.
    pub(crate) fn enter(
        &self,
        peer: &Peer,
        owner: &str,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<(), Failure> {
        ATTESTED.set(false);
        GIVEN.take();
        let credentials = credentials.map_or(&[][..], |given| &given.credential);
        for credential in credentials {
            let CredentialValue::Attestation(attestation) = &credential.credential_value else {
                continue;
            };
            let verifier = self
                .verifier
                .ok_or_else(|| failed("this server verifies no attestations".to_owned()))?;
            if !verifier.types().contains(&attestation.attestation_type) {
                let message = "this server does not verify attestations of this type";
                return Err(failed(message.to_owned()));
            }
            if !self.nonces.take(&attestation.nonce, owner, self.now) {
                let message =
                    "the nonce of the attestation was not given to this client, or is used up";
                return Err(failed(message.to_owned()));
            }
            verifier.verify(peer, attestation).map_err(failed)?;
            ATTESTED.set(true);
        }
        Ok(())
    }

    /// Whether an operation is performed for the client of this message.
    ///
    /// # Errors
    /// If the client has to attest first. One that can is given a nonce for it.
    pub(crate) fn check(
        &self,
        operation: Operation,
        owner: &str,
        header: &RequestHeader<'_>,
    ) -> Result<(), Failure> {
        let Some(verifier) = self.verifier else {
            return Ok(());
        };
        if ATTESTED.get() || !verifier.demands(operation) {
            return Ok(());
        }
        if header.attestation_capable_indicator != Some(true) {
            return Err(Failure::new(
                ResultReason::PERMISSION_DENIED,
                format!("{operation:?} is only for clients that attest"),
            ));
        }
        let nonce = match GIVEN.with_borrow(Clone::clone) {
            Some(nonce) => nonce,
            None => self.nonces.issue(owner, self.now)?,
        };
        GIVEN.set(Some(nonce.clone()));
        Err(Failure::attestation_required(nonce, verifier.types()))
    }
}

fn failed(message: String) -> Failure {
    Failure::new(ResultReason::ATTESTATION_FAILED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_pushes_out_the_nonces_of_others() {
        let (nonces, now) = (Nonces::default(), DateTime(0));
        let first = nonces.issue("alice", now).unwrap();
        let mine: Vec<_> = (0..MOST + 1)
            .map(|_| nonces.issue("mallory", now).unwrap())
            .collect();
        assert!(nonces.take(&first, "alice", now));
        let (gone, kept) = mine.split_at(mine.len() - MOST_OF_ONE);
        assert!(kept.iter().all(|nonce| nonces.take(nonce, "mallory", now)));
        assert!(!gone.iter().any(|nonce| nonces.take(nonce, "mallory", now)));
    }
}
