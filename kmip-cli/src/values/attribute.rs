//! Attributes on the command line.

use kmip::ProtocolVersion;
use kmip::codec::Options;
use kmip::types::{
    ApplicationSpecificInformation, Attribute, AttributeInfo, AttributeReference, DateTime,
    EnumerationTable, Interval, IntoOwned, Link, LinkType, Name, NameType, RawValue, Tag,
};

use super::{date, enumeration, hex, number_of, same_letters};

/// Tags of the specifications.
const TAGS: std::ops::RangeInclusive<u32> = 0x0042_0001..=0x0042_01FF;

/// `NAME=VALUE`.
pub(crate) fn attribute(text: &str) -> Result<Attribute<'static>, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    match reference(name)? {
        AttributeReference::Standard(tag) => standard(tag, value),
        AttributeReference::Custom { vendor, name } => {
            Ok(Attribute::custom(vendor, name, custom_value(value)?))
        }
    }
}

/// Which attribute a name means: one of the specification whatever its case and punctuation, or
/// `x-NAME` or `VENDOR:NAME`.
pub(crate) fn reference(text: &str) -> Result<AttributeReference<'static>, String> {
    let text = text.trim();
    let mut known = TAGS.filter_map(|tag| Tag(tag).attribute());
    if let Some(found) = known.find(|info: &&AttributeInfo| same_letters(info.name, text)) {
        return Ok(AttributeReference::Standard(found.tag));
    }
    let custom = text.split_once(':').or_else(|| match text.get(..2) {
        Some("x-" | "y-") => Some((&text[..1], &text[2..])),
        _ => None,
    });
    match custom {
        Some((vendor, name)) if !vendor.is_empty() && !name.is_empty() => Ok(
            AttributeReference::custom(vendor.to_owned(), name.to_owned()),
        ),
        _ => Err(format!(
            "`{text}` is no attribute of KMIP; custom ones are x-NAME or VENDOR:NAME"
        )),
    }
}

fn standard(tag: Tag, value: &str) -> Result<Attribute<'static>, String> {
    let text = || value.to_owned();
    let pair = |what: &str| {
        let pair = value.split_once(':');
        pair.ok_or_else(|| format!("write {what}"))
    };
    Ok(match tag {
        Tag::NAME => name(&text()),
        Tag::LINK => {
            let (kind, object) = pair("TYPE:ID, such as Link=Previous:4f2a")?;
            let kind = match enumeration::<LinkType>(kind) {
                Err(_) => enumeration(&format!("{kind} Object Link"))
                    .or_else(|_| enumeration(&format!("{kind} Link")))?,
                Ok(kind) => kind,
            };
            Attribute::link(Link {
                link_type: kind,
                linked_object_identifier: object.to_owned().into(),
                ..Link::default()
            })
        }
        Tag::APPLICATION_SPECIFIC_INFORMATION => {
            let (namespace, data) = pair("NAMESPACE:DATA")?;
            Attribute::application_specific_information(ApplicationSpecificInformation {
                application_namespace: namespace.to_owned().into(),
                application_data: Some(data.to_owned().into()),
                ..ApplicationSpecificInformation::default()
            })
        }
        _ => match scalar(tag, value) {
            Err(_) if value.trim_start().starts_with('<') => structure(tag, value)?,
            scalar => scalar?,
        },
    })
}

/// A Name that is a text.
pub(crate) fn name(text: &str) -> Attribute<'static> {
    Attribute::name(Name {
        name_value: text.to_owned().into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    })
}

/// A structure as it stands in XML, without the element of the attribute around it.
fn structure(tag: Tag, fields: &str) -> Result<Attribute<'static>, String> {
    decode(tag, &format!("<{tag}>{fields}</{tag}>"))
}

/// A value of the type that the attribute has: the one with which it can be read.
fn scalar(tag: Tag, value: &str) -> Result<Attribute<'static>, String> {
    if tag.enumeration().is_some() || tag.mask().is_some() {
        let table = tag.enumeration().or(tag.mask());
        let kind = if tag.mask().is_some() {
            "Integer"
        } else {
            "Enumeration"
        };
        let number = match (table, tag.mask()) {
            (Some(table), None) => number_of(table, value)?,
            (Some(table), Some(_)) => bits(table, value)?,
            (None, _) => 0,
        };
        return match kind {
            "Integer" => item(tag, kind, &(number as i32).to_string()),
            _ => item(tag, kind, &format!("0x{number:08X}")),
        };
    }
    const TYPES: [&str; 7] = [
        "Boolean",
        "Integer",
        "LongInteger",
        "DateTime",
        "Interval",
        "ByteString",
        "TextString",
    ];
    let value = match value {
        "now" => DateTime::now().to_string(),
        value => value.to_owned(),
    };
    let read = TYPES.iter().find_map(|kind| item(tag, kind, &value).ok());
    read.ok_or_else(|| {
        format!(
            "`{value}` is no value of {tag}; a structure is written as its fields in XML, such as \
             '<Field type=\"Integer\" value=\"1\"/>'"
        )
    })
}

fn bits(table: &'static EnumerationTable, text: &str) -> Result<u32, String> {
    let words = text.split([',', '|', ' ']).filter(|word| !word.is_empty());
    words
        .map(|word| number_of(table, word))
        .try_fold(0, |all, bit| Ok(all | bit?))
}

