//! What is known of keys at the server, so that it need not be asked for again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

use kmip::codec::RawValue;
use kmip::types::{AttributeValue, Attributes};
use zeroize::Zeroize;

/// Attributes of keys as they are known to be at the server.
#[derive(Default)]
pub(super) struct Known(HashMap<String, Wiped>);

impl Known {
    pub(super) fn insert(&mut self, key_id: &str, attributes: impl Into<Wiped>) {
        self.0.insert(key_id.to_owned(), attributes.into());
    }

    /// From now on, nothing is known of the key.
    pub(super) fn remove(&mut self, key_id: &str) -> Option<Wiped> {
        self.0.remove(key_id)
    }
}

/// Attributes whose own values are wiped when they are dropped: one of them may be a passphrase.
pub(super) struct Wiped(Attributes<'static>);

impl From<Attributes<'static>> for Wiped {
    fn from(attributes: Attributes<'static>) -> Wiped {
        Wiped(attributes)
    }
}

impl Deref for Wiped {
    type Target = Attributes<'static>;

    fn deref(&self) -> &Attributes<'static> {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(attributes: &mut Attributes<'static>) {
    for attribute in &mut attributes.list {
        if let AttributeValue::Custom(custom) = &mut attribute.value {
            if let RawValue::TextString(Cow::Owned(text)) = &mut custom.value {
                text.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kmip::types::Attribute;

    use super::*;

    #[test]
    fn values_of_custom_attributes_are_wiped() {
        let secret = Attribute::custom("x", "zkey-dummy-passphrase-base64", "c2VjcmV0".to_owned());
        let mut attributes = Attributes::from(vec![secret]);
        wipe(&mut attributes);
        let text = attributes.custom("x", "zkey-dummy-passphrase-base64");
        assert_eq!(text, Some(&RawValue::from("")));
    }
}
