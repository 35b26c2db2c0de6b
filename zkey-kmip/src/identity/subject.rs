//! Subjects of certificates: `type=value;type=value`, where a `+` before a type joins it with the
//! one before (behaviour reference 2.1).

use openssl::x509::{X509NameBuilder, X509NameRef};

use super::IdentityError;
use crate::der::{self, SEQUENCE, SET};

/// A subject as DER Name: `base`, from an existing certificate, followed by what `text` says.
pub(super) fn name(
    base: Option<&X509NameRef>,
    text: Option<&str>,
) -> Result<Vec<u8>, IdentityError> {
    let mut sets = match base {
        Some(base) => existing(base)?,
        None => Vec::new(),
    };
    for item in text.unwrap_or_default().split(';') {
        if item.is_empty() {
            continue;
        }
        let (joined, item) = match item.strip_prefix('+') {
            Some(item) => (true, item),
            None => (false, item),
        };
        let attribute = attribute(item)?;
        if sets.iter().flatten().any(|known| same(known, &attribute)) {
            return Err(IdentityError::DuplicateRdn(item.to_owned()));
        }
        match sets.last_mut() {
            Some(last) if joined => last.push(attribute),
            _ => sets.push(vec![attribute]),
        }
    }
    if sets.is_empty() {
        return Err(IdentityError::EmptySubject);
    }
    let sets: Vec<u8> = sets
        .into_iter()
        .flat_map(|mut set| {
            // DER orders the members of a set.
            set.sort();
            der::encode(SET, &[&set.concat()])
        })
        .collect();
    Ok(der::encode(SEQUENCE, &[&sets]))
}

/// One `type=value` as DER AttributeTypeAndValue. OpenSSL chooses the kind of string, and checks
/// lengths and characters.
fn attribute(item: &str) -> Result<Vec<u8>, IdentityError> {
    let wrong = |problem: &str| IdentityError::Rdn {
        item: item.to_owned(),
        problem: problem.to_owned(),
    };
    let (kind, value) = item
        .split_once('=')
        .ok_or_else(|| wrong("it must be `type=value`"))?;
    if kind.is_empty() || value.is_empty() || item.contains('\0') {
        return Err(wrong("type and value must not be empty"));
    }
    let encoded = || {
        let mut builder = X509NameBuilder::new()?;
        builder.append_entry_by_text(kind, value)?;
        builder.build().to_der()
    };
    let encoded = encoded().map_err(|error| wrong(&super::reason(&error)))?;
    let attribute = sets(&encoded).and_then(|sets| sets.into_iter().flatten().next());
    attribute.ok_or_else(|| wrong("it cannot be encoded"))
}

fn existing(base: &X509NameRef) -> Result<Vec<Vec<Vec<u8>>>, IdentityError> {
    let encoded = base
        .to_der()
        .map_err(IdentityError::openssl("encode the subject"))?;
    sets(&encoded).ok_or(IdentityError::Undecodable("subject"))
}

/// The attributes of a Name, by set.
fn sets(name: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
    let sets = der::values(der::single(name, SEQUENCE)?.content)?;
    sets.into_iter()
        .map(|set| {
            let attributes = der::values(set.content)?;
            Some(attributes.iter().map(|one| one.whole.to_vec()).collect())
        })
        .collect()
}

/// Whether two attributes have the same type and text, whatever the kind of string.
fn same(one: &[u8], other: &[u8]) -> bool {
    let parts = |attribute| {
        let sequence = der::single(attribute, SEQUENCE)?;
        match der::values(sequence.content)?[..] {
            [kind, value] => Some((kind.content, value.content)),
            _ => None,
        }
    };
    parts(one).is_some() && parts(one) == parts(other)
}
