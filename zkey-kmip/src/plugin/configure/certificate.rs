//! The client certificate: generated here, or issued by a certificate authority.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::options::Options;
use super::{Outputs, backend, identity_key};
use crate::abi::PluginError;
use crate::config::{Edit, Part};
use crate::environment;
use crate::files::FileError;
use crate::identity::{
    CertificateOptions, ClientCertificate, certificate_request, certificates_from_pem,
    request_to_pem, self_signed_certificate,
};
use crate::plugin::Plugin;

/// Validity of a self-signed certificate.
const DEFAULT_DAYS: u32 = 30;

/// Makes a request or a self-signed certificate; the latter becomes the client certificate.
pub(super) fn generate(
    plugin: &Plugin,
    edit: &mut Edit,
    options: &Options<'_>,
    outputs: &mut Outputs,
) -> Result<(), PluginError> {
    let backend = backend(plugin, edit)?;
    let key = identity_key(edit)?;
    let renew = match options.renew_cert {
        None => None,
        Some(path) => Some(
            certificates_from_pem(&read(path)?)
                .map_err(in_file(path))?
                .remove(0),
        ),
    };
    let host_name = environment::node_name();
    let wanted = CertificateOptions {
        subject: options.cert_subject,
        extensions: options.cert_extensions,
        renew: renew.as_ref(),
        digest: options.cert_digest,
        rsa_pss: options.cert_rsa_pss,
        host_name: &host_name,
    };
    if let Some(path) = options.gen_csr {
        let request = certificate_request(&*backend, &key, &wanted)?;
        let pem = request_to_pem(&request, options.csr_new_header)?;
        outputs.0.push((path.to_owned(), pem));
    }
    if let Some(path) = options.gen_self_signed_cert {
        confirm_replacement(plugin, edit)?;
        let days = options.cert_validity_days.unwrap_or(DEFAULT_DAYS);
        let now = SystemTime::now();
        let certificate = self_signed_certificate(&*backend, &key, &wanted, now, days)?;
        let pem = certificate.to_pem().map_err(|error| {
            PluginError::invalid("OpenSSL cannot encode the certificate").caused_by(error)
        })?;
        let checked = ClientCertificate::find(&pem, &backend.public_key(&key)?)?;
        install(plugin, edit, &checked)?;
        outputs.0.push((path.to_owned(), pem));
    }
    Ok(())
}

/// Installs a certificate that was issued for the identity key.
pub(super) fn register(plugin: &Plugin, edit: &mut Edit, path: &Path) -> Result<(), PluginError> {
    let backend = backend(plugin, edit)?;
    let key = identity_key(edit)?;
    let public_key = backend.public_key(&key)?;
    let certificate = ClientCertificate::find(&read(path)?, &public_key).map_err(in_file(path))?;
    confirm_replacement(plugin, edit)?;
    install(plugin, edit, &certificate)
}

fn install(
    plugin: &Plugin,
    edit: &mut Edit,
    certificate: &ClientCertificate,
) -> Result<(), PluginError> {
    for remark in &certificate.remarks {
        plugin.print(&format!("ATTENTION: {remark}\n"))?;
    }
    edit.set_client_certificate(&certificate.pem, certificate.algorithm)?;
    Ok(())
}

fn confirm_replacement(plugin: &Plugin, edit: &Edit) -> Result<(), PluginError> {
    let exists = edit.config().has(Part::ClientCertificate);
    if exists && !plugin.confirm("A client certificate is configured already.\nReplace it?")? {
        return Err(PluginError::canceled("the client certificate was kept"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    fs::read(path).map_err(|cause| FileError::new("read", path, cause).into())
}

fn in_file<E: Into<PluginError>>(path: &Path) -> impl Fn(E) -> PluginError {
    let path = path.display().to_string();
    move |error| {
        let error: PluginError = error.into();
        PluginError::new(error.errno(), format!("{path}: {error}"))
    }
}
