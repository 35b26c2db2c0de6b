use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509Builder;

use super::*;

fn form(of_key: u32, of_mac: u32) -> Vec<u8> {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = certificate.build();
    let mut builder = Pkcs12::builder();
    builder.pkey(&key).cert(&certificate);
    builder.key_iter(of_key).mac_iter(of_mac);
    builder.build2("password").unwrap().to_der().unwrap()
}

fn iterations(form: &[u8]) -> Result<u64, ResultReason> {
    let mut cost = Cost {
        password: "password",
        iterations: 0,
    };
    cost.form(form).map_err(|failure| failure.reason())?;
    Ok(cost.iterations)
}

#[test]
fn all_iterations_of_a_form_are_seen_before_it_is_opened() {
    // The certificate is encrypted, too.
    assert_eq!(iterations(&form(3000, 2000)), Ok(8000));
    assert!(check(&form(3000, 2000), "password").is_ok());
    let wrong = check(&form(3000, 2000), "wrong").unwrap_err();
    assert_eq!(wrong.reason(), ResultReason::BAD_PASSWORD);
}

#[test]
fn what_is_damaged_cut_off_or_no_der_is_not_opened() {
    let form = form(1, 1);
    for end in 0..form.len() {
        assert!(iterations(&form[..end]).is_err(), "{end}");
    }
    for damaged in [&[][..], &[0x30], &[0x30, 0x84, 0xFF], &[0x30, 0xFF, 1, 2]] {
        assert_eq!(iterations(damaged), Err(ResultReason::INVALID_FIELD));
    }
    // Of indefinite length, which OpenSSL reads as well.
    let (head, rest) = form.split_at(4);
    assert_eq!(head[..2], [0x30, 0x82]);
    let indefinite = [&[0x30, 0x80], rest, &[0, 0]].concat();
    assert!(Pkcs12::from_der(&indefinite).is_ok());
    assert_eq!(iterations(&indefinite), Err(ResultReason::INVALID_FIELD));
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = (content.len() as u16).to_be_bytes();
    [&[tag, 0x82], &length[..], &content].concat()
}

fn identifier(prefix: &[u8], last: u8) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, &[prefix, &[last]])
}

/// A key that is encrypted with so many iterations, as the part of a form.
fn encrypted_key(iterations: &[u8]) -> Vec<u8> {
    let parameters = [element(OCTETS, &[&[1; 8]]), element(INTEGER, &[iterations])].concat();
    let scheme = [
        identifier(PKCS_12_PBE, 3),
        element(SEQUENCE, &[&parameters]),
    ]
    .concat();
    let key = [element(SEQUENCE, &[&scheme]), element(OCTETS, &[&[0; 8]])].concat();
    let key = element(EXPLICIT, &[&element(SEQUENCE, &[&key])]);
    element(SEQUENCE, &[&identifier(BAG, 2), &key])
}

fn with_contents(contents: &[&[u8]]) -> Vec<u8> {
    let safe = element(OCTETS, &[&element(SEQUENCE, contents)]);
    let safe = [identifier(CONTENT, 1), element(EXPLICIT, &[&safe])].concat();
    let version = element(INTEGER, &[&[3]]);
    element(SEQUENCE, &[&version, &element(SEQUENCE, &[&safe])])
}

fn plain(bags: &[&[u8]]) -> Vec<u8> {
    let bags = element(OCTETS, &[&element(SEQUENCE, bags)]);
    let content = [identifier(CONTENT, 1), element(EXPLICIT, &[&bags])].concat();
    element(SEQUENCE, &[&content])
}

fn encrypted(bags: &[&[u8]]) -> Vec<u8> {
    let mut key = [0; 32];
    pbkdf2_hmac(b"password", &[2; 8], 10, MessageDigest::sha1(), &mut key).unwrap();
    let bags = element(SEQUENCE, bags);
    let bags = symm::encrypt(Cipher::aes_256_cbc(), &key, Some(&[3; 16]), &bags).unwrap();
    let derivation = [element(OCTETS, &[&[2; 8]]), element(INTEGER, &[&[10]])].concat();
    let derivation = [identifier(PKCS_5, 12), element(SEQUENCE, &[&derivation])].concat();
    let cipher = [identifier(AES, 42), element(OCTETS, &[&[3; 16]])].concat();
    let parameters = [
        element(SEQUENCE, &[&derivation]),
        element(SEQUENCE, &[&cipher]),
    ];
    let scheme = [
        identifier(PKCS_5, 13),
        element(SEQUENCE, &[&parameters.concat()]),
    ];
    let scheme = element(SEQUENCE, &[&scheme.concat()]);
    let info = [identifier(CONTENT, 1), scheme, element(IMPLICIT, &[&bags])].concat();
    let version = element(INTEGER, &[&[0]]);
    let data = element(SEQUENCE, &[&version, &element(SEQUENCE, &[&info])]);
    let content = [identifier(CONTENT, 6), element(EXPLICIT, &[&data])].concat();
    element(SEQUENCE, &[&content])
}

#[test]
fn iterations_hide_nowhere() {
    // The most that fits takes an hour; so do many that are less.
    let (often, million) = (
        encrypted_key(&[0x7F, 0xFF, 0xFF, 0xFF]),
        &[0x0F, 0x42, 0x40],
    );
    let too_often = Err(ResultReason::INVALID_FIELD);
    let parts = [
        identifier(BAG, 6),
        element(EXPLICIT, &[&element(SEQUENCE, &[&often])]),
    ];
    let nested = element(SEQUENCE, &[&parts.concat()]);
    for hidden in [&often, &nested] {
        assert_eq!(iterations(&with_contents(&[&plain(&[hidden])])), too_often);
        assert_eq!(
            iterations(&with_contents(&[&encrypted(&[hidden])])),
            too_often
        );
    }
    let key = encrypted_key(million);
    let ten = [&key[..]; 10];
    let form = with_contents(&[&encrypted(&ten[..3]), &plain(&ten[..6])]);
    assert_eq!(iterations(&form), Ok(9_000_010));
    assert_eq!(iterations(&with_contents(&[&encrypted(&ten)])), too_often);
}

#[test]
fn parts_are_not_nested_without_end() {
    let mut bag = encrypted_key(&[1]);
    for _ in 0..DEEPEST {
        let inner = element(EXPLICIT, &[&element(SEQUENCE, &[&bag])]);
        bag = element(SEQUENCE, &[&identifier(BAG, 6), &inner]);
    }
    let form = with_contents(&[&plain(&[&bag])]);
    assert_eq!(iterations(&form), Err(ResultReason::INVALID_FIELD));
}

/// Those of PBMAC1 stand among its parameters.
#[test]
fn a_form_with_pbmac1_is_not_opened() {
    const SHA_256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    let mut form = form(1, 1);
    let mut places = form.windows(SHA_256.len());
    let at = places.rposition(|own| own == SHA_256).unwrap();
    form[at..at + SHA_256.len()].copy_from_slice(&[PKCS_5, &[14]].concat());
    let refused = Err(ResultReason::FEATURE_NOT_SUPPORTED);
    assert_eq!(iterations(&form), refused);
}
