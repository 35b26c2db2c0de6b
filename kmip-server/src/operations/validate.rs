//! Validate: whether certificates form a valid chain (KMIP 1.4, 4.24; 2.1, 6.1.60).

use kmip::server::Failure;
use kmip::types::{
    Certificate, ManagedObject, Operation, ProtocolVersion, ResultReason, State, ValidateRequest,
    ValidateResponse, ValidityIndicator,
};
use openssl::asn1::Asn1Time;
use openssl::x509::{X509, X509Ref};

use crate::context::Context;
use crate::crypto::failed;
use crate::refusal;

pub(super) fn validate(
    context: &Context<'_>,
    request: &ValidateRequest<'_>,
) -> Result<ValidateResponse<'static>, Failure> {
    let objects = context.view()?;
    let mut chain = Vec::new();
    let mut revoked = false;
    for certificate in &request.certificate {
        chain.push(parsed(certificate)?);
    }
    for identifier in &request.unique_identifier {
        let object = objects.get_online(Some(identifier))?;
        revoked |= matches!(
            object.state(),
            Some(State::COMPROMISED | State::DEACTIVATED)
        );
        match objects.content(&object)? {
            ManagedObject::Certificate(certificate) => chain.push(parsed(&certificate)?),
            _ => {
                return Err(refusal::wrong_object(
                    context.version(),
                    Operation::VALIDATE,
                ));
            }
        }
    }
    if chain.is_empty() {
        let message = "there are no certificates to validate";
        let reason = match context.version() >= ProtocolVersion::V2_0 {
            true => ResultReason::INVALID_FIELD,
            false => ResultReason::INVALID_MESSAGE,
        };
        return Err(Failure::new(reason, message));
    }
    let date = request.validity_date.unwrap_or(context.now);
    let date = Asn1Time::from_unix(date.0).map_err(failed("the Validity Date"))?;
    let valid_then =
        |certificate: &X509| certificate.not_before() <= date && date <= certificate.not_after();
    let validity_indicator = if revoked || !chain.iter().all(valid_then) {
        ValidityIndicator::INVALID
    } else {
        signatures(&chain)
    };
    Ok(ValidateResponse {
        validity_indicator,
        ..ValidateResponse::default()
    })
}

fn parsed(certificate: &Certificate<'_>) -> Result<X509, Failure> {
    let x509 = X509::from_der(&certificate.certificate_value);
    x509.map_err(failed("the certificate cannot be read"))
}

/// Whether the issuer of each certificate is in the chain and has signed it. A chain without its root
/// may be valid or not.
fn signatures(chain: &[X509]) -> ValidityIndicator {
    let is_issuer = |issuer: &X509Ref, certificate: &X509Ref| {
        let same = issuer.subject_name().try_cmp(certificate.issuer_name());
        same.is_ok_and(std::cmp::Ordering::is_eq)
    };
    let mut complete = true;
    for certificate in chain {
        let mut issuers = chain
            .iter()
            .filter(|issuer| is_issuer(issuer, certificate))
            .peekable();
        if issuers.peek().is_none() {
            complete = false;
            continue;
        }
        let signed = issuers.any(|issuer| {
            let key = issuer.public_key();
            key.is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
        });
        if !signed {
            return ValidityIndicator::INVALID;
        }
    }
    match complete {
        true => ValidityIndicator::VALID,
        false => ValidityIndicator::UNKNOWN,
    }
}
