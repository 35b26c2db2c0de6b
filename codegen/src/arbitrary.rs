//! Generators of random values, for property tests and fuzzing.
//!
//! They follow the rows: a value has the fields that the version has, those that it requires, and
//! any of the others. So it can be encoded, and nothing else is worth testing.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::shapes::{Field, FieldType, Presence, Shape};

/// The generator of a structure.
pub(crate) fn structure(name: &Ident, shape: &Shape, selecting: bool) -> TokenStream {
    let fields = shape.fields.iter().enumerate().map(|(index, field)| {
        let name = &field.name;
        let value = value(shape, index, field);
        quote! { #name: #value }
    });
    let reconcile =
        selecting.then(|| quote! { super::arbitrary::Reconcile::reconcile(&mut value); });
    let mutable = selecting.then(|| quote! { mut });
    let unused = shape
        .fields
        .is_empty()
        .then(|| quote! { let _ = (u, edition); });
    quote! {
        #[cfg(feature = "arbitrary")]
        impl<'a> super::arbitrary::ArbitraryIn<'a> for #name<'a> {
            fn arbitrary_in(
                u: &mut ::arbitrary::Unstructured<'a>,
                edition: crate::version::Edition,
            ) -> ::arbitrary::Result<Self> {
                #unused
                let #mutable value = #name { #(#fields,)* extra: Extra::new() };
                #reconcile
                Ok(value)
            }
        }
    }
}

fn value(shape: &Shape, index: usize, field: &Field) -> TokenStream {
    let numbered = shape.rows.iter().enumerate();
    let rows = numbered.filter(|(_, row)| row.field == index);
    let rows: Vec<Ident> = rows.map(|(number, _)| format_ident!("R{number}")).collect();
    let function = match (&field.ty, field.presence) {
        (FieldType::Attributes, Presence::Plain) => "plain_attributes",
        (FieldType::Attributes, Presence::Optional) => "optional_attributes",
        (_, Presence::Plain) => "plain",
        (_, Presence::Optional) => "optional",
        (_, Presence::Repeated) => "repeated",
    };
    let function = format_ident!("{function}");
    quote! { super::arbitrary::#function(&[#(#rows),*], u, edition)? }
}

/// The generator of an enum with a structure in each variant; `since` and `until` are the
/// editions that have the variant.
pub(crate) fn variants(
    name: &Ident,
    variants: &[(Ident, u8, u8)],
    fallback: &TokenStream,
) -> TokenStream {
    let rows = variants
        .iter()
        .map(|(_, since, until)| quote! { (#since, #until) });
    let count = variants.len();
    let arms = variants.iter().enumerate().map(|(index, (variant, _, _))| {
        quote! {
            #index => #name::#variant(super::arbitrary::ArbitraryIn::arbitrary_in(u, edition)?),
        }
    });
    quote! {
        #[cfg(feature = "arbitrary")]
        impl<'a> super::arbitrary::ArbitraryIn<'a> for #name<'a> {
            fn arbitrary_in(
                u: &mut ::arbitrary::Unstructured<'a>,
                edition: crate::version::Edition,
            ) -> ::arbitrary::Result<Self> {
                const EDITIONS: [(u8, u8); #count] = [#(#rows),*];
                Ok(match super::arbitrary::variant(&EDITIONS, u, edition)? {
                    #(#arms)*
                    _ => #fallback,
                })
            }
        }
    }
}
