//! What a case needs of the server that it is played against.

use kmip::types::Interval;
use kmip_server::{Configuration, SeedPolicy};

/// The list that comes with the program.
const LIST: &str = include_str!("../../../data/conformance-setups.tsv");

/// The setups of all cases that need one.
#[derive(Debug)]
pub(super) struct Setups {
    rows: Vec<(&'static str, Setup)>,
}

/// Something that a case needs.
#[derive(Debug, Clone)]
enum Setup {
    /// Another case is played before, on the same server: that of the same version, unless it is
    /// named with one.
    After(&'static str),
    /// Leases are given for so many seconds.
    LeaseTime(u32),
    /// How long leases are given for keys in the place of compromised ones.
    LeaseTimeAfterCompromise(u32),
    /// What the PKCS#11 token says of itself: manufacturer and description.
    Token(&'static str, &'static str),
    /// What is done with data for the random number generator.
    Seed(SeedPolicy),
    /// Keys for wrapping also unwrap.
    UnwrapWithWrappingKeys,
    /// The object group of which there is always a fresh member.
    DefaultGroup(&'static str),
}

impl Setups {
    pub(super) fn load() -> Self {
        let rows = LIST.lines().skip(1).filter_map(|line| {
            let mut columns = line.split('\t');
            let (case, setting, value) = (columns.next()?, columns.next()?, columns.next()?);
            let setup = match setting {
                "after" => Setup::After(value),
                "lease-time" => Setup::LeaseTime(value.parse().ok()?),
                "lease-time-after-compromise" => {
                    Setup::LeaseTimeAfterCompromise(value.parse().ok()?)
                }
                "token" => {
                    let (manufacturer, description) = value.split_once('|')?;
                    Setup::Token(manufacturer, description)
                }
                "seed" => Setup::Seed(match value {
                    "accept" => SeedPolicy::Accept,
                    "partial" => SeedPolicy::Partial,
                    "ignore" => SeedPolicy::Ignore,
                    "deny" => SeedPolicy::Deny,
                    _ => return None,
                }),
                "default-group" => Setup::DefaultGroup(value),
                "unwrap-with-wrapping-keys" => Setup::UnwrapWithWrappingKeys,
                _ => return None,
            };
            Some((case, setup))
        });
        Setups {
            rows: rows.collect(),
        }
    }

    fn of<'s>(&'s self, case: &'s str) -> impl Iterator<Item = Setup> + 's {
        let base = base(case);
        let rows = self.rows.iter();
        let rows = rows.filter(move |(name, _)| [base, case, "*"].contains(name));
        rows.map(|(_, setup)| setup.clone())
    }

    /// The cases that are played before one, on the same server.
    pub(super) fn before(&self, case: &str) -> Vec<String> {
        let version = &case[base(case).len()..];
        let before = |setup| match setup {
            Setup::After(name) if base(name) != name => Some(name.to_owned()),
            Setup::After(name) => Some(format!("{name}{version}")),
            _ => None,
        };
        self.of(case).filter_map(before).collect()
    }

    /// Configures the server for a case.
    pub(super) fn configure(&self, case: &str, configuration: &mut Configuration) {
        for setup in self.of(case) {
            match setup {
                Setup::After(_) => {}
                Setup::LeaseTime(seconds) => {
                    configuration.lease_time = Some(Interval(seconds));
                }
                Setup::LeaseTimeAfterCompromise(seconds) => {
                    configuration.lease_time_after_compromise = Some(Interval(seconds));
                }
                Setup::Token(manufacturer, description) => {
                    configuration.token.manufacturer = manufacturer.to_owned();
                    configuration.token.description = description.to_owned();
                }
                Setup::Seed(policy) => configuration.seed_policy = policy,
                Setup::UnwrapWithWrappingKeys => configuration.unwrap_with_wrapping_keys = true,
                Setup::DefaultGroup(group) => configuration.default_group = Some(group.to_owned()),
            }
        }
    }
}

/// The name of a case without the version at its end, such as `-21`.
pub(super) fn base(case: &str) -> &str {
    match case.rsplit_once('-') {
        Some((base, version)) if version.len() == 2 && version.parse::<u8>().is_ok() => base,
        _ => case,
    }
}

#[cfg(test)]
mod tests {
    use super::{LIST, Setups};

    #[test]
    fn every_row_is_understood() {
        assert_eq!(Setups::load().rows.len(), LIST.lines().count() - 1);
    }

    #[test]
    fn a_case_follows_that_of_its_version() {
        assert_eq!(Setups::load().before("TL-M-3-14"), ["TL-M-2-14"]);
    }
}
