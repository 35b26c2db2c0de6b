//! Operation policies: what clients may do with objects of others, and may not do with their own
//! (Operation Policy Name: KMIP 1.4, 3.18).

mod json;

use std::collections::HashMap;

use kmip::types::{AttributeValue, ObjectType, Operation, Tag};

pub use json::PolicyError;

use crate::object::StoredObject;

/// The policy of objects that name none.
const DEFAULT: &str = "default";

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permission {
    Everybody,
    Owner,
    Nobody,
}

/// Types of objects, with the operations that a rule is about.
type Rules = HashMap<ObjectType, HashMap<Operation, Permission>>;

#[derive(Debug, Clone, Default)]
struct Policy {
    /// For users who are in no groups at all.
    preset: Option<Rules>,
    groups: HashMap<String, Rules>,
}

/// Operation policies by their names, in the JSON format of PyKMIP.
///
/// An object belongs to the policy that its attribute Operation Policy Name says, or to `default`.
/// For users with groups, the rules of these count, for others those of `preset`.
/// Where there is no such policy, or it says nothing about an operation, the owner may do it and
/// nobody else. So without any policies, clients see their own objects only.
#[derive(Debug, Clone, Default)]
pub struct Policies(HashMap<String, Policy>);

impl Policies {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a client may do this with an object.
    pub(crate) fn allow(
        &self,
        object: &StoredObject,
        operation: Operation,
        is_owner: bool,
        groups: &[String],
    ) -> bool {
        match self.permission(object, operation, groups) {
            Permission::Everybody => true,
            Permission::Owner => is_owner,
            Permission::Nobody => false,
        }
    }

    /// Whether there can be objects of others with which a client may do this.
    pub(crate) fn may_open(&self, operation: Operation, groups: &[String]) -> bool {
        let mut rules = self.0.values().flat_map(|policy| {
            let of_groups = groups.iter().filter_map(|group| policy.groups.get(group));
            let preset = policy.preset.iter().filter(|_| groups.is_empty());
            of_groups.chain(preset).flat_map(HashMap::values)
        });
        rules.any(|operations| operations.get(&operation) == Some(&Permission::Everybody))
    }

    fn permission(
        &self,
        object: &StoredObject,
        operation: Operation,
        groups: &[String],
    ) -> Permission {
        let Some(policy) = self.0.get(name_of(object)) else {
            return Permission::Owner;
        };
        let rule = |rules: &Rules| {
            let operations = rules.get(&object.object_type)?;
            operations.get(&operation).copied()
        };
        let mut found = None;
        for rules in groups.iter().filter_map(|group| policy.groups.get(group)) {
            // What one of several groups may, its members may.
            match (found, rule(rules)) {
                (_, Some(Permission::Everybody)) => return Permission::Everybody,
                (None | Some(Permission::Nobody), other @ Some(_)) => found = other,
                _ => {}
            }
        }
        // What its groups say nothing about is not for everybody because of that.
        let preset = policy.preset.as_ref().filter(|_| groups.is_empty());
        found
            .or_else(|| preset.and_then(rule))
            .unwrap_or(Permission::Owner)
    }
}

fn name_of(object: &StoredObject) -> &str {
    match object.attributes.value(Tag::OPERATION_POLICY_NAME) {
        Some(AttributeValue::OperationPolicyName(name)) => name,
        _ => DEFAULT,
    }
}
