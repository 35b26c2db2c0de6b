//! New objects and the attributes that the server gives them.

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, DateTime, Digest, Interval, IntoOwned, KeyFormatType, KeyValue,
    ManagedObject, ObjectType, ProtectionStorageMask, ProtocolVersion, State, Tag,
    UniqueIdentifier, UsageLimits,
};

use super::StoredObject;
use super::content::{key_block, object_type_of};
use super::lifecycle::{has_state, state_at};
use crate::attributes::{AttributeSet, check_new};
use crate::crypto::{
    certificate_attributes, convert, digests_of, new_identifier, short_identifier,
};
use crate::refusal;

/// An object that is about to be made.
#[derive(Debug)]
pub(crate) struct NewObject {
    /// Unique Identifier.
    pub(crate) identifier: String,
    /// Attributes so far.
    pub(crate) attributes: AttributeSet,
    /// Content.
    pub(crate) content: ManagedObject<'static>,
    /// Digests that it has beside that of its content.
    digests: Vec<Digest<'static>>,
}

/// An object with all that the server gives it, to be added to a store.
#[derive(Debug)]
pub(crate) struct FinishedObject {
    pub(crate) object: StoredObject,
    pub(crate) content: ManagedObject<'static>,
}

impl NewObject {
    /// An object with the attributes that a client gives it.
    ///
    /// # Errors
    /// If an attribute is not for clients to set, or is given too often, or contradicts the
    /// content.
    pub(crate) fn new<'a>(
        content: ManagedObject<'static>,
        given: impl IntoIterator<Item = Attribute<'a>>,
        version: ProtocolVersion,
    ) -> Result<Self, Failure> {
        let mut new = NewObject {
            identifier: new_identifier()?,
            attributes: AttributeSet::default(),
            content,
            digests: Vec::new(),
        };
        for attribute in given {
            check_new(&attribute, version)?;
            new.give(attribute.into_owned(), version)?;
        }
        new.take_from_content();
        Ok(new)
    }

    /// A key that the server has made, in the Key Format Type that the client gives. Then it has a digest of
    /// the usual format, too (KMIP 2.1, 4.26).
    ///
    /// # Errors
    /// As for `new`, or if the key cannot have this format.
    pub(crate) fn made(
        mut content: ManagedObject<'static>,
        given: impl IntoIterator<Item = Attribute<'static>>,
        version: ProtocolVersion,
    ) -> Result<Self, Failure> {
        let given: Vec<Attribute<'static>> = given.into_iter().collect();
        let format = given.iter().find_map(|attribute| match attribute.value {
            AttributeValue::KeyFormatType(format) => Some(format),
            _ => None,
        });
        let digests = match format {
            Some(_) => digests_of(&content),
            None => Vec::new(),
        };
        if let Some(format) = format {
            convert(&mut content, format)?;
        }
        let new = NewObject::new(content, given, version)?;
        Ok(NewObject { digests, ..new })
    }

    fn give(
        &mut self,
        attribute: Attribute<'static>,
        version: ProtocolVersion,
    ) -> Result<(), Failure> {
        let reference = attribute.reference();
        let exists = self.attributes.find(&reference).is_some();
        let single = match &attribute.value {
            AttributeValue::Custom(_) => false,
            AttributeValue::ObjectType(given) if *given != object_type_of(&self.content) => {
                return Err(refusal::invalid_field(
                    "the attribute Object Type contradicts the request",
                ));
            }
            _ => !crate::attributes::has_instances(&reference),
        };
        if exists && single {
            return Err(refusal::single_valued(&reference, version));
        }
        self.attributes.add(attribute.value);
        Ok(())
    }

    /// What the content says of the object.
    fn take_from_content(&mut self) {
        if let Some(block) = key_block(&self.content) {
            let attributes = &mut self.attributes;
            if let Some(algorithm) = block.cryptographic_algorithm {
                attributes.set_default(AttributeValue::CryptographicAlgorithm(algorithm));
            }
            if let Some(length) = block.cryptographic_length {
                attributes.set_default(AttributeValue::CryptographicLength(length));
            }
            attributes.set(AttributeValue::KeyFormatType(block.key_format_type));
            let plain = match &block.key_value {
                Some(KeyValue::Plain(plain)) => plain.attributes.clone(),
                _ => None,
            };
            for attribute in plain.into_iter().flatten() {
                let known = attributes.find(&attribute.reference()).is_some();
                if !known && !matches!(attribute.value, AttributeValue::Absent(_)) {
                    attributes.add(attribute.value);
                }
            }
        }
        match &self.content {
            ManagedObject::Certificate(certificate) => {
                let format = AttributeValue::KeyFormatType(KeyFormatType::X_509);
                self.attributes.set(format);
                for value in certificate_attributes(certificate) {
                    self.attributes.set(value);
                }
            }
            ManagedObject::OpaqueObject(opaque) => {
                let opaque_type = opaque.opaque_data_type;
                self.attributes
                    .set(AttributeValue::OpaqueDataType(opaque_type));
            }
            _ => {}
        }
    }

    /// The finished object, for one that comes with the dates and the state that it had elsewhere.
    pub(crate) fn finish_imported(
        self,
        owner: &str,
        lease: Option<Interval>,
        now: DateTime,
    ) -> FinishedObject {
        const KEPT: [Tag; 4] = [
            Tag::STATE,
            Tag::INITIAL_DATE,
            Tag::LAST_CHANGE_DATE,
            Tag::LEASE_TIME,
        ];
        let kept = |attribute: &&Attribute<'_>| match &attribute.value {
            AttributeValue::UsageLimits(limits) => limits.usage_limits_count.is_some(),
            value => value.tag().is_some_and(|tag| KEPT.contains(&tag)),
        };
        let past: Vec<_> = self.attributes.iter().filter(kept).cloned().collect();
        let mut finished = self.finish(owner, lease, now);
        let attributes = &mut finished.object.attributes;
        for attribute in past {
            attributes.set(attribute.value);
        }
        attributes.set(AttributeValue::AlwaysSensitive(false));
        attributes.set(AttributeValue::NeverExtractable(false));
        finished
    }

    /// The finished object: with its identifier, its dates and all else that the server sets.
    pub(crate) fn finish(
        mut self,
        owner: &str,
        lease: Option<Interval>,
        now: DateTime,
    ) -> FinishedObject {
        let object_type = object_type_of(&self.content);
        let attributes = &mut self.attributes;
        let identifier = UniqueIdentifier::from(self.identifier.clone());
        attributes.set(AttributeValue::UniqueIdentifier(identifier));
        let short = short_identifier(&self.identifier);
        attributes.set(AttributeValue::ShortUniqueIdentifier(short.into()));
        attributes.set(AttributeValue::ObjectType(object_type));
        attributes.set(AttributeValue::InitialDate(now));
        attributes.touch(now);
        if has_state(object_type) {
            attributes.set(AttributeValue::State(State::PRE_ACTIVE));
            if let Some(state) = state_at(attributes, now) {
                attributes.set(AttributeValue::State(state));
            }
            attributes.set_default(AttributeValue::Fresh(true));
        }
        attributes.clear(Tag::DIGEST);
        let mut digests = digests_of(&self.content);
        self.digests.retain(|more| !digests.contains(more));
        digests.append(&mut self.digests);
        for digest in digests {
            attributes.add(AttributeValue::Digest(digest));
        }
        // Told only of keys whose value is elsewhere.
        if key_block(&self.content).is_some_and(|block| block.key_value.is_none()) {
            attributes.set(AttributeValue::KeyValuePresent(false));
        }
        start_usage(attributes);
        attributes.set_default(AttributeValue::OperationPolicyName("default".into()));
        let software = ProtectionStorageMask::SOFTWARE;
        attributes.set_default(AttributeValue::ProtectionStorageMask(software));
        if let Some(lease) = lease {
            attributes.set(AttributeValue::LeaseTime(lease));
        }
        set_protection(attributes, object_type);
        let object = StoredObject {
            identifier: self.identifier,
            owner: owner.to_owned(),
            object_type,
            archived: false,
            attributes: self.attributes,
        };
        FinishedObject {
            object,
            content: self.content,
        }
    }
}

