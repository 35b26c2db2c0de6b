//! Structures: a Rust struct, how it is filled and how it is encoded.

use std::collections::BTreeMap;

use kmip_spec::model::{FieldRow, Required, Structure};
use kmip_spec::{Spec, Version, VersionRange};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::arbitrary;
use crate::error::GenerateError;
use crate::names::{const_ident, type_ident};
use crate::shapes::{
    Field, FieldType, Form, Presence, Shape, ShapedRow, edition_range, hex, same_layout, sections,
};

/// Structures that are written by hand, or that another type stands for.
const HAND_WRITTEN: [&str; 15] = [
    "Attribute",
    "Attribute (Vendor Attribute)",
    "Attribute Reference (vendor form)",
    "Attributes",
    "Common Attributes",
    "Private Key Attributes",
    "Public Key Attributes",
    "Template-Attribute",
    "Common Template-Attribute",
    "Private Key Template-Attribute",
    "Public Key Template-Attribute",
    "New Attribute",
    "Current Attribute",
    "Protocol Version",
    "Batch Item",
];

/// Fields that decide the type of a later field of the same structure.
const SELECTORS: [&str; 3] = ["key_format_type", "credential_type", "operation"];
const SELECTING: [&str; 4] = [
    "Key Block",
    "Credential",
    "Request Batch Item",
    "Response Batch Item",
];

pub(crate) fn emit(spec: &Spec) -> Result<TokenStream, GenerateError> {
    let mut tokens = TokenStream::new();
    for structure in merged(spec) {
        tokens.extend(self::structure(spec, &structure)?);
    }
    for alias in &spec.structures {
        if let Some(name) = same_layout(&alias.name) {
            let (alias_name, name) = (type_ident(&alias.name), type_ident(name));
            let doc = format!(" {}: the same as [`{name}`].", alias.name);
            tokens.extend(quote! {
                #[doc = #doc]
                pub type #alias_name<'a> = #name<'a>;
            });
        }
    }
    tokens.extend(selected(
        spec,
        "Key Material",
        "Key Format Type",
        "KeyMaterial",
    ));
    tokens.extend(selected(
        spec,
        "Credential Value",
        "Credential Type",
        "CredentialValue",
    ));
    tokens.extend(managed_object(spec));
    Ok(tokens)
}

/// One structure of the tables.
pub(crate) fn structure(spec: &Spec, structure: &Structure) -> Result<TokenStream, GenerateError> {
    let shape = Shape::new(spec, &structure.name, structure.range, &structure.fields)?;
    let name = structure_ident(structure);
    let doc = format!(" {}{}.", structure.name, sections(&structure.sections));
    let selecting = SELECTING.contains(&structure.name.as_str());
    let tokens = define(&name, &doc, structure.range, &shape, selecting);
    Ok(tokens)
}

/// The Rust type of a structure.
pub(crate) fn structure_ident(structure: &Structure) -> Ident {
    match (&structure.variant, structure.tag_name.as_str()) {
        (None, "Key Value") => format_ident!("PlainKeyValue"),
        (None, _) => type_ident(&structure.name),
        (Some(variant), "Credential Value") => {
            format_ident!("{}Credential", type_ident(variant))
        }
        (Some(variant), _) => type_ident(variant),
    }
}

/// Structures to generate. Variants that no field tells apart become one structure with the rows
/// of all.
pub(crate) fn merged(spec: &Spec) -> Vec<Structure> {
    let mut structures: Vec<Structure> = Vec::new();
    for structure in &spec.structures {
        let name = structure.name.as_str();
        if HAND_WRITTEN.contains(&name) || same_layout(name).is_some() || structure.bare_item {
            continue;
        }
        if structure.tag_name != "Derivation Parameters" {
            structures.push(structure.clone());
            continue;
        }
        match structures
            .iter_mut()
            .find(|known| known.tag_name == structure.tag_name)
        {
            Some(known) => merge(known, structure),
            None => structures.push(Structure {
                name: structure.tag_name.clone(),
                variant: None,
                ..structure.clone()
            }),
        }
    }
    structures
}

fn merge(into: &mut Structure, other: &Structure) {
    into.range = VersionRange {
        since: into.range.since.min(other.range.since),
        until: match (into.range.until, other.range.until) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        },
    };
    into.sections.extend(other.sections.iter().cloned());
    into.fields.extend(other.fields.iter().cloned());
    // In the order of the last variant, which has them all; every row of a field once.
    let order: Vec<String> = other.fields.iter().map(|row| row.name.clone()).collect();
    let mut rows: BTreeMap<(usize, Version), FieldRow> = BTreeMap::new();
    for row in into.fields.drain(..) {
        let place = order.iter().position(|name| *name == row.name);
        rows.entry((place.unwrap_or(order.len()), row.range.since))
            .and_modify(|known| known.required = Required::Conditional)
            .or_insert(FieldRow {
                required: Required::Conditional,
                ..row
            });
    }
    into.fields = rows.into_values().collect();
}

