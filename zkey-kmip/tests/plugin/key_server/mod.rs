//! A key server in memory, on the engine of the library.

#![allow(dead_code)] // each test binary uses a part of it

mod behaviour;
mod handler;
mod objects;
mod wrapping;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::server::{Engine, ServeOptions, Server, serve};
use kmip::transport::tls::{ClientAuthentication, Identity, ServerTls, TlsAcceptor};
use kmip::types::*;
use openssl::x509::X509;
use test_support::Certified;

pub(crate) use behaviour::{Behaviour, CustomLocate};

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) attributes: Attributes<'static>,
    pub(crate) state: State,
    pub(crate) key: Vec<u8>,
    public: Option<PublicKey<'static>>,
}

impl Object {
    pub(crate) fn custom(&self, vendor: &str, name: &str) -> Option<String> {
        match self.attributes.custom(vendor, name)? {
            RawValue::TextString(text) => Some(text.clone().into_owned()),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    objects: BTreeMap<String, Object>,
    log: Vec<Operation>,
    messages: usize,
    /// How many messages came with credentials.
    credentials: usize,
    /// Items of the current message that are still to come.
    open_items: i32,
    behaviour: Behaviour,
}

/// What server and test share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    state: Arc<Mutex<Shared>>,
    versions: Vec<ProtocolVersion>,
}

impl Store {
    pub(crate) fn with(behaviour: Behaviour) -> Store {
        let store = Store {
            versions: behaviour.versions.clone(),
            ..Store::default()
        };
        store.behave(|own| *own = behaviour);
        store
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap()
    }

    pub(crate) fn object(&self, id: &str) -> Option<Object> {
        self.lock().objects.get(id).cloned()
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Object> {
        self.lock().objects.clone()
    }

    /// The states of all AES keys.
    pub(crate) fn states_of_keys(&self) -> Vec<State> {
        let state = self.lock();
        let keys = state.objects.values().filter(|one| !one.key.is_empty());
        keys.map(|one| one.state).collect()
    }

    /// Makes a copy of an object with this identifier.
    pub(crate) fn copy(&self, id: &str, copy: &str) {
        let mut state = self.lock();
        let object = state.objects[id].clone();
        state.objects.insert(copy.to_owned(), object);
    }

    /// Brings the objects back to what [`Store::objects`] returned.
    pub(crate) fn restore(&self, objects: &BTreeMap<String, Object>) {
        self.lock().objects.clone_from(objects);
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Object)) {
        change(self.lock().objects.get_mut(id).unwrap());
    }

    /// Makes copies of an object.
    pub(crate) fn multiply(&self, id: &str, times: usize) {
        let mut state = self.lock();
        let object = state.objects[id].clone();
        for number in 0..times {
            state
                .objects
                .insert(format!("copy-{number}"), object.clone());
        }
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.lock().behaviour);
    }

    /// How many messages were answered since the last call.
    pub(crate) fn take_messages(&self) -> usize {
        std::mem::take(&mut self.lock().messages)
    }

    /// How many messages came with credentials since the last call.
    pub(crate) fn take_credentials(&self) -> usize {
        std::mem::take(&mut self.lock().credentials)
    }

    /// The operations since the last call.
    pub(crate) fn take_log(&self) -> Vec<Operation> {
        std::mem::take(&mut self.lock().log)
    }
}

/// A running server.
pub(crate) struct KeyServer {
    pub(crate) store: Store,
    server: Option<Server>,
}

impl KeyServer {
    /// Starts a server that trusts this client certificate.
    pub(crate) fn start(identity: &Certified, client: X509, behaviour: Behaviour) -> KeyServer {
        Self::start_with(identity, client, behaviour, ServeOptions::default())
    }

    pub(crate) fn start_with(
        identity: &Certified,
        client: X509,
        behaviour: Behaviour,
        options: ServeOptions,
    ) -> KeyServer {
        let identity =
            Identity::new(identity.key.clone(), identity.certificate.clone(), vec![]).unwrap();
        let mut tls = ServerTls::new(identity).client_ca(client);
        if behaviour.wants_no_certificate {
            tls = tls.client_authentication(ClientAuthentication::None);
        }
        let tls = TlsAcceptor::new(tls).unwrap();
        let store = Store::with(behaviour);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Arc::new(Engine::new(store.clone()));
        let server = serve(listener, tls, engine, options).unwrap();
        KeyServer {
            store,
            server: Some(server),
        }
    }

    pub(crate) fn address(&self) -> String {
        self.server.as_ref().unwrap().address().to_string()
    }

    /// Waits until the server is done with all that clients have sent, who are gone.
    pub(crate) fn settle(&self) {
        let port = format!(":{:04X}", self.server.as_ref().unwrap().address().port());
        let is_open = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            let own = words.next().is_some_and(|local| local.ends_with(&port));
            // Established, or closed by the other end.
            own && matches!(words.nth(1), Some("01" | "08"))
        };
        while std::fs::read_to_string("/proc/self/net/tcp")
            .unwrap()
            .lines()
            .any(is_open)
        {
            std::thread::yield_now();
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown(Duration::ZERO);
        }
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.stop();
    }
}