/// What may be used is at first all that is allowed, whatever a client says of what is left (Usage Limits:
/// KMIP 1.4, 3.21; 2.1, 4.59).
pub(crate) fn start_usage(attributes: &mut AttributeSet) {
    if let Some(mut limits) = attributes.usage_limits().cloned() {
        limits.usage_limits_count = Some(limits.usage_limits_total);
        attributes.set(AttributeValue::UsageLimits(limits));
    }
}

/// Whether some of what the Usage Limits allow was used, so that they stay as they are.
pub(crate) fn is_used(limits: &UsageLimits<'_>) -> bool {
    let count = limits.usage_limits_count;
    count.is_some_and(|count| count != limits.usage_limits_total)
}

/// Sensitive, Extractable and what they were always (1.4: 3.48-3.51; 2.1: 4.3, 4.23, 4.33, 4.55).
fn set_protection(attributes: &mut AttributeSet, object_type: ObjectType) {
    if object_type == ObjectType::TEMPLATE {
        return;
    }
    attributes.set_default(AttributeValue::Sensitive(false));
    attributes.set_default(AttributeValue::Extractable(true));
    let sensitive = is_true(attributes.sensitive());
    let extractable = is_true(attributes.extractable());
    attributes.set(AttributeValue::AlwaysSensitive(sensitive));
    attributes.set(AttributeValue::NeverExtractable(!extractable));
}

/// Sensitive may have been changed: if so, Always Sensitive becomes false for good.
pub(crate) fn sensitive_changed(attributes: &mut AttributeSet) {
    if !is_true(attributes.sensitive()) && attributes.value(Tag::ALWAYS_SENSITIVE).is_some() {
        attributes.set(AttributeValue::AlwaysSensitive(false));
    }
}

/// Extractable may have been changed: if so, Never Extractable becomes false for good.
pub(crate) fn extractable_changed(attributes: &mut AttributeSet) {
    if is_true(attributes.extractable()) && attributes.value(Tag::NEVER_EXTRACTABLE).is_some() {
        attributes.set(AttributeValue::NeverExtractable(false));
    }
}

fn is_true(value: Option<&bool>) -> bool {
    value.copied() == Some(true)
}
