//! Which findings of OpenSSL about the peer's certificate count, and how to explain them.

use std::sync::{Arc, Mutex, PoisonError};

use openssl::ssl::{SslRef, SslVerifyMode};
use openssl::x509::{X509, X509Ref, X509StoreContextRef};

use super::VerificationError;
use super::certificate::{describe_certificate, valid_for};

/// `X509_V_ERR_HOSTNAME_MISMATCH` and its siblings for e-mail and IP addresses.
pub(super) fn is_host_name(code: i32) -> bool {
    matches!(code, 62..=64)
}

/// Which findings make the handshake fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) chain: bool,
    pub(super) host_name: bool,
}

impl Policy {
    /// Whether `error` makes the handshake fail.
    pub(super) fn counts(self, error: &VerificationError) -> bool {
        match error.is_host_name() {
            true => self.host_name,
            false => self.chain,
        }
    }
}

/// What verification has found on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of OpenSSL's checks, whether they count or not.
    pub(super) errors: Vec<VerificationError>,
    /// The peer's certificate.
    pub(super) certificate: Option<X509>,
    /// What it sent with it.
    pub(super) chain: Vec<X509>,
}

impl Findings {
    /// Looks at all that OpenSSL finds on `ssl`; lets pass what `policy` does not count.
    pub(super) fn watch(
        ssl: &mut SslRef,
        mode: SslVerifyMode,
        policy: Policy,
        trusted: &str,
    ) -> Self {
        let findings = Findings::default();
        let found = findings.clone();
        let trusted = trusted.to_owned();
        ssl.set_verify_callback(mode, move |good, context| {
            found.note(good, context, &trusted, policy)
        });
        findings
    }

    pub(super) fn take(&self) -> Found {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(
        &self,
        good: bool,
        context: &mut X509StoreContextRef,
        trusted: &str,
        policy: Policy,
    ) -> bool {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.certificate.is_none() {
            let mut chain = context.chain().into_iter().flatten().map(|c| c.to_owned());
            found.certificate = chain.next();
            found.chain = chain.collect();
        }
        if good {
            return true;
        }
        let error = explain(context, trusted);
        let passes = !policy.counts(&error);
        if !found.errors.contains(&error) {
            found.errors.push(error);
        }
        passes
    }
}

fn explain(context: &X509StoreContextRef, trusted: &str) -> VerificationError {
    let result = context.error();
    let code = result.as_raw();
    let certificate = context.current_cert();
    VerificationError {
        code,
        reason: result.error_string().to_owned(),
        depth: context.error_depth(),
        certificate: certificate.map(describe_certificate).unwrap_or_default(),
        advice: advice(code, certificate, trusted),
    }
}

/// What to do about `X509_V_ERR_...` number `code` (`X509_STORE_CTX_get_error(3)`).
fn advice(code: i32, certificate: Option<&X509Ref>, trusted: &str) -> Option<String> {
    Some(match code {
        2 | 19 | 20 | 21 => format!("its issuer is not among the trusted ones: {trusted}"),
        18 => "it is self-signed; if it is the right one, trust exactly this certificate or pin it"
            .to_owned(),
        3 => "there is no revocation list of its issuer; each CA of the chain needs one".to_owned(),
        11 | 12 => "get a current revocation list, and check the clock of this machine".to_owned(),
        9 | 10 => "check the validity of the certificate, and the clock of this machine".to_owned(),
        26 => "the certificate is not made for this use; see its extended key usage".to_owned(),
        62..=64 => {
            let names = certificate.map(valid_for).unwrap_or_default();
            format!("it is valid for: {}", names.join(", "))
        }
        66..=68 => "key or signature are too weak for the security level; a cipher list with \
                    @SECLEVEL=1 would allow it"
            .to_owned(),
        _ => return None,
    })
}
