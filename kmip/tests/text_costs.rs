//! What hostile JSON and XML cost: memory that is a small multiple of the length, and no stack. That
//! the work is linear in the length is tested beside the code, which counts its steps.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use hostile_text::{decode_json, decode_xml, hostile, unlimited};
use kmip::codec::ErrorKind;

/// Counts the bytes that are in use, and their maximum.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator that counts")]
// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[path = "support/hostile_text.rs"]
mod hostile_text;

/// One test, since the allocator counts for all threads.
#[test]
fn memory_is_linear_in_the_length() {
    for case in hostile(2_000) {
        let before = USED.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let _ = case.decode();
        let peak = PEAK.load(Ordering::Relaxed) - before;
        let (name, length) = (case.name, case.text.len());
        // The shortest item, `<P/>`, becomes a node and a raw item, each in a list that doubles.
        assert!(
            peak < 48 * length + 4096,
            "{name}: {peak} bytes for a message of {length}"
        );
    }
    depth_is_limited_whatever_the_limit();
}

fn depth_is_limited_whatever_the_limit() {
    let levels = 200_000;
    let in_json = r#"{"value":["#.repeat(levels);
    let in_xml = "<Name>".repeat(levels);
    for depth in [32, usize::MAX] {
        let mut options = unlimited();
        options.limits.depth = depth;
        options.limits.items = 100_000;
        let error = decode_json(in_json.as_bytes(), &options).expect_err("too deep");
        assert!(matches!(error.kind(), ErrorKind::TooDeep(_)), "{error}");
        let error = decode_xml(in_xml.as_bytes(), &options).expect_err("too deep");
        assert!(
            matches!(
                error.kind(),
                ErrorKind::TooDeep(_) | ErrorKind::TooManyItems(_)
            ),
            "{}",
            error.kind()
        );
    }
}
