//! The server's certificate, TLS versions and suites, and whether it takes our certificate.

use kmip::transport::tls::{
    ClientTls, Fingerprint, ServerCertificate, TlsConnector, TlsVersion, describe_certificate,
    inspect_server, valid_for,
};
use kmip::transport::{self, Cause, Deadline, TcpStream, tls};
use serde_json::json;

use super::identity;
use super::report::Report;
use crate::arguments::TlsMinimum;
use crate::connect::Settings;
use crate::failure::{Failure, chain};

const VERSIONS: [(&str, TlsMinimum, TlsVersion); 4] = [
    ("TLS 1.0", TlsMinimum::V1_0, TlsVersion::TLS1),
    ("TLS 1.1", TlsMinimum::V1_1, TlsVersion::TLS1_1),
    ("TLS 1.2", TlsMinimum::V1_2, TlsVersion::TLS1_2),
    ("TLS 1.3", TlsMinimum::V1_3, TlsVersion::TLS1_3),
];

/// Whether a connection as configured can be made.
pub(super) fn examine(settings: &Settings, report: &mut Report) -> Result<bool, Failure> {
    let tls = settings.tls()?;
    let server = settings.place.address();
    let deadline = || Deadline::after(settings.timeouts().connect);
    let presented = match inspect_server(server, tls.clone(), deadline()) {
        Ok(presented) => presented,
        Err(error) => {
            report.bad("TLS", chain(&error), advice_on_offers(&error))?;
            return Ok(false);
        }
    };
    certificate(&presented, settings, report)?;
    let answered = versions(&tls, settings, report)?;
    let connector = TlsConnector::new(tls).map_err(Failure::Tls)?;
    let deadline = deadline();
    let made = TcpStream::connect(server, deadline)
        .and_then(|stream| connector.connect(stream, server, deadline));
    match made {
        Ok(stream) => {
            let found = format!("{}, {}", stream.version(), stream.cipher());
            report.good("TLS as configured", found)?;
            report.fact(
                "tls",
                json!({ "version": stream.version(), "cipher": stream.cipher() }),
            );
            Ok(true)
        }
        Err(error) => {
            let advice = match (&presented.handshake_error, answered) {
                (Some(_), _) | (None, 0) => {
                    "the server refuses us: is our certificate signed by a CA that it knows, and \
                     registered there?"
                }
                _ => "see above for what speaks against the server's certificate",
            };
            report.bad("TLS as configured", chain(&error), advice)?;
            Ok(false)
        }
    }
}

/// What helps against a server with which there is nothing in common, by what it took when it was asked
/// again.
fn advice_on_offers(error: &transport::Error) -> &'static str {
    let taken = match error.cause() {
        Cause::Tls(tls::Error::Handshake(error)) => error.taken.first(),
        _ => None,
    };
    match taken {
        Some(&(TlsVersion::TLS1 | TlsVersion::TLS1_1)) => {
            "it is too old: have it updated. Until then it is reached with --tls-min 1.0 and --ciphers \
             DEFAULT@SECLEVEL=0"
        }
        Some(&TlsVersion::TLS1_2) => {
            "its suite has to be among --ciphers, and its version must not be below --tls-min"
        }
        _ => {
            "is it a KMIP server, and is this its TLS port? Old servers may need other cipher suites or \
             TLS versions"
        }
    }
}

