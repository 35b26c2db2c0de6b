//! Round trips of the client: in memory, over TLS beside a bare exchange of bytes, in batches, and
//! beside PyKMIP where it is running (`scripts/pykmip.sh`).

mod common;
#[path = "round_trips/pykmip.rs"]
mod pykmip;
#[path = "round_trips/tls.rs"]
mod tls;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Ratio, ThreadTime};
use criterion::measurement::WallTime;
use criterion::{Criterion, criterion_group, criterion_main};
use kmip::ProtocolVersion;
use kmip::client::{Batch, Client};
use kmip::server::Engine;
use kmip::transport::{Deadline, ServerAddress, Stream};
use kmip::types::{GetRequest, GetResponse};
use kmip_benches::{Answering, EngineStream, IDENTIFIER};

/// Keys that are fetched one by one and in batches.
const KEYS: usize = 100;
const BATCH: usize = 50;

fn get(client: &mut Client) -> GetResponse<'static> {
    client.get(IDENTIFIER).expect("a key")
}

fn get_all(client: &mut Client) {
    for _ in 0..KEYS {
        black_box(get(client));
    }
}

fn get_in_batches(client: &mut Client) {
    for _ in 0..KEYS / BATCH {
        let mut batch = Batch::new();
        for _ in 0..BATCH {
            batch.push(GetRequest {
                unique_identifier: Some(IDENTIFIER.into()),
                ..GetRequest::default()
            });
        }
        for result in client.send_batch(batch).expect("an answer") {
            black_box(result.expect("a key"));
        }
    }
}

/// A client of the engine in the same thread.
fn in_memory() -> Client {
    let engine = Arc::new(Engine::new(Answering));
    let connect = move |_: &ServerAddress, _: Deadline| {
        Ok(Box::new(EngineStream::new(engine.clone())) as Box<dyn Stream>)
    };
    Client::builder("memory".parse().expect("an address"))
        .connect_with(connect)
        .version(ProtocolVersion::V1_4)
        .connect()
        .expect("a client")
}

/// CPU time of client and engine together.
fn memory(c: &mut Criterion<ThreadTime>) {
    let mut client = in_memory();
    let mut group = c.benchmark_group("round-trip-memory");
    group.bench_function("get", |b| b.iter(|| get(&mut client)));
    group.bench_function("get-100-in-batches", |b| {
        b.iter(|| get_in_batches(&mut client));
    });
    group.finish();
}

/// Over the loopback interface, by the clock on the wall.
fn network(c: &mut Criterion<WallTime>) {
    let world = tls::World::start();
    let mut client = world.client();
    let mut bare = world.bare(&mut client);
    let mut group = c.benchmark_group("round-trip-tls");
    group.bench_function("get", |b| b.iter(|| get(&mut client)));
    group.bench_function("bare", |b| b.iter(|| bare.exchange()));
    group.finish();
    pykmip::measure(c, &world);
}

/// Both by turns, as parts of each other.
fn network_ratios(c: &mut Criterion<Ratio>) {
    let world = tls::World::start();
    let mut client = world.client();
    let mut bare = world.bare(&mut client);
    let mut group = c.benchmark_group("round-trip-tls-ratio");
    group.bench_function("rate", |b| {
        b.iter_custom(|count| {
            let ours = || drop(black_box(get(&mut client)));
            by_turns(count, 100, || bare.exchange(), ours)
        });
    });
    let (mut one, mut other) = (world.client(), world.client());
    group.bench_function("batches", |b| {
        b.iter_custom(|count| {
            by_turns(
                count,
                2,
                || get_all(&mut one),
                || get_in_batches(&mut other),
            )
        });
    });
    group.finish();
}

/// How often `work` is done in the time of one `unit`, times `iterations`.
fn by_turns(iterations: u64, per_turn: u32, mut unit: impl FnMut(), mut work: impl FnMut()) -> f64 {
    const TURNS: usize = 6;
    let (mut unit_time, mut work_time) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TURNS {
        unit_time += turn(per_turn, &mut unit);
        work_time += turn(per_turn, &mut work);
    }
    unit_time.as_secs_f64() / work_time.as_secs_f64() * iterations as f64
}

fn turn(count: u32, work: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..count {
        work();
    }
    begin.elapsed()
}

criterion_group! {
    name = times;
    config = common::criterion(ThreadTime);
    targets = memory
}
criterion_group! {
    name = wall;
    config = common::criterion(WallTime);
    targets = network
}
criterion_group! {
    name = ratios;
    config = common::criterion(Ratio);
    targets = network_ratios
}
criterion_main!(times, wall, ratios);
