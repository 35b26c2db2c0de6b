//! Listening for the requests of a server: what it tells its clients without being asked.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmip::server::{Call, Delivery, Engine, Failure, Handler, ServeOptions, Server, serve};
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::{NotifyResponse, PutResponse, RequestPayload, ResponsePayload};

use super::PlayError;
use super::options::LiveOptions;

/// A listener, and what has come.
pub(super) struct Inbox {
    requests: Receiver<Vec<u8>>,
    _server: Server,
}

/// Takes everything that servers tell.
struct Attentive;

impl Handler for Attentive {
    fn handle(
        &self,
        _: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        match request {
            RequestPayload::Put(_) => Ok(PutResponse::default().into()),
            RequestPayload::Notify(_) => Ok(NotifyResponse::default().into()),
            other => Err(Failure::operation_not_supported(other.operation())),
        }
    }
}

impl Inbox {
    /// Listens, if the options say where.
    pub(super) fn open(options: &LiveOptions) -> Result<Option<Self>, PlayError> {
        let Some(address) = &options.notices else {
            return Ok(None);
        };
        let listening = |error| PlayError::Listen(address.clone(), error);
        let (cert, key) = (&options.notices_cert, &options.notices_key);
        let (Some(cert), Some(key), Some(ca)) = (cert, key, &options.ca) else {
            return Err(PlayError::NoCertificates);
        };
        let identity = Identity::from_pem_files(cert, key, None)?;
        let tls = TlsAcceptor::new(ServerTls::new(identity).client_ca_file(ca))?;
        let listener = TcpListener::bind(address).map_err(listening)?;
        let (sender, requests): (Sender<Vec<u8>>, _) = channel();
        let sender = Mutex::new(sender);
        let options = ServeOptions::default().on_exchange(move |exchange| {
            let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody receives any more when the cases have been played.
            let _ = sender.send(exchange.request.to_vec());
            Delivery::Whole
        });
        let server = serve(listener, tls, Arc::new(Engine::new(Attentive)), options);
        Ok(Some(Inbox {
            requests,
            _server: server.map_err(listening)?,
        }))
    }

    /// The next request, if one comes in this time.
    pub(super) fn receive(&self, patience: Duration) -> Option<Vec<u8>> {
        self.requests.recv_timeout(patience).ok()
    }
}