/// A struct with its codecs.
pub(crate) fn define(
    name: &Ident,
    doc: &str,
    range: VersionRange,
    shape: &Shape,
    selecting: bool,
) -> TokenStream {
    let fields = shape.fields.iter().enumerate().map(|(index, field)| {
        let (field_name, ty) = (&field.name, declared_type(field));
        let rows = shape.rows.iter().filter(|row| row.field == index);
        let docs = rows.map(|row| &row.doc);
        quote! {
            #(#[doc = #docs])*
            pub #field_name: #ty
        }
    });
    let owned = shape.fields.iter().map(|field| {
        let name = &field.name;
        quote! { #name: IntoOwned::into_owned(self.#name) }
    });
    let arbitrary = arbitrary::structure(name, shape, selecting);
    let (fill, encode, layout) = (fill(shape, selecting), encode(shape), layout(shape));
    // A structure with free content exists before its table does.
    let (since, until) = edition_range(if shape.open { VersionRange::ALL } else { range });
    let rows = row_constants(shape);
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct #name<'a> {
            #(#fields,)*
            /// Items without a field.
            pub extra: Extra<'a>,
        }

        impl IntoOwned for #name<'_> {
            type Owned = #name<'static>;
            fn into_owned(self) -> #name<'static> {
                #name {
                    #(#owned,)*
                    extra: IntoOwned::into_owned(self.extra),
                }
            }
        }

        impl<'a> Item<'a> for #name<'a> {
            #[inline]
            fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                d.structure(self)
            }
            #[inline]
            fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                e.structure(tag, self)
            }
        }

        const _: () = {
            #rows
            static LAYOUT: Layout = #layout;

            impl<'a> Structure<'a> for #name<'a> {
                const SINCE: u8 = #since;
                const UNTIL: u8 = #until;
                fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> { #fill }
                fn encode(&self, e: &mut Encoder<'_>) -> Result<()> { #encode }
            }

            #arbitrary
        };
    }
}

