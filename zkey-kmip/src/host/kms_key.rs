//! Keys as a key management system lists them, and which of them zkey's commands see
//! (behaviour reference 1.9).

use zeroize::Zeroizing;

use super::environment;
use super::passphrase;
use super::repository::filter::{matches, volumes_match};
use crate::abi::Property;
use crate::abi::load::FoundKey;

/// A key of the key management system that can be a key of a repository.
#[derive(Debug, Clone)]
pub(super) struct KmsKey {
    /// Identifier and label of the key, or of the first key of an XTS pair.
    pub first: (String, String),
    /// Identifier and label of the second key of an XTS pair.
    pub second: Option<(String, String)>,
    /// Its name in repositories.
    pub name: String,
    /// Type of the secure key, as the plugin names it.
    pub key_type: String,
    /// Bits of the clear key, of both keys for XTS.
    pub key_bits: usize,
    /// Text for people.
    pub description: Option<String>,
    /// Comma separated volumes.
    pub volumes: Option<String>,
    /// Type of the volumes.
    pub volume_type: Option<String>,
    /// Sector size in bytes, 0 for the default.
    pub sector_size: u32,
    /// Dummy passphrase in base64.
    pub passphrase: Option<Zeroizing<String>>,
    /// Lines of the plugin for people.
    pub additional_info: Vec<String>,
}

/// Which keys a command is for.
#[derive(Debug, Clone, Default)]
pub(super) struct KmsKeyFilter {
    /// Pattern for the label.
    pub label: Option<String>,
    /// Pattern for the name.
    pub name: Option<String>,
    /// Comma separated patterns for volumes.
    pub volumes: Option<String>,
    /// Type of the volumes.
    pub volume_type: Option<String>,
}

impl KmsKeyFilter {
    /// What the plugin can filter by.
    pub(super) fn properties(&self) -> Vec<Property<'static>> {
        let volume_type = self.volume_type.iter();
        volume_type
            .map(|wanted| Property::new("volume-type", wanted.to_uppercase()))
            .collect()
    }

    /// Whether a key passes.
    pub(super) fn accepts(&self, key: &KmsKey) -> bool {
        let pathname = |pattern: &Option<String>, text: &str| {
            pattern
                .as_ref()
                .is_none_or(|pattern| matches(pattern, text, true))
        };
        let second = key
            .second
            .iter()
            .all(|(_, label)| pathname(&self.label, label));
        pathname(&self.label, &key.first.1)
            && second
            && pathname(&self.name, &key.name)
            && self
                .volumes
                .as_ref()
                .is_none_or(|filter| volumes_match(filter, key.volumes.as_deref()))
            && self.volume_type.as_ref().is_none_or(|wanted| {
                let is = key.volume_type.as_ref();
                is.is_some_and(|is| is.eq_ignore_ascii_case(wanted))
            })
    }
}

impl KmsKey {
    /// Reads what the plugin found. The error says why zkey takes no notice of the key.
    ///
    /// # Errors
    /// It was not made for zkey, or is the second key of a pair.
    pub(super) fn read(found: FoundKey) -> Result<KmsKey, String> {
        let property = |name: &str| find(&found.properties, name);
        let skip = |why: &str| Err(format!("skipping key {}: {why}", found.key_id));
        let second = match property("xts-key") {
            None => None,
            Some(half) if !half.eq_ignore_ascii_case("XTS-KEY-1") => {
                return skip("it is the second key of an XTS pair");
            }
            Some(_) => match property("xts-key2-id").zip(property("xts-key2-label")) {
                Some(second) => Some(second),
                None => return skip("it does not name the second key of its XTS pair"),
            },
        };
        let system = environment::system_name();
        let Some(name) = property(&format!("zkey-name-{system}")).or_else(|| property("zkey-name"))
        else {
            return skip("it has no property zkey-name");
        };
        let sector_size = property("sector-size").and_then(|text| text.trim().parse().ok());
        let halves = if second.is_some() { 2 } else { 1 };
        Ok(KmsKey {
            second,
            name,
            key_type: found.key_type,
            key_bits: found.key_bits * halves,
            description: property("description"),
            volumes: volumes(&found.properties),
            volume_type: property("volume-type"),
            sector_size: sector_size.unwrap_or(0),
            passphrase: property(passphrase::PROPERTY).map(Zeroizing::new),
            first: (found.key_id, found.label),
            additional_info: found.additional_info,
        })
    }

    /// Its identifiers.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let second = self.second.iter();
        std::iter::once(&self.first)
            .chain(second)
            .map(|(id, _)| id.as_str())
    }

    /// Its labels.
    pub(super) fn labels(&self) -> Vec<&str> {
        let second = self.second.iter();
        std::iter::once(&self.first)
            .chain(second)
            .map(|(_, label)| label.as_str())
            .collect()
    }
}

/// The value of a property. One that is empty is none.
pub(super) fn find(properties: &[Property<'_>], name: &str) -> Option<String> {
    let property = properties.iter().find(|property| property.name == name)?;
    let value = property.value.as_deref().map(str::trim_end);
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The volumes on this system, or else those on all systems.
pub(super) fn volumes(properties: &[Property<'_>]) -> Option<String> {
    let here = format!("volumes-{}", environment::system_name());
    // An empty list for this system is a list too.
    match properties.iter().find(|property| property.name == here) {
        Some(_) => find(properties, &here),
        None => find(properties, "volumes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(properties: &[(&'static str, &str)]) -> FoundKey {
        FoundKey {
            key_id: "1".to_owned(),
            label: "sales/disk".to_owned(),
            key_type: "CCA-AESDATA".to_owned(),
            key_bits: 256,
            properties: properties
                .iter()
                .map(|(name, value)| Property::new(*name, (*value).to_owned()))
                .collect(),
            additional_info: Vec::new(),
        }
    }

    #[test]
    fn names_and_volumes_of_this_system_count() {
        let system = environment::system_name();
        let mut key = found(&[("zkey-name", "there"), ("volumes", "/dev/a:a")]);
        assert_eq!(KmsKey::read(key.clone()).unwrap().name, "there");
        key.properties
            .push(Property::new(format!("zkey-name-{system}"), "here"));
        key.properties
            .push(Property::new(format!("volumes-{system}"), " "));
        let key = KmsKey::read(key).unwrap();
        assert_eq!((key.name.as_str(), key.volumes), ("here", None));
    }

    #[test]
    fn halves_of_pairs() {
        let second = found(&[("zkey-name", "x"), ("xts-key", "XTS-KEY-2")]);
        assert!(KmsKey::read(second).is_err());
        let alone = found(&[("zkey-name", "x"), ("xts-key", "XTS-KEY-1")]);
        assert!(KmsKey::read(alone).is_err());
        let pair = [
            ("zkey-name", "x"),
            ("xts-key", "XTS-KEY-1"),
            ("xts-key2-id", "2"),
            ("xts-key2-label", "other"),
        ];
        let pair = KmsKey::read(found(&pair)).unwrap();
        assert_eq!(pair.key_bits, 512);
        assert_eq!(pair.ids().collect::<Vec<_>>(), ["1", "2"]);
        let filter = |label: &str| KmsKeyFilter {
            label: Some(label.to_owned()),
            ..KmsKeyFilter::default()
        };
        assert!(!filter("sales/*").accepts(&pair), "both labels must fit");
        assert!(!filter("*").accepts(&pair), "a star does not cover a slash");
        assert!(KmsKey::read(found(&[])).is_err(), "without zkey-name");
    }
}
