//! Certificates with which clients connect and that the server has issued itself (Re-Provision: KMIP 2.0,
//! 6.1.44; 2.1, 6.1.48), and the certification authority that issues them.

use kmip::server::Failure;
use kmip::types::{DateTime, ManagedObject, OpaqueObject, Secret, State};
use openssl::hash::MessageDigest;
use openssl::x509::X509Ref;

use crate::crypto::CertificationAuthority;
use crate::object::StoredObject;
use crate::store::{INTERNAL_PREFIX, StoreError, Transaction};

/// Where the certification authority is kept.
const AUTHORITY: &str = "kmip-server:authority";

/// The authority of the server. It is made when it is first needed.
///
/// # Errors
/// If the store is out of order; within, if it cannot be read or made.
pub(crate) fn authority(
    transaction: &mut dyn Transaction,
) -> Result<Result<CertificationAuthority, Failure>, StoreError> {
    if let Some(ManagedObject::OpaqueObject(kept)) = transaction.content(AUTHORITY)? {
        let pem = kept.opaque_data_value.expose();
        return Ok(CertificationAuthority::from_pem(pem));
    }
    let made = CertificationAuthority::new().and_then(|made| Ok((made.to_pem()?, made)));
    let (pem, authority) = match made {
        Ok(made) => made,
        Err(failure) => return Ok(Err(failure)),
    };
    let object = StoredObject::internal(AUTHORITY);
    transaction.insert(&object, Some(&opaque(pem)))?;
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
    let Some(identifier) = identifier_of(certificate) else {
        return Err(StoreError::Missing(object.to_owned()));
    };
    // Identifiers of objects have no line breaks: the server has made them.
    let text = format!("{object}\n{client}");
    let content = opaque(Secret::owned(text.into_bytes()));
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
    let Some(identifier) = identifier_of(certificate) else {
        return Ok(Standing::Refused);
    };
    let Some(ManagedObject::OpaqueObject(noted)) = transaction.content(&identifier)? else {
        return Ok(Standing::Refused);
    };
    let text = String::from_utf8_lossy(noted.opaque_data_value.expose()).into_owned();
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

fn identifier_of(certificate: &X509Ref) -> Option<String> {
    let digest = certificate.digest(MessageDigest::sha256()).ok()?;
    let mut identifier = format!("{INTERNAL_PREFIX}credential:");
    for byte in digest.iter() {
        identifier.push_str(&format!("{byte:02x}"));
    }
    Some(identifier)
}

fn opaque(value: Secret<'static>) -> ManagedObject<'static> {
    ManagedObject::OpaqueObject(OpaqueObject {
        opaque_data_value: value,
        ..OpaqueObject::default()
    })
}
