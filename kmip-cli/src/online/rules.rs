//! Commands about what new objects are like.

use std::path::Path;

use kmip::codec::Options;
use kmip::types::{
    Attributes, Constraint, Constraints, DefaultsInformation, GetConstraintsRequest, IntoOwned,
    ObjectDefaults, ObjectGroups, ObjectTypes, ProtocolVersion, SetConstraintsRequest,
    SetDefaultsRequest, Tag,
};
use kmip::xml;
use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::{self, GetConstraints, Online, Rules, SetConstraints, SetDefaults};
use crate::connect::connect;
use crate::failure::Failure;
use crate::files;

/// The version that has these operations.
const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

pub(super) fn set_defaults(options: &SetDefaults) -> Result<(), Failure> {
    let rules = &options.rules;
    let defaults = match &rules.file {
        Some(path) => {
            let content = files::read(path)?;
            let (tag, rules) = (Tag::DEFAULTS_INFORMATION, Options::default());
            let defaults: kmip::codec::Result<DefaultsInformation<'_>> =
                xml::decode_item(&content, tag, VERSION, &rules);
            Some(defaults.map_err(unreadable(path))?.into_owned())
        }
        None if rules.clear => None,
        None => Some(DefaultsInformation {
            object_defaults: vec![ObjectDefaults {
                object_types: types(rules),
                attributes: rules.attributes.iter().cloned().collect(),
                object_groups: groups(rules),
                ..ObjectDefaults::default()
            }],
            ..DefaultsInformation::default()
        }),
    };
    let count = defaults.as_ref().map_or(0, |all| all.object_defaults.len());
    let mut client = connect(&options.online)?;
    client.call(SetDefaultsRequest {
        defaults_information: defaults,
        ..SetDefaultsRequest::default()
    })?;
    set(&options.online, count)
}

pub(super) fn constraints(command: &arguments::Constraints) -> Result<(), Failure> {
    match command {
        arguments::Constraints::Get(options) => get_constraints(options),
        arguments::Constraints::Set(options) => set_constraints(options),
    }
}

fn set_constraints(options: &SetConstraints) -> Result<(), Failure> {
    let rules = &options.rules;
    let constraints = match &rules.file {
        Some(path) => {
            let content = files::read(path)?;
            let (tag, rules) = (Tag::CONSTRAINTS, Options::default());
            let constraints: kmip::codec::Result<Constraints<'_>> =
                xml::decode_item(&content, tag, VERSION, &rules);
            constraints.map_err(unreadable(path))?.into_owned()
        }
        None if rules.clear => Constraints::default(),
        None => Constraints {
            constraint: vec![Constraint {
                object_types: types(rules),
                object_groups: groups(rules),
                attributes: Some(rules.attributes.iter().cloned().collect()),
                ..Constraint::default()
            }],
            ..Constraints::default()
        },
    };
    let count = constraints.constraint.len();
    let mut client = connect(&options.online)?;
    client.call(SetConstraintsRequest {
        constraints: Some(constraints),
        ..SetConstraintsRequest::default()
    })?;
    set(&options.online, count)
}

fn get_constraints(options: &GetConstraints) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let answer = client.call(GetConstraintsRequest::default())?;
    let constraints = answer.constraints;
    if let Some(path) = &options.output {
        let (tag, mut content) = (Tag::CONSTRAINTS, Vec::new());
        let written = xml::encode_item_indented(&constraints, tag, VERSION, &mut content);
        written.map_err(|error| Failure::Answer(error.to_string()))?;
        files::write(path, &content)?;
    }
    let shown = constraints.constraint.iter().map(|one| {
        let types = one.object_types.as_ref().map(|types| {
            let names = types.object_type.iter();
            names.map(|one| show::named(*one)).collect::<Vec<_>>()
        });
        let groups = one.object_groups.as_ref().map(|groups| {
            let names = groups.object_group.iter();
            names.map(ToString::to_string).collect::<Vec<_>>()
        });
        let none = Attributes::default();
        let attributes = one.attributes.as_ref().unwrap_or(&none).iter();
        let attributes: Vec<_> = attributes
            .map(|attribute| show::attribute(attribute, VERSION))
            .collect();
        (types, groups, attributes)
    });
    if options.online.show.json {
        let list: Json = shown
            .map(|(types, groups, attributes)| {
                let attributes: Json = attributes.iter().map(show::Shown::to_json).collect();
                json!({ "object_types": types, "groups": groups, "attributes": attributes })
            })
            .collect();
        return show::json(&list);
    }
    let rows = shown.map(|(types, groups, attributes)| {
        let all = || vec!["all".to_owned()];
        let attributes = attributes.iter();
        let attributes = attributes.map(|one| format!("{}={}", one.name, one.text));
        vec![
            types.unwrap_or_else(all).join("\n"),
            groups.unwrap_or_else(all).join("\n"),
            attributes.collect::<Vec<_>>().join("\n"),
        ]
    });
    show::table(&["types", "groups", "attributes"], rows.collect())
}

fn types(rules: &Rules) -> Option<ObjectTypes<'static>> {
    (!rules.object_types.is_empty()).then(|| ObjectTypes {
        object_type: rules.object_types.clone(),
        ..ObjectTypes::default()
    })
}

fn groups(rules: &Rules) -> Option<ObjectGroups<'static>> {
    (!rules.groups.is_empty()).then(|| ObjectGroups {
        object_group: rules.groups.iter().cloned().map(Into::into).collect(),
        ..ObjectGroups::default()
    })
}

fn unreadable(path: &Path) -> impl FnOnce(kmip::codec::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::Content {
        path,
        what: error.to_string(),
    }
}

fn set(online: &Online, rules: usize) -> Result<(), Failure> {
    match online.show.json {
        true => show::json(&json!({ "rules": rules })),
        false => show::line(&format!("{rules} rule(s) set")),
    }
}
