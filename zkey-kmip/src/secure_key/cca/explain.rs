//! What the frequent return and reason codes of CCA mean, and what to do.

/// The explanation of a failure.
pub(super) fn explain(return_code: i64, reason_code: i64) -> Option<&'static str> {
    EXPLANATIONS
        .iter()
        .find(|(code, reason, _)| (*code, *reason) == (return_code, reason_code))
        .map(|(_, _, text)| *text)
}

const EXPLANATIONS: &[(i64, i64, &str)] = &[
    (
        8,
        29,
        "the check value in the key token is wrong: the token is damaged",
    ),
    (
        8,
        33,
        "the library does not know a keyword of the request: it is too old for this",
    ),
    (
        8,
        34,
        "the library does not know this combination of keywords: it is too old for this",
    ),
    (
        8,
        35,
        "the library expects another number of keywords: it is too old for this",
    ),
    (
        8,
        47,
        "the key token holds data that is not valid: it is damaged",
    ),
    (
        8,
        48,
        "the key token is enciphered under a master key that is not set in this domain: it \
         belongs to another adapter, or the master key was changed without re-enciphering it",
    ),
    (
        8,
        49,
        "the library does not know this version of key tokens: it is too old for this",
    ),
    (8, 62, "there is no key in the key token"),
    (
        8,
        63,
        "the key token has no valid header: it is damaged or of another kind",
    ),
    (
        8,
        64,
        "the key may not be used for this: identity keys sign, and wrapping keys unwrap",
    ),
    (
        8,
        65,
        "the key token is not consistent: it was changed, or is of another kind",
    ),
    (8, 66, "the recovered block is not valid"),
    (8, 68, "the RSA decryption failed"),
    (8, 72, "a size is not valid for this key or this library"),
    (8, 81, "the adapter does not allow RSA keys of this size"),
    (
        8,
        90,
        "the access control points of the domain do not allow this: enable them, for example \
         with a TKE workstation",
    ),
    (8, 335, "neither library nor adapter can do this"),
    (
        8,
        343,
        "a result is larger than expected: the library is newer than this program knows",
    ),
    (
        8,
        703,
        "the master key registers are not in the state that this needs",
    ),
    (
        8,
        707,
        "a master key register is not in the state that this needs",
    ),
    (8, 718, "the hash in the recovered OAEP block is wrong"),
    (8, 760, "the adapter does not make RSA keys of this size"),
    (8, 762, "the adapter does not know this elliptic curve"),
    (
        8,
        770,
        "the key token has a field that is not valid: it is damaged",
    ),
    (
        8,
        783,
        "the function control vector of the adapter does not allow this",
    ),
    (
        8,
        2034,
        "the adapter does not have this domain, or CSU_DEFAULT_ADAPTER or CSU_DEFAULT_DOMAIN name \
         none",
    ),
    (
        8,
        2041,
        "CSU_DEFAULT_ADAPTER or CSU_DEFAULT_DOMAIN are not valid",
    ),
    (
        8,
        2113,
        "the enciphered part of the key token is not valid: it is damaged",
    ),
    (8, 2114, "the key is not 128, 192 or 256 bits long"),
    (
        8,
        2143,
        "the attributes of the key do not allow that it is exported like this",
    ),
    (
        8,
        3013,
        "the check value of the key in the token is wrong: the token is damaged",
    ),
    (8, 6000, "the adapter is allocated already"),
    (8, 6001, "no adapter is allocated"),
    (8, 6005, "the adapter is not online"),
    (8, 6014, "the library does not know the adapter"),
    (
        12,
        338,
        "the adapter does not respond: check that it is online (lszcrypt), that CCA is loaded, \
         and that the device driver zcrypt is there and may be used by this user",
    ),
    (12, 339, "the library cannot talk to the device driver"),
    (
        12,
        764,
        "the master key is not loaded and set in this domain: load and set it, for example with \
         a TKE workstation",
    ),
    (
        16,
        99,
        "the library failed in a way that cannot be recovered from",
    ),
    (16, 336, "adapter or library failed: see the system's log"),
    (
        16,
        337,
        "the software of the adapter failed: see the system's log",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_ones_are_explained_once() {
        for (code, reason) in [(8, 48), (8, 90), (8, 2143), (12, 764), (12, 338)] {
            assert!(explain(code, reason).is_some(), "{code}/{reason}");
        }
        assert_eq!(explain(8, 99_999), None);
        for (at, (code, reason, _)) in EXPLANATIONS.iter().enumerate() {
            let same = |entry: &&(i64, i64, &str)| (entry.0, entry.1) == (*code, *reason);
            assert!(!EXPLANATIONS[at + 1..].iter().any(|entry| same(&entry)));
        }
    }
}
