//! Emulated cryptographic adapters of IBM Z, for tests on machines without.
//!
//! The emulator libraries (`libcsulcca.so`, `libep11.so.4`) export the C symbols of the real ones;
//! this crate is what they share, and what tests use to set the scene:
//!
//! * [`Machine`], [`Card`], [`Domain`], [`Registers`]: which adapters there are, whether they are
//!   online, and which master keys are in which registers. Pure values.
//! * [`Emulator`]: a directory that holds such a machine. A library reads it anew for every call,
//!   so a test changes it ([`Emulator::change`]) while a program runs, also one in another
//!   process. The directory holds
//!   * `machine.json`, the state,
//!   * `sys/`, the matching tree of sysfs for `SYSFS_ROOT`, rewritten on every change,
//!   * `lib/`, copies of the emulator libraries for `LD_LIBRARY_PATH` ([`Emulator::install`]),
//!   * `calls`, one line per call of a library ([`Emulator::calls`]).
//! * [`Fault`]: makes a call fail, on all adapters or on one.
//! * [`MasterKey::seal`], [`MasterKey::open`]: authenticated encryption of tokens, and
//!   [`MasterKey::pattern`], which names a master key without telling it.
//! * [`remote`]: runs the adapters in another process, so that the process that uses the library
//!   never has a clear key in its memory, as with real adapters.
//!
//! A library finds its directory with [`Emulator::of_library`]: the environment variable
//! [`DIRECTORY_VARIABLE`], or else the directory above the one that the library was loaded from.
//! The second way needs no environment: tests that run side by side in one process each load
//! their own copy, which has its own static variables too.
//!
//! Nothing of this is ever installed: master keys lie in the clear in `machine.json`.

mod emulator;
mod library;
#[allow(unsafe_code)]
mod location;
mod machine;
pub mod remote;
mod sealing;
mod sysfs;

pub use emulator::{DIRECTORY_VARIABLE, Emulator};
pub use library::without_symbol;
pub use machine::{Apqn, Card, Domain, Fault, Kind, Machine, Mode, Register, Registers};
pub use sealing::MasterKey;
