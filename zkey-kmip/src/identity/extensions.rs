//! Extensions of certificates: `name=[critical,]value;...` in the notation of OpenSSL's
//! configuration (behaviour reference 2.1).

use openssl::x509::{X509, X509Builder, X509Extension, X509ReqBuilder, X509v3Context};

use super::IdentityError;
use crate::der::{self, BOOLEAN, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context};

const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CLIENT_AUTHENTICATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];

/// What some extensions refer to: the certificate or request that is being made.
pub(super) enum Subject {
    Certificate(X509Builder),
    Request(X509ReqBuilder),
}

impl Subject {
    fn context(&self) -> X509v3Context<'_> {
        match self {
            Subject::Certificate(builder) => builder.x509v3_context(None, None),
            Subject::Request(builder) => builder.x509v3_context(None),
        }
    }
}

/// The extensions as DER, one after the other: those of `text`, those of an existing certificate,
/// and what a client certificate needs and neither has.
pub(super) fn extensions(
    mut subject: Subject,
    text: Option<&str>,
    existing: Option<&X509>,
    host_name: &str,
) -> Result<Vec<u8>, IdentityError> {
    let mut extensions = Vec::new();
    for item in text.unwrap_or_default().split(';') {
        if item.is_empty() {
            continue;
        }
        let extension = make(&mut subject, item)?;
        // What OpenSSL makes of `authorityKeyIdentifier=keyid` where issuer and subject are one.
        let is_empty = extension.value() == Some(&[SEQUENCE, 0]);
        if !(is_empty && extension.oid() == AUTHORITY_KEY_IDENTIFIER) {
            add(&mut extensions, extension, item)?;
        }
    }
    if let Some(existing) = existing {
        for encoded in of_certificate(existing)? {
            let extension = Extension::new(encoded)?;
            match extension.oid() {
                // It names the key of the one who issued the existing certificate.
                AUTHORITY_KEY_IDENTIFIER => {}
                // The key may be another one now.
                SUBJECT_KEY_IDENTIFIER => {
                    let item = "subjectKeyIdentifier=hash";
                    add(&mut extensions, make(&mut subject, item)?, item)?;
                }
                _ => add(
                    &mut extensions,
                    extension,
                    "one of the certificate to renew",
                )?,
            }
        }
    }
    for (oid, item) in [
        (EXTENDED_KEY_USAGE, "extendedKeyUsage=clientAuth".to_owned()),
        (
            SUBJECT_ALTERNATIVE_NAME,
            format!("subjectAltName=DNS:{host_name}"),
        ),
    ] {
        if !extensions.iter().any(|extension| extension.oid() == oid) {
            extensions.push(make(&mut subject, &item)?);
        }
    }
    Ok(extensions.into_iter().flat_map(|one| one.encoded).collect())
}

/// Whether the extended key usage of a certificate lets it authenticate a client.
pub(super) fn may_authenticate_client(certificate: &X509) -> Result<bool, IdentityError> {
    for encoded in of_certificate(certificate)? {
        let extension = Extension::new(encoded)?;
        if extension.oid() == EXTENDED_KEY_USAGE {
            let usages = extension
                .value()
                .and_then(|value| der::values(der::single(value, SEQUENCE)?.content))
                .ok_or(IdentityError::Undecodable("extended key usage"))?;
            return Ok(usages
                .iter()
                .any(|usage| [CLIENT_AUTHENTICATION, ANY_USAGE].contains(&usage.content)));
        }
    }
    // Without it, every usage is allowed.
    Ok(true)
}

struct Extension {
    encoded: Vec<u8>,
}

impl Extension {
    /// Checks that it is an extension.
    fn new(encoded: Vec<u8>) -> Result<Extension, IdentityError> {
        let extension = Extension { encoded };
        if extension.oid().is_empty() || extension.value().is_none() {
            return Err(IdentityError::Undecodable("extension"));
        }
        Ok(extension)
    }

    fn parts(&self) -> Option<Vec<der::Value<'_>>> {
        der::values(der::single(&self.encoded, SEQUENCE)?.content)
    }

    fn oid(&self) -> &[u8] {
        let first = self.parts().and_then(|parts| parts.first().copied());
        first
            .filter(|part| part.tag == OBJECT_IDENTIFIER)
            .map_or(&[], |part| part.content)
    }

    fn value(&self) -> Option<&[u8]> {
        let parts = self.parts()?;
        match parts[..] {
            [_, value] if value.tag == OCTET_STRING => Some(value.content),
            [_, critical, value] if critical.tag == BOOLEAN && value.tag == OCTET_STRING => {
                Some(value.content)
            }
            _ => None,
        }
    }
}

fn add(extensions: &mut Vec<Extension>, new: Extension, item: &str) -> Result<(), IdentityError> {
    if extensions.iter().any(|known| known.oid() == new.oid()) {
        return Err(IdentityError::DuplicateExtension(item.to_owned()));
    }
    extensions.push(new);
    Ok(())
}

/// One `name=value`, as OpenSSL reads it.
fn make(subject: &mut Subject, item: &str) -> Result<Extension, IdentityError> {
    let wrong = |problem: &str| IdentityError::Extension {
        item: item.to_owned(),
        problem: problem.to_owned(),
    };
    let (name, value) = item
        .split_once('=')
        .ok_or_else(|| wrong("it must be `name=value`"))?;
    if name.is_empty() || value.is_empty() || item.contains('\0') {
        return Err(wrong("name and value must not be empty"));
    }
    let rejected = |error| wrong(&super::reason(&error));
    // The notation is part of the command line, so its text is the user's own.
    #[allow(deprecated)]
    let extension =
        X509Extension::new(None, Some(&subject.context()), name, value).map_err(rejected)?;
    let encoded = extension.to_der().map_err(rejected)?;
    // Later ones, such as the authority key identifier, refer to earlier ones.
    if let Subject::Certificate(builder) = subject {
        builder.append_extension2(&extension).map_err(rejected)?;
    }
    Extension::new(encoded)
}

fn of_certificate(certificate: &X509) -> Result<Vec<Vec<u8>>, IdentityError> {
    let encoded = certificate
        .to_der()
        .map_err(IdentityError::openssl("encode the certificate"))?;
    let find = || {
        let certificate = der::values(der::single(&encoded, SEQUENCE)?.content)?;
        let fields = der::values(certificate.first()?.content)?;
        let Some(extensions) = fields.iter().find(|field| field.tag == context(3)) else {
            return Some(Vec::new());
        };
        let list = der::values(der::single(extensions.content, SEQUENCE)?.content)?;
        Some(list.iter().map(|one| one.whole.to_vec()).collect())
    };
    find().ok_or(IdentityError::Undecodable("certificate"))
}
