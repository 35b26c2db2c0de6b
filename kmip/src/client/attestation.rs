//! Proving to a server in what state this machine is (Attestation Credential, 2.1.2 in KMIP 1.2-1.4,
//! 9.11 in 2.0).

use crate::types::AttestationCredential;

use super::session::Challenge;

/// Makes attestations when a server demands one.
///
/// A server that does answers with Attestation Required and a nonce; the client then sends the request
/// again with the credential. The server has not performed it the first time.
pub trait Attest: Send {
    /// An attestation that contains the nonce of `challenge`.
    ///
    /// # Errors
    /// If none can be made; the operation fails with this cause.
    fn attest(
        &mut self,
        challenge: &Challenge,
    ) -> Result<AttestationCredential<'static>, Box<dyn std::error::Error + Send + Sync>>;
}

impl<F> Attest for F
where
    F: FnMut(
            &Challenge,
        )
            -> Result<AttestationCredential<'static>, Box<dyn std::error::Error + Send + Sync>>
        + Send,
{
    fn attest(
        &mut self,
        challenge: &Challenge,
    ) -> Result<AttestationCredential<'static>, Box<dyn std::error::Error + Send + Sync>> {
        self(challenge)
    }
}
