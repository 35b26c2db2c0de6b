//! Commands that use keys where they are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kmip::client::Client;
use kmip::types::{
    BlockCipherMode, CryptographicParameters, Data, DecryptRequest, EncryptRequest, HashRequest,
    MacRequest, MacVerifyRequest, ProtocolVersion, RngRetrieveRequest, RngSeedRequest, SignRequest,
    SignatureVerifyRequest, UniqueIdentifier, ValidityIndicator,
};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::show;
use crate::arguments::{
    Decrypt, Encrypt, Hash, KeyUse, Mac, Online, OutputFile, Parameters, Rng, Sign, Verify,
};
use crate::connect::connect;
use crate::failure::Failure;
use crate::values::Bytes;
use crate::{files, values};

/// What a request to use a key is made of.
struct Prepared {
    client: Client,
    data: Zeroizing<Vec<u8>>,
    key: Option<UniqueIdentifier<'static>>,
    parameters: Option<CryptographicParameters<'static>>,
}

impl Prepared {
    fn new(options: &KeyUse) -> Result<Self, Failure> {
        let data = input(options.data.input.as_ref())?;
        Ok(Prepared {
            client: connect(&options.online)?,
            data,
            key: Some(options.object.clone().into()),
            parameters: parameters(&options.parameters),
        })
    }

    /// Data, or the digest of it: only one of them is set.
    fn signed(&self, digested: bool) -> (Option<Data<'static>>, Option<Cow<'static, [u8]>>) {
        let bytes = self.data.to_vec();
        match digested {
            true => (None, Some(bytes.into())),
            false => (Some(Data::from(bytes)), None),
        }
    }
}

pub(super) fn encrypt(options: &Encrypt) -> Result<(), Failure> {
    let mut with = Prepared::new(&options.key)?;
    if let Some(parameters) = with
        .parameters
        .as_mut()
        .filter(|_| options.cipher.iv.is_none())
    {
        // Older versions cannot say that the server is to choose.
        let choose = with.client.version() >= ProtocolVersion::V1_4 && needs_iv(parameters);
        parameters.random_iv = choose.then_some(true);
    }
    let request = EncryptRequest {
        unique_identifier: with.key,
        cryptographic_parameters: with.parameters,
        data: Some(Data::from(&with.data[..])),
        iv_counter_nonce: given(&options.cipher.iv),
        authenticated_encryption_additional_data: given(&options.cipher.aad),
        ..EncryptRequest::default()
    };
    let answer = with.client.call(request)?;
    let encrypted = bytes_of(answer.data)?;
    let also = [
        ("iv", answer.iv_counter_nonce),
        ("tag", answer.authenticated_encryption_tag),
    ];
    if options.key.online.show.json {
        let mut object = json!({});
        object["data"] = kept(&options.to, &encrypted)?;
        for (name, bytes) in also {
            object[name] = bytes.map(|bytes| values::to_hex(&bytes)).into();
        }
        return show::json(&object);
    }
    // What decryption needs besides the data must not get between it.
    for (name, bytes) in also {
        if let Some(bytes) = bytes {
            eprintln!("{name}: {}", values::to_hex(&bytes));
        }
    }
    show::bytes(options.to.output.as_deref(), &encrypted)
}

pub(super) fn decrypt(options: &Decrypt) -> Result<(), Failure> {
    let mut with = Prepared::new(&options.key)?;
    let request = DecryptRequest {
        unique_identifier: with.key,
        cryptographic_parameters: with.parameters,
        data: Some(Data::from(&with.data[..])),
        iv_counter_nonce: given(&options.cipher.iv),
        authenticated_encryption_additional_data: given(&options.cipher.aad),
        authenticated_encryption_tag: given(&options.tag),
        ..DecryptRequest::default()
    };
    let answer = with.client.call(request)?;
    let decrypted = bytes_of(answer.data)?;
    result(&options.key.online, &options.to, "data", &decrypted)
}

pub(super) fn sign(options: &Sign) -> Result<(), Failure> {
    let mut with = Prepared::new(&options.key)?;
    let (data, digested_data) = with.signed(options.digested);
    let answer = with.client.call(SignRequest {
        unique_identifier: with.key,
        cryptographic_parameters: with.parameters,
        data,
        digested_data,
        ..SignRequest::default()
    })?;
    let signature = answer.signature_data;
    let signature = signature.ok_or_else(|| lacking("Signature Data"))?;
    result(&options.key.online, &options.to, "signature", &signature)
}

pub(super) fn verify(options: &Verify) -> Result<ExitCode, Failure> {
    let signature = files::read(&options.signature)?;
    let mut with = Prepared::new(&options.key)?;
    let (data, digested_data) = with.signed(options.digested);
    let answer = with.client.call(SignatureVerifyRequest {
        unique_identifier: with.key,
        cryptographic_parameters: with.parameters,
        data,
        digested_data,
        signature_data: Some(signature.to_vec().into()),
        ..SignatureVerifyRequest::default()
    })?;
    validity(&options.key.online, answer.validity_indicator)
}

