//! Errors as texts.

use std::error::Error;

/// An error and its causes, separated by colons. Errors of this crate do not repeat their causes, so that their
/// texts alone say less.
///
/// ```
/// use kmip::transport::tls::{ClientTls, TlsConnector};
///
/// let error = TlsConnector::new(ClientTls::new().ca_file("/nowhere/ca.pem")).unwrap_err();
/// assert!(!error.to_string().contains("No such file"));
/// assert!(kmip::with_causes(&error).contains("No such file"));
/// ```
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
