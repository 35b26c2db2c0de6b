//! Managed objects.

mod content;
mod creation;
mod lifecycle;

use kmip::types::{
    AttributeValue, CryptographicUsageMask, DateTime, ObjectType, ProtocolVersion, State,
    UniqueIdentifier,
};

use crate::attributes::AttributeSet;
use crate::store::INTERNAL_OWNER;

pub(crate) use content::{content_tag, key_block, key_block_mut, object_type_of};
pub(crate) use creation::{
    FinishedObject, NewObject, extractable_changed, is_used, sensitive_changed, start_usage,
};
pub(crate) use lifecycle::Revocation;

/// What is known of an object, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Unique Identifier.
    pub identifier: String,
    /// The client that the object belongs to.
    pub owner: String,
    /// Object Type.
    pub object_type: ObjectType,
    /// Whether it is archived.
    pub archived: bool,
    /// Its attributes, those that the server maintains among them.
    pub attributes: AttributeSet,
}

impl StoredObject {
    /// An object that the server keeps for itself.
    pub(crate) fn internal(identifier: &str) -> Self {
        StoredObject {
            identifier: identifier.to_owned(),
            owner: INTERNAL_OWNER.to_owned(),
            object_type: ObjectType::OPAQUE_OBJECT,
            archived: false,
            attributes: AttributeSet::default(),
        }
    }

    /// State, for objects that have one. Correct as of the last [`refresh`](Self::refresh).
    pub(crate) fn state(&self) -> Option<State> {
        self.attributes.state().copied()
    }

    /// Whether the Cryptographic Usage Mask allows a use. Since KMIP 2.0 it can allow everything (2.1, 12.1).
    pub(crate) fn allows(&self, usage: CryptographicUsageMask, version: ProtocolVersion) -> bool {
        let mask = self.attributes.cryptographic_usage_mask().copied();
        let mask = mask.unwrap_or_default();
        let unrestricted =
            version >= ProtocolVersion::V2_0 && mask.contains(CryptographicUsageMask::UNRESTRICTED);
        unrestricted || mask.contains(usage)
    }

    /// Whether the content is gone.
    pub(crate) fn is_destroyed(&self) -> bool {
        matches!(
            self.state(),
            Some(State::DESTROYED | State::DESTROYED_COMPROMISED)
        )
    }

    /// The identifier, as answers carry it.
    pub(crate) fn unique_identifier(&self) -> UniqueIdentifier<'static> {
        UniqueIdentifier::from(self.identifier.clone())
    }

    /// Lets happen what has become due at a date of the object.
    pub(crate) fn refresh(&mut self, now: DateTime) {
        if let Some(state) = lifecycle::state_at(&self.attributes, now) {
            self.attributes.set(AttributeValue::State(state));
        }
    }
}
