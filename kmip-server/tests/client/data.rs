//! Data for keys that stay on the server.

use kmip::ProtocolVersion as V;
use kmip::client::{NewKey, Problem, Sealed};
use kmip::types::{
    BlockCipherMode, CryptographicParameters, DecryptRequest, EncryptRequest, HashRequest,
    HashingAlgorithm, PaddingMethod,
};

use crate::client;

fn cbc() -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        padding_method: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    }
}

#[test]
fn data_is_processed_in_one_part_and_in_several() {
    for version in [V::V1_3, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let key = client.create(NewKey::aes(256).active()).unwrap();
        let (iv, text) = (
            [9; 16],
            b"a text that is longer than one block of the cipher",
        );
        let whole = client.encrypt(&key, cbc(), text, Some(&iv)).unwrap();
        let whole = whole.data.unwrap().as_bytes().unwrap().to_vec();
        let request = EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(cbc()),
            iv_counter_nonce: Some(iv.to_vec().into()),
            ..EncryptRequest::default()
        };
        let mut parts = Vec::new();
        let mut stream = client.stream(request);
        for part in text[..40].chunks(16) {
            let answer = stream.part(part).unwrap();
            parts.extend_from_slice(
                answer
                    .data
                    .as_ref()
                    .and_then(|d| d.as_bytes())
                    .unwrap_or(&[]),
            );
        }
        let answer = stream.last(&text[40..]).unwrap();
        parts.extend_from_slice(
            answer
                .data
                .as_ref()
                .and_then(|d| d.as_bytes())
                .unwrap_or(&[]),
        );
        assert_eq!(parts, whole, "{version}");
        let clear = client.decrypt(&key, cbc(), &whole, Some(&iv)).unwrap();
        assert_eq!(clear.expose(), text);
        // All in one part is no stream.
        let request = DecryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(cbc()),
            iv_counter_nonce: Some(iv.to_vec().into()),
            ..DecryptRequest::default()
        };
        let answer = client.stream(request).last(&whole).unwrap();
        assert_eq!(answer.data.unwrap().as_bytes(), Some(&text[..]));

        let request = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            ..HashRequest::default()
        };
        let mut stream = client.stream(request);
        stream.part(&text[..20]).unwrap();
        let digest = stream.last(&text[20..]).unwrap().data.unwrap();
        let expected = openssl::sha::sha256(text);
        assert_eq!(digest.as_bytes(), Some(&expected[..]));
        assert_eq!(
            client.hash(HashingAlgorithm::SHA_256, text).unwrap(),
            expected
        );

        let key = client.create(NewKey::hmac_sha256().active()).unwrap();
        let mac = client.mac(&key, None, text).unwrap();
        assert!(client.verify_mac(&key, None, text, &mac).unwrap());
        assert!(!client.verify_mac(&key, None, b"another", &mac).unwrap());
        assert_eq!(client.random(20).unwrap().len(), 20);
    }
}

#[test]
fn streams_are_not_begun_where_the_version_does_not_have_them() {
    let mut client = client(V::V1_2);
    let key = client.create(NewKey::aes(256).active()).unwrap();
    let request = EncryptRequest {
        unique_identifier: Some(key),
        ..EncryptRequest::default()
    };
    let error = client.stream(request).part(b"part").unwrap_err();
    assert!(matches!(error.problem(), Problem::Encode(_)), "{error:?}");
}

#[test]
fn sealed_data_opens_with_its_context_only() {
    let mut client = client(V::V1_4);
    let key = client.create(NewKey::aes(256).active()).unwrap();
    let sealed = client.seal(&key, b"row 17", b"secret").unwrap();
    let again = client.seal(&key, b"row 17", b"secret").unwrap();
    assert_ne!(sealed.nonce, again.nonce);
    let stored = Sealed::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(stored, sealed);
    assert_eq!(Sealed::from_bytes(&[0; 27]), None);
    assert_eq!(
        client.open(&key, b"row 17", &stored).unwrap().expose(),
        b"secret"
    );
    client.open(&key, b"row 18", &stored).unwrap_err();
    let mut changed = sealed;
    changed.ciphertext[0] ^= 1;
    client.open(&key, b"row 17", &changed).unwrap_err();

    let mut old = crate::client(V::V1_3);
    let error = old.seal("a key", b"", b"secret").unwrap_err();
    assert!(matches!(error.problem(), Problem::Version { .. }));
    assert!(error.to_string().contains("needs KMIP 1.4"), "{error}");
}
