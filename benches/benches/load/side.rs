//! The server, and the side that puts it under load: threads that send bytes and receive bytes, and
//! understand nothing of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use kmip::codec::Options;
use kmip::server::{ServeOptions, Server};
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::{ResponseMessage, ResponsePayload, ResultStatus};
use kmip_server::{Configuration, KeyServer, Store, serve};
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use openssl::x509::X509;
use rustix::time::{ClockId, clock_gettime};
use test_support::{Authority, Certified};

use crate::requests;

/// A server on the loopback interface, with mutual TLS.
pub(crate) struct Side {
    pub(crate) client: Client,
    server: Server,
}

impl Side {
    pub(crate) fn start(store: Arc<dyn Store>) -> Self {
        let authority = Authority::new("load CA");
        let server = listen(&authority, store);
        let own = authority.client("load");
        let client = Client::new(authority.certificate(), &own.certificate, &own.key);
        Side { client, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

/// Who connects.
pub(crate) struct Client(SslConnector);

impl Client {
    pub(crate) fn new(ca: &X509, certificate: &X509, key: &PKey<Private>) -> Self {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("a context");
        let store = connector.cert_store_mut();
        store.add_cert(ca.clone()).expect("a CA");
        connector
            .set_certificate(certificate)
            .expect("a certificate");
        connector.set_private_key(key).expect("a key");
        Client(connector.build())
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> SslStream<TcpStream> {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let name = address.ip().to_string();
        self.0.connect(&name, stream).expect("a handshake")
    }

    /// Makes a key, and encodes a Get of it.
    pub(crate) fn prepare_get(&self, address: SocketAddr) -> Vec<u8> {
        let mut stream = self.connect(address);
        let answer = exchange(&mut stream, &requests::create("the key"));
        let answer: ResponseMessage<'_> =
            kmip::ttlv::decode(&answer, &Options::default()).expect("an answer");
        let item = &answer.batch_item[0];
        assert_eq!(item.result_status, ResultStatus::SUCCESS, "{item:?}");
        let Some(ResponsePayload::Create(created)) = &item.response_payload else {
            panic!("{item:?}");
        };
        let get = requests::get(&created.unique_identifier);
        // From now on it is no longer fresh, and the answers are the same.
        exchange(&mut stream, &get);
        get
    }
}

pub(crate) fn listen(authority: &Authority, store: Arc<dyn Store>) -> Server {
    let Certified { certificate, key } = authority.server();
    let identity = Identity::new(key, certificate, Vec::new()).expect("an identity");
    let tls = ServerTls::new(identity).client_ca(authority.certificate().clone());
    serve(
        TcpListener::bind("127.0.0.1:0").expect("a port"),
        TlsAcceptor::new(tls).expect("a TLS server"),
        KeyServer::new(Configuration::default(), store),
        ServeOptions::default(),
    )
    .expect("a server")
}

/// What the processor has done for this thread or process: what other programs do meanwhile is not in it.
pub(crate) fn processor_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::try_from(time).expect("no negative time")
}

/// Sends a message, and receives one, whose length stands at its begin.
pub(crate) fn exchange(stream: &mut SslStream<TcpStream>, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).expect("sent");
    let mut answer = vec![0; 8];
    stream.read_exact(&mut answer).expect("received");
    let length = u32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]);
    answer.resize(8 + length as usize, 0);
    stream.read_exact(&mut answer[8..]).expect("received");
    answer
}

/// Connections, each with a thread.
pub(crate) struct Load {
    streams: Vec<SslStream<TcpStream>>,
}

/// What was measured in a turn.
pub(crate) struct Measured {
    /// Answers per second, on all connections together.
    pub(crate) rate: f64,
    /// What the processor has done in this process.
    pub(crate) work: Duration,
    pub(crate) latencies: Vec<Duration>,
}

impl Measured {
    /// What half of the answers did not exceed, and what 99 of 100 did not.
    pub(crate) fn middle_and_slow(mut self) -> (Duration, Duration) {
        self.latencies.sort_unstable();
        let percentile = |share: usize| self.latencies[(self.latencies.len() - 1) * share / 100];
        (percentile(50), percentile(99))
    }
}

impl Load {
    pub(crate) fn connect(client: &Client, address: SocketAddr, connections: usize) -> Self {
        let streams = (0..connections).map(|_| client.connect(address));
        Load {
            streams: streams.collect(),
        }
    }

    /// Sends requests on all connections for some time, on each the next when the last is answered.
    pub(crate) fn run(
        &mut self,
        time: Duration,
        request: impl Fn(usize, u64) -> Vec<u8> + Sync,
    ) -> Measured {
        self.until(request, |_, elapsed| elapsed > time)
    }

    /// Sends so many requests on each connection.
    pub(crate) fn count(&mut self, count: u64, request: impl Fn(usize, u64) -> Vec<u8> + Sync) {
        self.until(request, |number, _| number + 1 >= count);
    }

    fn until(
        &mut self,
        request: impl Fn(usize, u64) -> Vec<u8> + Sync,
        over: impl Fn(u64, Duration) -> bool + Sync,
    ) -> Measured {
        let barrier = Barrier::new(self.streams.len());
        let (barrier, request, over) = (&barrier, &request, &over);
        let begin = Instant::now();
        let worked = processor_time(ClockId::ProcessCPUTime);
        let latencies: Vec<Vec<Duration>> = thread::scope(|scope| {
            let threads = self.streams.iter_mut().enumerate().map(|(at, stream)| {
                scope.spawn(move || {
                    let mut latencies = Vec::with_capacity(1 << 16);
                    barrier.wait();
                    let started = Instant::now();
                    for number in 0_u64.. {
                        let request = request(at, number);
                        let begin = Instant::now();
                        exchange(stream, &request);
                        let answered = Instant::now();
                        latencies.push(answered - begin);
                        if over(number, answered - started) {
                            break;
                        }
                    }
                    latencies
                })
            });
            let threads: Vec<_> = threads.collect();
            let ended = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            ended.collect()
        });
        let elapsed = begin.elapsed();
        let worked = processor_time(ClockId::ProcessCPUTime) - worked;
        let latencies = latencies.concat();
        Measured {
            rate: latencies.len() as f64 / elapsed.as_secs_f64(),
            work: worked,
            latencies,
        }
    }
}
