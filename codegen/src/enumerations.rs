//! Enumerations and masks: newtypes with a constant for each value.

use std::collections::HashSet;

use kmip_spec::model::{EnumValue, Enumeration, EnumerationKind};
use kmip_spec::names::normalise;
use kmip_spec::{Spec, Version};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::error::GenerateError;
use crate::names::{self, const_ident, const_name};
use crate::shapes::{edition_range, hex};

/// Enumerations whose Rust name is taken by a hand-written type of the item.
const SHARED_NAMES: [&str; 2] = ["Unique Identifier", "Data"];

/// Enumerations that are read and written by hand, since their form depends on the version.
const HAND_WRITTEN_ITEMS: [&str; 1] = ["Asynchronous Indicator"];

pub(crate) fn emit(spec: &Spec) -> Result<TokenStream, GenerateError> {
    spec.enumerations
        .iter()
        // Its values are the tags: `Tag` stands for it.
        .filter(|enumeration| enumeration.name != "Tag")
        .map(enumeration)
        .collect()
}

/// The Rust type of an enumeration or mask.
pub(crate) fn type_ident(name: &str) -> Ident {
    if SHARED_NAMES.contains(&name) {
        return format_ident!("{}Enumeration", names::type_name(name));
    }
    names::type_ident(name)
}

/// One enumeration or mask.
pub(crate) fn enumeration(enumeration: &Enumeration) -> Result<TokenStream, GenerateError> {
    let name = type_ident(&enumeration.name);
    check_names(enumeration)?;
    let constants = enumeration.values.iter().map(|value| {
        let constant = const_ident(&value.name);
        let number = hex(value.value);
        let doc = value_doc(value);
        quote! {
            #[doc = #doc]
            pub const #constant: Self = Self(#number);
        }
    });
    let table = table(enumeration);
    let doc = format!(" {} (KMIP {}).", enumeration.name, enumeration.range);
    let common = quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct #name(pub u32);

        impl #name { #(#constants)* }
        crate::types::owned::owned!(#name);
    };
    let specific = match enumeration.kind {
        EnumerationKind::Enum => enum_impls(enumeration, &name, &table),
        EnumerationKind::Mask => mask_impls(&name, &table),
    };
    let kind = match enumeration.kind {
        EnumerationKind::Enum => quote! { Enumeration },
        EnumerationKind::Mask => quote! { Mask },
    };
    let arbitrary = (!HAND_WRITTEN_ITEMS.contains(&enumeration.name.as_str())).then(|| {
        quote! {
            #[cfg(feature = "arbitrary")]
            impl<'a> super::arbitrary::ArbitraryIn<'a> for #name {
                fn arbitrary_in(
                    u: &mut ::arbitrary::Unstructured<'a>,
                    _: crate::version::Edition,
                ) -> ::arbitrary::Result<Self> {
                    super::arbitrary::enumeration(<Self as #kind>::TABLE, u).map(Self)
                }
            }
        }
    });
    Ok(quote! { #common #specific #arbitrary })
}

fn enum_impls(enumeration: &Enumeration, name: &Ident, table: &TokenStream) -> TokenStream {
    let item = if HAND_WRITTEN_ITEMS.contains(&enumeration.name.as_str()) {
        quote! {}
    } else {
        quote! {
            impl<'a> Item<'a> for #name {
                #[inline]
                fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                    self.0 = d.enumeration(Some(Self::TABLE))?;
                    Ok(())
                }
                #[inline]
                fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                    e.enumeration(tag, self.0, Some(Self::TABLE))
                }
            }
        }
    };
    quote! {
        impl Enumeration for #name {
            const TABLE: &'static EnumerationTable = &#table;
            fn new(value: u32) -> Self { Self(value) }
            fn value(self) -> u32 { self.0 }
        }
        impl std::fmt::Debug for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                super::enumeration::debug_value(f, Self::TABLE, self.0)
            }
        }
        impl std::fmt::Display for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                super::enumeration::debug_value(f, Self::TABLE, self.0)
            }
        }
        #item
    }
}

