//! Attributes: an enum of their values, and their rules.

use kmip_spec::Spec;
use kmip_spec::model::{Answer, Attribute, AttributeRule, ItemKind, Party, Tag};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::error::GenerateError;
use crate::names::{const_ident, field_ident, type_ident};
use crate::shapes::{FieldType, edition_range, item_type, sections};

/// An attribute with what the emitters need.
struct Emitted<'s> {
    attribute: &'s Attribute,
    tag: &'s Tag,
    variant: Ident,
    constant: Ident,
    ty: FieldType,
}

pub(crate) fn emit(spec: &Spec) -> Result<TokenStream, GenerateError> {
    let attributes = standard(spec)?;
    let values = values(&attributes);
    let constructors = constructors(&attributes);
    let infos = infos(&attributes);
    Ok(quote! { #values #constructors #infos })
}

/// Place of the attribute with this tag in the table of attributes.
pub(crate) fn position(spec: &Spec, tag: &Tag) -> Option<usize> {
    let own = of_tag(spec, tag)?;
    let value = |attribute: &Attribute| spec.tag(&attribute.tag_name).map(|tag| tag.value);
    let before = specified(spec).filter(|other| value(other) < value(own));
    Some(before.count())
}

/// A bit for each edition that has the attribute with this tag.
pub(crate) fn editions(spec: &Spec, tag: &Tag) -> u8 {
    let rules = of_tag(spec, tag).map_or(&[][..], |attribute| &attribute.rules);
    let versions = rules.iter().flat_map(|rule| rule.range.versions());
    let editions = versions.fold(0, |editions, version| editions | 1 << version as u8);
    // The items of certificates got their tags in 1.4 and their rules in 2.0: messages of 1.4 carry
    // them as attributes already.
    let first = 1 << tag.range.since as u8;
    if editions != 0 && editions & (first << 1 | (first - 1)) == first << 1 {
        return editions | first;
    }
    editions
}

fn of_tag<'s>(spec: &'s Spec, tag: &Tag) -> Option<&'s Attribute> {
    specified(spec).find(|attribute| attribute.tag_name == tag.name)
}

/// All attributes but those that vendors and clients define.
fn specified(spec: &Spec) -> impl Iterator<Item = &Attribute> {
    let all = spec.attributes.iter();
    all.filter(|a| !matches!(a.name.as_str(), "Custom Attribute" | "Vendor Attribute"))
}

/// The attributes of the specification in order of their tags.
fn standard(spec: &Spec) -> Result<Vec<Emitted<'_>>, GenerateError> {
    let mut attributes = Vec::new();
    for attribute in specified(spec) {
        let Some(tag) = spec.tag(&attribute.tag_name) else {
            let (structure, tag) = ("attributes".to_owned(), attribute.tag_name.clone());
            return Err(GenerateError::UnknownTag { structure, tag });
        };
        attributes.push(Emitted {
            attribute,
            tag,
            variant: type_ident(&attribute.name),
            constant: const_ident(&tag.name),
            ty: value_type(spec, attribute, tag)?,
        });
    }
    attributes.sort_by_key(|emitted| emitted.tag.value);
    Ok(attributes)
}

fn value_type(spec: &Spec, attribute: &Attribute, tag: &Tag) -> Result<FieldType, GenerateError> {
    // Later versions add types; the hand-written ones cover them.
    let rule = attribute.rules.first();
    let kinds: &[ItemKind] = rule.map_or(&[], |rule| &rule.kinds);
    let enumeration = rule.and_then(|rule| rule.enumeration.as_deref());
    item_type(spec, &tag.name, kinds, enumeration).ok_or_else(|| GenerateError::NoType {
        structure: "attributes".to_owned(),
        field: attribute.name.clone(),
        kinds: format!("{kinds:?}"),
    })
}

