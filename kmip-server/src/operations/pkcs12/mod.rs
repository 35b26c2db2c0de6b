//! Private keys as PKCS#12: with their certificates, and protected by a password (links PKCS#12
//! Certificate Link and PKCS#12 Password Link: KMIP 1.4, 3.35; 2.1, 4.31).

mod cost;

use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, CryptographicAlgorithm, KeyBlock, KeyFormatType, KeyMaterial,
    KeyValue, LinkType, ManagedObject, ProtocolVersion, ResultReason, Secret, SecretDataType,
    State,
};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::Id;
use openssl::stack::Stack;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::certify::linked;
use crate::context::Objects;
use crate::crypto::{self, failed};
use crate::object::StoredObject;
use crate::refusal;

/// More certificates make no chain.
const LONGEST: usize = 16;
/// How many forms are opened at a time: how long that takes, clients choose.
const MOST_OPENED: usize = 2;

/// How many forms are being opened.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// Puts the PKCS#12 form into the place of a private key.
///
/// # Errors
/// If it is no private key, or no password is linked with it.
pub(super) fn enclose(
    objects: &Objects<'_>,
    object: &StoredObject,
    content: &mut ManagedObject<'static>,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    let ManagedObject::PrivateKey(private) = content else {
        return Err(unsupported("only private keys are given as PKCS#12"));
    };
    let block: &mut KeyBlock<'static> = &mut private.key_block;
    if block.key_format_type == KeyFormatType::PKCS_12 {
        return Ok(());
    }
    let key = crypto::private_key(block)?;
    let password = password(objects, &object.attributes.list, version)?;
    let chain = chain(objects, object)?;
    // The name where the key has none: KMIP 1.4, 3.45.
    let name = object.attributes.pkcs_12_friendly_name();
    let name = name.map_or("alias", |name| name);
    if name.contains('\0') {
        return Err(refusal::invalid_field(
            "the PKCS#12 Friendly Name has a NUL in it, which PKCS#12 forms cannot have there",
        ));
    }
    let encode = || {
        let mut builder = Pkcs12::builder();
        builder.name(name);
        builder.pkey(&key);
        if let Some((own, others)) = chain.split_first() {
            builder.cert(own);
            let mut stack = Stack::new()?;
            for certificate in others {
                stack.push(certificate.clone())?;
            }
            builder.ca(stack);
        }
        builder.build2(&password)?.to_der()
    };
    let encoded = encode().map_err(failed("the key cannot be given as PKCS#12"))?;
    let encoded = Secret::owned(encoded);
    // In 1.4 it takes the place of the whole Key Value (TC-PKCS12-1).
    block.key_value = Some(match version < ProtocolVersion::V2_0 {
        true => KeyValue::Wrapped(encoded),
        false => KeyValue::new(KeyMaterial::Bytes(encoded)),
    });
    block.key_format_type = KeyFormatType::PKCS_12;
    // What the form holds says it itself (TC-PKCS12-1).
    block.cryptographic_algorithm = None;
    block.cryptographic_length = None;
    Ok(())
}