fn certificate(
    presented: &ServerCertificate,
    settings: &Settings,
    report: &mut Report,
) -> Result<(), Failure> {
    const CHECK: &str = "server certificate";
    let certificate = &presented.certificate;
    report.good(CHECK, describe_certificate(certificate))?;
    let names = valid_for(certificate);
    let bits = presented.public_key.bits();
    let kind = presented.public_key.id();
    let kind = match kind {
        openssl::pkey::Id::RSA => "RSA",
        openssl::pkey::Id::EC => "EC",
        _ => "other",
    };
    report.fact(
        "certificate",
        json!({
            "description": describe_certificate(certificate),
            "names": names,
            "fingerprint": presented.fingerprint().to_string(),
            "public_key_fingerprint": Fingerprint::of_public_key(&presented.public_key).to_string(),
            "key": format!("{kind} {bits}"),
            "chain": presented.chain.iter().map(|one| describe_certificate(one)).collect::<Vec<_>>(),
        }),
    );
    report.good("  SHA-256", presented.fingerprint().to_string())?;
    report.good("  key", format!("{kind}, {bits} bits"))?;
    if kind == "RSA" && bits < 2048 {
        report.doubtful(
            "  key",
            "it is short",
            "have a certificate with 2048 bits or more",
        )?;
    }
    identity::validity(certificate, CHECK, report)?;
    match &presented.chain_error {
        None if presented.is_self_signed() => report.good("  chain", "self-signed, and trusted")?,
        None => {
            let chain = presented.chain.len();
            report.good("  chain", format!("trusted, over {chain} issuer(s)"))?;
        }
        Some(error) if settings.no_verify() => {
            let advice = "give --ca with the CA, or --trust with this very certificate, instead of \
                          --no-verify";
            report.doubtful("  chain", format!("not verified: {error}"), advice)?;
        }
        Some(error) => {
            let advice = match presented.is_self_signed() {
                true => "compare the fingerprint with the server's administrator, and give the \
                         certificate with --trust"
                    .to_owned(),
                false => format!("give the CA with --ca; issuer is {}", issuer(presented)),
            };
            report.bad("  chain", error.to_string(), advice)?;
        }
    }
    match &presented.host_name_error {
        None => report.good("  names", names.join(", ")),
        Some(error) => {
            let advice = "use one of its names, give one with --host-name, or have the certificate \
                          issued for this name (subjectAltName)";
            match settings.no_verify_host_name() {
                true => report.doubtful("  names", error.to_string(), advice),
                false => report.bad("  names", error.to_string(), advice),
            }
        }
    }
}

fn issuer(presented: &ServerCertificate) -> String {
    let described = describe_certificate(&presented.certificate);
    let issuer = described.split("issuer ").nth(1).unwrap_or_default();
    issuer
        .split(", valid")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Which versions the server speaks, and the suite that it chooses in each. Returns how many.
fn versions(tls: &ClientTls, settings: &Settings, report: &mut Report) -> Result<usize, Failure> {
    let server = settings.place.address();
    let mut spoken = Vec::new();
    // The old ones only for those who allow them.
    let oldest = settings.tls_min().unwrap_or(TlsMinimum::V1_2);
    let oldest = oldest.min(TlsMinimum::V1_2);
    let tried = VERSIONS.iter().filter(|(_, id, _)| *id >= oldest);
    for (name, _, version) in tried.clone() {
        let only = settings
            .protocol()
            .minimum_version(*version)
            .maximum_version(*version);
        // What is not trusted is told elsewhere.
        let tls = tls.clone().verify_chain(false).verify_host_name(false);
        let connector = TlsConnector::new(tls.protocol(only)).map_err(Failure::Tls)?;
        let deadline = Deadline::after(settings.timeouts().connect);
        let made = TcpStream::connect(server, deadline)
            .and_then(|stream| connector.connect(stream, server, deadline));
        if let Ok(stream) = made {
            spoken.push(format!("{name} ({})", stream.cipher()));
        }
    }
    let names: Vec<&str> = tried.map(|(name, ..)| *name).collect();
    let names = names.join(", ");
    match spoken.len() {
        0 => report.bad(
            "TLS versions",
            format!("none of {names} works with what is configured"),
            "see the next line for the server's reason",
        )?,
        _ => report.good("TLS versions", spoken.join(", "))?,
    }
    let old = |spoken: &String| !spoken.starts_with("TLS 1.2") && !spoken.starts_with("TLS 1.3");
    if !spoken.is_empty() && spoken.iter().all(old) {
        report.doubtful(
            "TLS versions",
            "only versions that nobody should use any more",
            "have the server updated: TLS 1.0 and 1.1 were given up in 2021 (RFC 8996)",
        )?;
    }
    Ok(spoken.len())
}
