//! Encrypt and Decrypt (KMIP 1.4, 4.29 and 4.30; 2.1, 6.1.15 and 6.1.11).

use kmip::server::Failure;
use kmip::types::{
    CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask, Data, DecryptRequest,
    DecryptResponse, EncryptRequest, EncryptResponse, ManagedObject, Operation, ProtocolVersion,
    ResultReason,
};
use zeroize::Zeroizing;

use super::cryptography::{Key, Piece, UsableKey, Use, piece_of, required};
use crate::context::Context;
use crate::crypto::{self, CipherInput, CipherRun, Direction};
use crate::object::key_block;
use crate::refusal;
use crate::streams::{Stream, Work};

/// The job of a request: those of both operations have the same fields for it.
macro_rules! job {
    ($request:expr, $direction:expr) => {{
        let piece = piece_of!($request);
        Job {
            direction: $direction,
            data: required($request.data.as_ref(), &piece)?,
            piece,
            key: Key::Given($request.unique_identifier.as_ref()),
            parameters: $request.cryptographic_parameters.as_ref(),
            iv: $request.iv_counter_nonce.as_deref(),
            additional: $request.authenticated_encryption_additional_data.as_deref(),
            tag: None,
        }
    }};
}

pub(super) fn encrypt(
    context: &Context<'_>,
    request: &EncryptRequest<'_>,
) -> Result<EncryptResponse<'static>, Failure> {
    let mut done = job!(request, Direction::Encrypt).run(context)?;
    // Before 1.4 there is no field for the tag; it follows the data.
    if let (Some(tag), true) = (&done.tag, context.version() < ProtocolVersion::V1_4) {
        done.data.extend_from_slice(tag);
        done.tag = None;
    }
    Ok(EncryptResponse {
        unique_identifier: done.object.into(),
        data: Some(Data::from(done.data.to_vec())),
        iv_counter_nonce: done.made_iv.map(Into::into),
        correlation_value: done.correlation.map(Into::into),
        authenticated_encryption_tag: done.tag.map(Into::into),
        ..EncryptResponse::default()
    })
}

pub(super) fn decrypt(
    context: &Context<'_>,
    request: &DecryptRequest<'_>,
) -> Result<DecryptResponse<'static>, Failure> {
    let job = Job {
        tag: request.authenticated_encryption_tag.as_deref(),
        ..job!(request, Direction::Decrypt)
    };
    let done = job.run(context)?;
    Ok(DecryptResponse {
        unique_identifier: done.object.into(),
        data: Some(Data::from(done.data.to_vec())),
        correlation_value: done.correlation.map(Into::into),
        ..DecryptResponse::default()
    })
}

/// What both have in common.
#[derive(Clone, Copy)]
struct Job<'j> {
    direction: Direction,
    piece: Piece<'j>,
    key: Key<'j>,
    parameters: Option<&'j CryptographicParameters<'j>>,
    data: &'j [u8],
    iv: Option<&'j [u8]>,
    additional: Option<&'j [u8]>,
    tag: Option<&'j [u8]>,
}

struct Done {
    object: String,
    data: Zeroizing<Vec<u8>>,
    tag: Option<Vec<u8>>,
    made_iv: Option<Vec<u8>>,
    correlation: Option<Vec<u8>>,
}

impl<'j> Job<'j> {
    fn operation(&self) -> Operation {
        match self.direction {
            Direction::Encrypt => Operation::ENCRYPT,
            Direction::Decrypt => Operation::DECRYPT,
        }
    }

    fn run(self, context: &Context<'_>) -> Result<Done, Failure> {
        if let Some(correlation) = self.piece.correlation {
            let owner = context.owner();
            let stream = context
                .volatile
                .streams
                .take(correlation, owner, self.operation())?;
            return self.proceed(context, stream);
        }
        let wanted = Use {
            usage: match self.direction {
                Direction::Encrypt => CryptographicUsageMask::ENCRYPT,
                Direction::Decrypt => CryptographicUsageMask::DECRYPT,
            },
            protects: self.direction == Direction::Encrypt,
            parameters: self.parameters,
            bytes: (self.direction == Direction::Encrypt).then_some(self.data.len()),
        };
        let key = UsableKey::new(context, self.key, &wanted)?;
        if key.object.attributes.cryptographic_algorithm()
            == Some(&CryptographicAlgorithm::ONE_TIME_PAD)
        {
            return self.pad(context, key);
        }
        if matches!(key.content, ManagedObject::SymmetricKey(_)) {
            return self.begin(context, &key);
        }
        if self.piece.is_open() {
            return Err(refusal::not_supported("RSA takes its data in one piece"));
        }
        let block = key_block(&key.content);
        let block =
            block.ok_or_else(|| refusal::wrong_object(context.version(), self.operation()))?;
        let data = match (&key.content, self.direction) {
            (ManagedObject::PublicKey(_), Direction::Encrypt) => Zeroizing::new(
                crypto::rsa_encrypt(&*crypto::public_key(block)?, &key.parameters, self.data)?,
            ),
            (ManagedObject::PrivateKey(_), Direction::Decrypt) => {
                crypto::rsa_decrypt(&*crypto::private_key(block)?, &key.parameters, self.data)?
            }
            _ => return Err(refusal::wrong_object(context.version(), self.operation())),
        };
        Ok(Done {
            object: key.object.identifier,
            data,
            tag: None,
            made_iv: None,
            correlation: None,
        })
    }

