//! The plugin's own keys when the master key changes.

use std::fs;

use zkey_kmip::abi::{
    Errno, KeyMode, Kms, MasterKeyRegister, PluginError, Reencipher, ReencipherMode, SecureKeyType,
};
use zkey_kmip::config::ConfigFile;
use zkey_kmip::properties::{Integrity, Properties};
use zkey_kmip::secure_key::{CardType, Register, SecureKeyBackend};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, generate, info};

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
fn a_wrapping_key_that_is_not_there_is_not_waited_for() {
    let machine = Machine::new();
    machine.with_certificate();
    machine.master_keys().load_new().unwrap();
    auto(&machine).unwrap();
    // As the C plugin leaves it.
    let conf = machine.path("KMIP/kmip.conf");
    let mut entries = Properties::load(&conf, Integrity::Hashed).unwrap();
    let file = machine.text_path("KMIP/wrapping-key.reenc");
    entries.set("wrapping-key-reenc", &file).unwrap();
    entries.save(&conf, Integrity::Hashed).unwrap();
    machine.master_keys().set_new().unwrap();
    machine.terminal.printed();
    let complete = || {
        reencipher(
            &machine,
            ReencipherMode::StagedComplete,
            MasterKeyRegister::Auto,
        )
    };
    complete().unwrap();
    let said = machine.terminal.printed();
    assert_eq!(said, "The re-enciphered identity key is now in use.\n");
    let entries = Properties::load(&conf, Integrity::Hashed).unwrap();
    assert_eq!(entries.get("wrapping-key-reenc"), None);
    assert!(!info(&machine).contains("pending"));
    assert_eq!(complete().unwrap_err().errno(), Errno::EINVAL);
}

#[test]
fn nothing_is_said_to_be_done_before_all_is() {
    let (machine, _server) = ready();
    machine.master_keys().load_new().unwrap();
    auto(&machine).unwrap();
    machine.master_keys().set_new().unwrap();
    fs::write(machine.path("KMIP/wrapping-key.reenc"), b"no key").unwrap();
    machine.terminal.printed();
    auto(&machine).unwrap_err();
    assert_eq!(machine.terminal.printed(), "");
    assert_eq!(registers(&machine), [Register::Old; 2]);
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
