//! The asynchronous client and its pool, against our own server with TLS.

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use kmip::Encoding;
use kmip::client::{
    AsyncClient, Batch, Client, ClientBuilder, Manager, NewKey, Pool, Problem, Search,
};
use kmip::server::{Engine, ServeOptions, Server, serve};
use kmip::transport::DEFAULT_PATH;
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor};
use kmip::types::{ActivateRequest, CreateRequest, ProtocolVersion, UniqueIdentifier};
use support::Store;
use test_support::{Authority, Certified};

struct World {
    ca: Authority,
    server: Server,
    engine: Arc<Engine<Store>>,
}

fn identity(certified: Certified) -> Identity {
    Identity::new(certified.key, certified.certificate, Vec::new()).unwrap()
}

impl World {
    fn new(options: ServeOptions) -> Self {
        let ca = Authority::new("Test CA");
        let tls = ServerTls::new(identity(ca.server())).client_ca(ca.certificate().clone());
        let engine = Arc::new(Engine::new(Store::default()));
        let server = serve(
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TlsAcceptor::new(tls).unwrap(),
            engine.clone(),
            options,
        );
        let server = server.unwrap();
        World { ca, server, engine }
    }

    fn settings(&self) -> ClientBuilder {
        let tls = ClientTls::new()
            .ca_certificate(self.ca.certificate().clone())
            .identity(identity(self.ca.client("a client")));
        Client::builder(self.server.address().to_string().parse().unwrap()).tls(tls)
    }
}

#[tokio::test]
async fn a_key_lives_and_dies_in_every_version() {
    let world = World::new(ServeOptions::default());
    for version in ProtocolVersion::ALL {
        let settings = world.settings().version(version);
        let mut client = settings.connect_async().await.unwrap();
        let key = client.create(NewKey::aes(256).name("disk")).await.unwrap();
        client.activate(&key).await.unwrap();
        assert_eq!(
            client.locate([], None).await.unwrap(),
            std::slice::from_ref(&key)
        );
        let batch = (
            CreateRequest::from(NewKey::aes(128)),
            ActivateRequest::default(),
        );
        let (created, activated) = client.call_batch(batch).await.unwrap();
        let other = created.unwrap().unique_identifier;
        assert_eq!(activated.unwrap().unique_identifier, other);
        client.destroy(&other).await.unwrap();
        client.destroy(&key).await.unwrap();
        let error = client.get_attributes(&key, []).await.unwrap_err();
        assert!(error.is_not_found(), "{version}: {error}");
    }
}

#[tokio::test]
async fn https_works_in_every_encoding() {
    let world = World::new(ServeOptions::default().https(DEFAULT_PATH));
    for encoding in Encoding::ALL {
        let settings = world.settings().https(DEFAULT_PATH, encoding);
        let mut client = settings.connect_async().await.unwrap();
        assert_eq!(client.version(), ProtocolVersion::LATEST);
        let key = client.create(NewKey::aes(256)).await.unwrap();
        client.destroy(&key).await.unwrap();
        client.destroy(&key).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused() {
    let world = World::new(ServeOptions::default());
    let stranger = Authority::new("Other CA");
    let tls = ClientTls::new().ca_certificate(stranger.certificate().clone());
    let error = world.settings().tls(tls).connect_async().await.unwrap_err();
    let chain = format!("{:?}", error.problem());
    assert!(chain.contains("not among the trusted ones"), "{chain}");
    let pinned = ClientTls::new()
        .ca_certificate(world.ca.certificate().clone())
        .identity(identity(world.ca.client("a client")))
        .pinned_certificate(stranger.certificate().clone());
    let error = world
        .settings()
        .tls(pinned)
        .connect_async()
        .await
        .unwrap_err();
    let chain = format!("{:?}", error.problem());
    assert!(chain.contains("OtherCertificate"), "{chain}");
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_replaced() {
    let (report, reported) = channel();
    let report = std::sync::Mutex::new(report);
    let options = ServeOptions::default()
        .idle_timeout(Duration::from_secs(1))
        .on_error(move |error| report.lock().unwrap().send(error.is_timeout()).unwrap());
    let world = World::new(options);
    let mut client = world.settings().connect_async().await.unwrap();
    client.create(NewKey::aes(256)).await.unwrap();
    let wait = move || reported.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(tokio::task::spawn_blocking(wait).await.unwrap());
    client.create(NewKey::aes(256)).await.unwrap();
    assert_eq!(world.engine.handler().len(), 2);
}

#[tokio::test]
async fn a_way_to_connect_is_for_one_kind_of_client() {
    let settings = || Client::builder("in.memory".parse().unwrap());
    let blocking = settings().connect_with(
        |_: &kmip::transport::ServerAddress, _: kmip::transport::Deadline| {
            Ok(Box::new(kmip::transport::memory::pair().0) as Box<dyn kmip::transport::Stream>)
        },
    );
    let error = blocking.connect_async().await.unwrap_err();
    assert!(matches!(error.problem(), Problem::OtherKind("blocking")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_share_a_pool() {
    let world = World::new(ServeOptions::default());
    let world = Arc::new(world);
    let manager = Manager::new({
        let world = world.clone();
        move || world.settings()
    });
    let pool = Pool::builder(manager.health_check(true))
        .max_size(3)
        .build()
        .unwrap();
    let mut tasks = Vec::new();
    for _ in 0..12 {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move {
            let mut client = pool.get().await.unwrap();
            let key = client.create(NewKey::aes(256)).await.unwrap();
            // What generic arguments and borrowed ones need to be spawned.
            let borrowed: UniqueIdentifier<'_> = (&key).into();
            client.activate(borrowed).await.unwrap();
            client.get_attributes(&key, []).await.unwrap();
            client.send_batch(Batch::new()).await.unwrap();
            let mut found = client.search(Search::new().page(5));
            found.next().await.unwrap().unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.engine.handler().len(), 12);
    assert!(pool.status().size <= 3);
}

#[test]
fn clients_are_send_and_sync() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<AsyncClient>();
    is_send_and_sync::<Client>();
    is_send_and_sync::<Pool>();
    is_send_and_sync::<kmip::client::Signer>();
    is_send_and_sync::<kmip::client::Error>();
    fn is_send<T: Send>() {}
    is_send::<ClientBuilder>();
}
