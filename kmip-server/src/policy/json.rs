//! Policies in files, as PyKMIP reads them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kmip::types::{Enumeration, ObjectType, Operation};
use serde_json::{Map, Value};

use super::{Permission, Policies, Policy, Rules};
use crate::names::by_name;

/// Policies that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file or directory cannot be read.
    #[error("{path}: cannot read the operation policies")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no JSON. The error has line and column.
    #[error("{path}: this is no JSON")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Something else is expected at a place.
    #[error("{path}: {place}: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Names of the members on the way there.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Two files define a policy.
    #[error("{path}: there is a policy `{name}` in another file already")]
    Twice {
        /// The second file.
        path: PathBuf,
        /// The policy.
        name: String,
    },
}

/// What is wrong, and the members around it, the innermost first.
struct Wrong {
    message: String,
    around: Vec<String>,
}

type Parsed<T> = Result<T, Wrong>;

fn wrong<T>(message: impl Into<String>) -> Parsed<T> {
    Err(Wrong {
        message: message.into(),
        around: Vec::new(),
    })
}

fn within<T>(name: &str, parsed: Parsed<T>) -> Parsed<T> {
    parsed.map_err(|mut wrong| {
        wrong.around.push(name.to_owned());
        wrong
    })
}

impl Policies {
    /// The policies in all files of a directory that end with `.json`, or in a single file.
    ///
    /// # Errors
    /// If there is a file that cannot be read or understood. No rule is ever left out.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| PolicyError::File { path, source }
        };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = fs::read_dir(path).map_err(failed(path))?;
            let entries: Result<Vec<_>, _> = entries.collect();
            let entries = entries.map_err(failed(path))?;
            files = entries.iter().map(fs::DirEntry::path).collect();
            files.retain(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "json")
            });
            files.sort();
        }
        let mut policies = Policies::default();
        for file in files {
            let text = fs::read_to_string(&file).map_err(failed(&file))?;
            for (name, policy) in parse(&file, &text)? {
                if policies.0.insert(name.clone(), policy).is_some() {
                    return Err(PolicyError::Twice { path: file, name });
                }
            }
        }
        Ok(policies)
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<(String, Policy)>, PolicyError> {
    let value = serde_json::from_str(text).map_err(|source| PolicyError::Json {
        path: path.to_owned(),
        source,
    })?;
    let parsed = members(&value, |name, value| Ok((name.to_owned(), policy(value)?)));
    parsed.map_err(
        |Wrong {
             message,
             mut around,
         }| {
            around.reverse();
            PolicyError::Content {
                path: path.to_owned(),
                place: around.join(": "),
                message,
            }
        },
    )
}

fn object(value: &Value) -> Parsed<&Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        _ => wrong("an object in braces is expected"),
    }
}

fn members<T, C: FromIterator<T>>(
    value: &Value,
    read: impl Fn(&str, &Value) -> Parsed<T>,
) -> Parsed<C> {
    let members = object(value)?.iter();
    members
        .map(|(name, value)| within(name, read(name, value)))
        .collect()
}

fn policy(value: &Value) -> Parsed<Policy> {
    let parts = object(value)?;
    let sections = |name: &String| matches!(name.as_str(), "preset" | "groups");
    if !parts.is_empty() && !parts.keys().any(sections) {
        // As until PyKMIP 0.8, which had no groups.
        return Ok(Policy {
            preset: Some(rules(value)?),
            ..Policy::default()
        });
    }
    let mut policy = Policy::default();
    for (name, value) in parts {
        match name.as_str() {
            "preset" => policy.preset = Some(within(name, rules(value))?),
            "groups" => {
                let groups = members(value, |group, value| Ok((group.to_owned(), rules(value)?)));
                policy.groups = within(name, groups)?;
            }
            _ => return within(name, wrong("a policy has the parts `preset` and `groups`")),
        }
    }
    Ok(policy)
}

fn rules(value: &Value) -> Parsed<Rules> {
    members(value, |name, value| {
        let Some(object_type) = by_name(ObjectType::TABLE, name) else {
            return wrong("there is no such type of objects");
        };
        let operations = members(value, |name, value| {
            let Some(operation) = by_name(Operation::TABLE, name) else {
                return wrong("there is no such operation");
            };
            Ok((Operation::new(operation), permission(value)?))
        });
        Ok((ObjectType::new(object_type), operations?))
    })
}

fn permission(value: &Value) -> Parsed<Permission> {
    match value.as_str() {
        Some("ALLOW_ALL") => Ok(Permission::Everybody),
        Some("ALLOW_OWNER") => Ok(Permission::Owner),
        Some("DISALLOW_ALL") => Ok(Permission::Nobody),
        _ => wrong("the permissions are ALLOW_ALL, ALLOW_OWNER and DISALLOW_ALL"),
    }
}