pub(super) fn mac(options: &Mac) -> Result<ExitCode, Failure> {
    let mac = options.verify.as_deref().map(files::read).transpose()?;
    let mut with = Prepared::new(&options.key)?;
    let data = Some(Data::from(&with.data[..]));
    if let Some(mac) = mac {
        let answer = with.client.call(MacVerifyRequest {
            unique_identifier: with.key,
            cryptographic_parameters: with.parameters,
            data,
            mac_data: Some(mac.to_vec().into()),
            ..MacVerifyRequest::default()
        })?;
        return validity(&options.key.online, answer.validity_indicator);
    }
    let answer = with.client.call(MacRequest {
        unique_identifier: with.key,
        cryptographic_parameters: with.parameters,
        data,
        ..MacRequest::default()
    })?;
    let mac = answer.mac_data.ok_or_else(|| lacking("MAC Data"))?;
    result(&options.key.online, &options.to, "mac", &mac)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn hash(options: &Hash) -> Result<(), Failure> {
    let data = input(options.data.input.as_ref())?;
    let mut client = connect(&options.online)?;
    let answer = client.call(HashRequest {
        cryptographic_parameters: CryptographicParameters {
            hashing_algorithm: Some(options.algorithm),
            ..CryptographicParameters::default()
        },
        data: Some(Data::from(&data[..])),
        ..HashRequest::default()
    })?;
    let hash = bytes_of(answer.data)?;
    result(&options.online, &options.to, "hash", &hash)
}

pub(super) fn rng(options: &Rng) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    if let Some(path) = &options.seed {
        let seed = files::read(path)?;
        let answer = client.call(RngSeedRequest {
            data: Data::from(&seed[..]),
            ..RngSeedRequest::default()
        })?;
        let used = answer.data_length;
        return match options.online.show.json {
            true => show::json(&json!({ "used": used })),
            false => show::line(&format!("the server used {used} bytes")),
        };
    }
    let answer = client.call(RngRetrieveRequest {
        data_length: options.length,
        ..RngRetrieveRequest::default()
    })?;
    let random = bytes_of(Some(answer.data))?;
    result(&options.online, &options.to, "data", &random)
}

fn input(path: Option<&PathBuf>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    files::read(path.map_or(Path::new("-"), PathBuf::as_path))
}

/// Nothing where nothing is given, so that the key's own parameters hold.
pub(super) fn parameters(options: &Parameters) -> Option<CryptographicParameters<'static>> {
    let given = CryptographicParameters {
        block_cipher_mode: options.mode,
        padding_method: options.padding,
        hashing_algorithm: options.hash,
        cryptographic_algorithm: options.algorithm,
        digital_signature_algorithm: options.signature_algorithm,
        tag_length: options.tag_length,
        ..CryptographicParameters::default()
    };
    (given != CryptographicParameters::default()).then_some(given)
}

fn needs_iv(parameters: &CryptographicParameters<'_>) -> bool {
    let without = [BlockCipherMode::ECB, BlockCipherMode::NISTKEYWRAP];
    let mode = parameters.block_cipher_mode;
    mode.is_some_and(|mode| !without.contains(&mode))
}

pub(super) fn given(bytes: &Option<Bytes>) -> Option<Cow<'_, [u8]>> {
    bytes.as_ref().map(|bytes| bytes.0.as_slice().into())
}

fn bytes_of(data: Option<Data<'_>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = data.as_ref().and_then(Data::as_bytes);
    let bytes = bytes.ok_or_else(|| lacking("Data"))?;
    Ok(Zeroizing::new(bytes.to_vec()))
}

fn lacking(what: &str) -> Failure {
    Failure::Answer(format!("the answer of the server lacks its {what}"))
}

/// A result for JSON: the digits, or the file into which it was written.
fn kept(to: &OutputFile, bytes: &[u8]) -> Result<Json, Failure> {
    match &to.output {
        Some(path) => {
            files::write(path, bytes)?;
            Ok(json!({ "file": path }))
        }
        None => Ok(values::to_hex(bytes).into()),
    }
}

fn result(online: &Online, to: &OutputFile, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    match online.show.json {
        true => show::json(&json!({ name: kept(to, bytes)? })),
        false => show::bytes(to.output.as_deref(), bytes),
    }
}

pub(super) fn validity(
    online: &Online,
    indicator: Option<ValidityIndicator>,
) -> Result<ExitCode, Failure> {
    let indicator = indicator.ok_or_else(|| lacking("Validity Indicator"))?;
    let valid = indicator == ValidityIndicator::VALID;
    match online.show.json {
        true => show::json(&json!({ "valid": valid, "indicator": show::named(indicator) }))?,
        false => show::line(if valid { "valid" } else { "not valid" })?,
    }
    Ok(match valid {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
