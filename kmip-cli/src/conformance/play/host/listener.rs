//! The connections of clients.

use std::net::{SocketAddr, TcpListener, TcpStream as Socket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kmip::Encoding;
use kmip::transport::tls::TlsAcceptor;
use kmip::transport::{
    Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, Error, HttpService, MessageDirection,
    TcpStream, Timeouts,
};

use super::super::outcome::CaseResult;
use super::script::Script;
use crate::failure::{Failure, chain};

/// How long a client may take for a handshake, and for a message once it has begun.
const PATIENCE: Duration = Duration::from_secs(60);

/// The script that all connections play from.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    script: Script,
    /// How many requests were received, and to how many of them the response was sent.
    asked: u64,
    answered: u64,
}

impl Shared {
    pub(super) fn new(script: Script) -> Self {
        Shared {
            state: Mutex::new(State {
                script,
                asked: 0,
                answered: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over the result of each case, until all were played, or no client has sent anything
    /// for the time `idle`.
    pub(super) fn play_until_end(
        &self,
        idle: Option<Duration>,
        mut take: impl FnMut(CaseResult) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut state = self.lock();
        loop {
            for result in state.script.take_results() {
                take(result)?;
            }
            if state.script.is_over() && state.asked == state.answered {
                return Ok(());
            }
            let before = state.answered;
            let unchanged = |state: &mut State| state.answered == before;
            state = match idle {
                None => self.changed.wait_while(state, unchanged),
                Some(idle) => {
                    let waited = self.changed.wait_timeout_while(state, idle, unchanged);
                    let waited = waited.map(|(mut state, waited)| {
                        if waited.timed_out() {
                            state.script.give_up();
                        }
                        state
                    });
                    waited.map_err(|error| PoisonError::new(error.into_inner().0))
                }
            }
            .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&self, encoding: Encoding, request: &[u8]) -> Vec<u8> {
        let mut state = self.lock();
        state.asked += 1;
        state.script.answer(encoding, request)
    }

    /// Only now may the program end.
    fn note_answered(&self) {
        self.lock().answered += 1;
        self.changed.notify_all();
    }
}

/// How clients connect.
pub(super) struct Listener {
    pub(super) tls: TlsAcceptor,
    pub(super) https: Option<String>,
}

impl Listener {
    /// Takes connections as long as the program runs.
    pub(super) fn run(self, listener: TcpListener, shared: Arc<Shared>) {
        let this = Arc::new(self);
        thread::spawn(move || {
            while let Ok((socket, address)) = listener.accept() {
                let (this, shared) = (this.clone(), shared.clone());
                thread::spawn(move || {
                    if let Err(error) = this.serve(socket, address, &shared) {
                        eprintln!("kmip: {}", chain(&error));
                    }
                });
            }
        });
    }

    fn serve(&self, socket: Socket, address: SocketAddr, shared: &Shared) -> Result<(), Error> {
        let _ = socket.set_nodelay(true);
        let (peer, most) = (address.to_string(), DEFAULT_MAXIMUM_MESSAGE_SIZE);
        let stream = TcpStream::from(socket);
        let stream = self.tls.accept(stream, &peer, Deadline::after(PATIENCE))?;
        let timeouts = Timeouts::NONE.with_operation(PATIENCE);
        let mut connection = match &self.https {
            None => Connection::new(stream, peer, MessageDirection::Requests, most, timeouts),
            Some(path) => {
                let service = HttpService::new(path, Encoding::ALL.map(Encoding::content_type));
                Connection::http_server(stream, peer, service, most, timeouts)
            }
        };
        while connection.receive_or_end(Deadline::NEVER)?.is_some() {
            let content_type = connection.content_type();
            let encoding = content_type.and_then(Encoding::from_content_type);
            let response = shared.answer(encoding.unwrap_or_default(), connection.message());
            connection.release();
            let sent = connection.send(&response, Deadline::after(PATIENCE));
            shared.note_answered();
            sent?;
            if !connection.keeps_alive() {
                break;
            }
        }
        Ok(())
    }
}
