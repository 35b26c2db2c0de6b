//! `kmip locate`: objects with their attributes, many of them in few messages.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use kmip::client::{Batch, Client, Error, ItemResult};
use kmip::types::{
    Attribute, AttributeReference, Attributes, BatchErrorContinuationOption, GetAttributesRequest,
    LocateRequest, Mask, ResponsePayload, StorageStatusMask, Tag, UniqueIdentifier,
};
use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::Locate;
use crate::connect::connect;
use crate::failure::Failure;
use crate::values::name;

/// Items of a batch: many enough to make round trips rare, few enough for the limits of servers.
const BATCH: usize = 50;

/// Columns of the table.
const COLUMNS: [(&str, Tag); 5] = [
    ("name", Tag::NAME),
    ("type", Tag::OBJECT_TYPE),
    ("algorithm", Tag::CRYPTOGRAPHIC_ALGORITHM),
    ("length", Tag::CRYPTOGRAPHIC_LENGTH),
    ("state", Tag::STATE),
];

pub(super) fn run(options: &Locate) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let objects = locate(&mut client, options)?;
    if options.ids {
        return identifiers(&objects, options);
    }
    let bar = progress(objects.len());
    let references = COLUMNS.map(|(_, tag)| AttributeReference::Standard(tag));
    let found = attributes_of(&mut client, &objects, &references, |done| {
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let found = found?;
    let version = client.version();
    let cell = |attributes: &ItemResult<Attributes<'_>>, tag: Tag| -> Option<String> {
        let attributes = attributes.as_ref().ok()?;
        let of_tag = |attribute: &&Attribute<'_>| attribute.value.tag() == Some(tag);
        let texts = attributes.iter().filter(of_tag);
        let texts: Vec<String> = texts
            .map(|attribute| show::attribute(attribute, version).text)
            .collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    };
    if options.online.show.json {
        let list: Json = objects
            .iter()
            .zip(&found)
            .map(|(object, attributes)| {
                let error = attributes.as_ref().err().map(crate::failure::chain_of);
                let mut entry = json!({ "id": object.to_string(), "error": error });
                for (title, tag) in COLUMNS {
                    entry[title] = cell(attributes, tag).into();
                }
                entry
            })
            .collect();
        return show::json(&list);
    }
    if objects.is_empty() {
        return Ok(());
    }
    let rows = objects.iter().zip(&found).map(|(object, attributes)| {
        let cells = COLUMNS.map(|(_, tag)| cell(attributes, tag).unwrap_or_default());
        let mut row = vec![object.to_string()];
        row.extend(cells);
        if let Err(error) = attributes {
            row[1] = format!("({})", reason(error));
        }
        row
    });
    let titles = COLUMNS.map(|(title, _)| title);
    let head: Vec<&str> = ["id"].into_iter().chain(titles).collect();
    show::table(&head, rows.collect())
}

fn reason(error: &Error) -> String {
    match error.result_reason() {
        Some(reason) => format!("{reason:?}"),
        None => error.to_string(),
    }
}

fn identifiers(objects: &[UniqueIdentifier<'static>], options: &Locate) -> Result<(), Failure> {
    if options.online.show.json {
        let ids: Json = objects.iter().map(ToString::to_string).collect();
        return show::json(&ids);
    }
    let mut output = io::BufWriter::new(io::stdout().lock());
    for object in objects {
        writeln!(output, "{}", show::printable(&object.to_string()))?;
    }
    output.flush()?;
    Ok(())
}

/// All objects that the options mean. One message suffices unless the server gives out fewer than
/// it has found.
fn locate(
    client: &mut Client,
    options: &Locate,
) -> Result<Vec<UniqueIdentifier<'static>>, Failure> {
    let mut attributes = Vec::new();
    attributes.extend(options.name.as_deref().map(name));
    attributes.extend(options.object_type.map(Attribute::object_type));
    attributes.extend(options.state.map(Attribute::state));
    attributes.extend(options.algorithm.map(Attribute::cryptographic_algorithm));
    attributes.extend(options.attributes.iter().cloned());
    let mut objects: Vec<UniqueIdentifier<'static>> = Vec::new();
    loop {
        let got = i32::try_from(objects.len()).unwrap_or(i32::MAX);
        let offset = options.offset.unwrap_or(0).saturating_add(got);
        let request = LocateRequest {
            maximum_items: options.max.map(|max| max - got),
            offset_items: Some(offset).filter(|offset| *offset > 0),
            storage_status_mask: options.archived.then(all_storage),
            attributes: attributes.iter().cloned().collect(),
            ..LocateRequest::default()
        };
        let answer = client.call(request)?;
        let before = objects.len();
        // A server that does not know the offset begins again.
        let new = answer.unique_identifier.into_iter();
        let new: Vec<_> = match before {
            0 => new.collect(),
            _ => new.filter(|object| !objects.contains(object)).collect(),
        };
        objects.extend(new);
        let located = answer
            .located_items
            .and_then(|count| usize::try_from(count).ok());
        let skipped = usize::try_from(options.offset.unwrap_or(0)).unwrap_or(0);
        let more = located.is_some_and(|count| count > objects.len() + skipped);
        let wanted = options.max.and_then(|max| usize::try_from(max).ok());
        let enough = wanted.is_some_and(|max| objects.len() >= max);
        if !more || enough || objects.len() == before {
            return Ok(objects);
        }
    }
}

fn all_storage() -> StorageStatusMask {
    let bits = StorageStatusMask::ON_LINE_STORAGE.bits();
    StorageStatusMask::new(bits | StorageStatusMask::ARCHIVAL_STORAGE.bits())
}

/// Attributes of many objects, in batches. `done` is told how many objects have been dealt with.
fn attributes_of(
    client: &mut Client,
    objects: &[UniqueIdentifier<'static>],
    references: &[AttributeReference<'static>],
    done: impl Fn(usize),
) -> Result<Vec<ItemResult<Attributes<'static>>>, Failure> {
    let mut found = Vec::with_capacity(objects.len());
    for chunk in objects.chunks(BATCH) {
        let mut results = batch(client, chunk, references)?;
        // A server that does not like batches may like single requests.
        if chunk.len() > 1 && results.iter().all(Result::is_err) {
            results.clear();
            for object in chunk {
                results.extend(batch(client, std::slice::from_ref(object), references)?);
            }
        }
        found.extend(results);
        done(found.len());
    }
    Ok(found)
}

fn batch(
    client: &mut Client,
    objects: &[UniqueIdentifier<'static>],
    references: &[AttributeReference<'static>],
) -> Result<Vec<ItemResult<Attributes<'static>>>, Failure> {
    let mut batch = Batch::new().on_error(BatchErrorContinuationOption::CONTINUE);
    for object in objects {
        batch.push(GetAttributesRequest {
            unique_identifier: Some(object.into()),
            attribute_reference: references.to_vec(),
            ..GetAttributesRequest::default()
        });
    }
    let results = client.send_batch(batch)?.into_iter();
    Ok(results
        .map(|result| {
            result.map(|payload| match payload {
                ResponsePayload::GetAttributes(answer) => answer.attributes,
                // The client lets no other payload through.
                _ => Attributes::default(),
            })
        })
        .collect())
}

/// A bar on a terminal, if there is enough to wait for.
fn progress(objects: usize) -> ProgressBar {
    if objects <= 2 * BATCH {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(objects as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} objects");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
