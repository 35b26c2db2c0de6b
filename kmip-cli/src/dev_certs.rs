//! `kmip dev-certs`: certificates for a trial, and a configuration file that uses them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder, X509NameRef};
use serde_json::json;

use crate::arguments::{DevCerts, KeyKind};
use crate::failure::Failure;
use crate::files;
use crate::online::show;

/// What is made.
const FILES: [&str; 7] = [
    "ca.crt",
    "ca.key",
    "server.crt",
    "server.key",
    "client.crt",
    "client.key",
    "servers.toml",
];

/// Names of a server on this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

pub(crate) fn run(options: &DevCerts) -> Result<ExitCode, Failure> {
    make_in(options)?;
    match options.show.json {
        true => {
            let path = |name: &str| options.directory.join(name);
            let files = FILES.map(|name| (name.to_owned(), json!(path(name))));
            show::json(&files.into_iter().collect())?;
        }
        false => explain(&options.directory, options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the files, without a word.
pub(crate) fn make_in(options: &DevCerts) -> Result<(), Failure> {
    let directory = &options.directory;
    std::fs::create_dir_all(directory).map_err(Failure::writing(directory))?;
    for name in FILES {
        let path = directory.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::Exists(path));
        }
    }
    let made = make(options).map_err(Failure::openssl("make certificates"))?;
    for (name, content) in made {
        files::create(&directory.join(name), &content)?;
    }
    let configuration = configuration(&options.hosts);
    files::create(&directory.join("servers.toml"), configuration.as_bytes())
}

/// Names and contents of the files, keys last of each pair so that none is there alone.
fn make(options: &DevCerts) -> Result<Vec<(&'static str, Vec<u8>)>, ErrorStack> {
    let days = options.days;
    let authority = Issuer::new(options.key_type, days)?;
    let server_key = key(options.key_type)?;
    let mut hosts: Vec<&str> = LOCAL.to_vec();
    hosts.extend(options.hosts.iter().map(String::as_str));
    let server = authority.issue(&server_key, "kmip server", days, |builder| {
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let mut names = SubjectAlternativeName::new();
        for host in &hosts {
            match host.parse::<IpAddr>() {
                Ok(address) => names.ip(&address.to_string()),
                Err(_) => names.dns(host),
            };
        }
        let context = builder.x509v3_context(Some(&authority.certificate), None);
        let names = names.build(&context)?;
        builder.append_extension(names)
    })?;
    let client_key = key(options.key_type)?;
    let client = authority.issue(&client_key, &options.client, days, |builder| {
        builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)
    })?;
    Ok(vec![
        ("ca.crt", authority.certificate.to_pem()?),
        ("ca.key", authority.key.private_key_to_pem_pkcs8()?),
        ("server.crt", server.to_pem()?),
        ("server.key", server_key.private_key_to_pem_pkcs8()?),
        ("client.crt", client.to_pem()?),
        ("client.key", client_key.private_key_to_pem_pkcs8()?),
    ])
}

/// The authority.
struct Issuer {
    certificate: X509,
    key: PKey<Private>,
}

impl Issuer {
    fn new(kind: KeyKind, days: u32) -> Result<Self, ErrorStack> {
        let key = key(kind)?;
        let name = name("kmip trial CA")?;
        let mut builder = builder(&name, &name, &key, days)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().key_cert_sign().crl_sign();
        builder.append_extension(usage.build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Issuer {
            certificate: builder.build(),
            key,
        })
    }

    fn issue(
        &self,
        key: &PKey<Private>,
        common_name: &str,
        days: u32,
        extend: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<X509, ErrorStack> {
        let issuer = self.certificate.subject_name();
        let mut builder = builder(&*name(common_name)?, issuer, key, days)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        if key.rsa().is_ok() {
            // Old peers exchange keys by RSA.
            usage.key_encipherment();
        }
        builder.append_extension(usage.build()?)?;
        extend(&mut builder)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn key(kind: KeyKind) -> Result<PKey<Private>, ErrorStack> {
    let curve = match kind {
        KeyKind::P256 => Nid::X9_62_PRIME256V1,
        KeyKind::P521 => Nid::SECP521R1,
        KeyKind::Rsa => return PKey::from_rsa(Rsa::generate(3072)?),
    };
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(curve)?)?)
}

fn name(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn builder(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    days: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    Ok(builder)
}

fn configuration(hosts: &[String]) -> String {
    let host = hosts.first().map_or("localhost", String::as_str);
    let address = match host.contains(':') {
        true => format!("[{host}]:5696"),
        false => format!("{host}:5696"),
    };
    format!(
        "# Use it with --config or KMIP_CONFIG, or as ~/.config/kmip/servers.toml. Paths start here.\n\
         default = \"dev\"\n\n[servers.dev]\naddress = \"{address}\"\ncert = \"client.crt\"\n\
         key = \"client.key\"\nca = \"ca.crt\"\n"
    )
}

fn explain(directory: &Path, options: &DevCerts) -> Result<(), Failure> {
    let path = |name: &str| PathBuf::from(directory).join(name).display().to_string();
    let hosts = options.hosts.iter().map(String::as_str);
    let hosts: Vec<&str> = LOCAL.into_iter().chain(hosts).collect();
    show::line(&format!(
        "Certificates for {} days in {}, for a server at {}, and for the client `{}`.\n\
         Keys are readable by you alone. They are for trials: keep the key of a real CA elsewhere.\n\n\
         Run a server, and use it from another terminal:\n\n  \
           kmip serve --cert {} --key {} --client-ca {}\n  \
           export KMIP_CONFIG={}\n  \
           kmip create --name disk --activate\n  \
           kmip locate\n  \
           kmip doctor",
        options.days,
        directory.display(),
        hosts.join(", "),
        options.client,
        path("server.crt"),
        path("server.key"),
        path("ca.crt"),
        path("servers.toml"),
    ))
}
