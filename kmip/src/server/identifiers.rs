//! Which objects the items of a batch are about: ID Placeholder and its relatives.

use crate::types::{
    Operation, ResponsePayload, ResultReason, UniqueIdentifier, UniqueIdentifierEnumeration,
};

use super::failure::Failure;

/// The objects of the items of a message, as far as they were processed.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    items: Vec<(Operation, Option<Made>)>,
    /// ID Placeholder (KMIP 1.4, section 4; 2.1, 6.1): set by the operations that make or find one
    /// object, and valid until the end of the batch.
    placeholder: Option<String>,
}

/// The object that an operation has made or found.
#[derive(Debug, Clone)]
pub(super) struct Made {
    identifier: String,
    /// Of a key pair, the public key; the other one is the private key.
    public_key: Option<String>,
}

impl Identifiers {
    /// Those of a message of which nothing was processed.
    pub(super) fn none() -> &'static Self {
        static NONE: Identifiers = Identifiers {
            items: Vec::new(),
            placeholder: None,
        };
        &NONE
    }

    /// Takes note of an item that was processed.
    pub(super) fn note(&mut self, operation: Operation, response: Option<&ResponsePayload<'_>>) {
        let made = response.and_then(made);
        match &made {
            Some(made) => self.placeholder = Some(made.identifier.clone()),
            // A search for one object that finds none or several leaves none to go on with.
            None if matches!(response, Some(ResponsePayload::Locate(_))) => self.placeholder = None,
            // Neither does a check that says no (KMIP 2.1, 6.1.7).
            None if operation == Operation::CHECK && response.is_none() => self.placeholder = None,
            None => {}
        }
        self.items.push((operation, made));
    }

    pub(super) fn resolve(&self, given: Option<&UniqueIdentifier<'_>>) -> Result<String, Failure> {
        let found = match given {
            Some(UniqueIdentifier::Text(text)) => return Ok(text.clone().into_owned()),
            None => self.placeholder.clone(),
            Some(UniqueIdentifier::Enumeration(meant)) => self.by_operation(*meant),
            Some(UniqueIdentifier::Integer(number)) => self.by_number(*number),
        };
        found.ok_or_else(|| {
            let message = match given {
                None => "the request names no object, and no earlier item of the batch has one",
                Some(_) => "the Unique Identifier refers to no earlier item of the batch",
            };
            Failure::new(ResultReason::ITEM_NOT_FOUND, message)
        })
    }

    fn by_operation(&self, meant: UniqueIdentifierEnumeration) -> Option<String> {
        use UniqueIdentifierEnumeration as Meant;
        let (operation, public) = match meant {
            Meant::ID_PLACEHOLDER => return self.placeholder.clone(),
            Meant::CERTIFY => (Operation::CERTIFY, false),
            Meant::CREATE => (Operation::CREATE, false),
            Meant::CREATE_KEY_PAIR | Meant::CREATE_KEY_PAIR_PRIVATE_KEY => {
                (Operation::CREATE_KEY_PAIR, false)
            }
            Meant::CREATE_KEY_PAIR_PUBLIC_KEY => (Operation::CREATE_KEY_PAIR, true),
            Meant::CREATE_SPLIT_KEY => (Operation::CREATE_SPLIT_KEY, false),
            Meant::DERIVE_KEY => (Operation::DERIVE_KEY, false),
            Meant::IMPORT => (Operation::IMPORT, false),
            Meant::JOIN_SPLIT_KEY => (Operation::JOIN_SPLIT_KEY, false),
            Meant::LOCATE => (Operation::LOCATE, false),
            Meant::REGISTER => (Operation::REGISTER, false),
            Meant::RE_KEY => (Operation::RE_KEY, false),
            Meant::RE_CERTIFY => (Operation::RE_CERTIFY, false),
            Meant::RE_KEY_KEY_PAIR | Meant::RE_KEY_KEY_PAIR_PRIVATE_KEY => {
                (Operation::RE_KEY_KEY_PAIR, false)
            }
            Meant::RE_KEY_KEY_PAIR_PUBLIC_KEY => (Operation::RE_KEY_KEY_PAIR, true),
            _ => return None,
        };
        let same = |(done, made): &(Operation, Option<Made>)| {
            let made = made.as_ref().filter(|_| *done == operation)?;
            match public {
                true => made.public_key.clone(),
                false => Some(made.identifier.clone()),
            }
        };
        self.items.iter().rev().find_map(same)
    }

    /// Numbers count the items of the batch from zero (KMIP 2.1, 4.58 and 7.9); negative ones go back from the
    /// current item.
    fn by_number(&self, number: i32) -> Option<String> {
        let index = match usize::try_from(number) {
            Ok(number) => number,
            Err(_) => {
                let back = usize::try_from(number.unsigned_abs()).ok()?;
                self.items.len().checked_sub(back)?
            }
        };
        let (_, made) = self.items.get(index)?;
        Some(made.as_ref()?.identifier.clone())
    }
}

/// The object that becomes the ID Placeholder. Of a key pair it is the private key; of a search, the
/// object if it is the only one.
fn made(response: &ResponsePayload<'_>) -> Option<Made> {
    let one = |identifier: &UniqueIdentifier<'_>| {
        Some(Made {
            identifier: identifier.as_text()?.to_owned(),
            public_key: None,
        })
    };
    let pair = |private: &UniqueIdentifier<'_>, public: &UniqueIdentifier<'_>| {
        Some(Made {
            identifier: private.as_text()?.to_owned(),
            public_key: public.as_text().map(str::to_owned),
        })
    };
    match response {
        ResponsePayload::Create(made) => one(&made.unique_identifier),
        ResponsePayload::Register(made) => one(&made.unique_identifier),
        ResponsePayload::Import(made) => one(&made.unique_identifier),
        ResponsePayload::DeriveKey(made) => one(&made.unique_identifier),
        ResponsePayload::Certify(made) => one(&made.unique_identifier),
        ResponsePayload::ReCertify(made) => one(&made.unique_identifier),
        ResponsePayload::ReKey(made) => one(&made.unique_identifier),
        ResponsePayload::JoinSplitKey(made) => one(&made.unique_identifier),
        ResponsePayload::Get(found) => one(&found.unique_identifier),
        ResponsePayload::CreateKeyPair(made) => pair(
            &made.private_key_unique_identifier,
            &made.public_key_unique_identifier,
        ),
        ResponsePayload::ReKeyKeyPair(made) => pair(
            &made.private_key_unique_identifier,
            &made.public_key_unique_identifier,
        ),
        ResponsePayload::Locate(found) => match &found.unique_identifier[..] {
            [only] => one(only),
            _ => None,
        },
        _ => None,
    }
}
