//! Mixed operations while the server is killed again and again: what was acknowledged is there
//! afterwards, and what was not has happened completely or not at all.
//!
//! `KMIP_SOAK_SECONDS` says for how long (3 unless set; `.ci/run` gives it more), `KMIP_SOAK_SEED` repeats
//! the choices of an earlier run, whose seed is printed.

mod common;

use std::env;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::process::{PATIENCE, World, create, key_bytes};
use kmip::client::{Client, Error};
use kmip::types::{
    ActivateRequest, Attribute, AttributeValue, DestroyRequest, Enumeration, LocateRequest, Name,
    NameType, RawValue, ResultReason, RevocationReason, RevocationReasonCode, RevokeRequest, State,
    UniqueIdentifier,
};

const CLIENTS: u64 = 3;
const LONGEST_LIFE: u64 = 100;

/// SplitMix64: repeatable choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What a client knows of a key of its own. A change whose answer was lost leaves two possibilities.
struct Known {
    key: UniqueIdentifier<'static>,
    name: String,
    bytes: Option<Vec<u8>>,
    states: Vec<State>,
    marks: Vec<Option<i32>>,
}

/// How a request has ended.
enum Outcome<T> {
    Done(T),
    Refused,
    /// The server died: perhaps it was done.
    Unknown,
}

fn outcome<T>(result: Result<T, Error>) -> Outcome<T> {
    match result {
        Ok(done) => Outcome::Done(done),
        Err(error) => match error.result_reason() {
            // A server that is out of order would be a failure of the test.
            Some(ResultReason::GENERAL_FAILURE) => panic!("{error:?}"),
            Some(_) => Outcome::Refused,
            None => Outcome::Unknown,
        },
    }
}

/// After a request that can change one thing.
fn note<T: Clone + PartialEq>(possible: &mut Vec<T>, new: T, outcome: &Outcome<()>) {
    match outcome {
        Outcome::Done(()) => *possible = vec![new],
        Outcome::Unknown if !possible.contains(&new) => possible.push(new),
        Outcome::Unknown | Outcome::Refused => {}
    }
}

/// One client at work.
struct Worker {
    number: u64,
    client: Client,
    choices: Choices,
    keys: Vec<Known>,
    made: u64,
    lost: u64,
}

impl Worker {
    /// One operation. Tells whether the server has answered.
    fn step(&mut self) -> bool {
        let count = self.keys.len() as u64;
        if count == 0 || self.choices.below(4) == 0 {
            return self.create();
        }
        let at = self.choices.below(count) as usize;
        let known = &mut self.keys[at];
        let identifier = Some(known.key.clone());
        let done = match self.choices.below(6) {
            0 => {
                let request = ActivateRequest {
                    unique_identifier: identifier,
                    ..ActivateRequest::default()
                };
                let done = outcome(self.client.call(request).map(drop));
                note(&mut known.states, State::ACTIVE, &done);
                done
            }
            1 => {
                let request = RevokeRequest {
                    unique_identifier: identifier,
                    revocation_reason: RevocationReason {
                        revocation_reason_code: RevocationReasonCode::CESSATION_OF_OPERATION,
                        ..RevocationReason::default()
                    },
                    ..RevokeRequest::default()
                };
                let done = outcome(self.client.call(request).map(drop));
                note(&mut known.states, State::DEACTIVATED, &done);
                done
            }
            2 if self.choices.below(3) == 0 => {
                let request = DestroyRequest {
                    unique_identifier: identifier,
                    ..DestroyRequest::default()
                };
                let done = outcome(self.client.call(request).map(drop));
                note(&mut known.states, State::DESTROYED, &done);
                done
            }
            3 => {
                let mark = self.choices.below(1 << 20) as i32;
                let value = Attribute::custom("x", "mark", RawValue::Integer(mark));
                let done = outcome(self.client.set_attribute(known.key.clone(), value));
                note(&mut known.marks, Some(mark), &done);
                done
            }
            _ => {
                check(&mut self.client, known);
                Outcome::Refused
            }
        };
        let answered = !matches!(done, Outcome::Unknown);
        self.lost += u64::from(!answered);
        answered
    }

    fn create(&mut self) -> bool {
        let name = format!("{} {}", self.number, self.made);
        self.made += 1;
        match outcome(self.client.call(create(&name))) {
            Outcome::Done(created) => {
                self.keys.push(Known {
                    key: created.unique_identifier,
                    name,
                    bytes: None,
                    states: vec![State::PRE_ACTIVE],
                    marks: vec![None],
                });
                true
            }
            Outcome::Refused => panic!("{name} was refused"),
            Outcome::Unknown => {
                self.lost += 1;
                false
            }
        }
    }
}

