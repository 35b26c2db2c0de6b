//! Keys on a server that does not sign as it was asked to.

mod support;

use kmip::client::{Client, Problem, RemoteKey, ResponseFault, SignatureScheme};
use kmip::types::{
    IntoOwned, Operation, ProtocolVersion, RequestPayload, ResponseBatchItem, SignResponse,
};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use support::{answering, response};

/// Signs with RSASSA-PSS and SHA-256, and a salt of `salt` bytes, whatever is asked for.
fn signing(key: &PKey<Private>, salt: i32) -> Client {
    let key = key.clone();
    let server = answering(move |request| {
        let items = request.batch_item.iter().map(|item| {
            let RequestPayload::Sign(sign) = &item.request_payload else {
                panic!("{:?}", item.operation);
            };
            let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            let salt = RsaPssSaltlen::custom(salt);
            signer.set_rsa_pss_saltlen(salt).unwrap();
            let data = sign.data.as_ref().and_then(|data| data.as_bytes());
            let signature = signer.sign_oneshot_to_vec(data.unwrap());
            ResponseBatchItem {
                unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
                ..ResponseBatchItem::success(SignResponse {
                    unique_identifier: "key".into(),
                    signature_data: Some(signature.unwrap().into()),
                    ..SignResponse::default()
                })
            }
        });
        let version = request.request_header.protocol_version;
        Some(response(version, items.collect()))
    });
    server.version(ProtocolVersion::V1_4).connect().unwrap()
}

#[test]
fn a_signature_that_is_not_as_x509_says_is_refused() {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let public = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let remote = |scheme| RemoteKey::new("key", public.clone(), scheme);
    let right = remote(SignatureScheme::RsaPssSha256);
    signing(&key, 32).sign_with(&right, b"data").unwrap();
    for (salt, scheme) in [
        (20, SignatureScheme::RsaPssSha256),
        (32, SignatureScheme::RsaPssSha384),
        (32, SignatureScheme::RsaSha256),
    ] {
        let error = signing(&key, salt)
            .sign_with(&remote(scheme), b"data")
            .unwrap_err();
        let fault = match error.problem() {
            Problem::Response(fault) => fault,
            problem => panic!("{scheme:?}: {problem:?}"),
        };
        assert_eq!(*fault, ResponseFault::Signature);
        assert_eq!(error.operation(), Some(Operation::SIGN));
        assert!(!error.is_retryable());
    }
}
