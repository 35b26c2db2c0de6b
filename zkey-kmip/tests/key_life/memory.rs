//! The software backend has AES keys in the clear, but not longer than it needs them: whenever the
//! plugin sends something to the server, its memory is searched for those that it has had.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex};

use zkey_kmip::secure_key::CardType;

use crate::common::host::finish;
use crate::common::proxy::Proxy;
use crate::installation::Installation;
use crate::key_server::Store;

#[derive(Default)]
struct State {
    /// The process with the plugin, as soon as it is known.
    process: Option<u32>,
    /// Searches while there were keys to be found.
    searches: usize,
    /// Where a key was.
    found: Vec<String>,
}

/// Searches the memory of a process.
#[derive(Clone, Default)]
struct Watch(Arc<(Mutex<State>, Condvar)>);

impl Watch {
    fn set(&self, process: Option<u32>) {
        self.0.0.lock().unwrap().process = process;
        self.0.1.notify_all();
    }

    /// `known` is in the memory: a search that finds nothing would be worth nothing.
    fn search(&self, store: &Store, known: &[u8]) {
        let objects = store.objects();
        let keys: Vec<_> = objects.values().map(|one| one.key.clone()).collect();
        if keys.iter().all(Vec::is_empty) {
            return;
        }
        let state = self.0.0.lock().unwrap();
        let state = self.0.1.wait_while(state, |state| state.process.is_none());
        let mut state = state.unwrap();
        let Some(process) = state.process else { return };
        let Ok(maps) = fs::read_to_string(format!("/proc/{process}/maps")) else {
            return; // It has ended.
        };
        let Ok(memory) = File::open(format!("/proc/{process}/mem")) else {
            return;
        };
        let mut is_known = false;
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let range = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            let (start, end) = (number(range.0), number(range.1));
            let mut content = vec![0; (end - start) as usize];
            // The kernel does not let everything be read.
            let Ok(length) = memory.read_at(&mut content, start) else {
                continue;
            };
            let has = |wanted: &[u8]| memchr::memmem::find(&content[..length], wanted).is_some();
            is_known |= has(known);
            for half in keys.iter().flat_map(|key| key.chunks(16)) {
                if has(half) {
                    state.found.push(line.to_owned());
                }
            }
        }
        state.searches += usize::from(is_known);
    }
}

#[test]
fn aes_keys_are_wiped() {
    if test_support::is_emulated() {
        println!("skipped: what emulates the processor has its registers in its own memory");
        return;
    }
    for card_type in [CardType::Cca, CardType::Ep11] {
        let key_types = card_type.secure_key_types();
        let installation = Installation::new(card_type);
        let server = installation.configured(&[]);
        let watch = Watch::default();
        let known = installation.machine.text_path("").into_bytes();
        let proxy = Proxy::watched(server.address(), {
            let (watch, store) = (watch.clone(), server.store.clone());
            move || watch.search(&store, &known)
        });
        let run = |arguments: &[&str], input: &str| {
            watch.set(None);
            let child = installation.command(arguments).spawn().unwrap();
            watch.set(Some(child.id()));
            finish(child, input).ok();
        };
        let ca = installation.machine.text_path("ca.pem");
        let address = proxy.address();
        let connect = ["kms", "configure", "-S", address, "--tls-ca-bundle", &ca];
        run(&connect, "y\ny\n");
        for key_type in key_types {
            let name = ["-N", key_type.name()];
            let generate = ["generate", "--xts", "-K", key_type.name()];
            run(&[&generate[..], &name].concat(), "");
            run(&["kms", "refresh"], "");
        }
        run(&["remove", "-N", key_types[0].name(), "-F"], "");
        run(&["kms", "import", "-q"], "");
        let state = watch.0.0.lock().unwrap();
        assert!(state.found.is_empty(), "{card_type}: {:?}", state.found);
        assert!(
            state.searches > 8,
            "{card_type}: {} searches",
            state.searches
        );
    }
}
