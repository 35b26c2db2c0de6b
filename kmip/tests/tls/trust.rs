//! Which certificates are accepted on either side.

use std::time::Duration;

use kmip::transport::Deadline;
use kmip::transport::tls::{
    ClientAuthentication, ClientTls, Error as TlsError, Protocol, ServerTls, TlsVersion,
    inspect_server,
};
use openssl::x509::X509;
use test_support::{Authority, Request};

use crate::world::{World, address, exchange, identity, refused, serve};

#[test]
fn a_server_of_another_authority_is_refused_with_advice() {
    let world = World::new();
    let server = serve(world.server_tls());
    let other = Authority::new("Other CA");
    let options = ClientTls::new()
        .ca_certificate(other.certificate().clone())
        .identity(identity(&world.client));
    let error = refused(&address(&server, "localhost"), options);
    let TlsError::Verification(error) = error else {
        panic!("{error:?}");
    };
    assert!(!error.is_host_name());
    let text = error.to_string();
    assert!(text.contains("CN=Test CA"), "{text}");
    assert!(text.contains("not among the trusted ones"), "{text}");
}

#[test]
fn the_system_trusts_nobody_of_the_test() {
    let world = World::new();
    let server = serve(world.server_tls());
    let options = ClientTls::new().identity(identity(&world.client));
    let error = refused(&address(&server, "localhost"), options);
    assert!(
        error.to_string().contains("the system's CA certificates"),
        "{error}"
    );
}

#[test]
fn another_host_name_is_refused_unless_that_is_allowed() {
    let world = World::new();
    let certified = Request::new("keys")
        .dns("keys.example.com")
        .signed_by(&world.ca);
    let server =
        serve(ServerTls::new(identity(&certified)).client_ca(world.ca.certificate().clone()));
    for host in ["localhost", "127.0.0.1"] {
        let address = address(&server, host);
        let TlsError::Verification(error) = refused(&address, world.client_tls()) else {
            panic!("not a verification error");
        };
        assert!(error.is_host_name());
        assert!(error.to_string().contains("keys.example.com"), "{error}");
        exchange(&address, world.client_tls().verify_host_name(false)).unwrap();
        exchange(&address, world.client_tls().host_name("keys.example.com")).unwrap();
    }
}