/// Compares what is known of a key with what the server says, unless the server is away. Tells whether
/// it was there.
fn check(client: &mut Client, known: &mut Known) -> bool {
    let Outcome::Done(attributes) = outcome(client.get_attributes(known.key.clone(), Vec::new()))
    else {
        return false;
    };
    let state = attributes.state().copied().expect("a state");
    let (key, states) = (&known.key, &known.states);
    assert!(states.contains(&state), "{key:?}: {state:?} of {states:?}");
    known.states = vec![state];
    let mark = attributes
        .iter()
        .find_map(|attribute| match &attribute.value {
            AttributeValue::Custom(custom) if custom.name == "mark" => match custom.value {
                RawValue::Integer(mark) => Some(mark),
                _ => None,
            },
            _ => None,
        });
    let marks = &known.marks;
    assert!(marks.contains(&mark), "{key:?}: {mark:?} of {marks:?}");
    known.marks = vec![mark];
    if state == State::DESTROYED {
        return true;
    }
    match outcome(key_bytes(client, key)) {
        Outcome::Done(bytes) => match &known.bytes {
            Some(before) => assert_eq!(*before, bytes, "{key:?}"),
            None => known.bytes = Some(bytes),
        },
        Outcome::Refused => panic!("{key:?} in the state {:#x} is gone", state.value()),
        Outcome::Unknown => return false,
    }
    true
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_server_is_killed_again_and_again() {
    let number = |name| {
        env::var(name)
            .ok()
            .and_then(|text: String| text.parse::<u64>().ok())
    };
    let duration = Duration::from_secs(number("KMIP_SOAK_SECONDS").unwrap_or(3));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("KMIP_SOAK_SEED").unwrap_or(now.as_nanos() as u64);
    println!("KMIP_SOAK_SEED={seed}");

    let world = World::new();
    let store = world.path("keys.sqlite").display().to_string();
    let process = world.start(&["--store", &store]);
    let options = ["--store", &store, "--listen", &process.address.clone()];
    let workers = (0..CLIENTS).map(|number| Worker {
        number,
        client: world.client(&process, "alice"),
        choices: Choices(seed ^ number << 32),
        keys: Vec::new(),
        made: 0,
        lost: 0,
    });
    let workers: Vec<_> = workers.collect();
    // Who has lost the server waits here until it is back.
    let restarting = RwLock::new(());
    let over = AtomicBool::new(false);
    let (answered, answers) = channel();
    let mut choices = Choices(seed);
    let mut kills = 0;
    let (mut workers, process) = thread::scope(|scope| {
        let mut process = process;
        let threads = workers.into_iter().map(|mut worker| {
            let (restarting, over) = (&restarting, &over);
            let answered = answered.clone();
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    match worker.step() {
                        true => answered.send(()).unwrap(),
                        false => drop(restarting.read()),
                    }
                }
                worker
            })
        });
        let threads: Vec<_> = threads.collect();
        let end = Instant::now() + duration;
        while Instant::now() < end {
            // The server lives for so many answers.
            for _ in 0..=choices.below(LONGEST_LIFE) {
                answers.recv_timeout(PATIENCE).expect("clients go on");
            }
            let restarted = restarting.write();
            process.signal("-KILL");
            process.wait();
            process = world.start(&options);
            answers.try_iter().for_each(drop);
            drop(restarted);
            kills += 1;
        }
        over.store(true, Ordering::Relaxed);
        let finished = threads.into_iter().map(|thread| thread.join());
        let workers: Vec<Worker> = finished.map(Result::unwrap).collect();
        (workers, process)
    });

    let mut client = world.client(&process, "alice");
    let (mut keys, mut lost) = (0, 0);
    for worker in &mut workers {
        lost += worker.lost;
        for known in &mut worker.keys {
            assert!(check(&mut client, known), "{:?} is lost", known.key);
            keys += 1;
            if known.states == [State::DESTROYED] {
                continue;
            }
            // The index has survived as well.
            let named = Attribute::name(Name {
                name_value: known.name.clone().into(),
                name_type: NameType::UNINTERPRETED_TEXT_STRING,
                ..Name::default()
            });
            let request = LocateRequest {
                attributes: [named].into(),
                ..LocateRequest::default()
            };
            let found = client.call(request).unwrap().unique_identifier;
            assert_eq!(found, std::slice::from_ref(&known.key));
        }
    }
    println!("{kills} kills, {keys} keys, {lost} answers lost");
    assert!(kills > 0 && keys > 0);
}