fn item(tag: Tag, kind: &str, value: &str) -> Result<Attribute<'static>, String> {
    let value = escape(value);
    decode(tag, &format!("<{tag} type=\"{kind}\" value=\"{value}\"/>"))
}

/// An attribute by the rules of the newest version that has it: the text says the same in all.
fn decode(tag: Tag, item: &str) -> Result<Attribute<'static>, String> {
    let newest = ProtocolVersion::LATEST;
    let info = tag.attribute().ok_or("this is no attribute")?;
    let (version, xml) = match info.rules(newest) {
        Some(_) => (newest, format!("<NewAttribute>{item}</NewAttribute>")),
        // An attribute of 1.x alone: it is the value of an item with its name.
        None => {
            let value = item.replace(&format!("<{tag}"), "<AttributeValue");
            let value = value.replace(&format!("</{tag}>"), "</AttributeValue>");
            let name = escape(info.name);
            let xml = format!(
                "<NewAttribute><AttributeName type=\"TextString\" value=\"{name}\"/>{value}\
                 </NewAttribute>"
            );
            (ProtocolVersion::V1_4, xml)
        }
    };
    let options = Options::strict();
    kmip::xml::decode_item::<Attribute<'_>>(xml.as_bytes(), Tag::NEW_ATTRIBUTE, version, &options)
        .map(IntoOwned::into_owned)
        .map_err(|error| error.to_string())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The value of a custom attribute: a text, or `TYPE:VALUE`.
fn custom_value(text: &str) -> Result<RawValue<'static>, String> {
    let wrong = |kind: &str| format!("`{text}` is no {kind}");
    let (kind, value) = text.split_once(':').unwrap_or(("", text));
    Ok(match kind {
        "text" => RawValue::TextString(value.to_owned().into()),
        "integer" => RawValue::Integer(value.parse().map_err(|_| wrong("integer"))?),
        "long" => RawValue::LongInteger(value.parse().map_err(|_| wrong("integer"))?),
        "boolean" => RawValue::Boolean(value.parse().map_err(|_| wrong("boolean"))?),
        "date" => RawValue::DateTime(date(value)?),
        "interval" => RawValue::Interval(Interval(value.parse().map_err(|_| wrong("interval"))?)),
        "hex" => RawValue::ByteString(hex(value)?.0.into()),
        _ => RawValue::TextString(text.to_owned().into()),
    })
}

/// A number that an attribute changes by: an Integer, or `TYPE:NUMBER`.
pub(crate) fn number(text: &str) -> Result<RawValue<'static>, String> {
    let wrong = |_| format!("`{text}` is no number");
    match text.split_once(':') {
        None => text.parse().map(RawValue::Integer).map_err(wrong),
        Some(("date", seconds)) => {
            let seconds = seconds.parse().map_err(wrong)?;
            Ok(RawValue::DateTime(DateTime(seconds)))
        }
        Some(("long" | "interval", _)) => custom_value(text),
        Some((kind, _)) => Err(format!("`{kind}` is not long, interval or date")),
    }
}

#[cfg(test)]
mod tests {
    use kmip::types::{AttributeValue, CryptographicUsageMask, State};

    use super::*;

    #[test]
    fn attributes_of_every_kind_are_read() {
        let read = |text: &str| attribute(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read("Name=a=b"), name("a=b"));
        assert_eq!(
            read("cryptographic-length=256"),
            Attribute::cryptographic_length(256)
        );
        assert_eq!(read("State=active"), Attribute::state(State::ACTIVE));
        assert_eq!(
            read("Cryptographic Usage Mask=sign|verify"),
            Attribute::cryptographic_usage_mask(
                CryptographicUsageMask::SIGN | CryptographicUsageMask::VERIFY
            )
        );
        assert_eq!(
            read("ActivationDate=1970-01-01T00:01:00Z").value,
            AttributeValue::ActivationDate(DateTime(60))
        );
        assert_eq!(
            read("Contact Information=<\"&1\">").value,
            AttributeValue::ContactInformation("<\"&1\">".into())
        );
        assert_eq!(
            read("Operation Policy Name=default").value,
            AttributeValue::OperationPolicyName("default".into())
        );
        assert_eq!(
            read("Sensitive=true").value,
            AttributeValue::Sensitive(true)
        );
        assert_eq!(read("Link=Previous:7").value.tag(), Some(Tag::LINK),);
        assert_eq!(read("x-purpose=7"), Attribute::custom("x", "purpose", "7"));
        assert_eq!(
            read("acme:count=integer:7"),
            Attribute::custom("acme", "count", RawValue::Integer(7))
        );
        let structure =
            "Cryptographic Parameters=<HashingAlgorithm type=\"Enumeration\" value=\"SHA_256\"/>";
        assert_eq!(
            read(structure).value.tag(),
            Some(Tag::CRYPTOGRAPHIC_PARAMETERS)
        );
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for text in [
            "Name",
            "Nonsense=1",
            "Cryptographic Length=long",
            "State=Alive",
            "Link=7",
            "x-=1",
            "x-n=integer:one",
            "Activation Date=tomorrow",
        ] {
            assert!(attribute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_types() {
        assert_eq!(number("7"), Ok(RawValue::Integer(7)));
        assert_eq!(number("long:7"), Ok(RawValue::LongInteger(7)));
        assert_eq!(number("interval:7"), Ok(RawValue::Interval(Interval(7))));
        assert_eq!(number("date:7"), Ok(RawValue::DateTime(DateTime(7))));
        for text in ["", "x", "boolean:true", "long:x", "date:now"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
