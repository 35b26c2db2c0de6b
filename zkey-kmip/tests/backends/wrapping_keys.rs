//! Wrapping keys as profiles want them: their sizes and paddings, and what does not come out of them.

use kmip::types::State;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, Errno, GenerateRequest, KeyMode, Kms, PluginError};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::generate;
use crate::workplace::{BACKENDS, Backend, Workplace};

/// A connection that only lacks a wrapping key of this kind.
struct Scene {
    work: Workplace,
    server: KeyServer,
}

impl Scene {
    fn new(backend: Backend) -> Scene {
        let work = Workplace::new(backend);
        let client = work.with_certificate("ECC:prime256v1");
        let identity = work.machine.authority.server();
        Scene {
            server: KeyServer::start(&identity, client, Behaviour::default()),
            work,
        }
    }

    fn configure(&self, bits: u32, padding: &str) -> Result<Configured, PluginError> {
        let padding = match padding.split_once(' ') {
            None => format!("wrap-padding-method={padding}\n"),
            Some((method, hash)) => {
                format!("wrap-padding-method={method}\nwrap-oaep-hashing-algorithm={hash}\n")
            }
        };
        let profile =
            format!("server-regex=x\nkmip-version=1.4\nwrap-key-params={bits}\n{padding}");
        self.work.machine.profile("sized", &profile);
        self.work.machine.terminal.warned();
        // A former connection is to be replaced; whether its wrapping key is destroyed is of no
        // importance.
        let answers = match self.work.machine.config().server() {
            None => &["y"] as &[&str],
            Some(_) => &["y", "y"],
        };
        let server = self.server.address();
        self.work.connect(&server, "sized", answers)
    }

    fn generate(&self, bits: usize) -> Result<Vec<u8>, PluginError> {
        let key = self.work.plugin().generate_key(&GenerateRequest {
            key_type: self.work.key_types()[0],
            key_bits: bits,
            mode: KeyMode::NonXts,
            properties: &[],
            options: &[],
            blob_capacity: 336,
            key_id_capacity: 256,
        })?;
        let object = self.server.store.object(&key.key_id).unwrap();
        assert!(self.work.holds(&key.blob, &object.key));
        Ok(key.blob)
    }

