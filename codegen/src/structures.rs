//! Structures: a Rust struct, how it is filled and how it is encoded.

use std::collections::BTreeMap;

use kmip_spec::model::{FieldRow, Required, Structure};
use kmip_spec::{Spec, Version, VersionRange};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::error::GenerateError;
use crate::names::type_ident;
use crate::shapes::{
    Field, FieldType, Form, Presence, Shape, ShapedRow, edition_range, hex, same_layout, sections,
};
use crate::{arbitrary, choices};

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

/// Structures in which a field decides the type of a later one, with both fields.
const SELECTING: [(&str, Selection); 4] = [
    ("Key Block", ("key_format_type", "key_value")),
    ("Credential", ("credential_type", "credential_value")),
    ("Request Batch Item", ("operation", "request_payload")),
    ("Response Batch Item", ("operation", "response_payload")),
];

/// Types of optional fields that are kept on the heap: hardly a message has them, and every move of one
/// that has a key would copy their room, two hundred bytes.
const BOXED: [&str; 1] = ["MacSignatureKeyInformation"];

/// A field that decides the type of another, and that other.
pub(crate) type Selection = (&'static str, &'static str);

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
    tokens.extend(choices::selected(
        spec,
        "Key Material",
        "Key Format Type",
        "KeyMaterial",
    ));
    tokens.extend(choices::selected(
        spec,
        "Credential Value",
        "Credential Type",
        "CredentialValue",
    ));
    tokens.extend(choices::managed_object(spec));
    Ok(tokens)
}

/// One structure of the tables.
pub(crate) fn structure(spec: &Spec, structure: &Structure) -> Result<TokenStream, GenerateError> {
    let shape = Shape::new(spec, &structure.name, structure.range, &structure.fields)?;
    let name = structure_ident(structure);
    let doc = format!(" {}{}.", structure.name, sections(&structure.sections));
    let selection = SELECTING
        .iter()
        .find(|(name, _)| *name == structure.name)
        .map(|(_, selection)| *selection);
    let tokens = define(&name, &doc, structure.range, &shape, selection);
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
    selection: Option<Selection>,
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
    let arbitrary = arbitrary::structure(name, shape, selection.is_some());
    let (fill, encode) = (fill(shape, selection), encode(shape));
    let layout = layout(shape, selection);
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
        Presence::Optional if is_boxed(&field.ty) => quote! { Option<Box<#ty>> },
        Presence::Optional => quote! { Option<#ty> },
        Presence::Repeated => quote! { Vec<#ty> },
    }
}

fn is_boxed(ty: &FieldType) -> bool {
    matches!(ty, FieldType::Named(name, _) if BOXED.contains(&name.as_str()))
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

fn layout(shape: &Shape, selection: Option<Selection>) -> TokenStream {
    let rows = (0..shape.rows.len()).map(row_ident);
    let required = Version::ALL.map(|version| {
        let bits = shape.rows.iter().enumerate().filter(|(_, row)| {
            let flat_optional = row.form == Form::Flat && !row.required;
            row.required && !flat_optional && row.range.contains(version)
        });
        bits.fold(0_u64, |mask, (index, _)| mask | 1 << index)
    });
    let bits = |name: &str| {
        let rows = shape.rows.iter().enumerate();
        let rows = rows.filter(|(_, row)| shape.fields[row.field].name == name);
        rows.fold(0_u64, |mask, (index, _)| mask | 1 << index)
    };
    let (selector, selected) = selection.map_or((0, 0), |(selector, selected)| {
        (bits(selector), bits(selected))
    });
    let open = shape.open;
    quote! {
        Layout {
            rows: &[#(#rows),*],
            required: [#(#required),*],
            open: #open,
            selector: #selector,
            selected: #selected,
        }
    }
}

fn fill(shape: &Shape, selection: Option<Selection>) -> TokenStream {
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
        let after = after_reading(field, selection);
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
fn after_reading(field: &Field, selection: Option<Selection>) -> TokenStream {
    let name = &field.name;
    if field.ty == FieldType::Named("ProtocolVersion".to_owned(), false)
        && field.presence == Presence::Plain
    {
        return quote! { d.set_version(self.#name); };
    }
    if selection.is_none_or(|(selector, _)| name != selector) {
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
