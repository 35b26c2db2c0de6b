//! Commands that make objects from others, and certificates.

use std::borrow::Cow;
use std::path::Path;
use std::process::ExitCode;

use kmip::client::default_usage;
use kmip::types::{
    Attribute, Certificate, CertificateRequest, CertificateRequestType, CertificateType,
    CertifyRequest, CreateSplitKeyRequest, DerivationParameters, DeriveKeyRequest, Interval,
    JoinSplitKeyRequest, ObjectType, ReCertifyRequest, ReProvisionRequest, SplitKeyMethod,
    UniqueIdentifier, ValidateRequest,
};
use openssl::x509::{X509, X509Req};
use serde_json::json;

use super::create::{attributes, made};
use super::cryptography::{given, parameters, validity};
use super::show;
use crate::arguments::{
    Certify, DeriveKey, JoinSplitKey, ReProvision, Recertify, SplitKey, Validate,
};
use crate::connect::connect;
use crate::failure::Failure;
use crate::files;

pub(super) fn derive_key(options: &DeriveKey) -> Result<(), Failure> {
    let (new, length) = (
        &options.object,
        Attribute::cryptographic_length(options.length),
    );
    let mut required = vec![length];
    if options.object_type == ObjectType::SYMMETRIC_KEY {
        let usage = new
            .usage
            .unwrap_or_else(|| default_usage(options.key_algorithm).0);
        required.push(Attribute::cryptographic_algorithm(options.key_algorithm));
        required.push(Attribute::cryptographic_usage_mask(usage));
    } else {
        required.extend(new.usage.map(Attribute::cryptographic_usage_mask));
    }
    let mut client = connect(&options.online)?;
    let derived = client.derive(DeriveKeyRequest {
        object_type: options.object_type,
        unique_identifier: ids(&options.objects),
        derivation_method: options.method,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: parameters(&options.parameters),
            initialization_vector: given(&options.iv),
            derivation_data: options
                .data
                .iter()
                .map(|data| data.0.clone().into())
                .collect(),
            salt: given(&options.salt),
            iteration_count: options.iterations,
            ..DerivationParameters::default()
        },
        attributes: required.into_iter().chain(attributes(new)).collect(),
        ..DeriveKeyRequest::default()
    })?;
    made(&mut client, &derived, new.activate, &options.online)
}

pub(super) fn split_key(options: &SplitKey) -> Result<(), Failure> {
    let new = &options.object_options;
    let threshold = options.threshold.unwrap_or(options.parts);
    let method = options.method.unwrap_or(match threshold == options.parts {
        true => SplitKeyMethod::XOR,
        false => SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8,
    });
    let mut required = Vec::new();
    if options.object.is_none() {
        let usage = new
            .usage
            .unwrap_or_else(|| default_usage(options.algorithm).0);
        required.push(Attribute::cryptographic_algorithm(options.algorithm));
        required.push(Attribute::cryptographic_length(options.length));
        required.push(Attribute::cryptographic_usage_mask(usage));
    } else {
        required.extend(new.usage.map(Attribute::cryptographic_usage_mask));
    }
    let mut client = connect(&options.online)?;
    let parts = client.call(CreateSplitKeyRequest {
        object_type: ObjectType::SPLIT_KEY,
        unique_identifier: options.object.clone().map(Into::into),
        split_key_parts: options.parts,
        split_key_threshold: threshold,
        split_key_method: method,
        attributes: required.into_iter().chain(attributes(new)).collect(),
        ..CreateSplitKeyRequest::default()
    })?;
    let parts = parts.unique_identifier;
    if !options.online.show.json {
        for part in &parts {
            show::line(&show::printable(&part.to_string()))?;
        }
    }
    if new.activate {
        for part in &parts {
            client.activate(part)?;
        }
    }
    match options.online.show.json {
        true => {
            let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            show::json(&json!({ "parts": parts, "activated": new.activate }))
        }
        false => Ok(()),
    }
}

pub(super) fn join_split_key(options: &JoinSplitKey) -> Result<(), Failure> {
    let new = &options.object;
    let usage = new.usage.map(Attribute::cryptographic_usage_mask);
    let given: Vec<_> = usage.into_iter().chain(attributes(new)).collect();
    let mut client = connect(&options.online)?;
    let joined = client.call(JoinSplitKeyRequest {
        object_type: options.object_type,
        unique_identifier: ids(&options.parts),
        secret_data_type: options.secret_type,
        attributes: (!given.is_empty()).then(|| given.into_iter().collect()),
        ..JoinSplitKeyRequest::default()
    })?;
    let joined = joined.unique_identifier;
    made(&mut client, &joined, new.activate, &options.online)
}

