//! Tables to find names in: sorted names, and a hash table of their places.

use proc_macro2::TokenStream;
use quote::quote;

use crate::name_hash::name_hash;

/// The function [`name_hash`], which is part of the generated code.
pub(crate) fn hash() -> TokenStream {
    // It was compiled as part of this crate, so it is valid.
    include_str!("name_hash.rs").parse().unwrap_or_default()
}

/// A `NameIndex` of names with the number of what they name. The first of equal names counts.
pub(crate) fn emit(mut names: Vec<(String, u16)>) -> TokenStream {
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    names.dedup_by(|(a, _), (b, _)| a == b);
    let slots = slots(&names);
    let names = names
        .iter()
        .map(|(name, number)| quote! { (#name, #number) });
    quote! {
        NameIndex { names: &[#(#names),*], slots: &[#(#slots),*] }
    }
}

/// Places of the names, from 1, in a table that is half empty at least. 0 is an empty slot.
fn slots(names: &[(String, u16)]) -> Vec<u16> {
    let length = (names.len() * 2).next_power_of_two();
    let mut slots = vec![0; length];
    for (place, (name, _)) in names.iter().enumerate() {
        let mut slot = name_hash(name) % length;
        while slots[slot] != 0 {
            slot = (slot + 1) % length;
        }
        slots[slot] = place as u16 + 1;
    }
    slots
}
