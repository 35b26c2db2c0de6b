//! Which keys a command is for.

use super::key::Key;
use crate::host::association::split;

/// A filter over keys; an empty one accepts all.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// Pattern for the name.
    pub name: Option<String>,
    /// Comma separated patterns for volumes, with or without dm-crypt name.
    pub volumes: Option<String>,
    /// Comma separated patterns for APQNs.
    pub apqns: Option<String>,
    /// Volume type, in upper or lower case.
    pub volume_type: Option<String>,
    /// Key type, in upper or lower case.
    pub key_type: Option<String>,
    /// Only keys that are not bound (`false`) or bound (`true`) to a key management system.
    pub bound: Option<bool>,
}

impl KeyFilter {
    /// Whether the filter accepts the name.
    pub fn accepts_name(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_none_or(|pattern| matches(pattern, name, false))
    }

    /// Whether the filter accepts everything else of a key.
    pub fn accepts(&self, key: &Key) -> bool {
        let equal = |wanted: &Option<String>, value: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        self.volumes
            .as_ref()
            .is_none_or(|filter| volumes_match(filter, key.get("volumes")))
            && self
                .apqns
                .as_ref()
                .is_none_or(|filter| apqns_match(filter, key.get("apqns")))
            && equal(&self.volume_type, key.volume_type())
            && equal(&self.key_type, key.key_type())
            && self.bound.is_none_or(|bound| bound == key.is_bound())
    }
}

/// Whether one of the patterns fits one of the volumes. A pattern without colon looks at the
/// device alone.
pub fn volumes_match(filter: &str, volumes: Option<&str>) -> bool {
    let volumes: Vec<&str> = split(volumes.unwrap_or_default()).collect();
    split(filter).any(|pattern| {
        volumes.iter().any(|volume| {
            let device = volume.split(':').next().unwrap_or(volume);
            matches(
                pattern,
                if pattern.contains(':') {
                    volume
                } else {
                    device
                },
                false,
            )
        })
    })
}

/// As [`volumes_match`], for APQNs: numbers in a pattern need no leading zeros.
fn apqns_match(filter: &str, apqns: Option<&str>) -> bool {
    let filled = |pattern: &str| match pattern.split_once('.') {
        Some((card, domain)) => format!("{}.{}", pad(card, 2), pad(domain, 4)),
        None => pattern.to_owned(),
    };
    let apqns = apqns.unwrap_or_default();
    split(filter).any(|pattern| {
        let pattern = filled(pattern).to_lowercase();
        split(apqns).any(|apqn| matches(&pattern, &apqn.to_lowercase(), false))
    })
}

fn pad(number: &str, width: usize) -> String {
    if number.contains(['*', '?', '[']) {
        number.to_owned()
    } else {
        format!("{number:0>width$}")
    }
}

/// Whether a text has wildcards.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// `fnmatch(3)`: `*`, `?` and `[...]`, with a backslash before a character that stands for
/// itself. With `pathname` (FNM_PATHNAME), `*`, `?` and brackets do not cover a slash.
pub fn matches(pattern: &str, text: &str, pathname: bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and up to where it reaches; it is enough to go back to that one.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        if let Some(next) = match_one(&pattern[p..], text[t], pathname) {
            p += next;
            t += 1;
            continue;
        }
        match star {
            Some((after, reached)) if !(pathname && text[reached] == '/') => {
                star = Some((after, reached + 1));
                (p, t) = (after, reached + 1);
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Length of the pattern element that covers `c`, if it does.
fn match_one(pattern: &[char], c: char, pathname: bool) -> Option<usize> {
    let wild = !(pathname && c == '/');
    match pattern {
        ['?', ..] => wild.then_some(1),
        ['\\', literal, ..] => (*literal == c).then_some(2),
        ['[', rest @ ..] => match bracket(rest, c) {
            Some((inside, length)) => (inside && wild).then_some(length + 1),
            // Without its end, a bracket stands for itself.
            None => (c == '[').then_some(1),
        },
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// Whether `c` is in the set, and how long the set is including its end; `None` without end.
fn bracket(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut inside = false;
    let mut at = start;
    loop {
        match pattern.get(at)? {
            ']' if at > start => return Some((inside != negated, at + 1)),
            &low => {
                let range = match (pattern.get(at + 1), pattern.get(at + 2)) {
                    (Some('-'), Some(&high)) if high != ']' => Some(high),
                    _ => None,
                };
                inside |= (low..=range.unwrap_or(low)).contains(&c);
                at += if range.is_some() { 3 } else { 1 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a"),
            ("a*c", "abbc"),
            ("a*b*c", "a1b2b3c"),
            ("?b", "ab"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("[]]", "]"),
            ("[", "["),
            ("\\*", "*"),
            ("**a", "ba"),
            ("ä?", "äö"),
            ("[a-]", "-"),
        ] {
            assert!(matches(pattern, text, false), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("a*c", "abb"),
            ("?", ""),
            ("[a-c]", "d"),
            ("\\*", "a"),
            ("[!a]", "a"),
            ("ab", "abc"),
        ] {
            assert!(!matches(pattern, text, false), "{pattern} {text}");
        }
        assert!(matches("a*", "a/b", false) && !matches("a*", "a/b", true));
        assert!(matches("*/*", "a/b", true) && !matches("?b", "/b", true));
        assert!(!matches(&"a*".repeat(30), &"a".repeat(29), false));
    }

    #[test]
    fn volumes_with_and_without_mapping() {
        let volumes = Some("/dev/dasdb1:enc1,/dev/dasdc1:enc2");
        assert!(volumes_match("/dev/dasdc*", volumes));
        assert!(volumes_match("/dev/x,*:enc2", volumes));
        assert!(!volumes_match("/dev/dasdb1:enc2", volumes));
        assert!(!volumes_match("*", None));
    }

    #[test]
    fn apqns_without_leading_zeros() {
        assert!(apqns_match("3.39", Some("03.0039")));
        assert!(apqns_match("*.A", Some("03.000a")));
        assert!(!apqns_match("3.*", Some("13.0039")));
    }
}