pub(super) fn certify(options: &Certify) -> Result<(), Failure> {
    let new = &options.object_options;
    let request = options.request.as_deref().map(pkcs10).transpose()?;
    let usage = new.usage.map(Attribute::cryptographic_usage_mask);
    let given: Vec<_> = usage.into_iter().chain(attributes(new)).collect();
    let mut client = connect(&options.online)?;
    let certificate = client.call(CertifyRequest {
        unique_identifier: options.object.clone().map(Into::into),
        certificate_request_type: request.as_ref().map(|_| CertificateRequestType::PKCS_10),
        certificate_request_value: request.map(Cow::Owned),
        attributes: (!given.is_empty()).then(|| given.into_iter().collect()),
        ..CertifyRequest::default()
    })?;
    let certificate = certificate.unique_identifier;
    made(&mut client, &certificate, new.activate, &options.online)
}

pub(super) fn recertify(options: &Recertify) -> Result<(), Failure> {
    let request = options.request.as_deref().map(pkcs10).transpose()?;
    let mut client = connect(&options.online)?;
    let certificate = client.call(ReCertifyRequest {
        unique_identifier: Some(options.object.clone().into()),
        certificate_request_type: request.as_ref().map(|_| CertificateRequestType::PKCS_10),
        certificate_request_value: request.map(Cow::Owned),
        offset: options.offset.map(Interval),
        ..ReCertifyRequest::default()
    })?;
    let certificate = certificate.unique_identifier;
    made(&mut client, &certificate, false, &options.online)
}

pub(super) fn re_provision(options: &ReProvision) -> Result<(), Failure> {
    let request = options.request.as_deref().map(pkcs10).transpose()?;
    let certificate = options.certificate.as_deref().map(x509).transpose()?;
    let mut client = connect(&options.online)?;
    let answer = client.call(ReProvisionRequest {
        certificate_request: request.map(|der| CertificateRequest {
            certificate_request_type: CertificateRequestType::PKCS_10,
            certificate_request_value: der.into(),
            ..CertificateRequest::default()
        }),
        certificate,
        ..ReProvisionRequest::default()
    })?;
    let id = answer.unique_identifier.map(|id| id.to_string());
    match (options.online.show.json, id) {
        (true, id) => show::json(&json!({ "id": id })),
        (false, Some(id)) => show::line(&show::printable(&id)),
        (false, None) => show::line("the server has taken the certificate"),
    }
}

pub(super) fn validate(options: &Validate) -> Result<ExitCode, Failure> {
    let certificates = options.certificates.iter().map(|path| x509(path));
    let certificates: Result<Vec<_>, Failure> = certificates.collect();
    let mut client = connect(&options.online)?;
    let answer = client.call(ValidateRequest {
        certificate: certificates?,
        unique_identifier: ids(&options.objects),
        validity_date: options.at,
        ..ValidateRequest::default()
    })?;
    validity(&options.online, Some(answer.validity_indicator))
}

fn ids(objects: &[String]) -> Vec<UniqueIdentifier<'static>> {
    objects.iter().map(|object| object.clone().into()).collect()
}

/// The certificate request of a file, as DER.
fn pkcs10(path: &Path) -> Result<Vec<u8>, Failure> {
    let content = files::read(path)?;
    let request = X509Req::from_pem(&content).or_else(|_| X509Req::from_der(&content));
    let der = request.and_then(|request| request.to_der());
    der.map_err(|_| no(path, "no certificate request is in it"))
}

/// The certificate of a file.
fn x509(path: &Path) -> Result<Certificate<'static>, Failure> {
    let content = files::read(path)?;
    let certificate = X509::from_pem(&content).or_else(|_| X509::from_der(&content));
    let der = certificate.and_then(|certificate| certificate.to_der());
    let der = der.map_err(|_| no(path, "no certificate is in it"))?;
    Ok(Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: der.into(),
        ..Certificate::default()
    })
}

fn no(path: &Path, what: &str) -> Failure {
    Failure::Content {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}
