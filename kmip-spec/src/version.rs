//! Protocol versions and ranges of them.

use std::fmt;
use std::str::FromStr;

/// A version of the protocol that has published tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Version {
    V1_0,
    V1_1,
    V1_2,
    V1_3,
    V1_4,
    V2_0,
    V2_1,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Version; 7] = [
        Version::V1_0,
        Version::V1_1,
        Version::V1_2,
        Version::V1_3,
        Version::V1_4,
        Version::V2_0,
        Version::V2_1,
    ];

    /// The newest version of the tables.
    pub const LAST: Version = Version::V2_1;

    /// The major number.
    pub fn major(self) -> u8 {
        if self < Version::V2_0 { 1 } else { 2 }
    }

    /// The minor number.
    pub fn minor(self) -> u8 {
        match self {
            Version::V1_0 | Version::V2_0 => 0,
            Version::V1_1 | Version::V2_1 => 1,
            Version::V1_2 => 2,
            Version::V1_3 => 3,
            Version::V1_4 => 4,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.minor())
    }
}

/// The text names no version of KMIP that has tables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no KMIP version: 1.0 to 1.4, 2.0 and 2.1 are known")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        Ok(match text {
            "1.0" => Version::V1_0,
            "1.1" => Version::V1_1,
            "1.2" => Version::V1_2,
            "1.3" => Version::V1_3,
            "1.4" => Version::V1_4,
            "2.0" => Version::V2_0,
            "2.1" => Version::V2_1,
            _ => return Err(UnknownVersion(text.to_owned())),
        })
    }
}

/// The versions from `since` to `until`, both included; without `until`, up to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The first version.
    pub since: Version,
    /// The last version, or `None` if the newest version still has it.
    pub until: Option<Version>,
}

impl VersionRange {
    /// Every version.
    pub const ALL: VersionRange = VersionRange {
        since: Version::V1_0,
        until: None,
    };

    /// The last version that the range holds.
    pub fn last(self) -> Version {
        self.until.unwrap_or(Version::LAST)
    }

    /// Whether `version` lies in the range.
    pub fn contains(self, version: Version) -> bool {
        (self.since..=self.last()).contains(&version)
    }

    /// Whether every version of `other` lies in this range.
    pub fn covers(self, other: VersionRange) -> bool {
        self.since <= other.since && other.last() <= self.last()
    }

    /// Whether some version lies in both ranges.
    pub fn overlaps(self, other: VersionRange) -> bool {
        self.since <= other.last() && other.since <= self.last()
    }

    /// The versions of the range, oldest first.
    pub fn versions(self) -> impl Iterator<Item = Version> {
        Version::ALL
            .into_iter()
            .filter(move |&version| self.contains(version))
    }
}

/// `1.0-1.4`, `2.1` (that version alone) or `2.0-` (from there on).
impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            None => write!(f, "{}-", self.since),
            Some(until) if until == self.since => write!(f, "{until}"),
            Some(until) => write!(f, "{}-{until}", self.since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(since: Version, until: Option<Version>) -> VersionRange {
        VersionRange { since, until }
    }

    #[test]
    fn versions_read_back_and_are_ordered() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert!(Version::ALL.is_sorted());
        let error = "1.5".parse::<Version>().unwrap_err();
        assert!(error.to_string().contains("`1.5`"));
    }

    #[test]
    fn a_range_includes_both_ends() {
        let old = range(Version::V1_0, Some(Version::V1_4));
        let new = range(Version::V2_0, None);
        assert!(old.contains(Version::V1_0) && old.contains(Version::V1_4));
        assert!(!old.contains(Version::V2_0) && new.contains(Version::V2_1));
        assert!(!old.overlaps(new) && !new.overlaps(old));
        assert!(VersionRange::ALL.overlaps(old) && VersionRange::ALL.covers(new));
        assert!(!old.covers(VersionRange::ALL));
        assert_eq!(old.versions().count(), 5);
    }

    #[test]
    fn a_range_prints_as_in_the_tables() {
        assert_eq!(
            range(Version::V1_0, Some(Version::V1_4)).to_string(),
            "1.0-1.4"
        );
        assert_eq!(range(Version::V2_1, Some(Version::V2_1)).to_string(), "2.1");
        assert_eq!(range(Version::V2_0, None).to_string(), "2.0-");
    }
}
