//! Private keys as PKCS#12: with their certificates, and protected by a password (links PKCS#12
//! Certificate Link and PKCS#12 Password Link: KMIP 1.4, 3.35; 2.1, 4.31).

use kmip::server::Failure;
use kmip::types::{
    KeyBlock, KeyFormatType, KeyMaterial, KeyValue, LinkType, ManagedObject, ProtocolVersion,
    ResultReason, Secret,
};
use openssl::pkcs12::Pkcs12;
use openssl::stack::Stack;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::certify::linked;
use crate::context::Objects;
use crate::crypto::{self, failed};
use crate::object::{StoredObject, key_block};

/// More certificates make no chain.
const LONGEST: usize = 16;

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
    let password = password(objects, object)?;
    let chain = chain(objects, object)?;
    let encode = || {
        let mut builder = Pkcs12::builder();
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

fn password(objects: &Objects<'_>, object: &StoredObject) -> Result<Zeroizing<String>, Failure> {
    let password = linked(object, LinkType::PKCS_12_PASSWORD_LINK)
        .ok_or_else(|| unsupported("no password for PKCS#12 is linked with the key"))?;
    let password = objects.by_identifier(&password)?;
    let content = objects.content(&password)?;
    let block = match &content {
        ManagedObject::SecretData(_) => key_block(&content),
        _ => None,
    };
    let block = block.ok_or_else(|| unsupported("the password for PKCS#12 is no secret data"))?;
    let bytes = crypto::symmetric_bytes(block)?;
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| unsupported("the password for PKCS#12 is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
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