fn mask_impls(name: &Ident, table: &TokenStream) -> TokenStream {
    quote! {
        impl Mask for #name {
            const TABLE: &'static EnumerationTable = &#table;
            fn new(bits: u32) -> Self { Self(bits) }
            fn bits(self) -> u32 { self.0 }
        }
        impl #name {
            /// Whether all bits of `other` are set.
            pub const fn contains(self, other: Self) -> bool { self.0 & other.0 == other.0 }
            /// Whether no bit is set.
            pub const fn is_empty(self) -> bool { self.0 == 0 }
        }
        impl std::ops::BitOr for #name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self { Self(self.0 | other.0) }
        }
        impl std::ops::BitOrAssign for #name {
            fn bitor_assign(&mut self, other: Self) { self.0 |= other.0; }
        }
        impl std::ops::BitAnd for #name {
            type Output = Self;
            fn bitand(self, other: Self) -> Self { Self(self.0 & other.0) }
        }
        impl std::fmt::Debug for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                super::enumeration::debug_bits(f, Self::TABLE, self.0)
            }
        }
        impl<'a> Item<'a> for #name {
            #[inline]
            fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                self.0 = d.mask(Self::TABLE)?;
                Ok(())
            }
            #[inline]
            fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                e.mask(tag, self.0, Self::TABLE)
            }
        }
    }
}

fn table(enumeration: &Enumeration) -> TokenStream {
    let name = &enumeration.name;
    let values = enumeration.values.iter().map(|value| {
        let (number, name) = (value.value, &value.name);
        let (since, until) = edition_range(value.range);
        let spellings = spellings(value).into_iter().map(|(since, spelling)| {
            quote! { (#since, #spelling) }
        });
        quote! {
            EnumerationValue {
                value: #number, name: #name, spellings: &[#(#spellings),*],
                since: #since, until: #until,
            }
        }
    });
    let mut names: Vec<(String, u16)> = Vec::new();
    for (index, value) in enumeration.values.iter().enumerate() {
        let aliases = value.aliases.iter().map(|alias| normalise(alias));
        let spelled = spellings(value).into_iter().map(|(_, spelling)| spelling);
        let own = std::iter::once(normalise(&value.name));
        names.extend(
            aliases
                .chain(spelled)
                .chain(own)
                .map(|name| (name, index as u16)),
        );
    }
    let names = crate::name_index::emit(names);
    quote! {
        EnumerationTable { name: #name, values: &[#(#values),*], names: #names }
    }
}

/// The spellings for XML and JSON, each with the first edition that has it.
fn spellings(value: &EnumValue) -> Vec<(u8, String)> {
    if value.spellings.is_empty() {
        return vec![(0, normalise(&value.name))];
    }
    let mut spellings: Vec<(u8, String)> = Vec::new();
    for (range, spelling) in &value.spellings {
        let spelling = normalise(spelling);
        if spellings.last().is_none_or(|(_, last)| *last != spelling) {
            spellings.push((edition_range(*range).0, spelling));
        }
    }
    spellings
}

fn value_doc(value: &EnumValue) -> String {
    let mut doc = format!(" {}.", value.name);
    if value.range.since != Version::V1_0 || value.range.until.is_some() {
        doc.push_str(&format!(" KMIP {}.", value.range));
    }
    if let Some(range) = value.deprecated {
        doc.push_str(&format!(" Deprecated in {range}."));
    }
    doc
}

fn check_names(enumeration: &Enumeration) -> Result<(), GenerateError> {
    let mut seen = HashSet::new();
    for value in &enumeration.values {
        let name = const_name(&value.name);
        if !seen.insert(name.clone()) {
            let scope = enumeration.name.clone();
            return Err(GenerateError::NameTwice { scope, name });
        }
    }
    Ok(())
}
