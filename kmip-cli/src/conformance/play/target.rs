//! What cases are played against.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kmip::Encoding;
use kmip::server::{Engine, Peer};
use kmip::transport::tls::{ClientTls, Identity, TlsConnector};
use kmip::transport::{
    Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, HttpTarget, MessageDirection,
    ServerAddress, TcpStream, Timeouts,
};
use kmip::types::{DateTime, RequestMessage};
use kmip_server::{Configuration, KeyServer, ManualClock, MemoryStore, Notices};

use super::PlayError;
use super::inbox::Inbox;
use super::options::LiveOptions;
use crate::failure::chain;

/// How long a server may take for a response.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take until a server tells something.
const NOTICE: Duration = Duration::from_secs(10);

/// A server that answers requests.
pub(super) trait Target {
    /// Sends a request of a client, and gives the response back or says why there is none.
    fn exchange(
        &mut self,
        client: char,
        encoding: Encoding,
        request: &[u8],
    ) -> Result<Vec<u8>, String>;

    /// The next request that the server sends, in TTLV, or why there is none.
    fn receive(&mut self) -> Result<Vec<u8>, String>;

    /// The time.
    fn now(&self) -> DateTime;

    /// Lets a time pass.
    fn pass(&mut self, seconds: u32);
}

/// A server within this program, without a network, whose clock goes when it is told to.
pub(super) struct Embedded {
    engine: Engine<KeyServer>,
    clock: Arc<ManualClock>,
    sent: Arc<Sent>,
}

/// What the server has sent and nobody has received yet.
#[derive(Default)]
struct Sent(Mutex<VecDeque<RequestMessage<'static>>>);

impl Notices for Sent {
    fn send(&self, _: &str, request: RequestMessage<'static>) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push_back(request);
    }
}

impl Embedded {
    pub(super) fn new(configure: impl FnOnce(&mut Configuration)) -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::now()));
        let mut configuration = Configuration::default();
        let sent = Arc::new(Sent::default());
        configuration.clock = clock.clone();
        configuration.notices = Some(sent.clone());
        configure(&mut configuration);
        let server = KeyServer::new(configuration, Arc::new(MemoryStore::new()));
        Embedded {
            engine: Engine::new(server),
            clock,
            sent,
        }
    }
}

impl Target for Embedded {
    fn exchange(&mut self, _: char, encoding: Encoding, request: &[u8]) -> Result<Vec<u8>, String> {
        let mut response = Vec::new();
        let peer = Peer::local();
        self.engine
            .respond_in(encoding, &peer, request, &mut response);
        Ok(response)
    }

    fn receive(&mut self) -> Result<Vec<u8>, String> {
        let mut requests = self.sent.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = requests.pop_front();
        let request = request.ok_or_else(|| "the server has sent no request".to_owned())?;
        let mut bytes = Vec::new();
        let encoded = kmip::ttlv::encode(&request, &mut bytes);
        encoded.map(|()| bytes).map_err(|error| error.to_string())
    }

    fn now(&self) -> DateTime {
        kmip_server::Clock::now(&*self.clock)
    }

    fn pass(&mut self, seconds: u32) {
        self.clock.advance(seconds.into());
    }
}

/// A server on the network. Each client of a case has a connection of its own.
pub(super) struct Live {
    address: ServerAddress,
    tls: TlsConnector,
    https: Option<HttpTarget>,
    connections: HashMap<char, Connection>,
    inbox: Option<Inbox>,
}

impl Live {
    /// The server in the options; they must name one.
    pub(super) fn new(options: &LiveOptions, encoding: Encoding) -> Result<Self, PlayError> {
        let server = options.server.as_deref().unwrap_or_default();
        let address: ServerAddress = server.parse()?;
        let mut tls = ClientTls::new();
        if let (Some(cert), Some(key)) = (&options.cert, &options.key) {
            tls = tls.identity(Identity::from_pem_files(cert, key, None)?);
        }
        if let Some(ca) = &options.ca {
            tls = tls.ca_file(ca);
        }
        let https = match &options.https {
            Some(path) => Some(HttpTarget::new(&address, path, encoding.content_type())?),
            None if encoding != Encoding::Ttlv => return Err(PlayError::NeedsHttps),
            None => None,
        };
        Ok(Live {
            address,
            tls: TlsConnector::new(tls)?,
            https,
            connections: HashMap::new(),
            inbox: Inbox::open(options)?,
        })
    }

    fn connect(&self) -> Result<Connection, kmip::transport::Error> {
        let deadline = Deadline::after(PATIENCE);
        let stream = TcpStream::connect(&self.address, deadline)?;
        let stream = self.tls.connect(stream, &self.address, deadline)?;
        let (name, most) = (self.address.to_string(), DEFAULT_MAXIMUM_MESSAGE_SIZE);
        let timeouts = Timeouts::NONE.with_operation(PATIENCE);
        Ok(match &self.https {
            Some(target) => Connection::http(stream, name, target.clone(), most, timeouts),
            None => {
                let direction = MessageDirection::Responses;
                Connection::new(stream, name, direction, most, timeouts)
            }
        })
    }
}

impl Target for Live {
    fn exchange(&mut self, client: char, _: Encoding, request: &[u8]) -> Result<Vec<u8>, String> {
        let deadline = Deadline::after(PATIENCE);
        let mut connection = match self.connections.remove(&client) {
            Some(connection) => connection,
            None => self.connect().map_err(|error| chain(&error))?,
        };
        let received = connection
            .send(request, deadline)
            .and_then(|()| connection.receive(deadline).map(<[u8]>::to_vec));
        let response = received.map_err(|error| chain(&error))?;
        connection.release();
        if connection.keeps_alive() {
            self.connections.insert(client, connection);
        }
        Ok(response)
    }

    fn receive(&mut self) -> Result<Vec<u8>, String> {
        let inbox = self.inbox.as_ref().ok_or_else(|| {
            "say with --notices where to listen for what the server tells".to_owned()
        })?;
        let request = inbox.receive(NOTICE);
        request.ok_or_else(|| "the server has sent no request".to_owned())
    }

    fn now(&self) -> DateTime {
        DateTime::now()
    }

    fn pass(&mut self, seconds: u32) {
        thread::sleep(Duration::from_secs(seconds.into()));
    }
}
