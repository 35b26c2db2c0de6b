//! Our own certificate.

use kmip::transport::tls::describe_certificate;
use openssl::asn1::Asn1Time;
use openssl::x509::X509Ref;

use super::report::Report;
use crate::connect::Settings;
use crate::failure::Failure;

/// Days before the end at which somebody should know.
const NOTICE_DAYS: i32 = 14;

pub(super) fn examine(settings: &Settings, report: &mut Report) -> Result<(), Failure> {
    const CHECK: &str = "client certificate";
    let Some(identity) = settings.identity()? else {
        let advice = "nearly all KMIP servers demand one: --cert and --key, or --p12";
        return report.doubtful(CHECK, "none is configured", advice);
    };
    let certificate = identity.certificate();
    report.good(CHECK, describe_certificate(certificate))?;
    validity(certificate, CHECK, report)?;
    // PyKMIP and others look at it.
    if !text(certificate).contains("TLS Web Client Authentication") {
        let advice = "many servers refuse it: have it issued with extendedKeyUsage=clientAuth";
        let found = "it has no extended key usage for client authentication";
        report.doubtful(CHECK, found, advice)?;
    }
    Ok(())
}

/// Whether a certificate is valid now, and for how long.
pub(super) fn validity(
    certificate: &X509Ref,
    check: &str,
    report: &mut Report,
) -> Result<(), Failure> {
    let Ok(now) = Asn1Time::days_from_now(0) else {
        return Ok(());
    };
    let Ok(left) = now.diff(certificate.not_after()) else {
        return Ok(());
    };
    let early = *certificate.not_before() > *now;
    if left.days < 0 || left.secs < 0 {
        let found = format!("it expired {}", certificate.not_after());
        return report.bad(
            check,
            found,
            "renew it, or correct the clock of this machine",
        );
    }
    if early {
        let found = format!("it is not valid before {}", certificate.not_before());
        return report.bad(check, found, "wait, or correct the clock of this machine");
    }
    match left.days {
        days if days < NOTICE_DAYS => {
            let found = format!("it expires in {days} day(s), {}", certificate.not_after());
            report.doubtful(check, found, "have it renewed in time")
        }
        _ => Ok(()),
    }
}

fn text(certificate: &X509Ref) -> String {
    let text = certificate.to_text().unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}
