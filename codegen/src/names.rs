//! The specification's names in Rust spelling.

use proc_macro2::Ident;
use quote::format_ident;

/// Name of a type: `IV/Counter/Nonce` is `IvCounterNonce`.
pub(crate) fn type_name(name: &str) -> String {
    words(name).iter().map(|word| capitalised(word)).collect()
}

/// Name of a field or function: `IV/Counter/Nonce` is `iv_counter_nonce`.
pub(crate) fn field_name(name: &str) -> String {
    words(name).join("_").to_ascii_lowercase()
}

/// Name of a constant: `SHA-256` is `SHA_256`.
pub(crate) fn const_name(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

pub(crate) fn type_ident(name: &str) -> Ident {
    format_ident!("{}", type_name(name))
}

pub(crate) fn field_ident(name: &str) -> Ident {
    format_ident!("{}", field_name(name))
}

pub(crate) fn const_ident(name: &str) -> Ident {
    format_ident!("{}", const_name(name))
}

/// The words of a name. Digits before the first letter move behind the first word, as the
/// encodings for XML and JSON have it: `3DES` is `DES3`.
fn words(name: &str) -> Vec<String> {
    let separated = name.split(|c: char| !c.is_ascii_alphanumeric());
    let mut words: Vec<String> = separated
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(first) = words.first_mut() {
        let letters = first.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = first.len() - letters.len();
        if digits > 0 && !letters.is_empty() {
            *first = format!("{letters}{}", &first[..digits]);
        }
    }
    words
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    let rest = characters.map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acronyms_are_words() {
        assert_eq!(type_name("Re-key Key Pair"), "ReKeyKeyPair");
        assert_eq!(type_name("PKCS#11 Function"), "Pkcs11Function");
        assert_eq!(
            type_name("X.509 Certificate Issuer"),
            "X509CertificateIssuer"
        );
        assert_eq!(field_name("IV/Counter/Nonce"), "iv_counter_nonce");
        assert_eq!(const_name("3DES"), "DES3");
        assert_eq!(
            const_name("Polynomial Sharing GF (2^16)"),
            "POLYNOMIAL_SHARING_GF_2_16"
        );
    }
}
