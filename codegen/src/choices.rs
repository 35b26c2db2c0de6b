//! Enums of structures: those that share a tag, and the managed objects.

use kmip_spec::Spec;
use kmip_spec::model::Structure;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::arbitrary;
use crate::names::{const_ident, type_ident};
use crate::shapes::edition_range;
use crate::structures::structure_ident;

/// An enum of the structures that share a tag and are told apart by an enumeration.
pub(crate) fn selected(spec: &Spec, tag: &str, selector: &str, name: &str) -> TokenStream {
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
    let types_bounds = types.clone();
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
            /// The form of an unknown type, or of one that the version lacks.
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
                    #(#selector_type::#constants if d.has_structure::<#types_bounds<'a>>()? => {
                        #name::#names(Default::default())
                    })*
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
pub(crate) fn managed_object(spec: &Spec) -> TokenStream {
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
