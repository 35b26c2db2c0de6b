//! The properties that a new key starts with, and the values that they can have.

use std::str::FromStr;

use super::association::{Volume, join};
use super::error::HostError;
use super::local_time;
use crate::abi::{Apqn, SecureKeyType};
use crate::properties::Properties;

/// What an AES key encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VolumeType {
    /// Plain dm-crypt.
    Plain,
    /// LUKS2, the default.
    Luks2,
}

impl VolumeType {
    /// As it stands in properties.
    pub(super) const fn name(self) -> &'static str {
        match self {
            VolumeType::Plain => "PLAIN",
            VolumeType::Luks2 => "LUKS2",
        }
    }
}

impl FromStr for VolumeType {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        [VolumeType::Plain, VolumeType::Luks2]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| HostError::BadValue {
                what: "volume type",
                given: text.to_owned(),
                allowed: "PLAIN or LUKS2",
            })
    }
}

/// A sector size in bytes; 0 stands for the system's default.
///
/// # Errors
/// Not one that dm-crypt knows.
pub(super) fn sector_size(text: &str) -> Result<u32, HostError> {
    let size: Option<u32> = text.parse().ok();
    size.filter(|size| *size == 0 || (512..=4096).contains(size) && size.is_power_of_two())
        .ok_or_else(|| HostError::BadValue {
            what: "sector size",
            given: text.to_owned(),
            allowed: "0, 512, 1024, 2048 or 4096",
        })
}

/// A type of secure key.
///
/// # Errors
/// Not one that a repository knows.
pub(super) fn key_type(text: &str) -> Result<SecureKeyType, HostError> {
    SecureKeyType::from_name(text).ok_or_else(|| HostError::BadValue {
        what: "key type",
        given: text.to_owned(),
        allowed: "CCA-AESDATA, CCA-AESCIPHER or EP11-AES",
    })
}

/// What a new key is.
#[derive(Debug)]
pub(super) struct NewKey<'a> {
    /// Type of the secure key.
    pub key_type: SecureKeyType,
    /// Text for people.
    pub description: &'a str,
    /// Its volumes.
    pub volumes: &'a [Volume],
    /// Their type.
    pub volume_type: VolumeType,
    /// Their sector size in bytes, 0 for the default.
    pub sector_size: u32,
    /// The APQNs that can use it.
    pub apqns: &'a [Apqn],
    /// The plugin that it is bound to.
    pub plugin: &'a str,
}

impl NewKey<'_> {
    /// Its properties, in zkey's order.
    ///
    /// # Errors
    /// A text cannot be stored.
    pub(super) fn properties(&self) -> Result<Properties, HostError> {
        let mut properties = Properties::new();
        for (name, value) in [
            ("cipher", "paes"),
            ("iv-mode", "plain64"),
            ("creation-time", &local_time::now()),
            ("description", self.description),
            ("key-type", self.key_type.name()),
            ("volumes", &join(self.volumes)),
            ("apqns", &join(self.apqns)),
            ("sector-size", &self.sector_size.to_string()),
            ("volume-type", self.volume_type.name()),
            ("kms", self.plugin),
        ] {
            properties.set(name, value)?;
        }
        Ok(properties)
    }
}
