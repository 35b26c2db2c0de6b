//! How zkey's properties are kept in attributes of the KMIP server (behaviour reference 7.2).

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CryptographicAlgorithm, Link, LinkType, Name, NameType,
    ObjectType, RawValue, State, Tag,
};

use super::wrapping::XTS_BITS;
use crate::abi::{PluginError, Property};
use crate::environment;
use crate::profile::{CustomAttributeScheme, Profile};

pub(super) const DESCRIPTION: &str = "description";
pub(super) const XTS_KEY1_ID: &str = "xts-key1-id";
pub(super) const XTS_KEY2_ID: &str = "xts-key2-id";
const XTS_KEY2_LABEL: &str = "xts-key2-label";

/// No property of zkey's: neither plugin takes it for one.
const MARKER_VENDOR: &str = "zkeykmip";
const MARKER: &str = "marker";

const V1_VENDOR: &str = "x";
const V1_PREFIX: &str = "zkey-";
const V2_VENDOR: &str = "zkey";

/// Where Cosmian KMS puts custom attributes of 1.x for clients of 2.x, with their whole names.
const COSMIAN_VENDOR: &str = "KMIP1";
const COSMIAN_PREFIX: &str = "x-zkey-";

/// The text of a custom attribute.
pub(super) fn custom_text<'a>(attribute: &'a Attribute<'_>) -> Option<&'a str> {
    match &attribute.value {
        AttributeValue::Custom(custom) => match &custom.value {
            RawValue::TextString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Which attributes a server is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttributeStyle {
    has_link: bool,
    description: Home,
    custom: CustomAttributeScheme,
    /// Keys are made sensitive, and must be so.
    pub(super) sensitive: bool,
    /// Keys must have been sensitive all their life.
    pub(super) always_sensitive: bool,
}

/// Where descriptions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Description,
    Comment,
    Custom,
}

impl AttributeStyle {
    /// The style for a server with this profile that speaks this version.
    pub(super) fn new(profile: &Profile, version: ProtocolVersion) -> AttributeStyle {
        // Description and Comment came with 1.4, but existing keys of 1.4 servers have their
        // descriptions in custom attributes.
        let is_2x = version >= ProtocolVersion::V2_0;
        let description = match (profile.supports_description, profile.supports_comment) {
            (true, _) if is_2x => Home::Description,
            (false, true) if is_2x => Home::Comment,
            _ => Home::Custom,
        };
        AttributeStyle {
            // Next and Previous came with 1.2.
            has_link: profile.supports_link && version >= ProtocolVersion::V1_2,
            description,
            // In 1.x both schemes have the same names.
            custom: match profile.custom_attribute_scheme {
                CustomAttributeScheme::V2Style if is_2x => CustomAttributeScheme::V2Style,
                _ => CustomAttributeScheme::V1Style,
            },
            sensitive: profile.supports_sensitive && is_2x,
            always_sensitive: profile.check_always_sensitive && is_2x,
        }
    }

    /// The same with custom attributes instead of links.
    pub(super) fn without_link(self) -> AttributeStyle {
        AttributeStyle {
            has_link: false,
            ..self
        }
    }

    /// Whether the property is kept in a link, of which an object can have several.
    pub(super) fn is_link(&self, name: &str) -> bool {
        self.has_link && matches!(name, XTS_KEY1_ID | XTS_KEY2_ID)
    }

    /// Attributes without a value for what the first key of a pair is to learn of the second one.
    pub(super) fn prepared(&self) -> [Attribute<'static>; 2] {
        [XTS_KEY2_ID, XTS_KEY2_LABEL].map(|name| self.attribute(name, ""))
    }

    /// The attribute for a property with a value.
    pub(super) fn attribute(&self, name: &str, value: &str) -> Attribute<'static> {
        // Some servers refuse empty texts.
        let text = if value.is_empty() { " " } else { value }.to_owned();
        match name {
            DESCRIPTION if self.description == Home::Description => Attribute::description(text),
            DESCRIPTION if self.description == Home::Comment => Attribute::comment(text),
            XTS_KEY1_ID if self.has_link => link(LinkType::PREVIOUS_LINK, text),
            XTS_KEY2_ID if self.has_link => link(LinkType::NEXT_LINK, text),
            _ => match self.custom {
                CustomAttributeScheme::V1Style => {
                    Attribute::custom(V1_VENDOR, format!("{V1_PREFIX}{name}"), text)
                }
                CustomAttributeScheme::V2Style => {
                    Attribute::custom(V2_VENDOR, name.to_owned(), text)
                }
            },
        }
    }

    /// The attribute by which a key is found again when the command that makes it is interrupted.
    pub(super) fn marker(&self, text: &str) -> Attribute<'static> {
        let text = text.to_owned();
        match self.custom {
            CustomAttributeScheme::V1Style => {
                Attribute::custom(V1_VENDOR, format!("{MARKER_VENDOR}-{MARKER}"), text)
            }
            CustomAttributeScheme::V2Style => Attribute::custom(MARKER_VENDOR, MARKER, text),
        }
    }

    /// The attributes for properties with values. Custom ones come last: Cosmian KMS refuses a message
    /// of 2.x in which they do not stand together.
    pub(super) fn attributes(&self, properties: &[Property<'_>]) -> Vec<Attribute<'static>> {
        let values = properties
            .iter()
            .filter_map(|property| Some((&property.name, property.value.as_ref()?)));
        let mut attributes: Vec<_> = values
            .map(|(name, value)| self.attribute(name, value))
            .collect();
        attributes.sort_by_key(|one| matches!(one.value, AttributeValue::Custom(_)));
        attributes
    }

    /// The attribute that holds a property, in the form of this style or else in another one.
    pub(super) fn find<'l, 'a>(
        &self,
        attributes: &'l Attributes<'a>,
        name: &str,
    ) -> Option<&'l Attribute<'a>> {
        let holds = |attribute: &&Attribute<'_>| {
            property_of(&attribute.value).is_some_and(|(held, _)| held == name)
        };
        let usual = self.attribute(name, "");
        let has_usual_form =
            |attribute: &&Attribute<'_>| attribute.reference() == usual.reference();
        let mut holding = attributes.iter().filter(holds);
        attributes
            .iter()
            .find(|attribute| holds(attribute) && has_usual_form(attribute))
            .or_else(|| holding.next())
    }

    /// What the attributes tell about a key.
    pub(super) fn read(&self, attributes: &Attributes<'_>) -> KeyAttributes {
        let mut key = KeyAttributes::default();
        let mut names: Vec<String> = Vec::new();
        for attribute in attributes {
            match &attribute.value {
                AttributeValue::Name(name) if key.name.is_none() => {
                    key.name = Some(name.name_value.clone().into_owned());
                }
                AttributeValue::State(state) => key.state = Some(*state),
                AttributeValue::ObjectType(object_type) => key.object_type = Some(*object_type),
                AttributeValue::CryptographicAlgorithm(algorithm) => {
                    key.algorithm = Some(*algorithm);
                }
                AttributeValue::CryptographicLength(bits) => key.bits = *bits,
                AttributeValue::Sensitive(sensitive) => key.sensitive = *sensitive,
                AttributeValue::AlwaysSensitive(sensitive) => key.always_sensitive = *sensitive,
                value => {
                    if let Some((name, _)) = property_of(value) {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
            }
        }
        key.properties = names
            .into_iter()
            .filter_map(|name| {
                let attribute = self.find(attributes, &name)?;
                let (_, value) = property_of(&attribute.value)?;
                Some(Property::new(name, value))
            })
            .collect();
        key
    }
}

fn link(link_type: LinkType, id: String) -> Attribute<'static> {
    Attribute::link(Link {
        link_type,
        linked_object_identifier: id.into(),
        ..Link::default()
    })
}

/// The Name attribute for a label.
pub(super) fn name(label: &str) -> Attribute<'static> {
    Attribute::name(Name {
        name_value: label.to_owned().into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    })
}

/// The description of a wrapping key.
pub(super) fn wrapping_key_description(marker: &str) -> String {
    let system = environment::node_name();
    format!("Wrapping key of zkey on {system} ({marker})")
}

/// Whether two attributes hold the same property with the same value, in the same form. Servers may
/// keep the blank that stands for an empty text, or not.
pub(super) fn are_same(one: &Attribute<'_>, other: &Attribute<'_>) -> bool {
    one.reference() == other.reference() && property_of(&one.value) == property_of(&other.value)
}

/// The property that an attribute holds, in whatever form.
fn property_of(value: &AttributeValue<'_>) -> Option<(String, String)> {
    let of_text = |text: &str| {
        if text == " " {
            String::new()
        } else {
            text.to_owned()
        }
    };
    match value {
        AttributeValue::Description(text) | AttributeValue::Comment(text) => {
            Some((DESCRIPTION.to_owned(), of_text(text)))
        }
        AttributeValue::Link(link) => {
            let name = match link.link_type {
                LinkType::PREVIOUS_LINK => XTS_KEY1_ID,
                LinkType::NEXT_LINK => XTS_KEY2_ID,
                _ => return None,
            };
            let id = link.linked_object_identifier.as_text()?;
            Some((name.to_owned(), of_text(id)))
        }
        AttributeValue::Custom(custom) => {
            let name = match &*custom.vendor {
                V2_VENDOR => &*custom.name,
                V1_VENDOR => custom.name.strip_prefix(V1_PREFIX)?,
                COSMIAN_VENDOR => custom.name.strip_prefix(COSMIAN_PREFIX)?,
                _ => return None,
            };
            match &custom.value {
                RawValue::TextString(text) => Some((name.to_owned(), of_text(text))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What is known of a key at the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyAttributes {
    pub(super) name: Option<String>,
    pub(super) state: Option<State>,
    object_type: Option<ObjectType>,
    algorithm: Option<CryptographicAlgorithm>,
    /// 0 if it is not told.
    pub(super) bits: i32,
    sensitive: bool,
    always_sensitive: bool,
    pub(super) properties: Vec<Property<'static>>,
}

impl KeyAttributes {
    /// Whether the server says that the key was sensitive all its life.
    pub(super) fn is_always_sensitive(&self) -> bool {
        self.always_sensitive
    }

    fn is_for_xts(&self) -> bool {
        self.properties.iter().any(|one| one.name == "xts-key")
    }

    /// Why a repository may not use the key; `None` if it may (7.7).
    pub(super) fn unfit(&self, style: &AttributeStyle) -> Option<String> {
        let is = |what: &str, found: Option<String>| {
            let found = found.unwrap_or_else(|| "unknown".to_owned());
            Some(format!("its {what} is {found}"))
        };
        if self.state != Some(State::ACTIVE) {
            is("state", self.state.map(|state| format!("{state:?}")))
        } else if self.object_type != Some(ObjectType::SYMMETRIC_KEY) {
            is("type", self.object_type.map(|kind| format!("{kind:?}")))
        } else if self.algorithm != Some(CryptographicAlgorithm::AES) {
            is("algorithm", self.algorithm.map(|one| format!("{one:?}")))
        } else if self.is_for_xts() && self.bits != 0 && !XTS_BITS.contains(&self.bits) {
            // zkey would give up the whole import.
            Some(format!("XTS takes no keys of {} bits", self.bits))
        } else if style.sensitive && !self.sensitive {
            Some("it is not sensitive".to_owned())
        } else if style.always_sensitive && !self.always_sensitive {
            Some("it was not always sensitive".to_owned())
        } else {
            None
        }
    }

    /// Fails for a key that a repository may not use.
    pub(super) fn require_fit(
        &self,
        key_id: &str,
        style: &AttributeStyle,
    ) -> Result<(), PluginError> {
        match self.unfit(style) {
            None => Ok(()),
            Some(problem) => Err(PluginError::invalid(format!(
                "the key {key_id} cannot be used: {problem}"
            ))),
        }
    }
}

/// The tag of Always Sensitive, as a reference to it.
pub(super) const ALWAYS_SENSITIVE: Tag = Tag::ALWAYS_SENSITIVE;
