//! Certification requests by keys that stay on the server.

use kmip::ProtocolVersion as V;
use kmip::client::{NewKeyPair, SignatureScheme, Signer};
use kmip::types::RecommendedCurve;
use openssl::x509::{X509Name, X509Req};

use crate::client;

#[test]
fn a_certification_request_is_signed_by_a_key_that_stays_on_the_server() {
    for pair in [
        NewKeyPair::elliptic_curve(RecommendedCurve::P_256),
        NewKeyPair::elliptic_curve(RecommendedCurve::P_384),
        NewKeyPair::rsa(2048),
    ] {
        let mut client = client(V::V1_4);
        let pair = client.generate_key_pair(pair.active()).unwrap();
        let key = client.remote_key(pair.private, &pair.public).unwrap();
        let signer = Signer::new(client, key);
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "keys.example.com").unwrap();
        let request = signer.certification_request(&name.build()).unwrap();
        let request = X509Req::from_der(&request).unwrap();
        assert!(request.verify(signer.key().public_key()).unwrap());
        assert!(
            request
                .public_key()
                .unwrap()
                .public_eq(signer.key().public_key())
        );
        let subject = request.subject_name().entries().next().unwrap();
        assert_eq!(subject.data().to_string().unwrap(), "keys.example.com");
    }
}

#[test]
fn an_rsa_key_on_the_server_signs_with_every_padding_and_hash() {
    use SignatureScheme as Scheme;

    for version in [V::V1_2, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let pair = client.generate_key_pair(NewKeyPair::rsa(2048).active());
        let pair = pair.unwrap();
        let key = client.remote_key(pair.private, &pair.public).unwrap();
        assert_eq!(key.scheme(), Scheme::RsaSha256);
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "keys.example.com").unwrap();
        let name = name.build();
        for (scheme, algorithm, salt) in [
            (Scheme::RsaSha256, "sha256WithRSAEncryption", None),
            (Scheme::RsaSha384, "sha384WithRSAEncryption", None),
            (Scheme::RsaSha512, "sha512WithRSAEncryption", None),
            (
                Scheme::RsaPssSha256,
                "mgf1 with sha256",
                Some("Salt Length: 0x20"),
            ),
            (
                Scheme::RsaPssSha384,
                "mgf1 with sha384",
                Some("Salt Length: 0x30"),
            ),
            (
                Scheme::RsaPssSha512,
                "mgf1 with sha512",
                Some("Salt Length: 0x40"),
            ),
        ] {
            let key = key.clone().signing_with(scheme);
            let request = client.certification_request(&key, &name).unwrap();
            let request = X509Req::from_der(&request).unwrap();
            // OpenSSL takes padding, hash and salt from the request.
            assert!(request.verify(key.public_key()).unwrap(), "{scheme:?}");
            let text = String::from_utf8(request.to_text().unwrap()).unwrap();
            for part in [Some(algorithm), salt].into_iter().flatten() {
                assert!(text.contains(part), "{scheme:?}: {text}");
            }
            assert_eq!(text.contains("rsassaPss"), salt.is_some(), "{text}");
        }
    }
}
