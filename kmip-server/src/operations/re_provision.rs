//! Re-Provision: a new certificate for the client itself (KMIP 2.0, 6.1.44; 2.1, 6.1.48).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, Attributes, Certificate, CertificateType, CryptographicAlgorithm,
    CryptographicUsageMask, LinkType, ManagedObject, ReProvisionRequest, ReProvisionResponse,
    ResultReason,
};
use openssl::pkey::{PKey, Public};
use openssl::x509::{X509, X509Ref};

use super::create_key_pair::{link, make};
use crate::context::{Context, Objects};
use crate::crypto::{self, failed, generate_key_pair};
use crate::object::{NewObject, StoredObject};
use crate::refusal;
use crate::server::identity_of;

/// Bits of the key, if the server makes it.
const BITS: i32 = 2048;

pub(super) fn re_provision(
    context: &Context<'_>,
    request: &ReProvisionRequest<'_>,
) -> Result<ReProvisionResponse<'static>, Failure> {
    let present = context.call.peer().certificate().ok_or_else(|| {
        let message = "only a client with a certificate can be given another one";
        Failure::new(ResultReason::PERMISSION_DENIED, message)
    })?;
    let object = match (&request.certificate, &request.certificate_request) {
        (Some(_), Some(_)) => {
            let message = "give a Certificate or a Certificate Request, not both";
            return Err(refusal::invalid_field(message));
        }
        (Some(given), None) => renewed(context, present, given)?,
        (None, Some(request)) => {
            check_provisions(context)?;
            let kind = request.certificate_request_type;
            let bytes = &request.certificate_request_value;
            let key = crypto::requested_key(kind, bytes, present.subject_name())?;
            let mut objects = context.begin()?;
            let object = issue(context, &mut objects, present, &key, None)?;
            objects.commit()?;
            object
        }
        (None, None) => {
            check_provisions(context)?;
            made(context, present)?
        }
    };
    Ok(ReProvisionResponse {
        unique_identifier: Some(object.unique_identifier()),
        ..ReProvisionResponse::default()
    })
}

fn check_provisions(context: &Context<'_>) -> Result<(), Failure> {
    match context.configuration.provisions {
        true => Ok(()),
        false => Err(refusal::not_supported(
            "this server issues no certificates for its clients: give one of the same authority",
        )),
    }
}

/// A certificate that the client has got elsewhere. Of the same subject and issuer, it makes the same
/// client.
fn renewed(
    context: &Context<'_>,
    present: &X509Ref,
    given: &Certificate<'_>,
) -> Result<StoredObject, Failure> {
    let certificate = X509::from_der(&given.certificate_value);
    let certificate =
        certificate.map_err(|_| refusal::invalid_field("the certificate cannot be read"))?;
    if identity_of(&certificate) != identity_of(present) {
        return Err(refusal::invalid_field(
            "the certificate has another subject or issuer than that of this connection",
        ));
    }
    let mut objects = context.begin()?;
    let object = objects.add(active(context, &certificate)?)?;
    objects.commit()?;
    Ok(object)
}

/// A certificate for a key that the server makes, too.
fn made(context: &Context<'_>, present: &X509Ref) -> Result<StoredObject, Failure> {
    let algorithm = CryptographicAlgorithm::RSA;
    // Without a transaction: this can take seconds.
    let pair = generate_key_pair(algorithm, Some(BITS), None)?;
    let usage = |mask| Attributes::from(vec![AttributeValue::CryptographicUsageMask(mask).into()]);
    let (private, public) = make(
        context,
        algorithm,
        &pair,
        usage(CryptographicUsageMask::SIGN),
        usage(CryptographicUsageMask::VERIFY),
    )?;
    let public_der = pair.key.public_key_to_der();
    let key = public_der.and_then(|der| PKey::public_key_from_der(&der));
    let key = key.map_err(failed("the new key cannot be read"))?;
    let mut objects = context.begin()?;
    let (private, public) = (objects.add(private)?, objects.add(public)?);
    let object = issue(
        context,
        &mut objects,
        present,
        &key,
        Some([&private, &public]),
    )?;
    objects.commit()?;
    Ok(object)
}

/// A certificate by the authority of the server, with the subject of the present one.
fn issue(
    context: &Context<'_>,
    objects: &mut Objects<'_>,
    present: &X509Ref,
    key: &PKey<Public>,
    pair: Option<[&StoredObject; 2]>,
) -> Result<StoredObject, Failure> {
    let authority = objects.authority()?;
    let certificate = authority.certify_client(key, present.subject_name())?;
    let mut new = active(context, &certificate)?;
    if let Some([private, public]) = pair {
        let attributes = &mut new.attributes;
        attributes.add(link(LinkType::PRIVATE_KEY_LINK, &private.identifier));
        attributes.add(link(LinkType::PUBLIC_KEY_LINK, &public.identifier));
    }
    let object = objects.add(new)?;
    objects.note_credential(&certificate, &object.identifier)?;
    Ok(object)
}

fn active(context: &Context<'_>, certificate: &X509Ref) -> Result<NewObject, Failure> {
    let der = certificate.to_der();
    let content = ManagedObject::Certificate(Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: der.map_err(failed("the certificate"))?.into(),
        ..Certificate::default()
    });
    let activation = AttributeValue::ActivationDate(context.now).into();
    let mut new = NewObject::new(content, [activation], context.version())?;
    let made = AttributeValue::OriginalCreationDate(context.now);
    new.attributes.set(made);
    Ok(new)
}
