//! Operations: the payloads of their requests and responses.

use kmip_spec::model::{Exchange, FieldRow, Operation, Payload, Ranged};
use kmip_spec::{Spec, VersionRange};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::arbitrary;
use crate::error::GenerateError;
use crate::names::{const_ident, type_ident};
use crate::shapes::{Shape, edition_range, sections};
use crate::structures;

pub(crate) fn emit(spec: &Spec) -> Result<TokenStream, GenerateError> {
    let mut tokens = TokenStream::new();
    for operation in &spec.operations {
        tokens.extend(self::operation(spec, operation)?);
    }
    tokens.extend(payload_enum(spec, "Request"));
    tokens.extend(payload_enum(spec, "Response"));
    Ok(tokens)
}

/// The payloads of one operation.
pub(crate) fn operation(spec: &Spec, operation: &Operation) -> Result<TokenStream, GenerateError> {
    let request = payload(spec, operation, "Request", |exchange| {
        exchange.request.as_ref()
    })?;
    let response = payload(spec, operation, "Response", |exchange| {
        exchange.response.as_ref()
    })?;
    let (request_name, response_name) = (
        payload_ident(operation, "Request"),
        payload_ident(operation, "Response"),
    );
    let constant = const_ident(&operation.name);
    let conversions = ["Request", "Response"].map(|side| conversions(operation, side));
    Ok(quote! {
        #request
        #response
        #(#conversions)*

        impl<'a> OperationRequest<'a> for #request_name<'a> {
            const OPERATION: Operation = Operation::#constant;
            type Response<'r> = #response_name<'r>;
        }
    })
}

fn payload(
    spec: &Spec,
    operation: &Operation,
    side: &str,
    of: impl Fn(&Exchange) -> Option<&Payload>,
) -> Result<TokenStream, GenerateError> {
    // What a server asks a client has the fields of what a client asks a server, or fewer.
    let exchanges = [&operation.client_to_server, &operation.server_to_client];
    let exchange = exchanges.into_iter().flatten().next();
    let table: Vec<FieldRow> = exchange
        .and_then(&of)
        .map(|payload| payload.fields.clone())
        .unwrap_or_default();
    let no_sections: Vec<Ranged> = Vec::new();
    let found = exchange.map_or(&no_sections, |exchange| &exchange.sections);
    let name = format!("{} {side} Payload", operation.name);
    let shape = Shape::new(spec, &name, operation.range, &table)?;
    let doc = format!(" {name}{}.", sections(found));
    // The operation as a whole is gated where the payload is written.
    let range = VersionRange::ALL;
    Ok(structures::define(
        &payload_ident(operation, side),
        &doc,
        range,
        &shape,
        None,
    ))
}

fn payload_ident(operation: &Operation, side: &str) -> Ident {
    format_ident!("{}{side}", type_ident(&operation.name))
}

fn conversions(operation: &Operation, side: &str) -> TokenStream {
    let (name, variant) = (payload_ident(operation, side), type_ident(&operation.name));
    let payload = format_ident!("{side}Payload");
    let constant = const_ident(&operation.name);
    quote! {
        impl<'a> From<#name<'a>> for #payload<'a> {
            fn from(value: #name<'a>) -> Self { #payload::#variant(value) }
        }

        impl<'a> TryFrom<#payload<'a>> for #name<'a> {
            type Error = UnexpectedPayload;
            fn try_from(payload: #payload<'a>) -> Result<Self, UnexpectedPayload> {
                match payload {
                    #payload::#variant(value) => Ok(value),
                    other => Err(UnexpectedPayload {
                        expected: Operation::#constant,
                        found: other.operation(),
                    }),
                }
            }
        }
    }
}

fn payload_enum(spec: &Spec, side: &str) -> TokenStream {
    let name = format_ident!("{side}Payload");
    let variants: Vec<Ident> = spec
        .operations
        .iter()
        .map(|o| type_ident(&o.name))
        .collect();
    let constants: Vec<Ident> = spec
        .operations
        .iter()
        .map(|o| const_ident(&o.name))
        .collect();
    let types = spec.operations.iter().map(|o| payload_ident(o, side));
    let (since, until): (Vec<u8>, Vec<u8>) = spec
        .operations
        .iter()
        .map(|o| edition_range(o.range))
        .unzip();
    let docs = spec
        .operations
        .iter()
        .map(|o| format!(" {} (KMIP {}).", o.name, o.range));
    let doc = format!(" {side} Payload of any operation.");
    let editions: Vec<(Ident, u8, u8)> = spec
        .operations
        .iter()
        .map(|operation| {
            let (since, until) = edition_range(operation.range);
            (type_ident(&operation.name), since, until)
        })
        .collect();
    let fallback = quote! {
        #name::Unknown {
            operation: super::arbitrary::NO_OPERATION,
            payload: RawValue::default(),
        }
    };
    let arbitrary = arbitrary::variants(&name, &editions, &fallback);
    quote! {
        #arbitrary

        #[doc = #doc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum #name<'a> {
            #(
                #[doc = #docs]
                #variants(#types<'a>),
            )*
            /// The payload of an operation without a table, or that the version lacks.
            Unknown {
                /// The operation.
                operation: Operation,
                /// Its payload.
                payload: RawValue<'a>,
            },
        }

        impl #name<'_> {
            /// The operation.
            pub fn operation(&self) -> Operation {
                match self {
                    #(#name::#variants(_) => Operation::#constants,)*
                    #name::Unknown { operation, .. } => *operation,
                }
            }
        }

        impl Default for #name<'_> {
            fn default() -> Self {
                #name::Unknown { operation: Operation::default(), payload: RawValue::default() }
            }
        }

        impl IntoOwned for #name<'_> {
            type Owned = #name<'static>;
            fn into_owned(self) -> #name<'static> {
                match self {
                    #(#name::#variants(value) => #name::#variants(IntoOwned::into_owned(value)),)*
                    #name::Unknown { operation, payload } => #name::Unknown {
                        operation,
                        payload: IntoOwned::into_owned(payload),
                    },
                }
            }
        }

        impl<'a> Item<'a> for #name<'a> {
            fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
                let operation = Operation(d.selector());
                // Every arm writes one variant only: to move any of them costs a large copy.
                match operation {
                    #(Operation::#constants if d.has_operation(operation, #since, #until)? => {
                        *self = #name::#variants(Default::default());
                        if let #name::#variants(value) = self {
                            return value.read(d);
                        }
                    })*
                    _ => {
                        *self = #name::Unknown { operation, payload: RawValue::default() };
                        if let #name::Unknown { payload, .. } = self {
                            return payload.read(d);
                        }
                    }
                }
                Ok(())
            }

            fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
                match self {
                    #(#name::#variants(value) => {
                        e.gate_operation(Operation::#constants, #since, #until)?;
                        value.write(tag, e)
                    })*
                    #name::Unknown { payload, .. } => payload.write(tag, e),
                }
            }
        }
    }
}
