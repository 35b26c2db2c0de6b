//! Certificates that were revoked, on either side.

use std::path::PathBuf;

use kmip::transport::tls::{
    ClientAuthentication, ClientTls, Error as TlsError, FileError, Identity, ServerTls,
    TlsAcceptor, TlsConnector,
};
use openssl::x509::X509;
use tempfile::TempDir;
use test_support::Authority;

use crate::world::{World, address, exchange, identity, refused, serve};

/// Files with these revocation lists.
struct Lists(TempDir);

impl Lists {
    fn new() -> Self {
        Lists(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, lists: &[Vec<u8>]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, lists.concat()).unwrap();
        path
    }
}

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::new().ca_certificate(authority.certificate().clone())
}

#[test]
fn a_revoked_server_is_refused_and_others_are_not() {
    let world = World::new();
    let lists = Lists::new();
    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let revoking = |revoked: &[&X509]| {
        let path = lists.write("list.pem", &[world.ca.revocation_list(revoked, 30)]);
        world.client_tls().crl_file(path)
    };
    exchange(&address, revoking(&[])).unwrap();
    exchange(&address, revoking(&[&world.client.certificate])).unwrap();
    let TlsError::Verification(error) = refused(
        &address,
        revoking(&[&world.client.certificate, &world.server.certificate]),
    ) else {
        panic!("no verification error");
    };
    assert!(error.to_string().contains("certificate revoked"), "{error}");
}

#[test]
fn a_revoked_client_is_refused_by_the_server() {
    let world = World::new();
    let lists = Lists::new();
    let list = world.ca.revocation_list(&[&world.client.certificate], 30);
    let path = lists.write("list.pem", &[list]);
    let server = serve(world.server_tls().client_crl_file(path));
    let error = refused(&address(&server, "localhost"), world.client_tls());
    assert!(error.to_string().contains("revoked"), "{error}");
    let other = world
        .client_tls()
        .identity(identity(&world.ca.client("another")));
    exchange(&address(&server, "localhost"), other).unwrap();
}

#[test]
fn without_a_current_list_of_each_authority_nobody_is_accepted() {
    let root = Authority::new("Root CA");
    let issuing = root.intermediate("Issuing CA");
    let certified = issuing.server();
    let chain = vec![issuing.certificate().clone()];
    let identity = Identity::new(certified.key, certified.certificate, chain).unwrap();
    let server = serve(ServerTls::new(identity).client_authentication(ClientAuthentication::None));
    let address = address(&server, "localhost");

    let lists = Lists::new();
    let (of_root, of_issuing) = (
        root.revocation_list(&[], 30),
        issuing.revocation_list(&[], 30),
    );
    let with = |given: &[Vec<u8>]| trusting(&root).crl_file(lists.write("lists.pem", given));
    exchange(&address, with(&[of_root.clone(), of_issuing.clone()])).unwrap();
    let error = refused(&address, with(std::slice::from_ref(&of_root)));
    assert!(
        error.to_string().contains("each CA of the chain needs one"),
        "{error}"
    );
    refused(&address, with(std::slice::from_ref(&of_issuing)));
    // An authority can be revoked, too.
    let revoked = root.revocation_list(&[issuing.certificate()], 30);
    let error = refused(&address, with(&[revoked, of_issuing]));
    assert!(error.to_string().contains("revoked"), "{error}");
    assert!(error.to_string().contains("depth 1"), "{error}");
    let old = issuing.revocation_list(&[], -1);
    let error = refused(&address, with(&[of_root.clone(), old]));
    assert!(
        error.to_string().contains("get a current revocation list"),
        "{error}"
    );
    // Nobody else can say what is revoked.
    let foreign = Authority::new("Issuing CA").revocation_list(&[], 30);
    refused(&address, with(&[of_root, foreign]));
}

#[test]
fn a_file_without_a_revocation_list_is_named() {
    let world = World::new();
    let lists = Lists::new();
    let missing = lists.0.path().join("missing.pem");
    let noise = lists.write("noise.pem", &[b"nothing".to_vec()]);
    let certificate = lists.write("ca.pem", &[world.ca.certificate().to_pem().unwrap()]);
    for path in [&missing, &noise, &certificate] {
        for error in [
            TlsConnector::new(world.client_tls().crl_file(path)).unwrap_err(),
            TlsAcceptor::new(world.server_tls().client_crl_file(path)).unwrap_err(),
        ] {
            assert!(matches!(
                error,
                TlsError::File(FileError::Read { .. } | FileError::Content { .. })
            ));
            let text = error.to_string();
            assert!(text.contains("revocation list"), "{text}");
            assert!(text.contains(path.to_str().unwrap()), "{text}");
        }
    }
}
