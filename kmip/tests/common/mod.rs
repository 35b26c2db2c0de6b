//! What several tests need.
#![allow(dead_code, reason = "no test needs all of it")]

use std::fmt;

/// Bytes from hexadecimal digits.
pub(crate) fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal digits")
        })
        .collect()
}

/// Fails for what the specification defines and yet was kept as a raw item. All raw forms show
/// up in Debug.
pub(crate) fn check_typed(value: &impl fmt::Debug) -> Result<(), String> {
    let shown = format!("{value:?}");
    for raw in ["Raw(", "Unknown {", "vendor: \"\"", "extra: [0x42"] {
        if let Some(at) = shown.find(raw) {
            let around = shown[at..].chars().take(160).collect::<String>();
            return Err(format!("not typed: {around}"));
        }
    }
    Ok(())
}
