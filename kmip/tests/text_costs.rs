//! What hostile JSON and XML cost: time linear in the length, memory a small multiple of it, and no
//! stack.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kmip::codec::{ErrorKind, Limits, Options, RawValue};
use kmip::types::Tag;
use kmip::{ProtocolVersion, json, xml};

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

type Decode = fn(&[u8], &Options) -> kmip::codec::Result<()>;

fn decode_json(bytes: &[u8], options: &Options) -> kmip::codec::Result<()> {
    let version = ProtocolVersion::V2_1;
    json::decode_item::<RawValue<'_>>(bytes, Tag::NAME, version, options).map(drop)
}

fn decode_xml(bytes: &[u8], options: &Options) -> kmip::codec::Result<()> {
    let version = ProtocolVersion::V2_1;
    xml::decode_item::<RawValue<'_>>(bytes, Tag::NAME, version, options).map(drop)
}

fn unlimited() -> Options {
    Options {
        limits: Limits {
            message_bytes: usize::MAX,
            items: usize::MAX,
            text_bytes: usize::MAX,
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// Messages that grow with `n`, each made to hurt.
fn hostile(n: usize) -> Vec<(&'static str, Decode, String)> {
    let json = |items: String| format!(r#"{{"value":[{items}],"tag":"Name"}}"#);
    let xml = |items: String| format!("<Name>{items}</Name>");
    let deep = |inner: String, levels: usize| {
        (0..levels).fold(inner, |inner, _| {
            format!(r#"{{"value":[{inner}],"tag":"Name"}}"#)
        })
    };
    let text = "x".repeat(n * 20);
    vec![
        (
            "small items",
            decode_json,
            json(vec![r#"{"tag":"P","type":"Integer","value":1}"#; n].join(",")),
        ),
        (
            "empty structures",
            decode_json,
            json(vec![r#"{"tag":"P"}"#; n * 2].join(",")),
        ),
        (
            "a long text below levels with the value first",
            decode_json,
            deep(
                format!(r#"{{"value":"{text}","type":"TextString","tag":"P"}}"#),
                28,
            ),
        ),
        (
            "white space",
            decode_json,
            json(vec![format!("{{{}\"tag\":\"P\"}}", " ".repeat(50)); n / 2].join(",")),
        ),
        (
            "unknown members",
            decode_json,
            json(vec![r#"{"tag":"P","a":[[[[]]]],"b":{"tag":1},"tab":""}"#; n].join(",")),
        ),
        (
            "deep unknown members",
            decode_json,
            json(format!(
                r#"{{"tag":"P","a":{}{}}}"#,
                "[".repeat(n * 10),
                "]".repeat(n * 10)
            )),
        ),
        (
            "escapes",
            decode_json,
            json(format!(
                r#"{{"tag":"P","type":"TextString","value":"{}"}}"#,
                r"\n".repeat(n * 10)
            )),
        ),
        (
            "long numbers",
            decode_json,
            json(format!(
                r#"{{"tag":"P","type":"Integer","value":{}}}"#,
                "1".repeat(n * 20)
            )),
        ),
        (
            "wrong names",
            decode_json,
            json(format!(
                r#"{{"tag":"CryptographicUsageMask","type":"Integer","value":"{}"}}"#,
                "encrypt|".repeat(n)
            )),
        ),
        (
            "many batch items",
            decode_json,
            json(vec![r#"{"tag":"BatchItem"}"#; n].join(",")),
        ),
        (
            "small items",
            decode_xml,
            xml("<P type='Integer' value='1'/>".repeat(n)),
        ),
        ("empty structures", decode_xml, xml("<P/>".repeat(n * 5))),
        (
            "entities",
            decode_xml,
            xml(format!(
                "<P type='TextString' value='{}'/>",
                "&amp;".repeat(n * 5)
            )),
        ),
        (
            "an entity without end",
            decode_xml,
            xml(format!(
                "<P type='TextString' value='{}'/>",
                "&".repeat(n * 20)
            )),
        ),
        (
            "many attributes",
            decode_xml,
            xml(format!(
                "<P {}/>",
                (0..n * 2).map(|i| format!("a{i}='' ")).collect::<String>()
            )),
        ),
        ("comments", decode_xml, xml("<!---->".repeat(n * 3))),
        (
            "a long tag",
            decode_xml,
            xml(format!("<P {}/>", " ".repeat(n * 20))),
        ),
        (
            "hexadecimal digits",
            decode_xml,
            xml(format!(
                "<P type='ByteString' value='{}'/>",
                "00 ".repeat(n * 5)
            )),
        ),
    ]
}

/// The shortest of some runs, which is the least disturbed one.
fn time(decode: Decode, text: &str) -> Duration {
    let runs = (0..5).map(|_| {
        let start = processor_time();
        let _ = decode(text.as_bytes(), &unlimited());
        processor_time().saturating_sub(start)
    });
    runs.min().unwrap_or_default()
}

/// What this thread has used of the processor: what else the machine does must not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a clock that began at 0")
}

/// One test, since the allocator counts for all threads.
#[test]
fn time_and_memory_are_linear_in_the_length() {
    let (small, large) = (hostile(500), hostile(6_000));
    for ((name, decode, short), (.., long)) in small.iter().zip(&large) {
        let growth = long.len() as f64 / short.len() as f64;
        // A quadratic cost would grow by the square of this, in every attempt; a busy machine
        // spoils one.
        let ratios: Vec<f64> = (0..3)
            .map(|_| {
                let (first, second) = (time(*decode, short), time(*decode, long));
                second.as_secs_f64() / first.as_secs_f64().max(1e-5)
            })
            .collect();
        assert!(
            ratios.iter().any(|ratio| *ratio < growth * 4.0),
            "{name}: {growth} times the length took {ratios:?} times the time"
        );
        // The shortest item, `<P/>`, becomes a node and a raw item, each in a list that doubles.
        let before = USED.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let _ = decode(long.as_bytes(), &unlimited());
        let peak = PEAK.load(Ordering::Relaxed) - before;
        assert!(
            peak < 48 * long.len() + 4096,
            "{name}: {peak} bytes for a message of {}",
            long.len()
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
