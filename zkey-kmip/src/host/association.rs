//! Lists that belong to a key or to the plugin: volumes and APQNs.
//!
//! An option replaces the list, or with a leading `+` adds to it, or with a leading `-` removes
//! from it, as in zkey.

use std::collections::HashSet;
use std::str::FromStr;

/// A list is wrong, or does not fit what is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssociationError {
    /// A volume without dm-crypt name.
    #[error("volume '{0}' needs a dm-crypt mapping name after a colon, as in /dev/dasdb1:secret")]
    NoMapping(String),
    /// A wildcard where one thing is meant.
    #[error("volume '{0}' holds '*' or '?', which only filters can")]
    Wildcard(String),
    /// Not an APQN.
    #[error(transparent)]
    Apqn(#[from] crate::abi::values::ApqnError),
    /// Added or listed twice.
    #[error("{0} is in the list already")]
    Duplicate(String),
    /// Removed although it is not there.
    #[error("{0} is not in the list")]
    NotThere(String),
    /// The volume is not there.
    #[error("volume {0} is not a block device or is not available")]
    NoBlockDevice(String),
    /// Another key encrypts the volume.
    #[error("volume {volume} already belongs to key '{key}'")]
    TakenBy {
        /// The volume.
        volume: String,
        /// The other key.
        key: String,
    },
}

impl AssociationError {
    /// Whether the command line is at fault, and not the state of the system.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            AssociationError::NoMapping(_)
                | AssociationError::Wildcard(_)
                | AssociationError::Apqn(_)
        )
    }
}

/// What is to happen with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// The list becomes this one.
    Set(Vec<T>),
    /// These are added.
    Add(Vec<T>),
    /// These are removed.
    Remove(Vec<T>),
}

impl<T> Change<T>
where
    T: FromStr + Clone + Eq + std::hash::Hash + std::fmt::Display,
    AssociationError: From<T::Err>,
{
    /// Reads the argument of an option.
    ///
    /// # Errors
    /// An element is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, AssociationError> {
        let list = |text: &str| {
            split(text)
                .map(|item| item.parse().map_err(AssociationError::from))
                .collect::<Result<Vec<T>, _>>()
        };
        Ok(match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(added), _) => Change::Add(list(added)?),
            (_, Some(removed)) => Change::Remove(list(removed)?),
            _ => Change::Set(list(text)?),
        })
    }

    /// Applies the change. What is new in the result is what a caller has to check.
    ///
    /// # Errors
    /// Something is added twice, or removed although it is not there.
    pub(super) fn apply(&self, current: &[T]) -> Result<Vec<T>, AssociationError> {
        let mut result = current.to_vec();
        match self {
            Change::Set(list) => result = list.clone(),
            Change::Add(list) => result.extend(list.iter().cloned()),
            Change::Remove(list) => {
                for item in list {
                    let place = result.iter().position(|there| there == item);
                    let place =
                        place.ok_or_else(|| AssociationError::NotThere(item.to_string()))?;
                    result.remove(place);
                }
            }
        }
        let mut seen = HashSet::new();
        match result.iter().find(|item| !seen.insert((*item).clone())) {
            Some(twice) => Err(AssociationError::Duplicate(twice.to_string())),
            None => Ok(result),
        }
    }

    /// The elements that the option names to be added or set.
    pub(super) fn added(&self) -> &[T] {
        match self {
            Change::Set(list) | Change::Add(list) => list,
            Change::Remove(_) => &[],
        }
    }
}

/// A volume and its dm-crypt mapping name, `device:name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Volume {
    text: String,
    colon: usize,
}

impl Volume {
    /// The device.
    pub fn device(&self) -> &str {
        &self.text[..self.colon]
    }
}

impl std::fmt::Display for Volume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Volume {
    type Err = AssociationError;

    fn from_str(text: &str) -> Result<Self, AssociationError> {
        if text.contains(['*', '?']) {
            return Err(AssociationError::Wildcard(text.to_owned()));
        }
        match text.find(':') {
            Some(colon) if colon > 0 && colon + 1 < text.len() => Ok(Volume {
                text: text.to_owned(),
                colon,
            }),
            _ => Err(AssociationError::NoMapping(text.to_owned())),
        }
    }
}

/// The elements of a comma separated list; none for an empty text.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|item| !item.is_empty())
}

/// A comma separated list.
pub(super) fn join<T: std::fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Apqn;

    fn change(text: &str, current: &str) -> Result<String, AssociationError> {
        let current = split(current)
            .map(|item| item.parse().unwrap())
            .collect::<Vec<Apqn>>();
        Ok(join(&Change::<Apqn>::parse(text)?.apply(&current)?))
    }

    #[test]
    fn set_add_and_remove() {
        assert_eq!(change("3.39,4.1", "05.0001").unwrap(), "03.0039,04.0001");
        assert_eq!(change("+3.39", "05.0001").unwrap(), "05.0001,03.0039");
        assert_eq!(
            change("-5.1,3.39", "05.0001,03.0039,04.0004").unwrap(),
            "04.0004"
        );
        assert_eq!(change("", "05.0001").unwrap(), "");
        assert!(matches!(
            change("+5.1", "05.0001"),
            Err(AssociationError::Duplicate(_))
        ));
        assert!(matches!(
            change("5.1,05.0001", ""),
            Err(AssociationError::Duplicate(_))
        ));
        assert!(matches!(
            change("-5.2", "05.0001"),
            Err(AssociationError::NotThere(_))
        ));
        assert!(matches!(
            change("-5.2", ""),
            Err(AssociationError::NotThere(_))
        ));
        assert!(change("5", "").unwrap_err().is_usage());
    }

    #[test]
    fn volumes_need_a_mapping_name() {
        let volume: Volume = "/dev/dasdb1:enc".parse().unwrap();
        assert_eq!(
            (volume.device(), volume.to_string().as_str()),
            ("/dev/dasdb1", "/dev/dasdb1:enc")
        );
        for wrong in ["/dev/dasdb1", "/dev/dasdb1:", ":enc", "", "/dev/dasd*:enc"] {
            assert!(wrong.parse::<Volume>().is_err(), "{wrong}");
        }
    }
}
