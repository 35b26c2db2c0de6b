//! Lists of revoked certificates.

use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::x509::extension::{AuthorityKeyIdentifier, CrlNumber};
use openssl::x509::{X509, X509CrlBuilder, X509RevokedBuilder};

use super::Authority;
use super::pki::day;

impl Authority {
    /// A list of certificates of this authority that are revoked, in PEM. Until the list is renewed,
    /// it is valid for so many days from now; a negative number makes one that has run out.
    pub fn revocation_list(&self, revoked: &[&X509], days: i64) -> Vec<u8> {
        let mut builder = X509CrlBuilder::new().unwrap();
        builder
            .set_issuer_name(self.certificate().subject_name())
            .unwrap();
        builder.set_last_update(&day(-30)).unwrap();
        builder.set_next_update(&day(days)).unwrap();
        let issuer = X509::builder().unwrap();
        let context = issuer.x509v3_context(Some(self.certificate()), None);
        let issuer = AuthorityKeyIdentifier::new().issuer(true).build(&context);
        builder.append_extension(issuer.unwrap()).unwrap();
        let number = CrlNumber::new(BigNum::from_u32(1).unwrap()).unwrap();
        builder.append_extension(number.build().unwrap()).unwrap();
        for certificate in revoked {
            let mut entry = X509RevokedBuilder::new().unwrap();
            entry
                .set_serial_number(certificate.serial_number())
                .unwrap();
            entry.set_revocation_date(&day(-2)).unwrap();
            builder.add_revoked(entry.build()).unwrap();
        }
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build().unwrap().to_pem().unwrap()
    }
}
