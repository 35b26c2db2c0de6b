//! The key server on bytes: whatever comes, the answer is one response that decodes strictly.

#![no_main]

use std::sync::Arc;

use kmip::codec::Options;
use kmip::server::{Engine, Peer};
use kmip::types::ResponseMessage;
use kmip_server::{Configuration, KeyServer, MemoryStore};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // A server of its own, so that an input does the same each time.
    let server = KeyServer::new(Configuration::default(), Arc::new(MemoryStore::new()));
    let engine = Engine::new(server);
    for request in [input.to_vec(), kmip_fuzz::message(input, true)] {
        let mut answer = Vec::new();
        engine.respond(&Peer::local(), &request, &mut answer);
        kmip::ttlv::decode::<ResponseMessage<'_>>(&answer, &Options::strict())
            .unwrap_or_else(|error| panic!("the server answers what it must not: {error}"));
    }
});
