//! The process with the plugin never has an AES key in the clear: all its memory is searched.
//!
//! The adapters are in this process, as they are outside of the process with real ones: the
//! emulator library in the plugin's process only sends the calls. That process waits for the
//! answer, so its memory holds still.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::{Condvar, Mutex};

use csulcca::{Parameter, Request, Response};
use emulated_card::{Emulator, remote};

use crate::common::host::finish;
use crate::installation::{APQNS, Installation};

/// The process that calls the adapters, as soon as it is known.
#[derive(Default)]
struct Caller {
    process: Mutex<Option<u32>>,
    known: Condvar,
}

impl Caller {
    fn set(&self, process: Option<u32>) {
        *self.process.lock().unwrap() = process;
        self.known.notify_all();
    }

    fn wait(&self) -> u32 {
        let process = self.process.lock().unwrap();
        let known = self.known.wait_while(process, |process| process.is_none());
        known.unwrap().unwrap()
    }
}

/// What was looked for.
#[derive(Default)]
struct Search {
    /// AES keys in the clear, which only the adapters and the server know.
    clear_keys: Vec<Vec<u8>>,
    /// The newest secure key. It is there: a search that finds nothing would be worth nothing.
    secure_key: Vec<u8>,
    imports: usize,
    searches: usize,
    secure_keys_found: usize,
}

impl Search {
    fn memory_of(&mut self, process: u32) {
        if self.clear_keys.is_empty() {
            return;
        }
        self.searches += 1;
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let mut found = false;
        for (start, end) in maps.lines().filter_map(writable) {
            let mut content = vec![0; (end - start) as usize];
            // The kernel does not let everything be read.
            let Ok(length) = memory.read_at(&mut content, start) else {
                continue;
            };
            let content = &content[..length];
            found |= contains(content, &self.secure_key);
            for half in self.clear_keys.iter().flat_map(|key| key.chunks(16)) {
                assert!(
                    !contains(content, half),
                    "an AES key is at {start:x}-{end:x}"
                );
            }
        }
        self.secure_keys_found += usize::from(found);
    }

    /// What the adapter answers tells the keys.
    fn note(&mut self, emulator: &Emulator, verb: &str, response: &Response) {
        if verb != "CSNDSYI" || response.code.0 != 0 {
            return;
        }
        let Some(Parameter::Buffer(token)) = response.parameters.last() else {
            panic!("the import returned no token");
        };
        let clear = csulcca::clear_key(emulator, APQNS[0], token).unwrap();
        self.imports += 1;
        if !self.clear_keys.contains(&clear) {
            self.clear_keys.push(clear.to_vec());
        }
        self.secure_key.clone_from(token);
    }
}

/// Ends the adapters, also after a failure, which would wait for them for ever otherwise.
struct End<'e>(&'e Emulator);

impl Drop for End<'_> {
    fn drop(&mut self) {
        // Whatever is no request ends it.
        let _ = remote::call(self.0.directory(), b"end");
    }
}

/// Where data can be. What is executable, too, is code that an emulator of the processor made.
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    words
        .next()?
        .starts_with("rw-")
        .then_some((number(start)?, number(end)?))
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(content, wanted).is_some()
}

#[test]
fn no_aes_key_is_in_the_memory_of_the_plugin() {
    let installation = Installation::new();
    let server = installation.configured("ECC:prime256v1");
    let emulator = &installation.emulator;
    let caller = Caller::default();
    let search = Mutex::new(Search::default());
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| {
            remote::serve(emulator.directory(), |message| {
                let request: Request = serde_json::from_slice(message).ok()?;
                let mut search = search.lock().unwrap();
                search.memory_of(caller.wait());
                let verb = request.verb.clone();
                let response = csulcca::execute(emulator, request);
                search.note(emulator, &verb, &response);
                Some(serde_json::to_vec(&response).unwrap())
            })
        });
        while !remote::is_wanted(emulator.directory()) {
            std::thread::yield_now();
        }
        let end = End(emulator);
        let run = |mut command: Command| {
            caller.set(None);
            let child = command.spawn().unwrap();
            caller.set(Some(child.id()));
            finish(child, "").ok();
        };
        // On its way to this type, a key is of type CCA-AESDATA, too.
        let generate = ["generate", "-N", "disk", "--xts", "-K", "CCA-AESCIPHER"];
        run(installation.command(&generate));
        run(installation.command(&["remove", "-N", "disk", "-F"]));
        run(installation.command(&["kms", "import", "-N", "disk", "-q"]));
        drop(end);
        serving.join().unwrap().unwrap();
    });
    let search = search.into_inner().unwrap();
    // Two keys, generated and imported.
    assert_eq!(search.imports, 4);
    let keys = search.clear_keys;
    assert_eq!(keys.len(), 2);
    let at_server = server.store.objects();
    assert!(
        keys.iter()
            .all(|key| at_server.values().any(|object| object.key == *key))
    );
    assert!(search.searches > 10, "{}", search.searches);
    assert!(search.secure_keys_found > 4, "{}", search.secure_keys_found);
}
