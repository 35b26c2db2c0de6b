//! A profile of the server for the zkey plugin.

use std::fmt::Write as _;

use kmip::{Encoding, ProtocolVersion};

use super::probe::Findings;
use super::protocol::Announced;
use super::rsa_key::{Form, Padding};
use super::wrapping::{USUAL_BITS, Wrapping};
use crate::connect::{Place, Settings};

/// The text of the profile. Without findings it holds what every server can do.
pub(super) fn profile(
    settings: &Settings,
    announced: &Announced,
    version: ProtocolVersion,
    findings: Option<&Findings>,
) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    line(format!(
        "# Profile of a KMIP server for the zkey plugin, by `kmip doctor`.\n\
         # The server said that it is: {}\n# It was examined in KMIP {version}{}.",
        announced.introduction,
        match findings {
            Some(_) => ", with objects that were made and destroyed",
            None => " and nothing was written: --write would tell more",
        }
    ));
    line("\n# Numbers may change with its next version.".to_owned());
    line(format!(
        "server-regex={}",
        expression(&announced.introduction)
    ));
    line(match settings.version() {
        Some(version) => format!("\nkmip-version={version}"),
        None => "\nkmip-version=AUTO".to_owned(),
    });
    match &settings.place {
        Place::Tls(_) => line("transport=TLS\nencoding=TTLV".to_owned()),
        Place::Https(url, encoding) => {
            let encoding = match encoding {
                Encoding::Json => "JSON",
                Encoding::Xml => "XML",
                _ => "TTLV",
            };
            line(format!(
                "transport=HTTPS\nencoding={encoding}\nhttps-uri={}",
                url.path()
            ));
        }
    }
    line("auth-scheme=TLSClientCert".to_owned());

    // What the shipped default profile has.
    let usual = Wrapping {
        form: Form::Pkcs1,
        padding: Padding::Pkcs1,
        bits: USUAL_BITS,
    };
    let wrapping = findings.and_then(|findings| findings.wrapping);
    if findings.is_some() && wrapping.is_none() {
        line("\n# None of the ways to wrap keys worked. These values are guesses.".to_owned());
    } else {
        line(String::new());
    }
    let wrapping = wrapping.unwrap_or(usual);
    let form = match wrapping.form {
        Form::Pkcs1 => "PKCS1",
        Form::Pkcs8 => "PKCS8",
        Form::Transparent => "TransparentPublicKey",
    };
    let (method, hash) = match wrapping.padding {
        Padding::OaepSha256 => ("OAEP", "SHA-256"),
        Padding::OaepSha1 => ("OAEP", "SHA-1"),
        Padding::Pkcs1 => ("PKCS1.5", "SHA-1"),
    };
    line(format!(
        "wrap-key-algorithm=RSA\nwrap-key-params={}\nwrap-key-format={form}\n\
         wrap-padding-method={method}\nwrap-hashing-algorithm={hash}",
        wrapping.bits
    ));

    let kept = findings
        .map(|findings| findings.attributes)
        .unwrap_or_default();
    let style = match kept.vendor && !kept.custom {
        true => "v2-style",
        false => "v1-style",
    };
    line(String::new());
    for (name, value) in [
        ("supports-link-attr", kept.link),
        ("supports-description-attr", kept.description),
        ("supports-comment-attr", kept.comment),
    ] {
        line(format!("{name}={}", flag(value)));
    }
    line(format!("custom-attr-scheme={style}"));
    for (name, value) in [
        ("supports-sensitive-attr", kept.sensitive),
        (
            "check-always-sensitive-attr",
            kept.sensitive && kept.always_sensitive,
        ),
        ("check-server-capabilities", announced.complete),
    ] {
        line(format!("{name}={}", flag(value)));
    }
    // The plugin learns what is not said here.
    let traits = findings.and_then(|findings| findings.traits.as_ref());
    line(match traits {
        None => "\nserver-traits=AUTO".to_owned(),
        Some(traits) => format!("\nserver-traits={traits}"),
    });
    text
}

fn flag(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

/// A POSIX extended regular expression that finds the text, with any numbers in the place of its
/// numbers.
fn expression(text: &str) -> String {
    // The plugin's word for a server that says nothing.
    let text = match text.trim() {
        "" => "(unknown)",
        text => text,
    };
    let mut expression = String::from("^");
    let mut in_number = false;
    for c in text.chars() {
        let number = c.is_ascii_digit() || in_number && c == '.';
        match (number, in_number) {
            (true, false) => expression.push_str("[0-9.]+"),
            (true, true) => {}
            (false, _) if ".^$*+?()[]{}|\\".contains(c) => {
                expression.push('\\');
                expression.push(c);
            }
            (false, _) => expression.push(c),
        }
        in_number = number;
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn expressions_find_what_they_were_made_from() {
        assert_eq!(
            expression("PyKMIP 0.11.0 Software Server"),
            "^PyKMIP [0-9.]+ Software Server"
        );
        assert_eq!(expression("a.b (c) [d]*"), "^a\\.b \\(c\\) \\[d\\]\\*");
        assert_eq!(expression(""), "^\\(unknown\\)");
        assert_eq!(
            expression("SKLM 4.1.0.1 KMIP 2.0 BUILD x"),
            "^SKLM [0-9.]+ KMIP [0-9.]+ BUILD x"
        );
    }
}