#[test]
fn an_expired_server_certificate_is_refused() {
    let world = World::new();
    let certified = Request::new("localhost")
        .dns("localhost")
        .expired()
        .signed_by(&world.ca);
    let server =
        serve(ServerTls::new(identity(&certified)).client_ca(world.ca.certificate().clone()));
    let error = refused(&address(&server, "localhost"), world.client_tls());
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn pins_hold_with_and_without_chain_verification() {
    let world = World::new();
    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let public = |certificate: &X509| certificate.public_key().unwrap();
    for verify in [true, false] {
        let options = || world.client_tls().verify_chain(verify);
        let right = &world.server.certificate;
        let wrong = &world.client.certificate;
        exchange(&address, options().pinned_certificate(right.clone())).unwrap();
        exchange(&address, options().pinned_public_key(public(right))).unwrap();
        let error = refused(&address, options().pinned_certificate(wrong.clone()));
        assert!(
            matches!(error, TlsError::OtherCertificate { .. }),
            "{error:?}"
        );
        let error = refused(&address, options().pinned_public_key(public(wrong)));
        assert!(
            matches!(error, TlsError::OtherPublicKey { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_self_signed_server_is_trusted_only_by_name() {
    let world = World::new();
    let request = Request::new("localhost").dns("localhost");
    let (certified, other) = (request.self_signed(), request.self_signed());
    let server =
        serve(ServerTls::new(identity(&certified)).client_ca(world.ca.certificate().clone()));
    let address = address(&server, "localhost");
    let error = refused(&address, world.client_tls());
    assert!(error.to_string().contains("self-signed"), "{error}");
    let trusting = |certificate: &X509| world.client_tls().trusted_certificate(certificate.clone());
    exchange(&address, trusting(&certified.certificate)).unwrap();
    // That it is another one says more than that it does not verify.
    let error = refused(&address, trusting(&other.certificate));
    assert!(
        matches!(error, TlsError::OtherCertificate { .. }),
        "{error:?}"
    );
    exchange(&address, world.client_tls().verify_chain(false)).unwrap();
}

#[test]
fn a_trusted_certificate_excludes_others_of_the_same_authority() {
    let world = World::new();
    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let trusting = |certificate: &X509| world.client_tls().trusted_certificate(certificate.clone());
    exchange(&address, trusting(&world.server.certificate)).unwrap();
    refused(&address, trusting(&world.ca.server().certificate));
    // The authority is not the server.
    let error = refused(&address, trusting(world.ca.certificate()));
    assert!(
        matches!(error, TlsError::OtherCertificate { .. }),
        "{error:?}"
    );
}

#[test]
fn a_client_that_is_not_known_is_told_so_in_both_versions() {
    let world = World::new();
    let stranger = Authority::new("Other CA").client("a stranger");
    for version in [TlsVersion::TLS1_2, TlsVersion::TLS1_3] {
        let only = Protocol::default()
            .minimum_version(version)
            .maximum_version(version);
        let server = serve(world.server_tls().protocol(only));
        let address = address(&server, "localhost");
        let anonymous = ClientTls::new().ca_certificate(world.ca.certificate().clone());
        let error = refused(&address, anonymous.clone());
        assert!(error.to_string().contains("none is configured"), "{error}");
        let error = refused(&address, anonymous.identity(identity(&stranger)));
        let text = error.to_string();
        assert!(
            text.contains("unknown CA") && text.contains("CN=a stranger"),
            "{text}"
        );
    }
}

#[test]
fn an_expired_client_certificate_is_named_in_the_error() {
    let world = World::new();
    let old = Request::new("old")
        .for_client()
        .expired()
        .signed_by(&world.ca);
    let server = serve(world.server_tls());
    let options = ClientTls::new()
        .ca_certificate(world.ca.certificate().clone())
        .identity(identity(&old));
    let error = refused(&address(&server, "localhost"), options);
    assert!(error.to_string().contains("EXPIRED"), "{error}");
}

#[test]
fn a_client_certificate_can_be_optional_but_not_wrong() {
    let world = World::new();
    let optional = ClientAuthentication::Optional;
    let server = serve(world.server_tls().client_authentication(optional));
    let address = address(&server, "localhost");
    let anonymous = ClientTls::new().ca_certificate(world.ca.certificate().clone());
    exchange(&address, anonymous.clone()).unwrap();
    exchange(&address, world.client_tls()).unwrap();
    let stranger = Authority::new("Other CA").client("a stranger");
    refused(&address, anonymous.identity(identity(&stranger)));
}

#[test]
fn a_certificate_can_be_inspected_before_it_is_trusted() {
    let world = World::new();
    let server = serve(world.server_tls());
    let deadline = Deadline::after(Duration::from_secs(10));
    let inspect = |host, options| {
        let address = address(&server, host);
        inspect_server(&address, options, deadline).unwrap()
    };
    let trusted = inspect("localhost", world.client_tls());
    assert!(trusted.is_chain_verified() && trusted.is_for_host());
    assert!(!trusted.is_self_signed());
    assert!(trusted.handshake_error.is_none());
    assert_eq!(trusted.certificate, world.server.certificate);
    assert!(trusted.public_key.public_eq(&world.server.key));

    let unknown = ClientTls::new()
        .identity(identity(&world.client))
        .host_name("elsewhere");
    let unknown = inspect("localhost", unknown);
    assert!(!unknown.is_chain_verified() && !unknown.is_for_host());
    assert_eq!(unknown.certificate, world.server.certificate);
}

#[test]
fn a_certificate_is_shown_even_if_the_server_refuses_us() {
    let world = World::new();
    let only = Protocol::default().maximum_version(TlsVersion::TLS1_2);
    let server = serve(world.server_tls().protocol(only));
    let deadline = Deadline::after(Duration::from_secs(10));
    let shown = inspect_server(&address(&server, "localhost"), ClientTls::new(), deadline);
    let shown = shown.unwrap();
    assert_eq!(shown.certificate, world.server.certificate);
    assert!(shown.handshake_error.is_some());
}
