//! The reference key server, with a look into its store.

use std::net::TcpListener;
use std::sync::Arc;

use kmip::server::{Engine, ServeOptions, Server, serve};
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::{EncodingOption, ManagedObject, State};
use kmip_server::{Configuration, KeyServer, MemoryStore, Store};

use crate::machine::Machine;

/// Where the service is in HTTPS.
pub(crate) const PATH: &str = "/kmip";

/// A running server.
pub(crate) struct Reference {
    server: Server,
    store: Arc<MemoryStore>,
}

impl Reference {
    /// Starts a server for clients of the machine's authority.
    pub(crate) fn start(machine: &Machine, https: bool) -> Reference {
        let mut configuration = Configuration::default();
        // KMIP 1.0 and 1.1 cannot say that the bare key is meant.
        configuration.default_encoding_option = EncodingOption::NO_ENCODING;
        let store = Arc::new(MemoryStore::new());
        let engine = Engine::new(KeyServer::new(configuration, store.clone()));
        let identity = machine.authority.server();
        let identity = Identity::new(identity.key, identity.certificate, Vec::new()).unwrap();
        let clients = machine.authority.certificate().clone();
        let tls = TlsAcceptor::new(ServerTls::new(identity).client_ca(clients)).unwrap();
        let mut options = ServeOptions::default();
        if https {
            options = options.https(PATH);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = serve(listener, tls, Arc::new(engine), options).unwrap();
        Reference { server, store }
    }

    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    pub(crate) fn state(&self, id: &str) -> State {
        let object = self.store.view().unwrap().get(id).unwrap();
        *object.unwrap().attributes.state().unwrap()
    }

    /// The AES key of an object.
    pub(crate) fn key(&self, id: &str) -> Vec<u8> {
        let content = self.store.view().unwrap().content(id).unwrap();
        let Some(ManagedObject::SymmetricKey(key)) = content else {
            panic!("{id} is no key: {content:?}");
        };
        let value = key.key_block.key_value.unwrap();
        value.as_bytes().unwrap().to_vec()
    }
}
