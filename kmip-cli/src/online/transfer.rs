//! `kmip export` and `kmip import`: objects with all their attributes, in a file.
//!
//! The file is the response of Export as a message in XML, as `kmip decode` shows it.

use kmip::codec::Options;
use kmip::types::{
    ExportRequest, ExportResponse, ImportRequest, ProtocolVersion, ResponseBatchItem,
    ResponseHeader, ResponseMessage, ResponsePayload,
};
use serde_json::json;

use super::{fetch, show};
use crate::arguments::{Export, Import};
use crate::connect::connect;
use crate::failure::Failure;
use crate::files;

pub(super) fn export(options: &Export) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
    let wrapping = fetch::wrapping(&options.wrapping, client.version());
    let exported = client.call(ExportRequest {
        unique_identifier: Some(options.object.clone().into()),
        key_wrapping_specification: wrapping.map(Box::new),
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
    let ExportResponse {
        object_type,
        unique_identifier,
        mut attributes,
        managed_object,
        ..
    } = exported;
    let id = match &options.id {
        Some(id) => id.clone().into(),
        None => unique_identifier,
    };
    let mut client = connect(&options.online.server)?;
    let version = client.version();
    // The server sets these itself.
    attributes.list.retain(|attribute| {
        let tag = attribute.value.tag();
        let rules = tag.and_then(|tag| tag.attribute()?.rules(version));
        tag.is_none() || rules.is_some_and(|rules| rules.settable_by_client)
    });
    let imported = client.call(ImportRequest {
        unique_identifier: id,
        // 1.4 does not have it there.
        object_type: (version >= ProtocolVersion::V2_0).then_some(object_type),
        replace_existing: options.replace.then_some(true),
        attributes,
        managed_object,
        ..ImportRequest::default()
    })?;
    let id = imported.unique_identifier.to_string();
    match options.online.show.json {
        true => show::json(&json!({ "id": id })),
        false => show::line(&show::printable(&id)),
    }
}
