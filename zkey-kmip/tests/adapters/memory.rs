//! The process with the plugin never has an AES key in the clear: all its memory is searched.
//!
//! The adapters are in this process, as they are outside of the process with real ones: the
//! emulator library in the plugin's process only sends the calls. That process waits for the
//! answer, so its memory holds still.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::{Condvar, Mutex};

use ::ep11::blob::{Blob, Content};
use emulated_card::{Emulator, Kind, remote};

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
            for part in written(&content[..length]) {
                found = found || contains(part, &self.secure_key);
                for half in self.clear_keys.iter().flat_map(|key| key.chunks(16)) {
                    assert!(!contains(part, half), "an AES key is at {start:x}-{end:x}");
                }
            }
        }
        self.secure_keys_found += usize::from(found);
    }

    fn note(&mut self, imported: Imported) {
        self.imports += 1;
        if !self.clear_keys.contains(&imported.clear) {
            self.clear_keys.push(imported.clear);
        }
        self.secure_key = imported.token;
    }
}

/// An AES key that an adapter imported.
struct Imported {
    clear: Vec<u8>,
    /// The secure key as the adapter gives it.
    token: Vec<u8>,
}

/// Answers a call, and tells what was imported.
type Adapters = fn(&Emulator, &[u8]) -> (Vec<u8>, Option<Imported>);

fn cca(emulator: &Emulator, message: &[u8]) -> (Vec<u8>, Option<Imported>) {
    let request: csulcca::Request = serde_json::from_slice(message).unwrap();
    let imports = request.verb == "CSNDSYI";
    let response = csulcca::execute(emulator, request);
    let imported = (imports && response.code.0 == 0).then(|| {
        let Some(csulcca::Parameter::Buffer(token)) = response.parameters.last() else {
            panic!("the import returned no token");
        };
        let clear = csulcca::clear_key(emulator, APQNS[0], token).unwrap();
        Imported {
            clear: clear.to_vec(),
            token: token.clone(),
        }
    });
    (serde_json::to_vec(&response).unwrap(), imported)
}

fn ep11(emulator: &Emulator, message: &[u8]) -> (Vec<u8>, Option<Imported>) {
    let request: ::ep11::Request = serde_json::from_slice(message).unwrap();
    let imports = matches!(request.call, ::ep11::Call::Unwrap { .. });
    let response = ::ep11::execute(emulator, &request);
    let token = response.as_ref().ok().filter(|_| imports);
    let imported = token.map(|outputs| {
        let token = outputs[0].clone();
        let machine = emulator.machine();
        let registers = machine.registers(APQNS[0], Kind::Wk).unwrap();
        let blob = Blob::open(registers.current.as_ref().unwrap(), &token).unwrap();
        let Content::Aes(clear) = blob.content else {
            panic!("the import returned no AES key");
        };
        Imported {
            clear: clear.to_vec(),
            token,
        }
    });
    (serde_json::to_vec(&response).unwrap(), imported)
}

/// What is no call.
const END: &[u8] = b"end";

/// Ends the adapters, also after a failure, which would wait for them for ever otherwise.
struct End<'e>(&'e Emulator);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let _ = remote::call(self.0.directory(), END);
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

/// The parts in which there is anything, each with the page behind. Much of the memory was never written,
/// and an emulated processor is slow in searching it.
fn written(content: &[u8]) -> Vec<&[u8]> {
    const PAGE: usize = 4096;
    const NOTHING: [u8; PAGE] = [0; PAGE];
    let mut parts = Vec::new();
    let mut begin = None;
    for (start, page) in (0..).step_by(PAGE).zip(content.chunks(PAGE)) {
        match *page != NOTHING[..page.len()] {
            true => _ = begin.get_or_insert(start),
            false => {
                let part = begin
                    .take()
                    .map(|begin| &content[begin..start + page.len()]);
                parts.extend(part);
            }
        }
    }
    parts.extend(begin.map(|begin| &content[begin..]));
    parts
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(content, wanted).is_some()
}

#[test]
fn no_aes_key_is_in_the_memory_of_the_plugin_with_cca_adapters() {
    // On its way to this type, a key is of type CCA-AESDATA, too.
    search(&Installation::cca(), "CCA-AESCIPHER", cca);
}

#[test]
fn no_aes_key_is_in_the_memory_of_the_plugin_with_ep11_adapters() {
    search(&Installation::ep11(), "EP11-AES", ep11);
}

/// Generates and imports a key pair for XTS.
fn search(installation: &Installation, key_type: &str, adapters: Adapters) {
    let server = installation.configured("ECC:prime256v1");
    let emulator = &installation.emulator;
    let caller = Caller::default();
    let search = Mutex::new(Search::default());
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| {
            remote::serve(emulator.directory(), |message| {
                if message == END {
                    return None;
                }
                let mut search = search.lock().unwrap();
                search.memory_of(caller.wait());
                let (answer, imported) = adapters(emulator, message);
                if let Some(imported) = imported {
                    search.note(imported);
                }
                Some(answer)
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
        let generate = ["generate", "-N", "disk", "--xts", "-K", key_type];
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