fn declared_type(field: &Field) -> TokenStream {
    let ty = field.ty.tokens();
    match field.presence {
        Presence::Plain => ty,
        Presence::Optional => quote! { Option<#ty> },
        Presence::Repeated => quote! { Vec<#ty> },
    }
}

fn row_constants(shape: &Shape) -> TokenStream {
    let rows = shape.rows.iter().enumerate().map(|(index, row)| {
        let name = row_ident(index);
        let (since, until) = edition_range(row.range);
        let (tag, required, repeat) = (hex(row.tag), row.required, row.repeat);
        quote! { const #name: Row = Row::new(#tag, #since, #until, #required, #repeat); }
    });
    quote! { #(#rows)* }
}

fn row_ident(index: usize) -> Ident {
    format_ident!("R{index}")
}

fn layout(shape: &Shape) -> TokenStream {
    let rows = (0..shape.rows.len()).map(row_ident);
    let required = Version::ALL.map(|version| {
        let bits = shape.rows.iter().enumerate().filter(|(_, row)| {
            let flat_optional = row.form == Form::Flat && !row.required;
            row.required && !flat_optional && row.range.contains(version)
        });
        bits.fold(0_u64, |mask, (index, _)| mask | 1 << index)
    });
    let open = shape.open;
    quote! { Layout { rows: &[#(#rows),*], required: [#(#required),*], open: #open } }
}

fn fill(shape: &Shape, selecting: bool) -> TokenStream {
    if shape.rows.is_empty() {
        return quote! {
            let mut p = Progress::default();
            while !d.finished(&LAYOUT, &mut p, &mut self.extra)? {}
            Ok(())
        };
    }
    let reads = shape.rows.iter().enumerate().map(|(index, row)| {
        let field = &shape.fields[row.field];
        let (method, name) = (method(field, row), &field.name);
        let (constant, bit) = (row_ident(index), index as u32);
        let after = after_reading(field, selecting);
        quote! {
            d.#method(#constant, #bit, &mut p, &mut self.#name)?;
            #after
        }
    });
    quote! {
        let mut p = Progress::default();
        loop {
            #(#reads)*
            if d.finished(&LAYOUT, &mut p, &mut self.extra)? {
                return Ok(());
            }
        }
    }
}

/// What the rest of the structure, or of the message, depends on.
fn after_reading(field: &Field, selecting: bool) -> TokenStream {
    let name = &field.name;
    if field.ty == FieldType::Named("ProtocolVersion".to_owned(), false)
        && field.presence == Presence::Plain
    {
        return quote! { d.set_version(self.#name); };
    }
    if !selecting || !SELECTORS.contains(&name.to_string().as_str()) {
        return quote! {};
    }
    match field.presence {
        Presence::Optional => quote! { d.select(self.#name.map_or(0, |value| value.0)); },
        _ => quote! { d.select(self.#name.0); },
    }
}

fn encode(shape: &Shape) -> TokenStream {
    let gates = shape
        .fields
        .iter()
        .enumerate()
        .filter_map(|(index, field)| {
            let rows = || shape.rows.iter().filter(|row| row.field == index);
            let covered = |version: &Version| rows().any(|row| row.range.contains(*version));
            if Version::ALL.iter().all(covered) {
                return None;
            }
            let name = &field.name;
            let set = match (&field.ty, field.presence) {
                (_, Presence::Optional) => quote! { self.#name.is_some() },
                (_, Presence::Repeated) | (FieldType::Attributes, _) => {
                    quote! { !self.#name.is_empty() }
                }
                // The structure as a whole is gated.
                (_, Presence::Plain) => return None,
            };
            let numbered = shape.rows.iter().enumerate();
            let rows = numbered.filter(|(_, row)| row.field == index);
            let constants = rows.map(|(number, _)| row_ident(number));
            Some(quote! { e.gate(&[#(#constants),*], #set)?; })
        });
    let writes = shape.rows.iter().enumerate().map(|(index, row)| {
        let field = &shape.fields[row.field];
        let (method, name, constant) = (method(field, row), &field.name, row_ident(index));
        quote! { e.#method(#constant, &mut c, &self.#name)?; }
    });
    if shape.rows.is_empty() {
        return quote! { e.finish(ExtraCursor::new(&self.extra)) };
    }
    quote! {
        #(#gates)*
        let mut c = ExtraCursor::new(&self.extra);
        #(#writes)*
        e.finish(c)
    }
}

/// The function of decoder and encoder for a row.
fn method(field: &Field, row: &ShapedRow) -> Ident {
    let name = match (row.form, &field.ty, field.presence) {
        (Form::Flat, _, Presence::Plain) => "flat_attributes",
        (Form::Flat, _, _) => "optional_flat_attributes",
        (_, FieldType::ManagedObject, Presence::Plain) => "choice",
        (_, FieldType::ManagedObject, _) => "optional_choice",
        (_, _, Presence::Plain) => "required",
        (_, _, Presence::Optional) => "optional",
        (_, _, Presence::Repeated) => "repeated",
    };
    format_ident!("{name}")
}

/// An enum of the structures that share a tag and are told apart by an enumeration.
fn selected(spec: &Spec, tag: &str, selector: &str, name: &str) -> TokenStream {
    let name = format_ident!("{name}");
    let selector_type = type_ident(selector);
    let variants: Vec<(Ident, Ident, Ident)> = spec
        .structures
        .iter()
        .filter(|structure| structure.tag_name == tag)
        .filter_map(|structure| {
            let variant = structure.variant.as_deref()?;
            Some((
                type_ident(variant),
                structure_ident(structure),
                const_ident(variant),
            ))
        })
        .collect();
    let names: Vec<&Ident> = variants.iter().map(|(name, _, _)| name).collect();
    let types = variants.iter().map(|(_, ty, _)| ty);
    let types_again = types.clone();
    let constants = variants.iter().map(|(_, _, constant)| constant);
    let doc = format!(" {tag}: its structure depends on the {selector}.");
    let editions = spec
        .structures
        .iter()
        .filter(|structure| structure.tag_name == tag);
    let editions: Vec<(Ident, u8, u8)> = editions
        .filter_map(|structure| {
            let (since, until) = edition_range(structure.range);
            Some((type_ident(structure.variant.as_deref()?), since, until))
        })
        .collect();
    let fallback = if name == "KeyMaterial" {
        quote! { super::arbitrary::bytes(u)? }
    } else {
        quote! { #name::Raw(RawValue::default()) }
    };
    let arbitrary = arbitrary::variants(&name, &editions, &fallback);
    let constants_again = variants.iter().map(|(_, _, constant)| constant);
    let selector_doc = format!(" The {selector} that goes with the structure, if it is one.");
    let bytes = (name == "KeyMaterial").then(|| {
        quote! {
            /// The key as bytes.
            Bytes(Secret<'a>),
        }
    });
    let bytes_owned = (name == "KeyMaterial").then(|| {
        quote! { #name::Bytes(bytes) => #name::Bytes(IntoOwned::into_owned(bytes)), }
    });
    let bytes_read = (name == "KeyMaterial").then(|| {
        quote! {
            if d.item_type()? == ItemType::BYTE_STRING {
                let mut bytes = Secret::default();
                bytes.read(d)?;
                *self = #name::Bytes(bytes);
                return Ok(());
            }
        }
    });
    let bytes_write = (name == "KeyMaterial").then(|| {
        quote! { #name::Bytes(bytes) => bytes.write(tag, e), }
    });
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum #name<'a> {
            #bytes
            #(
                #[doc = " See the structure."]
                #names(#types<'a>),
            )*
            /// The form of an unknown type.
            Raw(RawValue<'a>),
        }

        #arbitrary

        impl #name<'_> {
            #[doc = #selector_doc]
            pub fn selector(&self) -> Option<#selector_type> {
                Some(match self {
                    #(#name::#names(_) => #selector_type::#constants_again,)*
                    _ => return None,
                })
            }
        }

        impl Default for #name<'_> {
            fn default() -> Self { #name::Raw(RawValue::default()) }
        }

        impl IntoOwned for #name<'_> {
            type Owned = #name<'static>;
            fn into_owned(self) -> #name<'static> {
                match self {
                    #bytes_owned
                    #(#name::#names(value) => #name::#names(IntoOwned::into_owned(value)),)*
                    #name::Raw(value) => #name::Raw(IntoOwned::into_owned(value)),
                }
            }
        }

        #(impl<'a> From<#types_again<'a>> for #name<'a> {
            fn from(value: #types_again<'a>) -> Self { #name::#names(value) }
        })*

        impl<'a> Item<'a> for #name<'a> {
            fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                #bytes_read
                *self = match #selector_type(d.selector()) {
                    #(#selector_type::#constants => #name::#names(Default::default()),)*
                    _ => #name::Raw(RawValue::default()),
                };
                match self {
                    #(#name::#names(value) => value.read(d),)*
                    #name::Raw(value) => value.read(d),
                    #[allow(unreachable_patterns)]
                    _ => Ok(()),
                }
            }

            fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                match self {
                    #bytes_write
                    #(#name::#names(value) => value.write(tag, e),)*
                    #name::Raw(value) => value.write(tag, e),
                }
            }
        }
    }
}

/// The objects that a server manages, each under its own tag.
fn managed_object(spec: &Spec) -> TokenStream {
    let objects: Vec<&Structure> = spec
        .structures
        .iter()
        .filter(|structure| {
            let object_types = spec.enumeration("Object Type");
            let mut values = object_types.iter().flat_map(|e| &e.values);
            values.any(|value| value.name == structure.name)
        })
        .collect();
    let names: Vec<Ident> = objects
        .iter()
        .map(|object| type_ident(&object.name))
        .collect();
    let constants: Vec<Ident> = objects
        .iter()
        .map(|object| const_ident(&object.name))
        .collect();
    let docs = objects.iter().map(|object| format!(" {}.", object.name));
    let editions: Vec<(Ident, u8, u8)> = objects
        .iter()
        .map(|object| {
            let (since, until) = edition_range(object.range);
            (type_ident(&object.name), since, until)
        })
        .collect();
    let managed = format_ident!("ManagedObject");
    let arbitrary = arbitrary::variants(&managed, &editions, &quote! { ManagedObject::default() });
    quote! {
        #arbitrary

        /// A managed object, as it is registered, got, imported and exported.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ManagedObject<'a> {
            #(
                #[doc = #docs]
                #names(#names<'a>),
            )*
        }

        impl ManagedObject<'_> {
            /// Type of the object.
            pub fn object_type(&self) -> ObjectType {
                match self {
                    #(ManagedObject::#names(_) => ObjectType::#constants,)*
                }
            }
        }

        impl Default for ManagedObject<'_> {
            fn default() -> Self { ManagedObject::OpaqueObject(OpaqueObject::default()) }
        }

        impl IntoOwned for ManagedObject<'_> {
            type Owned = ManagedObject<'static>;
            fn into_owned(self) -> ManagedObject<'static> {
                match self {
                    #(ManagedObject::#names(value) => {
                        ManagedObject::#names(IntoOwned::into_owned(value))
                    })*
                }
            }
        }

        #(impl<'a> From<#names<'a>> for ManagedObject<'a> {
            fn from(value: #names<'a>) -> Self { ManagedObject::#names(value) }
        })*

        impl<'a> Item<'a> for ManagedObject<'a> {
            fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                match d.tag().unwrap_or_default() {
                    #(Tag::#constants => {
                        *self = ManagedObject::#names(Default::default());
                        if let ManagedObject::#names(value) = self {
                            return value.read(d);
                        }
                    })*
                    tag => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
                }
                Ok(())
            }

            fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                match self {
                    #(ManagedObject::#names(value) => value.write(tag, e),)*
                }
            }
        }

        impl<'a> Choice<'a> for ManagedObject<'a> {
            #[inline]
            fn accepts(tag: Tag) -> bool {
                matches!(tag, #(Tag::#constants)|*)
            }

            #[inline]
            fn tag(&self) -> Tag {
                match self {
                    #(ManagedObject::#names(_) => Tag::#constants,)*
                }
            }
        }
    }
}
