//! The options of `zkey kms configure`, and which go together.

use std::path::Path;

use crate::abi::options::code;
use crate::abi::{OptionValue, PluginError};
use crate::identity::digest_by_name;
use crate::plugin::credential;
use crate::secure_key::{DigestAlgorithm, KeySpec};

/// All options. Of a repeated one, the last counts.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) gen_identity_key: Option<KeySpec>,
    pub(super) gen_csr: Option<&'a Path>,
    pub(super) gen_self_signed_cert: Option<&'a Path>,
    pub(super) cert_subject: Option<&'a str>,
    pub(super) cert_extensions: Option<&'a str>,
    pub(super) renew_cert: Option<&'a Path>,
    pub(super) csr_new_header: bool,
    pub(super) cert_validity_days: Option<u32>,
    pub(super) cert_digest: Option<DigestAlgorithm>,
    pub(super) cert_rsa_pss: bool,
    pub(super) client_cert: Option<&'a Path>,
    pub(super) kmip_server: Option<&'a str>,
    pub(super) profile: Option<&'a str>,
    pub(super) tls_ca_bundle: Option<&'a Path>,
    pub(super) tls_pin_server_pubkey: bool,
    pub(super) tls_trust_server_cert: bool,
    pub(super) tls_dont_verify_server_cert: bool,
    pub(super) tls_verify_hostname: bool,
    pub(super) credential_file: Option<&'a Path>,
    pub(super) gen_wrapping_key: bool,
    pub(super) label: Option<&'a str>,
}

impl<'a> Options<'a> {
    pub(super) fn parse(values: &[OptionValue<'a>]) -> Result<Options<'a>, PluginError> {
        let mut options = Options::default();
        for value in values {
            options.take(value)?;
        }
        options.check()?;
        Ok(options)
    }

    pub(super) fn generates_certificate(&self) -> bool {
        self.gen_csr.is_some() || self.gen_self_signed_cert.is_some()
    }

    fn take(&mut self, value: &OptionValue<'a>) -> Result<(), PluginError> {
        let invalid = |error: &dyn std::fmt::Display| PluginError::invalid(error.to_string());
        match value.code {
            code::GEN_IDENTITY_KEY => {
                let spec = value
                    .text()?
                    .parse()
                    .map_err(|error| invalid(&error as &dyn std::fmt::Display))?;
                self.gen_identity_key = Some(spec);
            }
            code::GEN_CSR => self.gen_csr = Some(value.path()?),
            code::GEN_SELF_SIGNED_CERT => self.gen_self_signed_cert = Some(value.path()?),
            code::CERT_SUBJECT => self.cert_subject = Some(value.text()?),
            code::CERT_EXTENSIONS => self.cert_extensions = Some(value.text()?),
            code::RENEW_CERT => self.renew_cert = Some(value.path()?),
            code::CSR_NEW_HEADER => self.csr_new_header = true,
            code::CERT_VALIDITY_DAYS => self.cert_validity_days = Some(days(value.text()?)?),
            code::CERT_DIGEST => self.cert_digest = Some(digest_by_name(value.text()?)?),
            code::CERT_RSA_PSS => self.cert_rsa_pss = true,
            code::CLIENT_CERT => self.client_cert = Some(value.path()?),
            code::KMIP_SERVER => self.kmip_server = Some(value.text()?),
            code::PROFILE => self.profile = Some(value.text()?),
            code::TLS_CA_BUNDLE => self.tls_ca_bundle = Some(value.path()?),
            code::TLS_PIN_SERVER_PUBKEY => self.tls_pin_server_pubkey = true,
            code::TLS_TRUST_SERVER_CERT => self.tls_trust_server_cert = true,
            code::TLS_DONT_VERIFY_SERVER_CERT => self.tls_dont_verify_server_cert = true,
            code::TLS_VERIFY_HOSTNAME => self.tls_verify_hostname = true,
            code::CREDENTIAL_FILE => self.credential_file = Some(value.path()?),
            code::GEN_WRAPPING_KEY => self.gen_wrapping_key = true,
            code::LABEL => self.label = Some(value.text()?),
            _ => return Err(super::super::unsupported(value)),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), PluginError> {
        let generates = self.generates_certificate();
        let of_certificate = self.cert_subject.is_some()
            || self.cert_extensions.is_some()
            || self.renew_cert.is_some()
            || self.csr_new_header
            || self.cert_validity_days.is_some()
            || self.cert_digest.is_some()
            || self.cert_rsa_pss;
        let of_connection = self.profile.is_some()
            || self.tls_ca_bundle.is_some()
            || self.tls_pin_server_pubkey
            || self.tls_trust_server_cert
            || self.tls_dont_verify_server_cert
            || self.tls_verify_hostname
            || self.credential_file.is_some();
        let rules = [
            (
                self.gen_csr.is_some() && self.gen_self_signed_cert.is_some(),
                "'--gen-csr' and '--gen-self-signed-cert' exclude each other",
            ),
            (
                of_certificate && !generates,
                "options for generating a certificate need '--gen-csr' or \
                 '--gen-self-signed-cert'",
            ),
            (
                self.csr_new_header && self.gen_csr.is_none(),
                "'--csr-new-header' needs '--gen-csr'",
            ),
            (
                self.cert_validity_days.is_some() && self.gen_self_signed_cert.is_none(),
                "'--cert-validity-days' needs '--gen-self-signed-cert'",
            ),
            (
                generates && self.cert_subject.is_none() && self.renew_cert.is_none(),
                "'--gen-csr' and '--gen-self-signed-cert' need '--cert-subject' or '--renew-cert'",
            ),
            (
                self.client_cert.is_some() && generates,
                "'--client-cert' excludes '--gen-csr' and '--gen-self-signed-cert'",
            ),
            (
                of_connection && self.kmip_server.is_none(),
                "'--profile', '--credential-file' and the options that begin with '--tls' need \
                 '--kmip-server'",
            ),
            (
                self.tls_pin_server_pubkey && self.tls_trust_server_cert,
                "'--tls-pin-server-pubkey' and '--tls-trust-server-cert' exclude each other",
            ),
            (
                self.label.is_some() && self.kmip_server.is_none() && !self.gen_wrapping_key,
                "'--label' needs '--kmip-server' or '--gen-wrapping-key'",
            ),
        ];
        if let Some((_, text)) = rules.iter().find(|(is_broken, _)| *is_broken) {
            return Err(PluginError::invalid(*text));
        }
        match self.credential_file {
            // As far as it can be told before the server was seen.
            Some(_) => credential::demand_known_server(
                self.tls_pin_server_pubkey || self.tls_trust_server_cert,
                self.tls_verify_hostname && !self.tls_dont_verify_server_cert,
            ),
            None => Ok(()),
        }
    }
}

fn days(text: &str) -> Result<u32, PluginError> {
    text.parse().ok().filter(|days| *days > 0).ok_or_else(|| {
        PluginError::invalid(format!(
            "`{text}` is not a number of days for '--cert-validity-days'"
        ))
    })
}
