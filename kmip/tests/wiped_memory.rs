//! Memory that is given back while a message is written holds nothing of its keys.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kmip::ttlv;
use kmip::types::{KeyMaterial, KeyValue, PlainKeyValue, ProtocolVersion, Secret, Tag};
use zeroize::Zeroizing;

/// What no other memory is full of.
const SECRET: [u8; 32] = *b"nobody else has to know this key";

/// Looks for the secret in all memory that is given back.
struct Watching;

static IS_WATCHING: AtomicBool = AtomicBool::new(false);
static GIVEN_BACK: AtomicUsize = AtomicUsize::new(0);
static LEAKED: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator that looks at what is given back")]
// SAFETY: passes everything on to the system's allocator. Memory that grows is allocated anew, copied and
// given back, as the trait provides.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this function. Memory is initialised, so that it can be read.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if IS_WATCHING.load(Ordering::Relaxed) && layout.size() >= SECRET.len() {
            // SAFETY: it was allocated with this size and initialised, and nobody else has it any more.
            let memory = unsafe { std::slice::from_raw_parts(pointer, layout.size()) };
            GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
            if memory.windows(SECRET.len()).any(|bytes| bytes == SECRET) {
                LEAKED.fetch_add(1, Ordering::Relaxed);
            }
        }
        // SAFETY: the caller keeps the contract of this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// How often memory was given back, and how often with the secret in it.
fn watched(work: impl FnOnce()) -> (usize, usize) {
    GIVEN_BACK.store(0, Ordering::Relaxed);
    LEAKED.store(0, Ordering::Relaxed);
    IS_WATCHING.store(true, Ordering::Relaxed);
    work();
    IS_WATCHING.store(false, Ordering::Relaxed);
    (
        GIVEN_BACK.load(Ordering::Relaxed),
        LEAKED.load(Ordering::Relaxed),
    )
}

/// One test, since the allocator watches all threads.
#[test]
fn what_a_buffer_has_grown_out_of_holds_no_key() {
    // Who does not wipe is noticed.
    let (_, leaked) = watched(|| drop(SECRET.to_vec()));
    assert_eq!(leaked, 1);
    a_writer_wipes();
    an_encoded_item_is_wiped();
}

fn a_writer_wipes() {
    let mut buffer = Zeroizing::new(Vec::new());
    let (given_back, leaked) = watched(|| {
        let mut writer = ttlv::Writer::new(&mut buffer);
        let structure = writer.begin(Tag::KEY_VALUE);
        writer.byte_string(Tag::KEY_MATERIAL, &SECRET).unwrap();
        for number in 0..200 {
            writer.integer(Tag::CRYPTOGRAPHIC_LENGTH, number);
            writer.long_integer(Tag::P, number.into());
            writer
                .text_string(Tag::NAME_VALUE, &"n".repeat(100))
                .unwrap();
            writer.big_integer(Tag::MODULUS, &[1; 100]).unwrap();
            let empty = writer.begin(Tag::NAME);
            writer.end(empty).unwrap();
        }
        writer.end(structure).unwrap();
    });
    assert!(buffer.len() > 32 << 10);
    assert!(buffer.windows(SECRET.len()).any(|bytes| bytes == SECRET));
    // The texts are given back as well.
    assert!(given_back > 200 + 5);
    assert_eq!(leaked, 0);
}

fn an_encoded_item_is_wiped() {
    let version = ProtocolVersion::V1_4;
    let key = |bytes: Vec<u8>| {
        KeyValue::Plain(PlainKeyValue {
            key_material: KeyMaterial::Bytes(Secret::owned(bytes)),
            ..PlainKeyValue::default()
        })
    };
    let items: Vec<_> = [SECRET.to_vec(), SECRET.repeat(1000), vec![1; 40 << 10]]
        .map(key)
        .into();
    let mut buffer = Zeroizing::new(Vec::new());
    let (given_back, leaked) = watched(|| {
        for item in &items {
            ttlv::encode_item(item, Tag::KEY_VALUE, version, &mut buffer).unwrap();
        }
    });
    assert!(buffer.len() > 64 << 10);
    assert!(given_back >= 2, "{given_back}");
    assert_eq!(leaked, 0);
}
