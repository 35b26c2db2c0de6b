//! Gets a key many times from an engine in the same thread, for a profiler:
//! `cargo run --release -p kmip-benches --example get -- 100000`.

use std::hint::black_box;
use std::sync::Arc;

use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::server::Engine;
use kmip::transport::{Deadline, ServerAddress, Stream};
use kmip_benches::{Answering, EngineStream, IDENTIFIER};

fn main() {
    let count = std::env::args().nth(1);
    let count = count.map_or(100_000, |count| count.parse().expect("a number"));
    let engine = Arc::new(Engine::new(Answering));
    let connect = move |_: &ServerAddress, _: Deadline| {
        Ok(Box::new(EngineStream::new(engine.clone())) as Box<dyn Stream>)
    };
    let mut client = Client::builder("memory".parse().expect("an address"))
        .connect_with(connect)
        .version(ProtocolVersion::V1_4)
        .connect()
        .expect("a client");
    for _ in 0..count {
        black_box(client.get(IDENTIFIER).expect("a key"));
    }
}
