//! The plugin's own keys when the master key changes.

use std::fs;

use zkey_kmip::abi::{
    Errno, KeyMode, Kms, MasterKeyRegister, PluginError, Reencipher, ReencipherMode, SecureKeyType,
};
use zkey_kmip::config::ConfigFile;
use zkey_kmip::secure_key::{CardType, Register, SecureKeyBackend};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, generate};

fn reencipher(
    machine: &Machine,
    mode: ReencipherMode,
    register: MasterKeyRegister,
) -> Result<(), PluginError> {
    machine.plugin().reencipher(&Reencipher {
        mode,
        register,
        options: &[],
    })
}

fn auto(machine: &Machine) -> Result<(), PluginError> {
    reencipher(machine, ReencipherMode::Auto, MasterKeyRegister::Auto)
}

fn ready() -> (Machine, KeyServer) {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    (machine, server)
}

fn registers(machine: &Machine) -> [Register; 2] {
    let config = machine.config();
    [ConfigFile::IdentityKey, ConfigFile::WrappingKey].map(|file| {
        let token = config.read(file).unwrap();
        machine.backend().verify(&token).unwrap().register
    })
}

fn works(machine: &Machine) -> bool {
    let data = SecureKeyType::CcaAesData;
    generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).is_ok()
}

#[test]
fn staged_keys_wait_for_the_master_key() {
    let (machine, _server) = ready();
    let error = auto(&machine).unwrap_err();
    assert_eq!(error.errno(), Errno::ENODEV);
    assert!(error.to_string().contains("NEW"), "{error}");
    machine.master_keys().load_new().unwrap();
    auto(&machine).unwrap();
    assert!(machine.terminal.printed().contains("--complete"));
    assert!(machine.path("KMIP/identity-key.reenc").exists());
    assert!(machine.path("KMIP/wrapping-key.reenc").exists());
    assert_eq!(registers(&machine), [Register::Current; 2]);
    assert!(works(&machine));
    let mut out = Vec::new();
    machine.plugin().info(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("pending"));

    // Too early: the keys in use stay.
    let error = auto(&machine).unwrap_err();
    assert!(error.to_string().contains("set the master key"), "{error}");
    assert!(works(&machine));

    machine.master_keys().set_new().unwrap();
    assert_eq!(registers(&machine), [Register::Old; 2]);
    auto(&machine).unwrap();
    assert_eq!(registers(&machine), [Register::Current; 2]);
    assert!(!machine.path("KMIP/identity-key.reenc").exists());
    assert!(works(&machine));
    let complete = ReencipherMode::StagedComplete;
    let error = reencipher(&machine, complete, MasterKeyRegister::Auto).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
}

#[test]
fn keys_under_the_old_master_key_are_rescued() {
    let (machine, _server) = ready();
    machine.master_keys().load_new().unwrap();
    machine.master_keys().set_new().unwrap();
    assert_eq!(registers(&machine), [Register::Old; 2]);
    reencipher(&machine, ReencipherMode::Auto, MasterKeyRegister::FromOld).unwrap();
    assert_eq!(registers(&machine), [Register::Current; 2]);
    assert!(works(&machine));
}

#[test]
fn from_old_to_new_goes_by_way_of_current() {
    let (machine, _server) = ready();
    let file = machine.master_keys();
    file.load_new().unwrap();
    file.set_new().unwrap();
    file.load_new().unwrap();
    let way = MasterKeyRegister::FromOldToNew;
    reencipher(&machine, ReencipherMode::Auto, way).unwrap();
    assert_eq!(registers(&machine), [Register::Old; 2]);
    file.set_new().unwrap();
    auto(&machine).unwrap();
    assert_eq!(registers(&machine), [Register::Current; 2]);
    assert!(works(&machine));
}

#[test]
fn a_failure_leaves_all_keys_as_they_were() {
    let (machine, _server) = ready();
    machine.master_keys().load_new().unwrap();
    let identity = fs::read(machine.path("KMIP/identity-key.skey")).unwrap();
    // The second key cannot be re-enciphered.
    let wrapping = machine.path("KMIP/wrapping-key.skey");
    let mut damaged = fs::read(&wrapping).unwrap();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&wrapping, damaged).unwrap();
    for mode in [ReencipherMode::InPlace, ReencipherMode::Staged] {
        let error = reencipher(&machine, mode, MasterKeyRegister::ToNew).unwrap_err();
        assert!(error.to_string().contains("wrapping key"), "{error}");
        let now = fs::read(machine.path("KMIP/identity-key.skey")).unwrap();
        assert_eq!(now, identity);
        assert!(!machine.path("KMIP/identity-key.reenc").exists());
    }
}

#[test]
fn a_machine_without_keys_has_nothing_to_do() {
    let machine = Machine::new();
    auto(&machine).unwrap();
    let ep11 = Machine::with(CardType::Ep11);
    ep11.with_certificate();
    let error = reencipher(&ep11, ReencipherMode::Auto, MasterKeyRegister::FromOld).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
}

#[test]
fn the_software_backend_warns_on_each_use() {
    let machine = Machine::new();
    machine.plugin();
    let warned = machine.terminal.warned();
    assert!(
        warned.contains("WARNING") && warned.contains("software"),
        "{warned}"
    );
}