fn values(attributes: &[Emitted<'_>]) -> TokenStream {
    let variants: Vec<&Ident> = attributes.iter().map(|a| &a.variant).collect();
    let constants: Vec<&Ident> = attributes.iter().map(|a| &a.constant).collect();
    let types = attributes.iter().map(|a| a.ty.tokens());
    let docs = attributes.iter().map(|a| {
        let rules = &a.attribute.rules;
        let all: Vec<_> = rules
            .iter()
            .flat_map(|rule| rule.sections.clone())
            .collect();
        format!(" {}{}.", a.attribute.name, sections(&all))
    });
    quote! {
        /// Value of an attribute.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AttributeValue<'a> {
            #(
                #[doc = #docs]
                #variants(#types),
            )*
            /// An attribute that the specification (of this version) does not define.
            Custom(CustomAttribute<'a>),
            /// The name of an attribute without a value: it was deleted (Notify).
            Absent(AttributeReference<'a>),
        }

        impl Default for AttributeValue<'_> {
            fn default() -> Self { AttributeValue::Absent(AttributeReference::default()) }
        }

        impl<'a> AttributeValue<'a> {
            /// Tag of the attribute, if the specification defines it.
            pub fn tag(&self) -> Option<Tag> {
                Some(match self {
                    #(AttributeValue::#variants(_) => Tag::#constants,)*
                    AttributeValue::Custom(_) | AttributeValue::Absent(_) => return None,
                })
            }

            /// Reads the value of the attribute with this tag.
            pub(super) fn read_as(&mut self, tag: Tag, d: &mut Decoder<'_, 'a>) -> Result<()> {
                match tag {
                    #(Tag::#constants => {
                        *self = AttributeValue::#variants(Default::default());
                        if let AttributeValue::#variants(value) = self {
                            return value.read(d);
                        }
                    })*
                    _ => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
                }
                Ok(())
            }

            /// A random value of the attribute with this tag.
            #[cfg(feature = "arbitrary")]
            pub(super) fn arbitrary_as(
                tag: Tag,
                u: &mut ::arbitrary::Unstructured<'a>,
                edition: crate::version::Edition,
            ) -> ::arbitrary::Result<Self> {
                use super::arbitrary::ArbitraryIn;
                Ok(match tag {
                    #(Tag::#constants => {
                        AttributeValue::#variants(ArbitraryIn::arbitrary_in(u, edition)?)
                    })*
                    _ => AttributeValue::default(),
                })
            }

            /// Writes the value as an item with this tag.
            pub(super) fn write_as(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                match self {
                    #(AttributeValue::#variants(value) => value.write(tag, e),)*
                    AttributeValue::Custom(_) | AttributeValue::Absent(_) => Ok(()),
                }
            }
        }

        impl IntoOwned for AttributeValue<'_> {
            type Owned = AttributeValue<'static>;
            fn into_owned(self) -> AttributeValue<'static> {
                match self {
                    #(AttributeValue::#variants(value) => {
                        AttributeValue::#variants(IntoOwned::into_owned(value))
                    })*
                    AttributeValue::Custom(value) => AttributeValue::Custom(value.into_owned()),
                    AttributeValue::Absent(name) => AttributeValue::Absent(name.into_owned()),
                }
            }
        }
    }
}

fn constructors(attributes: &[Emitted<'_>]) -> TokenStream {
    let new = attributes.iter().map(|a| {
        let (name, variant, ty) = (field_ident(&a.attribute.name), &a.variant, a.ty.tokens());
        let doc = format!(" The attribute {}.", a.attribute.name);
        quote! {
            #[doc = #doc]
            pub fn #name(value: impl Into<#ty>) -> Self {
                AttributeValue::#variant(value.into()).into()
            }
        }
    });
    let get = attributes.iter().map(|a| {
        let (name, variant, ty) = (field_ident(&a.attribute.name), &a.variant, a.ty.tokens());
        let doc = format!(" Value of the first attribute {}.", a.attribute.name);
        quote! {
            #[doc = #doc]
            pub fn #name(&self) -> Option<&#ty> {
                self.list.iter().find_map(|attribute| match &attribute.value {
                    AttributeValue::#variant(value) => Some(value),
                    _ => None,
                })
            }
        }
    });
    quote! {
        /// The attributes of the specification.
        impl<'a> Attribute<'a> { #(#new)* }

        /// The attributes of the specification.
        impl<'a> Attributes<'a> { #(#get)* }
    }
}

fn infos(attributes: &[Emitted<'_>]) -> TokenStream {
    let count = attributes.len();
    let infos = attributes.iter().map(|a| {
        let (constant, name) = (&a.constant, name_string(a.attribute));
        let rules = a.attribute.rules.iter().map(rules);
        quote! {
            AttributeInfo { tag: Tag::#constant, name: #name, rules: &[#(#rules),*] }
        }
    });
    let names = attributes.iter().enumerate();
    let names = names.map(|(index, a)| (name_string(a.attribute).to_owned(), index as u16));
    let names = crate::name_index::emit(names.collect());
    quote! {
        pub(super) static ATTRIBUTES: [AttributeInfo; #count] = [#(#infos),*];

        static ATTRIBUTE_NAMES: NameIndex = #names;

        /// The attribute with this Attribute Name of KMIP 1.x.
        pub(super) fn attribute_by_name(name: &str) -> Option<Tag> {
            Some(ATTRIBUTES[usize::from(ATTRIBUTE_NAMES.find(name)?)].tag)
        }
    }
}

fn name_string(attribute: &Attribute) -> &str {
    let mut names = attribute
        .rules
        .iter()
        .filter_map(|rule| rule.name_string.as_deref());
    names.next().unwrap_or(&attribute.name)
}

fn rules(rule: &AttributeRule) -> TokenStream {
    let (since, until) = edition_range(rule.range);
    let yes = |answer: &Answer| matches!(answer, Answer::Yes | Answer::Conditional);
    let always = rule.always_has_value.answer == Answer::Yes;
    let settable = rule.initially_set_by.contains(&Party::Client);
    let modifiable = yes(&rule.modifiable_by_client.answer);
    let deletable = yes(&rule.deletable_by_client.answer);
    let multiple = yes(&rule.multiple_instances.answer);
    quote! {
        super::tag::AttributeRules {
            since: #since, until: #until,
            always_has_value: #always, settable_by_client: #settable,
            modifiable_by_client: #modifiable, deletable_by_client: #deletable,
            multiple_instances: #multiple,
        }
    }
}
