//! Certificates with which clients connect and that the server has issued itself (Re-Provision: KMIP 2.0,
//! 6.1.44; 2.1, 6.1.48), and the certification authority that issues them.

use kmip::server::Failure;
use kmip::types::{DateTime, Secret, State};
use openssl::x509::X509Ref;

use crate::crypto::CertificationAuthority;
use crate::kept;
use crate::object::StoredObject;
use crate::store::{StoreError, Transaction, internal_content, internal_identifier};

/// Where the certification authority is kept.
const AUTHORITY: &str = "kmip-server:authority";

/// The authority of the server. It is made when it is first needed.
///
/// # Errors
/// If the store is out of order; within, if it cannot be read or made.
pub(crate) fn authority(
    transaction: &mut dyn Transaction,
) -> Result<Result<CertificationAuthority, Failure>, StoreError> {
    if let Some(pem) = kept::read(transaction, AUTHORITY)? {
        return Ok(CertificationAuthority::from_pem(pem.expose()));
    }
    let made = CertificationAuthority::new().and_then(|made| Ok((made.to_pem()?, made)));
    let (pem, authority) = match made {
        Ok(made) => made,
        Err(failure) => return Ok(Err(failure)),
    };
    let object = StoredObject::internal(AUTHORITY);
    transaction.insert(&object, Some(&internal_content(pem)))?;
    Ok(Ok(authority))
}

/// The certificate of a client, as long as the object that it belongs to is active.
pub(crate) enum Standing {
    /// The client is another one, whose certificate this one takes the place of.
    For(String),
    /// It was not issued for a client, or is no longer good.
    Refused,
}

/// Notes that a certificate stands for a client.
///
/// # Errors
/// If the store is out of order, or there is no digest of the certificate.
pub(crate) fn note(
    transaction: &mut dyn Transaction,
    certificate: &X509Ref,
    object: &str,
    client: &str,
) -> Result<(), StoreError> {
    let Some(identifier) = place_of(certificate) else {
        return Err(StoreError::Missing(object.to_owned()));
    };
    // Identifiers of objects have no line breaks: the server has made them.
    let text = format!("{object}\n{client}");
    let content = internal_content(Secret::owned(text.into_bytes()));
    transaction.insert(&StoredObject::internal(&identifier), Some(&content))
}

/// Whom a certificate stands for that the server's authority has issued.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn standing(
    transaction: &dyn Transaction,
    certificate: &X509Ref,
    now: DateTime,
) -> Result<Standing, StoreError> {
    match place_of(certificate) {
        Some(place) => standing_at(transaction, &place, now),
        None => Ok(Standing::Refused),
    }
}

/// As [`standing`], for the certificate with this [place](place_of).
///
/// # Errors
/// If the store is out of order.
pub(crate) fn standing_at(
    transaction: &dyn Transaction,
    place: &str,
    now: DateTime,
) -> Result<Standing, StoreError> {
    let Some(noted) = kept::read(transaction, place)? else {
        return Ok(Standing::Refused);
    };
    let text = String::from_utf8_lossy(noted.expose());
    let Some((object, client)) = text.split_once('\n') else {
        return Ok(Standing::Refused);
    };
    let Some(mut object) = transaction.get(object)? else {
        return Ok(Standing::Refused);
    };
    object.refresh(now);
    Ok(match object.state() {
        Some(State::ACTIVE) => Standing::For(client.to_owned()),
        _ => Standing::Refused,
    })
}

/// Where it is noted for whom a certificate stands.
pub(crate) fn place_of(certificate: &X509Ref) -> Option<String> {
    let der = certificate.to_der().ok()?;
    Some(internal_identifier("credential", &der))
}
