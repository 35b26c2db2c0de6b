//! Put and Notify over the network, to clients that listen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use kmip::codec::Options;
use kmip::transport::tls::TlsConnector;
use kmip::transport::{
    Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, MessageDirection, ServerAddress, TcpStream,
    Timeouts,
};
use kmip::types::{RequestMessage, ResponseMessage, ResultStatus};
use openssl::x509::X509Ref;
use zeroize::Zeroizing;

use super::Notices;
use crate::configuration::Report;
use crate::server::{identity_of, owner_of_user};

/// Requests that wait for a listener. More are given up.
const MOST: usize = 1024;
/// How many bytes of requests wait for a listener. More are given up.
const MOST_BYTES: usize = 16 << 20;
/// How often a request is sent at most.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long a listener may take for a handshake, and for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends what clients are told to their listeners, over TLS in TTLV, each from a thread of its own.
///
/// A listener gets its requests in order, and one that does not answer again: whether it has got it is
/// unknown then. A request that cannot be delivered is reported and given up, as are all that wait
/// when the process ends: clients that must miss nothing look for themselves.
#[derive(Default)]
pub struct NetworkNotices {
    listeners: HashMap<String, Vec<Line>>,
}

/// A request as it is sent, for all listeners of a client.
type Encoded = Arc<Zeroizing<Vec<u8>>>;

/// The way to a listener.
struct Line {
    address: ServerAddress,
    queue: SyncSender<Encoded>,
    /// How many bytes wait, with those of the request that is being sent.
    waiting: Arc<AtomicUsize>,
    report: Arc<Report>,
}

/// Whose objects a listener is told about.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Recipient<'r> {
    /// The client with a certificate like this one: of the same subject and issuer.
    Certificate(&'r X509Ref),
    /// The user with this name.
    User(&'r str),
}

/// Why a client was not told something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// The listener cannot be reached, or does not answer.
    #[error("the listener {address} cannot be told what has changed")]
    Unreachable {
        /// Where it should listen.
        address: ServerAddress,
        /// Why.
        #[source]
        source: kmip::transport::Error,
    },
    /// The listener answers that it has failed, or with something that is no response.
    #[error("the listener {0} refuses to be told what has changed")]
    Refused(ServerAddress),
    /// Too many requests wait for the listener.
    #[error("the listener {0} is too slow: what has changed is not told")]
    TooSlow(ServerAddress),
    /// The request cannot be written in the version of the client.
    #[error("what has changed cannot be put in words")]
    Encoding(#[source] kmip::codec::Error),
}

impl NetworkNotices {
    /// Without listeners.
    pub fn new() -> Self {
        NetworkNotices::default()
    }

    /// Tells a listener about the objects of a client. Errors go to `report`.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn tell(
        &mut self,
        recipient: Recipient<'_>,
        address: ServerAddress,
        tls: TlsConnector,
        report: Arc<Report>,
    ) -> std::io::Result<()> {
        let owner = match recipient {
            Recipient::Certificate(certificate) => identity_of(certificate),
            Recipient::User(name) => owner_of_user(name),
        };
        let (queue, requests) = sync_channel(MOST);
        let listener = Listener {
            address: address.clone(),
            tls,
            connection: None,
        };
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = waiting.clone();
        let errors = report.clone();
        thread::Builder::new()
            .name("kmip notices".to_owned())
            .spawn(move || listener.run(&requests, &left, &*errors))?;
        self.listeners.entry(owner).or_default().push(Line {
            address,
            queue,
            waiting,
            report,
        });
        Ok(())
    }
}

impl Notices for NetworkNotices {
    fn send(&self, owner: &str, request: RequestMessage<'static>) {
        let Some(lines) = self.listeners.get(owner) else {
            return;
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 << 10));
        if let Err(error) = kmip::ttlv::encode(&request, &mut bytes) {
            if let Some(line) = lines.first() {
                (line.report)(&NoticeError::Encoding(error));
            }
            return;
        }
        let encoded = Arc::new(bytes);
        lines.iter().for_each(|line| line.send(&encoded));
    }
}

impl Line {
    fn send(&self, request: &Encoded) {
        let length = request.len();
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        let fits = before.saturating_add(length) <= MOST_BYTES;
        let queued = match fits {
            true => self.queue.try_send(request.clone()),
            false => Err(TrySendError::Full(request.clone())),
        };
        if let Err(error) = queued {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            if let TrySendError::Full(_) = error {
                (self.report)(&NoticeError::TooSlow(self.address.clone()));
            }
        }
    }
}

/// A client that listens.
struct Listener {
    address: ServerAddress,
    tls: TlsConnector,
    connection: Option<Connection>,
}

impl Listener {
    fn run(mut self, requests: &Receiver<Encoded>, waiting: &AtomicUsize, report: &Report) {
        while let Ok(request) = requests.recv() {
            if let Err(error) = self.deliver(&request) {
                report(&error);
            }
            waiting.fetch_sub(request.len(), Ordering::Relaxed);
        }
    }

    fn deliver(&mut self, bytes: &[u8]) -> Result<(), NoticeError> {
        for attempt in 0.. {
            match self.exchange(bytes) {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(NoticeError::Refused(self.address.clone())),
                Err(source) if attempt + 1 == ATTEMPTS => {
                    let address = self.address.clone();
                    return Err(NoticeError::Unreachable { address, source });
                }
                Err(_) => thread::sleep(FIRST_PAUSE * (1 << attempt)),
            }
        }
        Ok(())
    }

    /// Sends a request and reads the response; whether the client has taken it.
    fn exchange(&mut self, request: &[u8]) -> Result<bool, kmip::transport::Error> {
        let deadline = Deadline::after(PATIENCE);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect(deadline)?,
        };
        connection.send(request, deadline)?;
        let response = connection.receive(deadline)?;
        let response: Result<ResponseMessage<'_>, _> =
            kmip::ttlv::decode(response, &Options::default());
        let taken = response.is_ok_and(|response| {
            let mut items = response.batch_item.iter();
            items.all(|item| item.result_status == ResultStatus::SUCCESS)
        });
        connection.release();
        self.connection = Some(connection);
        Ok(taken)
    }

    fn connect(&self, deadline: Deadline) -> Result<Connection, kmip::transport::Error> {
        let stream = TcpStream::connect(&self.address, deadline)?;
        let stream = self.tls.connect(stream, &self.address, deadline)?;
        let timeouts = Timeouts::NONE.with_operation(PATIENCE);
        Ok(Connection::new(
            stream,
            self.address.to_string(),
            MessageDirection::Responses,
            DEFAULT_MAXIMUM_MESSAGE_SIZE,
            timeouts,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn no_more_bytes_wait_than_so_many() {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let noted = errors.clone();
        let (queue, requests) = sync_channel(MOST);
        let line = Line {
            address: "listener:5697".parse().unwrap(),
            queue,
            waiting: Arc::default(),
            report: Arc::new(move |error| noted.lock().unwrap().push(error.to_string())),
        };
        let half: Encoded = Arc::new(Zeroizing::new(vec![0; MOST_BYTES / 2]));
        line.send(&half);
        line.send(&half);
        assert!(errors.lock().unwrap().is_empty());
        line.send(&Arc::new(Zeroizing::new(vec![0])));
        let told = errors.lock().unwrap().clone();
        assert!(
            matches!(&told[..], [one] if one.contains("too slow")),
            "{told:?}"
        );
        assert_eq!(requests.try_iter().count(), 2);
        assert_eq!(line.waiting.load(Ordering::Relaxed), MOST_BYTES);
    }
}
