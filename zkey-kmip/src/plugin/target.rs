//! Where the KMIP server is and how messages get there (behaviour reference 5.1).

use kmip::Encoding;
use kmip::client::ClientBuilder;
use kmip::transport::{AddressError, HttpsUrl, ServerAddress};

use crate::abi::PluginError;
use crate::profile::{self, Profile, Transport};

const SCHEME: &str = "https://";

/// A server as the user and the profile describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: ServerAddress,
    /// Path and encoding, for HTTPS.
    https: Option<(String, Encoding)>,
}

impl Target {
    /// `server` is `HOST[:PORT]` or a URL, as the user gave it. A URL means HTTPS whatever the
    /// profile says; the port is that of KMIP unless it is given.
    pub(super) fn new(server: &str, profile: &Profile) -> Result<Target, PluginError> {
        let invalid = |error: AddressError| PluginError::invalid(error.to_string());
        let scheme = server.get(..SCHEME.len());
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            let url: HttpsUrl = server.parse().map_err(invalid)?;
            return Ok(Target {
                address: url.server().clone(),
                https: Some((url.path().to_owned(), encoding(profile))),
            });
        }
        let https = match profile.transport {
            Transport::Tls => None,
            Transport::Https => Some((profile.https_uri.clone(), encoding(profile))),
        };
        Ok(Target {
            address: server.parse().map_err(invalid)?,
            https,
        })
    }

    /// Sets up a client for this way.
    pub(super) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.https {
            None => builder,
            Some((path, encoding)) => builder.https(path.clone(), *encoding),
        }
    }
}

fn encoding(profile: &Profile) -> Encoding {
    match profile.encoding {
        profile::Encoding::Ttlv => Encoding::Ttlv,
        profile::Encoding::Json => Encoding::Json,
        profile::Encoding::Xml => Encoding::Xml,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(server: &str) -> Result<Target, PluginError> {
        Target::new(server, &Profile::built_in_default().unwrap())
    }

    #[test]
    fn urls_mean_https() {
        for (server, address, path) in [
            ("https://keys.example", "keys.example:5696", "/"),
            ("HTTPS://keys.example:443/kmip", "keys.example:443", "/kmip"),
            ("https://[::1]/a:b?c", "[::1]:5696", "/a:b?c"),
        ] {
            let found = target(server).unwrap();
            assert_eq!(found.address.to_string(), address);
            let https = Some((path.to_owned(), Encoding::Ttlv));
            assert_eq!(found.https, https, "{server}");
        }
        let found = target("keys.example").unwrap();
        assert_eq!((found.address.port(), found.https), (5696, None));
        for wrong in [
            "",
            "http://keys.example",
            "https://",
            "keys.example:0",
            "a b",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
