//! The examples of the manual page, on machines with adapters.

use emulated_card::Kind;
use test_support::Authority;

use crate::common::manual::Walk;
use crate::installation::Installation;
use crate::key_server::{Behaviour, KeyServer};

fn walk(installation: &Installation, kind: Kind) {
    let authority = Authority::new("authority");
    let clients = authority.certificate().clone();
    let server = KeyServer::start(&authority.server(), clients, Behaviour::default());
    let emulator = &installation.emulator;
    Walk {
        directory: &installation.repository.path(""),
        authority: &authority,
        server: &server.address(),
        command: &|words| installation.command(words),
        load_master_key: &|| emulator.change(|machine| machine.load_new(kind)),
        set_master_key: &|| emulator.change(|machine| machine.set(kind)),
        states: &|| server.store.states_of_keys(),
    }
    .run();
}

#[test]
fn on_cca_coprocessors() {
    walk(&Installation::cca(), Kind::Apka);
}

#[test]
fn on_ep11_coprocessors() {
    walk(&Installation::ep11(), Kind::Wk);
}
