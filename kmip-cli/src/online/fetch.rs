//! `kmip get`.

use std::io::{self, IsTerminal, Write};

use kmip::keys::Pem;
use kmip::types::{
    BlockCipherMode, CryptographicParameters, EncodingOption, EncryptionKeyInformation, GetRequest,
    GetResponse, KeyBlock, KeyWrappingSpecification, ManagedObject, ProtocolVersion, Secret,
    WrappingMethod,
};
use openssl::base64;
use serde_json::json;
use zeroize::Zeroizing;

use super::show;
use crate::arguments::{Get, KeyForm, WrappingOptions};
use crate::connect::connect;
use crate::failure::Failure;
use crate::{files, values};

pub(super) fn run(options: &Get) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let wrapping = wrapping(&options.wrapping, client.version());
    let got = client.call(GetRequest {
        unique_identifier: Some(options.object.clone().into()),
        key_format_type: options.format,
        key_wrapping_specification: wrapping,
        ..GetRequest::default()
    })?;
    let content = Content::of(&got);
    if let Some(path) = &options.output {
        let bytes = content.written(options.form.unwrap_or(KeyForm::Raw))?;
        files::write(path, &bytes)?;
    }
    if options.online.show.json {
        let shown = match options.show_secrets {
            true => Some(values::to_hex(content.bytes()?)),
            false => None,
        };
        return show::json(&json!({
            "id": got.unique_identifier.to_string(),
            "object_type": show::named(got.object_type),
            "format": content.block.map(|block| show::named(block.key_format_type)),
            "algorithm": content.algorithm(),
            "length": content.block.and_then(|block| block.cryptographic_length),
            "wrapped": content.is_wrapped(),
            "bytes": content.length(),
            "hex": shown,
            "file": options.output,
        }));
    }
    if options.show_secrets {
        let terminal = io::stdout().is_terminal();
        let usual = if terminal { KeyForm::Hex } else { KeyForm::Raw };
        let form = options.form.unwrap_or(usual);
        let bytes = content.written(form)?;
        let mut output = io::stdout().lock();
        output.write_all(&bytes)?;
        if !matches!(form, KeyForm::Raw | KeyForm::Pem) {
            writeln!(output)?;
        }
        output.flush()?;
        return Ok(());
    }
    summary(&got, &content, options)
}

fn summary(got: &GetResponse<'_>, content: &Content<'_>, options: &Get) -> Result<(), Failure> {
    let mut rows = vec![
        vec!["id".to_owned(), got.unique_identifier.to_string()],
        vec!["object type".to_owned(), show::named(got.object_type)],
    ];
    let mut row = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| vec![name.to_owned(), value]));
    };
    row("algorithm", content.algorithm());
    let block = content.block;
    let bits = block.and_then(|block| block.cryptographic_length);
    row("length", bits.map(|bits| format!("{bits} bits")));
    row(
        "format",
        block.map(|block| show::named(block.key_format_type)),
    );
    row("wrapped", content.is_wrapped().then(|| "yes".to_owned()));
    row(
        "content",
        Some(match (&options.output, content.length()) {
            (Some(path), Some(length)) => format!("{length} bytes, in {}", path.display()),
            (None, Some(length)) => {
                format!(
                    "{length} bytes; write them with --output, or show them with --show-secrets"
                )
            }
            (_, None) => "a structure; `kmip raw` shows it".to_owned(),
        }),
    );
    show::table(&[], rows)
}

/// How the server is to wrap, if it is.
pub(super) fn wrapping(
    options: &WrappingOptions,
    version: ProtocolVersion,
) -> Option<KeyWrappingSpecification<'static>> {
    let key = options.wrap_with.clone()?;
    let asymmetric = options.wrap_padding.is_some();
    let usual = (!asymmetric).then_some(BlockCipherMode::NISTKEYWRAP);
    Some(KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: key.into(),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: options.wrap_mode.or(usual),
                padding_method: options.wrap_padding,
                hashing_algorithm: options.wrap_hash,
                ..CryptographicParameters::default()
            }),
            ..EncryptionKeyInformation::default()
        }),
        // 1.0 does not have it, and wraps the encoded Key Value.
        encoding_option: (version > ProtocolVersion::V1_0).then_some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    })
}

/// Where an object has its key, if it has one.
pub(super) fn key_block<'o, 'a>(object: &'o ManagedObject<'a>) -> Option<&'o KeyBlock<'a>> {
    match object {
        ManagedObject::SymmetricKey(key) => Some(&key.key_block),
        ManagedObject::PublicKey(key) => Some(&key.key_block),
        ManagedObject::PrivateKey(key) => Some(&key.key_block),
        ManagedObject::SecretData(secret) => Some(&secret.key_block),
        ManagedObject::SplitKey(key) => Some(&key.key_block),
        ManagedObject::PgpKey(key) => Some(&key.key_block),
        _ => None,
    }
}

/// What there is of an object.
struct Content<'g> {
    got: &'g GetResponse<'g>,
    block: Option<&'g KeyBlock<'g>>,
}

impl<'g> Content<'g> {
    fn of(got: &'g GetResponse<'g>) -> Self {
        let block = key_block(&got.managed_object);
        Content { got, block }
    }

    fn bytes(&self) -> Result<&'g [u8], Failure> {
        let bytes = match &self.got.managed_object {
            ManagedObject::Certificate(certificate) => Some(&certificate.certificate_value[..]),
            ManagedObject::OpaqueObject(object) => Some(object.opaque_data_value.expose()),
            _ => self
                .block
                .and_then(|block| block.key_value.as_ref())
                .and_then(|value| value.as_bytes()),
        };
        bytes.ok_or_else(|| {
            Failure::Answer(
                "the key comes as a structure of numbers; ask for another --format".to_owned(),
            )
        })
    }

    fn length(&self) -> Option<usize> {
        self.bytes().ok().map(<[u8]>::len)
    }

    fn algorithm(&self) -> Option<String> {
        let algorithm = self.block?.cryptographic_algorithm?;
        Some(show::named(algorithm))
    }

    fn is_wrapped(&self) -> bool {
        self.block
            .is_some_and(|block| block.key_wrapping_data.is_some())
    }

    fn written(&self, form: KeyForm) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let bytes = self.bytes()?;
        Ok(Zeroizing::new(match form {
            KeyForm::Raw => bytes.to_vec(),
            KeyForm::Hex => values::to_hex(bytes).into_bytes(),
            KeyForm::Base64 => base64::encode_block(bytes).into_bytes(),
            KeyForm::Pem => {
                let pem = Pem {
                    object_type: self.got.object_type,
                    format: self.block.map(|block| block.key_format_type),
                    der: Secret::owned(bytes.to_vec()),
                };
                let text = pem.write().filter(|_| !self.is_wrapped()).ok_or_else(|| {
                    Failure::Answer(format!(
                        "PEM has no form for a {:?} in this format",
                        self.got.object_type
                    ))
                })?;
                text.as_bytes().to_vec()
            }
        }))
    }
}
