//! Tags: constants and the tables behind `Tag`.

use kmip_spec::Spec;
use kmip_spec::model::{Enumeration, EnumerationKind, Tag};
use kmip_spec::names::normalise;
use proc_macro2::TokenStream;
use quote::quote;

use crate::names::const_ident;
use crate::shapes::{edition_range, hex, sections};

/// The lowest standard tag.
const FIRST: u32 = 0x42_0001;

pub(crate) fn emit(spec: &Spec) -> TokenStream {
    let constants = spec.tags.iter().map(|tag| {
        let name = const_ident(&tag.name);
        let value = hex(tag.value);
        let doc = format!(" {}{}.", tag.name, sections(&tag.sections));
        quote! {
            #[doc = #doc]
            pub const #name: Tag = Tag(#value);
        }
    });
    let last = spec.tags.iter().map(|tag| tag.value).max().unwrap_or(FIRST);
    let infos = (FIRST..=last).map(
        |value| match spec.tags.iter().find(|tag| tag.value == value) {
            Some(tag) => info(spec, tag),
            None => quote! { None },
        },
    );
    let length = (last - FIRST + 1) as usize;
    let spellings = spec.tags.iter().flat_map(|tag| {
        let aliases = tag.aliases.iter().map(|alias| normalise(alias));
        std::iter::once(normalise(&tag.name))
            .chain(aliases)
            .map(move |name| (name, tag))
    });
    let values = spec.tags.iter().map(|tag| {
        let (value, name, spelling) = (tag.value, &tag.name, normalise(&tag.name));
        let (since, until) = edition_range(tag.range);
        quote! {
            EnumerationValue {
                value: #value, name: #name, spellings: &[(0, #spelling)],
                since: #since, until: #until,
            }
        }
    });
    let names = spellings.map(|(name, tag)| {
        let index = spec.tags.iter().position(|other| other.value == tag.value);
        (name, index.unwrap_or_default() as u16)
    });
    let names = crate::name_index::emit(names.collect());
    let hash = crate::name_index::hash();
    quote! {
        #hash

        /// The tags of the specification.
        impl Tag { #(#constants)* }

        pub(super) static TAGS: [Option<TagInfo>; #length] = [#(#infos),*];

        /// The tags as values of an enumeration, as in Attribute Reference.
        pub(super) static TAG_ENUMERATION: EnumerationTable = EnumerationTable {
            name: "Tag",
            values: &[#(#values),*],
            names: #names,
        };
    }
}

fn info(spec: &Spec, tag: &Tag) -> TokenStream {
    let (value, name, spelling, secret) = (tag.value, &tag.name, normalise(&tag.name), tag.secret);
    let (since, until) = edition_range(tag.range);
    let table = spec.enumeration_of_tag(&tag.name);
    let of_kind = |kind| match table.filter(|table| table.kind == kind) {
        Some(table) => {
            let path = table_path(table);
            quote! { Some(#path) }
        }
        None => quote! { None },
    };
    let attribute = match crate::attributes::position(spec, tag) {
        Some(index) => quote! { Some(&ATTRIBUTES[#index]) },
        None => quote! { None },
    };
    let editions = crate::attributes::editions(spec, tag);
    let enumeration = of_kind(EnumerationKind::Enum);
    let mask = of_kind(EnumerationKind::Mask);
    quote! {
        Some(TagInfo {
            tag: Tag(#value), name: #name, spelling: #spelling, secret: #secret,
            enumeration: #enumeration, mask: #mask,
            attribute: #attribute, attribute_editions: #editions,
            since: #since, until: #until,
        })
    }
}

/// The table of an enumeration or mask as an expression.
pub(crate) fn table_path(enumeration: &Enumeration) -> TokenStream {
    if enumeration.name == "Tag" {
        return quote! { &TAG_ENUMERATION };
    }
    let name = crate::enumerations::type_ident(&enumeration.name);
    match enumeration.kind {
        EnumerationKind::Enum => quote! { <#name as Enumeration>::TABLE },
        EnumerationKind::Mask => quote! { <#name as Mask>::TABLE },
    }
}
