//! TLS peers for keys: a client as the plugin has it, and a server that demands a certificate.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use kmip::transport::tls::{ClientTls, Identity, Protocol, TlsConnector, TlsVersion};
use kmip::transport::{Deadline, ServerAddress, TcpStream};
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use test_support::{Authority, Certified};
use zkey_kmip::identity::{CertificateOptions, self_signed_certificate};
use zkey_kmip::secure_key::SecureKeyBackend;

use crate::observed::Observed;

pub(crate) const VERSIONS: [TlsVersion; 2] = [TlsVersion::TLS1_2, TlsVersion::TLS1_3];

pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("test authority"))
}

fn server_identity() -> &'static Certified {
    static IDENTITY: OnceLock<Certified> = OnceLock::new();
    IDENTITY.get_or_init(|| authority().server())
}

/// A certificate as the plugin makes it.
pub(crate) fn certificate(backend: &dyn SecureKeyBackend, key: &[u8], rsa_pss: bool) -> X509 {
    let options = CertificateOptions {
        subject: Some("CN=client"),
        host_name: "host.example",
        rsa_pss,
        ..CertificateOptions::default()
    };
    self_signed_certificate(backend, key, &options, SystemTime::now(), 30).unwrap()
}

/// A handshake in this version, and a message to and fro. The server accepts only `certificate`,
/// and only the signature algorithms of `sigalgs`, a list as OpenSSL has it.
pub(crate) fn meet(
    version: TlsVersion,
    sigalgs: Option<&str>,
    key: &PKey<Private>,
    certificate: &X509,
) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let context = server_context(version, sigalgs, certificate);
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = SslStream::new(Ssl::new(&context).unwrap(), stream).unwrap();
        stream.accept().map_err(|error| error.to_string())?;
        let shown = stream.ssl().peer_certificate();
        let mut message = [0; 5];
        stream
            .read_exact(&mut message)
            .map_err(|error| error.to_string())?;
        stream
            .write_all(&message)
            .map_err(|error| error.to_string())?;
        shown.ok_or("the client has no certificate".to_owned())
    });
    let client = visit(address, version, key, certificate, b"hello", b"hello");
    match (client, server.join().unwrap()) {
        (Ok(()), Ok(shown)) => {
            assert!(*shown == **certificate);
            Ok(())
        }
        (Err(client), Ok(_)) => Err(client),
        (Ok(()), Err(server)) => Err(server),
        (Err(client), Err(server)) => Err(format!("{client} (server: {server})")),
    }
}

fn server_context(version: TlsVersion, sigalgs: Option<&str>, client: &X509) -> SslContext {
    let identity = server_identity();
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_certificate(&identity.certificate).unwrap();
    context.set_private_key(&identity.key).unwrap();
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(client.clone()).unwrap();
    store
        .set_flags(openssl::x509::verify::X509VerifyFlags::PARTIAL_CHAIN)
        .unwrap();
    context.set_cert_store(store.build());
    context
        .set_groups_list("P-256:P-384:P-521:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1")
        .unwrap();
    if let Some(sigalgs) = sigalgs {
        context.set_sigalgs_list(sigalgs).unwrap();
    }
    context.build()
}

/// The client's side: connects, sends `message`, and expects `answer`.
pub(crate) fn visit(
    address: SocketAddr,
    version: TlsVersion,
    key: &PKey<Private>,
    certificate: &X509,
    message: &[u8],
    answer: &[u8],
) -> Result<(), String> {
    let protocol = Protocol::default()
        .minimum_version(version)
        .maximum_version(version);
    let identity = Identity::new(key.clone(), certificate.clone(), Vec::new());
    let tls = ClientTls::new()
        .ca_certificate(authority().certificate().clone())
        .protocol(protocol)
        .identity(identity.map_err(|error| kmip::with_causes(&error))?);
    let connector = TlsConnector::new(tls).map_err(|error| kmip::with_causes(&error))?;
    let server: ServerAddress = address.to_string().parse().unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    let stream =
        TcpStream::connect(&server, deadline).map_err(|error| kmip::with_causes(&error))?;
    let mut stream = connector
        .connect(stream, &server, deadline)
        .map_err(|error| kmip::with_causes(&error))?;
    let mut got = vec![0; answer.len()];
    stream
        .write_all(message)
        .and_then(|()| stream.flush())
        .and_then(|()| stream.read_exact(&mut got))
        .map_err(|error| kmip::with_causes(&error))?;
    assert_eq!(got, answer);
    Ok(())
}

/// Of the same kind, in the clear.
pub(crate) fn software_key(
    public: &openssl::pkey::PKeyRef<openssl::pkey::Public>,
) -> PKey<Private> {
    let key = public.ec_key().unwrap();
    PKey::from_ec_key(openssl::ec::EcKey::generate(key.group()).unwrap()).unwrap()
}

pub(crate) fn observed(backend: Arc<dyn SecureKeyBackend>) -> Arc<Observed> {
    Arc::new(Observed::new(backend, Arc::default()))
}

pub(crate) fn shared(backend: &Arc<Observed>) -> Arc<dyn SecureKeyBackend> {
    Arc::clone(backend) as Arc<dyn SecureKeyBackend>
}
