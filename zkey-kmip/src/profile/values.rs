//! The values of a profile as they stand in its file, one by one.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use kmip::transport::ServerAddress;

use super::ProfileError;
use super::settings::{Transport, VersionChoice, WRAP_KEY_PARAMS};
use crate::properties::Properties;
use crate::secure_key::{DigestAlgorithm, WrapPadding};
use crate::server_traits::ServerTraits;

/// The values as text, with the place for error messages.
pub(super) struct Values<'a> {
    pub(super) path: &'a Path,
    pub(super) values: &'a Properties,
}

impl<'a> Values<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.values.get(key)
    }

    pub(super) fn mandatory(&self, key: &'static str) -> Result<&'a str, ProfileError> {
        self.get(key).ok_or_else(|| ProfileError::Missing {
            path: self.path.to_owned(),
            key,
        })
    }

    pub(super) fn wrong(
        &self,
        key: &'static str,
        value: &str,
        expected: impl Into<String>,
    ) -> ProfileError {
        ProfileError::Value {
            path: self.path.to_owned(),
            // Defaults are never wrong.
            line: self.values.line(key).unwrap_or_default(),
            key,
            value: value.to_owned(),
            expected: expected.into(),
        }
    }

    /// One of `choices`, by name; the first one when the value is missing.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, ProfileError> {
        let value = self.get(key).unwrap_or(choices[0].0);
        let found = choices
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(value));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            let blanks = if value.trim() == value {
                ""
            } else {
                ", without blanks"
            };
            self.wrong(
                key,
                value,
                format!("must be {}{blanks}", names.join(" or ")),
            )
        })
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> Result<bool, ProfileError> {
        let choices = [("TRUE", true), ("FALSE", false)];
        match self.get(key) {
            None => Ok(default),
            Some(_) => self.choice(key, &choices),
        }
    }

    /// As C's `%u.%u` would read it, with anything behind.
    pub(super) fn version(&self) -> Result<VersionChoice, ProfileError> {
        let key = "kmip-version";
        let value = self.get(key).unwrap_or("AUTO");
        if value.eq_ignore_ascii_case("AUTO") {
            return Ok(VersionChoice::Auto);
        }
        let version = value.split_once('.').and_then(|(major, minor)| {
            let major = major.parse().ok().filter(|major| *major >= 1)?;
            let minor = leading_number(minor)?;
            Some(VersionChoice::Fixed { major, minor })
        });
        version.ok_or_else(|| self.wrong(key, value, "must be AUTO or a number such as 1.4"))
    }

    pub(super) fn https_uri(&self, transport: Transport) -> Result<String, ProfileError> {
        let key = "https-uri";
        let value = self.get(key).unwrap_or("/kmip");
        if transport == Transport::Https && !value.starts_with('/') {
            return Err(self.wrong(key, value, "must begin with `/`"));
        }
        Ok(value.to_owned())
    }

    pub(super) fn wrap_key_bits(&self) -> Result<u32, ProfileError> {
        let key = WRAP_KEY_PARAMS;
        let value = self.mandatory(key)?;
        leading_number(value)
            .filter(|bits| *bits != 0)
            .ok_or_else(|| self.wrong(key, value, "must be the bits of an RSA key, such as 4096"))
    }

    pub(super) fn server_traits(&self) -> Result<Option<ServerTraits>, ProfileError> {
        let key = "server-traits";
        match self.get(key) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("AUTO") => Ok(None),
            Some(value) => match value.parse() {
                Ok(traits) => Ok(Some(traits)),
                Err(error) => Err(self.wrong(key, value, format!("{error}, or AUTO"))),
            },
        }
    }

    pub(super) fn failover_servers(&self) -> Result<Vec<ServerAddress>, ProfileError> {
        let key = "failover-servers";
        let value = self.get(key).unwrap_or_default();
        let names = value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let servers = names.map(|name| {
            name.parse()
                .map_err(|error| self.wrong(key, value, format!("{name}: {error}")))
        });
        servers.collect()
    }

    pub(super) fn seconds(&self, key: &'static str) -> Result<Option<Duration>, ProfileError> {
        let seconds = self.number(key, 1..=3600)?;
        Ok(seconds.map(|seconds| Duration::from_secs(seconds.into())))
    }

    /// A number that the C plugin knows nothing of, so it must be one.
    pub(super) fn number(
        &self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ProfileError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let expected = format!("must be a number from {} to {}", range.start(), range.end());
            self.wrong(key, value, expected)
        })
    }

    pub(super) fn wrap_padding(&self) -> Result<WrapPadding, ProfileError> {
        let oaep = self.choice("wrap-padding-method", &[("PKCS1.5", false), ("OAEP", true)])?;
        if !oaep {
            return Ok(WrapPadding::Pkcs1V15);
        }
        let digests = [
            ("SHA-1", DigestAlgorithm::Sha1),
            ("SHA-256", DigestAlgorithm::Sha256),
            ("SHA-384", DigestAlgorithm::Sha384),
            ("SHA-512", DigestAlgorithm::Sha512),
        ];
        // The C plugin stops at a profile in which it does not know this one.
        let digest = self.choice("wrap-hashing-algorithm", &digests[..2])?;
        // So others have a key of their own.
        match self.get("wrap-oaep-hashing-algorithm") {
            None => Ok(WrapPadding::Oaep(digest)),
            Some(_) => {
                let digest = self.choice("wrap-oaep-hashing-algorithm", &digests)?;
                Ok(WrapPadding::Oaep(digest))
            }
        }
    }
}

/// The number at the beginning of `text`.
fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}
