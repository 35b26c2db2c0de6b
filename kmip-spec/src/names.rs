//! Names as the XML and JSON encodings spell them.

/// The XML element and JSON name of a tag, type, enumeration value or mask bit, by the six rules of
/// the KMIP Additional Message Encodings specification 1.0 (sections 4.1.3 and 6.1.3).
///
/// Attribute names of KMIP 1.x, which are text on the wire, are not normalised.
///
/// ```
/// assert_eq!(kmip_spec::names::normalise("X.509 Certificate Subject"), "X_509CertificateSubject");
/// assert_eq!(kmip_spec::names::normalise("3DES"), "DES3");
/// ```
pub fn normalise(name: &str) -> String {
    let spaced = break_words(name);
    let mut result = String::with_capacity(spaced.len());
    for (index, word) in spaced.split_whitespace().enumerate() {
        // Rule 3: what is left of the other characters becomes an underscore.
        let mut word: String = word
            .chars()
            .map(|c| if is_word(c) { c } else { '_' })
            .collect();
        if index == 0 {
            // Rule 4: digits at the front of the first word move to its end.
            let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let tail = word.split_off(digits);
            word.insert_str(0, &tail);
        }
        // Rules 5 and 6: every word starts with a capital letter, and all are joined.
        let mut characters = word.chars();
        result.extend(characters.next().map(|c| c.to_ascii_uppercase()));
        result.push_str(characters.as_str());
    }
    result
}

/// Rules 1 and 2: brackets, and any other non-word character before a letter and a lower-case letter,
/// separate words.
fn break_words(name: &str) -> String {
    let characters: Vec<char> = name
        .chars()
        .map(|c| if matches!(c, '(' | ')') { ' ' } else { c })
        .collect();
    let mut result = String::with_capacity(name.len());
    let mut rest = characters.as_slice();
    while let Some((&first, after)) = rest.split_first() {
        match *after {
            [letter, small, ..]
                if !is_word(first)
                    && letter.is_ascii_alphabetic()
                    && small.is_ascii_lowercase() =>
            {
                result.extend([' ', letter, small]);
                rest = &after[2..];
            }
            _ => {
                result.push(first);
                rest = after;
            }
        }
    }
    result
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn punctuation_vanishes_before_a_word_and_is_an_underscore_elsewhere() {
        for (name, expected) in [
            ("Activation Date", "ActivationDate"),
            ("MAC/Signature", "MACSignature"),
            ("IV/Counter/Nonce", "IVCounterNonce"),
            ("Re-key Key Pair", "ReKeyKeyPair"),
            ("On-line storage", "OnLineStorage"),
            ("SHA-256", "SHA_256"),
            ("SHA-512/224", "SHA_512_224"),
            ("PKCS#12 Friendly Name", "PKCS_12FriendlyName"),
            ("PKCS#1 v1.5", "PKCS_1V1_5"),
            ("Dual-EC", "Dual_EC"),
            ("Index Out of Bounds", "IndexOutOfBounds"),
        ] {
            assert_eq!(normalise(name), expected, "of {name:?}");
        }
    }

    #[test]
    fn brackets_separate_and_leading_digits_move() {
        for (name, expected) in [
            ("Polynomial Sharing GF (2^16)", "PolynomialSharingGF2_16"),
            ("Polynomial Sharing GF(2^16)", "PolynomialSharingGF2_16"),
            ("3DES", "DES3"),
            ("minLOS_128", "MinLOS_128"),
            ("GP x-Original", "GPXOriginal"),
            (
                "SHA-256 with RSA Encryption (PKCS#1 v1.5)",
                "SHA_256WithRSAEncryptionPKCS_1V1_5",
            ),
        ] {
            assert_eq!(normalise(name), expected, "of {name:?}");
        }
    }

    #[test]
    fn odd_names_are_harmless() {
        assert_eq!(normalise(""), "");
        assert_eq!(normalise("()"), "");
        assert_eq!(normalise("123"), "123");
        assert_eq!(normalise("ä b"), "_B");
    }
}
