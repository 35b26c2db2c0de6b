//! The identity key in the handshakes of the plugin: the backend signs, and nobody else.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use libloading::os::unix::Library;
use openssl::pkey::PKey;
use openssl::x509::X509;
use test_support::restrict_to_pss;
use zkey_kmip::abi::Kms;
use zkey_kmip::abi::load::LoadedPlugin;
use zkey_kmip::abi::options::code;
use zkey_kmip::config::ConfigFile;
use zkey_kmip::plugin::Plugin;
use zkey_kmip::secure_key::software::Software;
use zkey_kmip::secure_key::{SecureKeyBackend, SecureKeyError, SignatureScheme};

use crate::common::shared_object;
use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{APQNS, Machine, configure};
use crate::observed::{Mood, Observed, Watch};

fn watched_plugin(machine: &Machine) -> (Plugin, Arc<Watch>) {
    let watch = Arc::<Watch>::default();
    let (seen, file) = (Arc::clone(&watch), machine.master_keys());
    let plugin = machine.plugin_with(move |card_type| {
        let software = Arc::new(Software::new(card_type, file.clone()));
        Box::new(Observed::new(software, Arc::clone(&seen)))
    });
    (plugin, watch)
}

#[test]
fn what_the_backend_says_in_a_handshake_is_told() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let (plugin, watch) = watched_plugin(&machine);
    for (mood, text) in [
        (Mood::Fails, SecureKeyError::NoApqn.to_string()),
        (Mood::Panics, "the backend is in a panic".to_owned()),
    ] {
        watch.set_mood(mood);
        let error = plugin.get_key_properties("id-1").unwrap_err();
        assert!(error.to_string().contains(&text), "{error}");
    }
    assert!(server.store.take_log().is_empty(), "no request went out");
    // The same plugin goes on as soon as the adapter does.
    watch.set_mood(Mood::Signs);
    let error = plugin.get_key_properties("id-1").unwrap_err();
    assert!(!error.to_string().contains("handshake"), "{error}");
    assert_eq!(watch.take_signatures().len(), 1);
    assert!(!server.store.take_log().is_empty());
}

#[test]
fn certificates_may_restrict_the_key_to_pss() {
    let machine = Machine::new();
    let spec = (code::GEN_IDENTITY_KEY, "RSA:2048");
    configure(&machine.plugin(), Some(&APQNS), &[spec]).unwrap();
    let token = machine.config().read(ConfigFile::IdentityKey).unwrap();
    let public = machine.backend().public_key(&token).unwrap();
    let public = PKey::public_key_from_der(&public).unwrap();
    let certificate = machine
        .authority
        .certify(&restrict_to_pss(&public, None), "client");
    let path = machine.text_path("client.pem");
    fs::write(&path, certificate.to_pem().unwrap()).unwrap();
    machine.configure(&[(code::CLIENT_CERT, &path)]).unwrap();
    let server = KeyServer::start(
        &machine.authority.server(),
        certificate,
        Behaviour::default(),
    );
    machine.connect(&server, "default");
    let (plugin, watch) = watched_plugin(&machine);
    plugin.get_key_properties("id-1").unwrap_err();
    let made = watch.take_signatures();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].0, SignatureScheme::RsaPss);
    assert!(!server.store.take_log().is_empty());
}

/// Names the machine to the process that loads and unloads the plugin.
const DIRECTORY: &str = "KMIP_TEST_UNLOAD";

/// A host may close the plugin and open it again, and go on without it. OpenSSL keeps pointers to its
/// code, so the code must stay. The variables of the software backend are for a process as a whole,
/// so this is done in another one.
#[test]
fn a_host_may_close_the_plugin_and_open_it_again() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return use_and_unload(Path::new(&directory));
    }
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let output = test_support::command(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "signing::a_host_may_close_the_plugin_and_open_it_again",
        ])
        .arg("--nocapture")
        .env(DIRECTORY, machine.directory.path())
        .env("ZKEY_KMIP_BACKEND", "software")
        .env("ZKEY_KMIP_SOFTWARE_MASTER_KEY", machine.path("master-key"))
        .env("ZKEY_KMIP_PROFILES", machine.path("profiles"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert!(!server.store.take_log().is_empty(), "it was connected");
}

fn use_and_unload(directory: &Path) {
    let mut places = Vec::new();
    for _ in 0..2 {
        let directory = directory.to_owned();
        let place = std::thread::spawn(move || {
            let plugin = LoadedPlugin::open(&shared_object()).unwrap();
            let session = plugin.initialize(&directory.join("KMIP"), false).unwrap();
            let error = session.get_key_properties("id-1").unwrap_err();
            assert!(!error.to_string().contains("handshake"), "{error}");
            drop(session);
            place_if_loaded().expect("it is loaded")
        })
        .join()
        .unwrap();
        places.push(place);
        places.push(place_if_loaded().expect("the code stays"));
        // The rest of the process goes on with OpenSSL.
        let authority = test_support::Authority::new("after it");
        let client = authority.client("client");
        assert!(client.certificate.verify(&client.key.clone()).is_ok());
        assert!(X509::from_pem(&client.certificate_pem()).is_ok());
    }
    let first = places[0];
    assert_eq!(places, [first; 4], "it is the same code");
}

/// Where the function of the plugin is, if the dynamic linker has it loaded; does not load it.
#[allow(unsafe_code)]
fn place_if_loaded() -> Option<usize> {
    let flags = libc::RTLD_NOW | libc::RTLD_NOLOAD;
    // SAFETY: nothing is loaded, so no code of it runs; the function is not called.
    unsafe {
        let library = Library::open(Some(shared_object()), flags).ok()?;
        let function = library.get::<unsafe extern "C" fn()>(b"kms_get_functions\0");
        function.ok().map(|function| *function as usize)
    }
}