    fn warned(&self) -> String {
        let warned = self.work.machine.terminal.warned();
        let lines = warned.lines().filter(|line| line.contains("wrapping key"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn they_have_the_size_and_the_padding_of_the_profile() {
    // The large ones take minutes where programs are emulated.
    let is_slow = test_support::is_emulated();
    for backend in BACKENDS {
        let scene = Scene::new(backend);
        for (bits, padding) in [
            (512, "PKCS1.5"),
            (1024, "OAEP SHA-1"),
            (1024, "OAEP SHA-256"),
            (2048, "OAEP SHA-256"),
            (2048, "OAEP SHA-512"),
            (3072, "OAEP SHA-384"),
            (4096, "PKCS1.5"),
        ] {
            if is_slow && bits > 2048 {
                println!("skipped: RSA keys of {bits} bits where programs are emulated");
                continue;
            }
            let place = format!("{backend:?}, RSA {bits}, {padding}");
            let configured = scene.configure(bits, padding);
            let is_long = padding.ends_with("384") || padding.ends_with("512");
            if backend == Backend::Cca && is_long {
                let error = configured.unwrap_err().to_string();
                assert!(
                    error.contains("cannot unwrap") && error.contains("OAEP, SHA"),
                    "{error}"
                );
                continue;
            }
            assert_eq!(configured.unwrap(), Configured::Complete, "{place}");
            // Weak ones are warned of, and of those only.
            let warned = scene.warned();
            assert_eq!(
                warned.contains("does not protect"),
                bits < 2048,
                "{place}: {warned}"
            );
            assert!(!warned.contains("too small"), "{place}: {warned}");
            for size in [128, 192, 256] {
                scene
                    .generate(size)
                    .unwrap_or_else(|error| panic!("{place}: {error}"));
            }
        }
        let active = scene.server.store.objects();
        let active = active
            .values()
            .filter(|one| one.key.is_empty() && one.state == State::ACTIVE);
        assert_eq!(active.count(), 1, "{backend:?}: former wrapping keys");
    }
}

#[test]
fn those_that_no_key_fits_into_are_refused() {
    for backend in BACKENDS {
        let scene = Scene::new(backend);
        for (bits, padding) in [(512, "OAEP SHA-256"), (1024, "OAEP SHA-512")] {
            let error = scene.configure(bits, padding).unwrap_err();
            let text = error.to_string();
            // What adapters cannot do at all counts first.
            let expected = match (backend, bits) {
                (Backend::Cca, 1024) => "cannot unwrap",
                _ => "too small for any AES key",
            };
            assert!(text.contains(expected), "{backend:?}, {bits}: {text}");
            assert!(text.contains("'sized'"), "{text}");
            assert_eq!(error.errno(), Errno::EINVAL);
        }
        let error = scene.configure(1536, "PKCS1.5").unwrap_err();
        assert!(error.to_string().contains("1536"), "{backend:?}: {error}");
        assert!(scene.server.store.objects().is_empty(), "{backend:?}");
        assert!(scene.work.machine.config().connection().is_err());
    }
}

/// What fits in is made, and the rest is refused before anything is made.
#[test]
fn those_for_small_keys_only_are_told() {
    for backend in BACKENDS {
        let scene = Scene::new(backend);
        scene.configure(512, "OAEP SHA-1").unwrap();
        let warned = scene.warned();
        assert!(warned.contains("more than 128 bits"), "{warned}");
        let before = scene.server.store.objects().len();
        for bits in [192, 256, 0] {
            let error = scene.generate(bits).unwrap_err();
            let text = error.to_string();
            for expected in ["too small", "RSA, 512 bits, OAEP, SHA-1", "wrap-key-params"] {
                assert!(text.contains(expected), "{backend:?}: {text}");
            }
            assert_eq!(error.errno(), Errno::EINVAL);
        }
        assert_eq!(scene.server.store.objects().len(), before, "{backend:?}");
        scene.generate(128).unwrap();
    }
}

/// Also where the secure key does not tell how large it is.
#[test]
fn a_key_of_another_size_is_refused_and_destroyed() {
    for backend in BACKENDS {
        let scene = Scene::new(backend);
        scene.configure(1024, "PKCS1.5").unwrap();
        for (size, expected) in [
            (16, "it has 128 bits instead of 256"),
            (24, "it has 192 bits instead of 256"),
            (31, "no AES key"),
        ] {
            scene.server.store.behave(|own| own.cut_to = Some(size));
            for key_type in scene.work.key_types() {
                let plugin = scene.work.plugin();
                let error = generate(&plugin, *key_type, &[], None, KeyMode::NonXts).unwrap_err();
                let text = error.to_string();
                assert!(text.contains(expected), "{backend:?} {key_type}: {text}");
                assert!(!text.contains('\n'), "{text}");
            }
        }
        let states = scene.server.store.states_of_keys();
        assert_eq!(states.len(), 3 * scene.work.key_types().len());
        assert!(states.iter().all(|state| *state == State::DESTROYED));
        scene.server.store.behave(|own| own.cut_to = None);
        scene.generate(256).unwrap();
    }
}

/// A profile may be changed after the wrapping key was made.
#[test]
fn the_size_of_the_wrapping_key_in_use_counts() {
    let scene = Scene::new(Backend::Software);
    scene.configure(512, "OAEP SHA-1").unwrap();
    let profile =
        "server-regex=x\nkmip-version=1.4\nwrap-key-params=2048\nwrap-padding-method=OAEP\n";
    scene.work.machine.profile("sized", profile);
    let text = scene.generate(256).unwrap_err().to_string();
    assert!(text.contains("RSA, 512 bits"), "{text}");
    scene
        .work
        .configure(&[(code::GEN_WRAPPING_KEY, "")])
        .unwrap();
    scene.generate(256).unwrap();
}