    /// A one-time pad is as long as the data, to which it is added bit by bit.
    fn pad(self, context: &Context<'_>, key: UsableKey) -> Result<Done, Failure> {
        let block = key_block(&key.content);
        let block =
            block.ok_or_else(|| refusal::wrong_object(context.version(), self.operation()))?;
        let pad = crypto::symmetric_bytes(block)?;
        if self.piece.is_open() || pad.len() < self.data.len() {
            let message = "the data is longer than the one-time pad";
            return Err(Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message));
        }
        let data = self.data.iter().zip(pad).map(|(data, pad)| data ^ pad);
        Ok(Done {
            data: Zeroizing::new(data.collect()),
            object: key.object.identifier,
            tag: None,
            made_iv: None,
            correlation: None,
        })
    }

    fn begin(self, context: &Context<'_>, key: &UsableKey) -> Result<Done, Failure> {
        let block = key_block(&key.content).ok_or_else(Failure::internal)?;
        let own = key.object.attributes.cryptographic_algorithm().copied();
        let algorithm = key.parameters.cryptographic_algorithm.or(own);
        let (data, tag) = self.split_tag(context, algorithm, &key.parameters)?;
        let mut run = CipherRun::start(&CipherInput {
            direction: self.direction,
            algorithm: algorithm.unwrap_or_default(),
            key: crypto::symmetric_bytes(block)?,
            parameters: &key.parameters,
            iv: self.iv,
            additional: self.additional,
            tag,
        })?;
        let made_iv = run.made_iv.take();
        let stream = Stream {
            owner: context.owner().to_owned(),
            operation: self.operation(),
            object: Some(key.object.identifier.clone()),
            parameters: CryptographicParameters::default(),
            work: Work::Cipher(Box::new(run)),
        };
        let mut done = Job { data, ..self }.feed(context, stream)?;
        done.made_iv = made_iv;
        Ok(done)
    }

    /// Before 1.4, the tag follows the data.
    fn split_tag(
        self,
        context: &Context<'_>,
        algorithm: Option<CryptographicAlgorithm>,
        parameters: &CryptographicParameters<'_>,
    ) -> Result<(&'j [u8], Option<&'j [u8]>), Failure> {
        use kmip::types::BlockCipherMode;
        let mode = parameters.block_cipher_mode;
        let authenticated = [Some(BlockCipherMode::GCM), Some(BlockCipherMode::CCM)]
            .contains(&mode)
            || algorithm == Some(CryptographicAlgorithm::CHACHA20POLY1305);
        let behind = context.version() < ProtocolVersion::V1_4
            && self.direction == Direction::Decrypt
            && authenticated;
        if !behind {
            return Ok((self.data, self.tag));
        }
        let length = usize::try_from(parameters.tag_length.unwrap_or(16)).unwrap_or(usize::MAX);
        let split = self.data.len().checked_sub(length).ok_or_else(|| {
            let message = "the data is too short to end with a tag";
            Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message)
        })?;
        let (data, tag) = self.data.split_at(split);
        Ok((data, Some(tag)))
    }

    /// The next piece: the key must still be usable.
    fn proceed(self, context: &Context<'_>, stream: Stream) -> Result<Done, Failure> {
        let wanted = Use {
            usage: CryptographicUsageMask::default(),
            protects: self.direction == Direction::Encrypt,
            parameters: None,
            bytes: (self.direction == Direction::Encrypt).then_some(self.data.len()),
        };
        let object = stream.object.as_deref().unwrap_or_default();
        UsableKey::new(context, Key::Known(object), &wanted)?;
        self.feed(context, stream)
    }

    fn feed(self, context: &Context<'_>, mut stream: Stream) -> Result<Done, Failure> {
        let Work::Cipher(run) = &mut stream.work else {
            return Err(Failure::internal());
        };
        let mut data = run.update(self.data)?;
        let object = stream.object.clone().unwrap_or_default();
        if self.piece.is_open() {
            return Ok(Done {
                object,
                data,
                tag: None,
                made_iv: None,
                correlation: Some(context.volatile.streams.keep(stream)?),
            });
        }
        let Work::Cipher(run) = stream.work else {
            return Err(Failure::internal());
        };
        let (rest, tag) = run.finish()?;
        data.reserve_exact(rest.len());
        data.extend_from_slice(&rest);
        Ok(Done {
            object,
            data,
            tag,
            made_iv: None,
            correlation: None,
        })
    }
}
