//! Data in parts, with Correlation Values: every operation that can, with both clients, over TLS.

use kmip::ProtocolVersion as V;
use kmip::client::{AsyncClient, Client, NewKey, NewKeyPair, Streamable};
use kmip::types::{
    BlockCipherMode, CryptographicParameters, Data, DecryptRequest, EncryptRequest, HashRequest,
    HashingAlgorithm, MacRequest, MacVerifyRequest, PaddingMethod, RecommendedCurve, SignRequest,
    SignatureVerifyRequest, UniqueIdentifier, ValidityIndicator,
};
use kmip_server::testing::Server;
use tokio::runtime::Runtime;

/// With an empty part and parts that are no blocks.
const PARTS: [&[u8]; 5] = [
    b"",
    b"a",
    b" text of which every part has ",
    b"another",
    b" length",
];
const IV: [u8; 16] = [9; 16];

/// One of the two clients.
enum Subject {
    Blocking(Client),
    Asynchronous(Runtime, AsyncClient),
}

impl Subject {
    /// The answers to each part of the data.
    fn stream<R: Streamable<'static>>(
        &mut self,
        request: R,
        parts: &[&'static [u8]],
    ) -> Vec<R::Response<'static>>
    where
        R::Response<'static>: Send,
    {
        let (last, before) = parts.split_last().unwrap();
        match self {
            Subject::Blocking(client) => {
                let mut stream = client.stream(request);
                let mut answers: Vec<_> = before
                    .iter()
                    .map(|part| stream.part(part).unwrap())
                    .collect();
                answers.push(stream.last(last).unwrap());
                answers
            }
            Subject::Asynchronous(runtime, client) => runtime.block_on(async {
                let mut stream = client.stream(request);
                let mut answers = Vec::new();
                for part in before {
                    answers.push(stream.part(part).await.unwrap());
                }
                answers.push(stream.last(last).await.unwrap());
                answers
            }),
        }
    }
}

fn joined<'d>(data: impl Iterator<Item = Option<&'d Data<'static>>>) -> Vec<u8> {
    let bytes = data.filter_map(|data| data?.as_bytes());
    bytes.collect::<Vec<_>>().concat()
}

fn cbc() -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        padding_method: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    }
}

fn sha256() -> CryptographicParameters<'static> {
    CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    }
}

fn ciphers(subject: &mut Subject, once: &mut Client, key: &UniqueIdentifier<'static>) {
    let text = PARTS.concat();
    let request = EncryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(cbc()),
        iv_counter_nonce: Some(IV.to_vec().into()),
        ..EncryptRequest::default()
    };
    let answers = subject.stream(request, &PARTS);
    let encrypted = joined(answers.iter().map(|answer| answer.data.as_ref()));
    let whole = once.encrypt(key, cbc(), &text, Some(&IV)).unwrap();
    assert_eq!(whole.data.unwrap().as_bytes(), Some(&encrypted[..]));

    let encrypted: &'static [u8] = encrypted.leak();
    let parts: Vec<&'static [u8]> = encrypted.chunks(7).collect();
    let request = DecryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(cbc()),
        iv_counter_nonce: Some(IV.to_vec().into()),
        ..DecryptRequest::default()
    };
    let answers = subject.stream(request, &parts);
    assert_eq!(
        joined(answers.iter().map(|answer| answer.data.as_ref())),
        text
    );
}

fn hashes(subject: &mut Subject, once: &mut Client, key: &UniqueIdentifier<'static>) {
    let text = PARTS.concat();
    let request = HashRequest {
        cryptographic_parameters: sha256(),
        ..HashRequest::default()
    };
    let answers = subject.stream(request, &PARTS);
    let digest = answers.last().unwrap().data.as_ref();
    let expected = openssl::sha::sha256(&text);
    assert_eq!(digest.and_then(|data| data.as_bytes()), Some(&expected[..]));

    let request = MacRequest {
        unique_identifier: Some(key.clone()),
        ..MacRequest::default()
    };
    let mut answers = subject.stream(request, &PARTS);
    let mac = answers.pop().unwrap().mac_data.unwrap().into_owned();
    assert_eq!(mac, once.mac(key, None, &text).unwrap());
    let verify = |mac: &[u8]| MacVerifyRequest {
        unique_identifier: Some(key.clone()),
        mac_data: Some(mac.to_vec().into()),
        ..MacVerifyRequest::default()
    };
    let mut changed = mac.clone();
    changed[0] ^= 1;
    for (mac, expected) in [
        (mac, ValidityIndicator::VALID),
        (changed, ValidityIndicator::INVALID),
    ] {
        let answers = subject.stream(verify(&mac), &PARTS);
        assert_eq!(answers.last().unwrap().validity_indicator, Some(expected));
    }
}

fn signatures(subject: &mut Subject, once: &mut Client) {
    let text = PARTS.concat();
    let pair = NewKeyPair::elliptic_curve(RecommendedCurve::P_256).active();
    let pair = once.generate_key_pair(pair).unwrap();
    let request = SignRequest {
        unique_identifier: Some(pair.private.clone()),
        cryptographic_parameters: Some(sha256()),
        ..SignRequest::default()
    };
    let mut answers = subject.stream(request, &PARTS);
    let signature = answers.pop().unwrap().signature_data.unwrap().into_owned();
    assert!(
        once.verify(&pair.public, sha256(), &text, &signature)
            .unwrap()
    );
    let verify = || SignatureVerifyRequest {
        unique_identifier: Some(pair.public.clone()),
        cryptographic_parameters: Some(sha256()),
        signature_data: Some(signature.clone().into()),
        ..SignatureVerifyRequest::default()
    };
    for (parts, expected) in [
        (&PARTS[..], ValidityIndicator::VALID),
        (&PARTS[..4], ValidityIndicator::INVALID),
    ] {
        let answers = subject.stream(verify(), parts);
        assert_eq!(answers.last().unwrap().validity_indicator, Some(expected));
    }
}

#[test]
fn data_in_parts_gives_what_data_in_one_gives() {
    let server = Server::start();
    for version in [V::V1_3, V::V1_4, V::V2_0, V::V2_1] {
        let settings = || server.client().version(version);
        let mut once = settings().connect().unwrap();
        let cipher = once.create(NewKey::aes(256).active()).unwrap();
        let authenticating = once.create(NewKey::hmac_sha256().active()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let asynchronous = runtime.block_on(settings().connect_async()).unwrap();
        for mut subject in [
            Subject::Blocking(settings().connect().unwrap()),
            Subject::Asynchronous(runtime, asynchronous),
        ] {
            ciphers(&mut subject, &mut once, &cipher);
            hashes(&mut subject, &mut once, &authenticating);
            signatures(&mut subject, &mut once);
        }
    }
}
