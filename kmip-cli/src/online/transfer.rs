//! `kmip export` and `kmip import`: objects with all their attributes, in a file.
//!
//! The file is the response of Export as a message in XML, as `kmip decode` shows it.

use kmip::client::{Batch, Client, Error, Session};
use kmip::codec::Options;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeRules, Attributes, ExportRequest, ExportResponse,
    ImportRequest, IntoOwned, KeyWrapType, ProtocolVersion, ResponseBatchItem, ResponseHeader,
    ResponseMessage, ResponsePayload, ResultReason, Tag, UniqueIdentifier,
};
use serde_json::json;

use super::{fetch, show};
use crate::arguments::{Export, Import};
use crate::connect::connect;
use crate::failure::Failure;
use crate::files;

pub(super) fn export(options: &Export) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let wrapping = fetch::wrapping(&options.wrapping, client.version());
    let exported = client.call(ExportRequest {
        unique_identifier: Some(options.object.clone().into()),
        key_wrapping_specification: wrapping,
        ..ExportRequest::default()
    })?;
    let id = exported.unique_identifier.to_string();
    let message = ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: client.version(),
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem::success(exported)],
        ..ResponseMessage::default()
    };
    let mut xml = zeroize::Zeroizing::new(Vec::new());
    kmip::xml::encode_indented(&message, &mut xml).map_err(|source| Failure::Message {
        name: "the exported object".to_owned(),
        source,
    })?;
    files::write(&options.output, &xml)?;
    match options.online.show.json {
        true => show::json(&json!({ "id": id, "file": options.output })),
        false => show::line(&format!(
            "exported {} to {}",
            show::printable(&id),
            options.output.display()
        )),
    }
}

pub(super) fn import(options: &Import) -> Result<(), Failure> {
    let content = files::read(&options.file)?;
    let wrong = |what: &str| Failure::Content {
        path: options.file.clone(),
        what: what.to_owned(),
    };
    let message: ResponseMessage<'_> = kmip::xml::decode(&content, &Options::default())
        .map_err(|error| wrong(&format!("this is no exported object: {error}")))?;
    let payload = message.batch_item.into_iter().next();
    let payload = payload.and_then(|item| item.response_payload);
    let Some(ResponsePayload::Export(exported)) = payload else {
        return Err(wrong("this is no exported object"));
    };
    let id = match &options.id {
        Some(id) => id.clone().into(),
        None => exported.unique_identifier.clone().into_owned(),
    };
    let mut client = connect(&options.online)?;
    let id = send(&mut client, id, &exported, options.replace)?;
    let outcome = compare(&mut client, &id, &exported.attributes);
    if options.online.show.json {
        return show::json(&json!({
            "id": id.to_string(),
            "left_out": outcome.left_out,
            "different": outcome.different,
        }));
    }
    show::line(&show::printable(&id.to_string()))?;
    for (what, names) in [
        ("left out", outcome.left_out),
        ("different there", outcome.different),
    ] {
        if !names.is_empty() {
            eprintln!("{what}: {}", show::printable(&names.join(", ")));
        }
    }
    Ok(())
}

/// Imports an object with all its attributes, as the specification wants it (KMIP 1.4, 4.42), but those
/// that the version cannot say, or, on a server that does not take them all, with those that clients may
/// set.
fn send(
    client: &mut Client,
    id: UniqueIdentifier<'static>,
    exported: &ExportResponse<'_>,
    replace: bool,
) -> Result<UniqueIdentifier<'static>, Error> {
    let version = client.version();
    let any_value = client.sends_values_of_other_versions();
    let check = Session::new(client.server(), version);
    let known = |attribute: &&Attribute<'_>| match attribute.value.tag() {
        // That of the request counts.
        Some(Tag::UNIQUE_IDENTIFIER) => false,
        Some(tag) if rules(tag, version).is_none() => false,
        _ => any_value || is_known(attribute, &check),
    };
    let settable = |attribute: &&Attribute<'_>| {
        let rules = attribute.value.tag().map(|tag| rules(tag, version));
        rules.is_none_or(|rules| rules.is_some_and(|rules| rules.settable_by_client))
    };
    let wrapped = fetch::key_block(&exported.managed_object)
        .is_some_and(|block| block.key_wrapping_data.is_some());
    let request = |attributes: Attributes<'_>| {
        ImportRequest {
            unique_identifier: id.clone(),
            // 1.4 does not have it there.
            object_type: (version >= ProtocolVersion::V2_0).then_some(exported.object_type),
            replace_existing: replace.then_some(true),
            key_wrap_type: wrapped.then_some(KeyWrapType::AS_REGISTERED),
            attributes,
            managed_object: exported.managed_object.clone(),
            ..ImportRequest::default()
        }
        .into_owned()
    };
    let all = exported.attributes.iter().filter(known);
    let imported = match client.call(request(all.clone().cloned().collect())) {
        Err(error) if is_about_attributes(&error) => {
            let fewer = all.filter(settable).cloned().collect();
            client.call(request(fewer))?
        }
        imported => imported?,
    };
    Ok(imported.unique_identifier)
}

/// Whether the version has the value of an attribute, such as an algorithm.
fn is_known(attribute: &Attribute<'_>, session: &Session) -> bool {
    let request = AddAttributeRequest {
        new_attribute: Some(attribute.clone()),
        ..AddAttributeRequest::default()
    };
    let mut encoded = zeroize::Zeroizing::new(Vec::new());
    session
        .encode(Batch::new().with(request), &mut encoded)
        .is_ok()
}

fn rules(tag: Tag, version: ProtocolVersion) -> Option<&'static AttributeRules> {
    tag.attribute()?.rules(version)
}

/// Whether the server may take the object with other attributes.
fn is_about_attributes(error: &Error) -> bool {
    const OTHERS: [ResultReason; 3] = [
        ResultReason::OBJECT_ALREADY_EXISTS,
        ResultReason::OPERATION_NOT_SUPPORTED,
        ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
    ];
    let reason = error.result_reason();
    error.failure().is_some()
        && !error.is_permission_denied()
        && reason.is_none_or(|reason| !OTHERS.contains(&reason))
}

/// Names of attributes that an imported object does not have as the exported one had them.
#[derive(Default)]
struct Comparison {
    left_out: Vec<String>,
    different: Vec<String>,
}

/// What the server says of the new object counts, not what it was given. If it does not say
/// anything, nothing is known.
fn compare(
    client: &mut Client,
    id: &UniqueIdentifier<'static>,
    exported: &Attributes<'_>,
) -> Comparison {
    let mut comparison = Comparison::default();
    let Ok(there) = client.get_attributes(id, []) else {
        return comparison;
    };
    for attribute in exported {
        if attribute.value.tag() == Some(Tag::UNIQUE_IDENTIFIER) {
            continue;
        }
        let reference = attribute.reference();
        let mut same_name = there.iter().filter(|one| one.reference() == reference);
        let names = match there.iter().any(|one| one.value == attribute.value) {
            true => continue,
            false if same_name.next().is_some() => &mut comparison.different,
            false => &mut comparison.left_out,
        };
        let name = reference.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    comparison
}
