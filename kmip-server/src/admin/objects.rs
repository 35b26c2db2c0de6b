//! Objects with their states and attributes. Their contents are never asked for.

use kmip::Encoding;
use kmip::client::Redacted;
use kmip::ttlv;
use kmip::types::{
    Attribute, AttributeValue, DateTime, Enumeration, ObjectType, ProtocolVersion, State, Tag,
};

use super::html::{Escaped, Page, failed, not_found};
use super::http::{Response, Status, encoded};
use crate::names::name_of;
use crate::object::StoredObject;
use crate::store::{INTERNAL_OWNER, Store, StoreError, Transaction};

/// Objects on a page.
const PAGE: usize = 50;

const HEAD: &str = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Objects\">\n\
    <table class=\"wide\">\n<caption>Oldest first. Keys are not shown.</caption>\n\
    <thead><tr><th scope=\"col\">Unique Identifier</th><th scope=\"col\">Name</th>\
    <th scope=\"col\">Type</th><th scope=\"col\">State</th><th scope=\"col\">Algorithm</th>\
    <th scope=\"col\">Length</th><th scope=\"col\">Owner</th></tr></thead>\n<tbody>\n";

/// A page of the list, with the objects after another one.
pub(super) fn list(store: &dyn Store, after: Option<String>) -> Response {
    let listed = store
        .view()
        .and_then(|transaction| visible(&*transaction, after.as_deref()));
    let mut objects = match listed {
        Ok(objects) => objects,
        Err(StoreError::Missing(_)) => {
            return not_found("The object that this page began after is gone.");
        }
        Err(_) => return failed("/objects", "The store does not work."),
    };
    let more = objects.len() > PAGE;
    objects.truncate(PAGE);
    let mut content = match objects.is_empty() {
        true => "<p>There are no objects here.</p>\n".to_owned(),
        false => {
            let rows: String = objects.iter().map(row).collect();
            format!("{HEAD}{rows}</tbody></table></div>\n")
        }
    };
    let mut links = String::new();
    if after.is_some() {
        links.push_str("<a href=\"/objects\" rel=\"first\">First page</a>\n");
    }
    if let Some(last) = objects.last().filter(|_| more) {
        let last = encoded(&last.identifier);
        let link = format!("<a href=\"/objects?after={last}\" rel=\"next\">Next page</a>\n");
        links.push_str(&link);
    }
    if !links.is_empty() {
        content.push_str(&format!("<p class=\"pages\">{links}</p>\n"));
    }
    let page = Page {
        place: "/objects",
        title: "Objects",
        refresh: None,
        content,
    };
    page.respond(Status::OK)
}

/// One more than a page of the objects of clients.
fn visible(
    transaction: &dyn Transaction,
    after: Option<&str>,
) -> Result<Vec<StoredObject>, StoreError> {
    let mut after = after.map(str::to_owned);
    let mut found = Vec::new();
    while found.len() <= PAGE {
        let objects = transaction.list(after.as_deref(), PAGE + 1)?;
        let Some(last) = objects.last() else {
            break;
        };
        after = Some(last.identifier.clone());
        let now = DateTime::now();
        for mut object in objects {
            if object.owner != INTERNAL_OWNER {
                object.refresh(now);
                found.push(object);
            }
        }
    }
    Ok(found)
}

fn row(object: &StoredObject) -> String {
    let number = |tag| match object.attributes.value(tag) {
        Some(AttributeValue::CryptographicAlgorithm(algorithm)) => name_of(
            kmip::types::CryptographicAlgorithm::TABLE,
            algorithm.value(),
        ),
        Some(AttributeValue::CryptographicLength(length)) => length.to_string(),
        _ => "-".to_owned(),
    };
    let cell = |name: &str, content: String| format!("<td data-name=\"{name}\">{content}</td>");
    format!(
        "<tr><th scope=\"row\" class=\"id\"><a href=\"/objects/{}\">{}</a></th>{}{}{}{}{}{}</tr>\n",
        encoded(&object.identifier),
        Escaped(&object.identifier),
        cell("Name", Escaped(names(object)).to_string()),
        cell("Type", Escaped(object_type(object)).to_string()),
        cell("State", state(object)),
        cell(
            "Algorithm",
            Escaped(number(Tag::CRYPTOGRAPHIC_ALGORITHM)).to_string()
        ),
        cell("Length", number(Tag::CRYPTOGRAPHIC_LENGTH)),
        cell("Owner", Escaped(owner(&object.owner)).to_string()),
    )
}

