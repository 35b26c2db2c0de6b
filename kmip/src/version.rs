//! Protocol versions.

use std::fmt;
use std::str::FromStr;

/// A protocol version (Protocol Version, 6.1 in KMIP 1.x, 8.6 in 2.x). Ordered by age.
///
/// Any pair of numbers can be expressed, since a peer may speak a version that this library does
/// not know; [`ProtocolVersion::ALL`] are those it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ProtocolVersion {
    /// Protocol Version Major.
    pub major: i32,
    /// Protocol Version Minor.
    pub minor: i32,
}

impl ProtocolVersion {
    /// KMIP 1.0.
    pub const V1_0: Self = Self::new(1, 0);
    /// KMIP 1.1.
    pub const V1_1: Self = Self::new(1, 1);
    /// KMIP 1.2.
    pub const V1_2: Self = Self::new(1, 2);
    /// KMIP 1.3.
    pub const V1_3: Self = Self::new(1, 3);
    /// KMIP 1.4.
    pub const V1_4: Self = Self::new(1, 4);
    /// KMIP 2.0.
    pub const V2_0: Self = Self::new(2, 0);
    /// KMIP 2.1.
    pub const V2_1: Self = Self::new(2, 1);

    /// The versions that this library knows, oldest first.
    pub const ALL: [Self; 7] = [
        Self::V1_0,
        Self::V1_1,
        Self::V1_2,
        Self::V1_3,
        Self::V1_4,
        Self::V2_0,
        Self::V2_1,
    ];

    /// The newest version that this library knows.
    pub const LATEST: Self = Self::V2_1;

    /// The version `major.minor`.
    pub const fn new(major: i32, minor: i32) -> Self {
        ProtocolVersion { major, minor }
    }

    /// Whether this library has the tables of this version.
    pub fn is_known(self) -> bool {
        Self::ALL.contains(&self)
    }

    /// The rules to read a message of this version by: the version itself, or for an unknown one
    /// the newest known version before it (the oldest, if there is none).
    pub(crate) fn edition(self) -> Edition {
        let known = Self::ALL.iter().rposition(|version| *version <= self);
        Edition(known.unwrap_or(0) as u8)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not a protocol version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol version: write MAJOR.MINOR, such as 1.4")]
pub struct ParseVersionError(String);

impl FromStr for ProtocolVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self::new(number(major)?, number(minor)?)))
            .ok_or_else(|| ParseVersionError(text.to_owned()))
    }
}

/// Index of a version in [`ProtocolVersion::ALL`]: what the generated tables compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edition(pub(crate) u8);

impl Edition {
    /// The last of the 1.x versions; from the next on, attributes have tags of their own.
    pub(crate) const LAST_1X: Edition = Edition(4);

    /// Whether attributes have the form of KMIP 2.x.
    pub(crate) fn is_2x(self) -> bool {
        self > Self::LAST_1X
    }

    /// The version that this index stands for.
    pub fn version(self) -> ProtocolVersion {
        ProtocolVersion::ALL[usize::from(self.0)]
    }

    /// Index into tables with one entry for each version.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_versions_are_read_by_the_newest_rules_before_them() {
        let edition = |major, minor| ProtocolVersion::new(major, minor).edition().version();
        assert_eq!(edition(1, 4), ProtocolVersion::V1_4);
        assert_eq!(edition(1, 9), ProtocolVersion::V1_4);
        assert_eq!(edition(3, 0), ProtocolVersion::V2_1);
        assert_eq!(edition(0, 0), ProtocolVersion::V1_0);
        assert_eq!(edition(-1, 7), ProtocolVersion::V1_0);
    }

    #[test]
    fn parsing_takes_digits_only() {
        assert_eq!("2.1".parse(), Ok(ProtocolVersion::V2_1));
        for bad in [
            "",
            "2",
            "2.",
            ".1",
            "2.1.0",
            "+2.1",
            "2. 1",
            "99999999999.0",
        ] {
            assert!(bad.parse::<ProtocolVersion>().is_err(), "{bad}");
        }
    }
}