/// The password that is linked with a key by its attributes.
pub(super) fn password(
    objects: &Objects<'_>,
    attributes: &[Attribute<'static>],
    version: ProtocolVersion,
) -> Result<Zeroizing<String>, Failure> {
    let is_password = |value: &AttributeValue<'_>| {
        matches!(value, AttributeValue::Link(link)
            if link.link_type == LinkType::PKCS_12_PASSWORD_LINK)
    };
    let mut links = attributes
        .iter()
        .map(|own| &own.value)
        .filter(|value| is_password(value));
    let (Some(AttributeValue::Link(link)), None) = (links.next(), links.next()) else {
        let message = "exactly one password for PKCS#12 has to be linked with the key";
        return Err(bad_password(message));
    };
    let linked = link.linked_object_identifier.as_text().unwrap_or_default();
    let object = objects.by_identifier(linked)?;
    let content = objects.content(&object)?;
    let ManagedObject::SecretData(secret) = &content else {
        return Err(bad_password("the password for PKCS#12 is no secret data"));
    };
    if secret.secret_data_type != SecretDataType::PASSWORD {
        return Err(bad_password("the secret data for PKCS#12 is no password"));
    }
    // Until 1.4, its state does not matter.
    if version >= ProtocolVersion::V2_0 && object.state() != Some(State::ACTIVE) {
        return Err(bad_password("the password for PKCS#12 is not active"));
    }
    let bytes = crypto::symmetric_bytes(&secret.key_block)?;
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| bad_password("the password for PKCS#12 is no text"))?;
    // OpenSSL would take what stands before it.
    if text.contains('\0') {
        return Err(bad_password("the password for PKCS#12 has a NUL in it"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Opens a private key that comes as PKCS#12, to see whether it can be had from it. That may take long, and
/// must not be done within a transaction.
///
/// # Errors
/// If it has another password or takes too long, or others are being opened.
pub(super) fn open(block: &KeyBlock<'_>, password: &str) -> Result<Opened, Failure> {
    let bytes = block.key_value.as_ref().and_then(KeyValue::as_bytes);
    let bytes = bytes.ok_or_else(refusal::value_not_present)?;
    let _place = Place::take()?;
    cost::check(bytes, password)?;
    let parsed = Pkcs12::from_der(bytes).and_then(|form| form.parse2(password));
    let parsed = parsed.map_err(|_| wrong_password())?;
    let key = parsed
        .pkey
        .ok_or_else(|| refusal::invalid_field("the PKCS#12 form has no private key"))?;
    let algorithm = match key.id() {
        Id::RSA => CryptographicAlgorithm::RSA,
        Id::EC => CryptographicAlgorithm::EC,
        Id::DSA => CryptographicAlgorithm::DSA,
        Id::ED25519 => CryptographicAlgorithm::ED25519,
        Id::ED448 => CryptographicAlgorithm::ED448,
        _ => {
            return Err(refusal::not_supported(
                "the key in the PKCS#12 form is of another kind",
            ));
        }
    };
    let certificate = parsed.cert.as_ref();
    Ok(Opened {
        algorithm,
        length: i32::try_from(key.bits()).unwrap_or_default(),
        name: certificate
            .and_then(|certificate| certificate.alias())
            .map(|alias| String::from_utf8_lossy(alias).into_owned()),
    })
}

/// One of the places for those that open a form; free again when dropped.
struct Place;

impl Place {
    fn take() -> Result<Self, Failure> {
        let more = |opened: usize| (opened < MOST_OPENED).then_some(opened + 1);
        let taken = OPENED.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        let busy = |_| {
            let message = "too many PKCS#12 forms are being opened; try again later";
            Failure::new(ResultReason::SERVER_LIMIT_EXCEEDED, message)
        };
        taken.map(|_| Place).map_err(busy)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OPENED.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a PKCS#12 form says of its private key.
pub(super) struct Opened {
    pub(super) algorithm: CryptographicAlgorithm,
    /// In bits.
    pub(super) length: i32,
    /// PKCS#12 Friendly Name.
    pub(super) name: Option<String>,
}

fn wrong_password() -> Failure {
    bad_password("the password does not open the PKCS#12 form")
}

fn bad_password(message: &'static str) -> Failure {
    Failure::new(ResultReason::BAD_PASSWORD, message)
}

/// The certificate of the key and those that lead from it to its root.
fn chain(objects: &Objects<'_>, object: &StoredObject) -> Result<Vec<X509>, Failure> {
    let mut chain = Vec::new();
    let mut next = linked(object, LinkType::PKCS_12_CERTIFICATE_LINK);
    while let Some(identifier) = next.filter(|_| chain.len() < LONGEST) {
        let object = objects.by_identifier(&identifier)?;
        let ManagedObject::Certificate(certificate) = objects.content(&object)? else {
            return Err(unsupported(
                "what is linked as certificate for PKCS#12 is none",
            ));
        };
        let x509 = X509::from_der(&certificate.certificate_value);
        chain.push(x509.map_err(failed("a certificate for PKCS#12 cannot be read"))?);
        next = linked(&object, LinkType::PKCS_12_CERTIFICATE_LINK);
    }
    Ok(chain)
}

fn unsupported(message: &'static str) -> Failure {
    Failure::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_forms_are_opened_at_a_time() {
        let places = [Place::take().unwrap(), Place::take().unwrap()];
        let refused = Place::take().map(drop).unwrap_err();
        assert_eq!(refused.reason(), ResultReason::SERVER_LIMIT_EXCEEDED);
        drop(places);
        drop([Place::take().unwrap(), Place::take().unwrap()]);
    }
}