/// Everything that is known of an object.
pub(super) fn one(store: &dyn Store, identifier: &str) -> Response {
    let found = store
        .view()
        .and_then(|transaction| transaction.get(identifier));
    let mut object = match found {
        Ok(Some(object)) if object.owner != INTERNAL_OWNER => object,
        Ok(_) => return not_found("There is no such object."),
        Err(_) => return failed("/objects", "The store does not work."),
    };
    object.refresh(DateTime::now());
    let archived = match object.archived {
        true => "yes",
        false => "no",
    };
    let attributes: String = object.attributes.iter().map(attribute).collect();
    let content = format!(
        "<dl>\n<dt>Type</dt><dd>{}</dd>\n<dt>State</dt><dd>{}</dd>\n<dt>Owner</dt><dd>{}</dd>\n\
         <dt>Archived</dt><dd>{archived}</dd>\n</dl>\n<h2>Attributes</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Attributes\">\n<table>\n\
         <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Value</th></tr></thead>\n\
         <tbody>\n{attributes}</tbody></table></div>\n",
        Escaped(object_type(&object)),
        state(&object),
        Escaped(owner(&object.owner)),
    );
    let page = Page {
        place: "/objects",
        title: identifier,
        refresh: None,
        content,
    };
    page.respond(Status::OK)
}

fn attribute(attribute: &Attribute<'static>) -> String {
    let name = attribute.reference().to_string();
    format!(
        "<tr><th scope=\"row\">{}</th><td><pre>{}</pre></td></tr>\n",
        Escaped(name),
        Escaped(value(attribute))
    )
}

/// The value as lines of text, without secrets: what vendors and clients have defined may be anything.
fn value(attribute: &Attribute<'static>) -> String {
    if let AttributeValue::CryptographicUsageMask(mask) = &attribute.value {
        return format!("{mask:?}");
    }
    // The form of 2.x has no index.
    let attribute = &Attribute::from(attribute.value.clone());
    let forms = [
        (Tag::NEW_ATTRIBUTE, ProtocolVersion::V2_1),
        (Tag::ATTRIBUTE, ProtocolVersion::V1_4),
    ];
    let mut bytes = Vec::new();
    let written = forms
        .into_iter()
        .any(|(tag, version)| ttlv::encode_item(attribute, tag, version, &mut bytes).is_ok());
    if !written {
        return "[not shown]".to_owned();
    }
    let text = Redacted::response(Encoding::Ttlv, &bytes).to_string();
    // The first line is the structure around the attribute.
    let lines = text
        .lines()
        .skip(1)
        .map(|line| line.get(4..).unwrap_or(line));
    let lines: Vec<&str> = lines.collect();
    match lines[..] {
        [line] => line
            .split_once(": ")
            .map_or(line, |(_, value)| value)
            .to_owned(),
        // Its name stands beside it already.
        [_, ref fields @ ..] => {
            let fields = fields.iter().map(|line| line.get(2..).unwrap_or(line));
            fields.collect::<Vec<_>>().join("\n")
        }
        [] => String::new(),
    }
}

fn names(object: &StoredObject) -> String {
    let names = object
        .attributes
        .iter()
        .filter_map(|attribute| match &attribute.value {
            AttributeValue::Name(name) => Some(&*name.name_value),
            _ => None,
        });
    let names: Vec<&str> = names.collect();
    match names.is_empty() {
        true => "-".to_owned(),
        false => names.join(", "),
    }
}

fn object_type(object: &StoredObject) -> String {
    name_of(ObjectType::TABLE, object.object_type.value())
}

fn state(object: &StoredObject) -> String {
    let Some(state) = object.state() else {
        return "-".to_owned();
    };
    let class = match state {
        State::ACTIVE => "good",
        State::PRE_ACTIVE => "wait",
        _ => "bad",
    };
    let name = name_of(State::TABLE, state.value());
    format!("<span class=\"state {class}\">{}</span>", Escaped(name))
}

/// A client as people know it: subjects of certificates are kept as DER in hexadecimal digits.
fn owner(owner: &str) -> String {
    let Some(rest) = owner.strip_prefix("certificate ") else {
        return owner.to_owned();
    };
    let subject = rest.split(' ').next().unwrap_or_default();
    let bytes: Option<Vec<u8>> = (0..subject.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(subject.get(at..at + 2)?, 16).ok())
        .collect();
    let name = bytes.and_then(|der| openssl::x509::X509Name::from_der(&der).ok());
    let name = name.map(|name| {
        let parts = name.entries().filter_map(|entry| {
            let kind = entry.object().nid().short_name().ok()?;
            Some(format!("{kind}={}", entry.data().to_string().ok()?))
        });
        parts.collect::<Vec<_>>().join(", ")
    });
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "a certificate".to_owned())
}
