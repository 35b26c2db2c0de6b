//! The C interface of the verbs. Every parameter is a pointer, to a `long` or to bytes.

//!
//! A `long` has 64 bits on all platforms that have these adapters.

use std::ffi::{c_long, c_uchar};
use std::sync::{Mutex, OnceLock, PoisonError};

use emulated_card::{Emulator, remote};

use crate::codes::{Code, NO_RESPONSE, NULL_POINTER, SIZE};
use crate::{Parameter, Request, Response, Session, execute};

/// Larger lengths than any parameter can have are a fault of the caller.
const MAX_LENGTH: c_long = 16_384;
/// What a rule array has room for, where the verb returns one: elements of eight bytes.
const MAX_RULES: usize = 32;

/// In this library, and not visible outside of it: where the dynamic linker finds it tells which
/// copy of the library this is.
static ANCHOR: u8 = 0;
static SESSION: Mutex<Option<Session>> = Mutex::new(None);

/// A parameter as C passes it.
enum Raw {
    Rules(*mut c_long, *mut c_uchar),
    Buffer(*mut c_long, *mut c_uchar),
    Fixed(*mut c_uchar, usize),
    Number(*mut c_long),
}

/// Size of the smallest key identifier, a null token.
const NULL_TOKEN: usize = 64;

macro_rules! verbs {
    ($($name:ident ( $($parameter:ident : $type:ty),* ) = [ $($raw:expr),* ];)*) => {
        $(
            /// The verb of this name.
            ///
            /// # Safety
            /// Each pointer is null or points to a `long`, or to as many bytes as the length
            /// before it says.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(
                return_code: *mut c_long,
                reason_code: *mut c_long,
                _exit_data_length: *mut c_long,
                _exit_data: *mut c_uchar,
                $($parameter: $type),*
            ) {
                // SAFETY: the caller vouches for the pointers.
                let code = unsafe { call(stringify!($name), &[$($raw),*]) };
                // SAFETY: as above; both are required by the interface.
                unsafe {
                    return_code.write(code.0 as c_long);
                    reason_code.write(code.1 as c_long);
                }
            }
        )*
    };
}

type L = *mut c_long;
type B = *mut c_uchar;
use Raw::{Buffer, Fixed, Number, Rules};

verbs! {
    CSUACFV(l1: L, version: B) = [Buffer(l1, version)];
    CSUACFQ(count: L, rules: B, l1: L, data: B) = [Rules(count, rules), Buffer(l1, data)];
    CSUACRA(count: L, rules: B, l1: L, name: B) = [Rules(count, rules), Buffer(l1, name)];
    CSUACRD(count: L, rules: B, l1: L, name: B) = [Rules(count, rules), Buffer(l1, name)];
    CSNBKTC(count: L, rules: B, key: B) = [Rules(count, rules), Fixed(key, NULL_TOKEN)];
    CSNBKTC2(count: L, rules: B, l1: L, key: B) = [Rules(count, rules), Buffer(l1, key)];
    CSNBKTB2(
        count: L, rules: B, clear_bits: L, clear_key: B, l1: L, name: B, l2: L, associated: B,
        l3: L, token_data: B, l4: L, verb_data: B, l5: L, target: B
    ) = [
        Rules(count, rules), Number(clear_bits), Fixed(clear_key, 0), Buffer(l1, name),
        Buffer(l2, associated), Buffer(l3, token_data), Buffer(l4, verb_data), Buffer(l5, target)
    ];
    CSNBKTR2(
        count: L, rules: B, l1: L, input: B, l2: L, input_kek: B, l3: L, output_kek: B,
        l4: L, output: B
    ) = [
        Rules(count, rules), Buffer(l1, input), Buffer(l2, input_kek), Buffer(l3, output_kek),
        Buffer(l4, output)
    ];
    CSNBRKA(
        count: L, rules: B, l1: L, key: B, l2: L, kek: B, l3: L, first: B, l4: L, second: B
    ) = [
        Rules(count, rules), Buffer(l1, key), Buffer(l2, kek), Buffer(l3, first),
        Buffer(l4, second)
    ];
    CSNDPKG(
        count: L, rules: B, l1: L, regeneration: B, l2: L, skeleton: B, transport: B,
        l3: L, key: B
    ) = [
        Rules(count, rules), Buffer(l1, regeneration), Buffer(l2, skeleton),
        Fixed(transport, NULL_TOKEN), Buffer(l3, key)
    ];
    CSNDPKB(
        count: L, rules: B, l1: L, values: B, l2: L, name: B, l3: L, r1: B, l4: L, r2: B,
        l5: L, r3: B, l6: L, r4: B, l7: L, r5: B, l8: L, token: B
    ) = [
        Rules(count, rules), Buffer(l1, values), Buffer(l2, name), Buffer(l3, r1),
        Buffer(l4, r2), Buffer(l5, r3), Buffer(l6, r4), Buffer(l7, r5), Buffer(l8, token)
    ];
    CSNDKTC(count: L, rules: B, l1: L, key: B) = [Rules(count, rules), Buffer(l1, key)];
    CSNDDSG(
        count: L, rules: B, l1: L, key: B, l2: L, hash: B, field_length: L, bits: L, field: B
    ) = [
        Rules(count, rules), Buffer(l1, key), Buffer(l2, hash), Number(bits),
        Buffer(field_length, field)
    ];
    CSNDPKD(
        count: L, rules: B, l1: L, enciphered: B, l2: L, structure: B, l3: L, key: B,
        l4: L, target: B
    ) = [
        Rules(count, rules), Buffer(l1, enciphered), Buffer(l2, structure), Buffer(l3, key),
        Buffer(l4, target)
    ];
    CSNDSYI(
        count: L, rules: B, l1: L, enciphered: B, l2: L, key: B, l3: L, target: B
    ) = [Rules(count, rules), Buffer(l1, enciphered), Buffer(l2, key), Buffer(l3, target)];
}

/// # Safety
/// As for the verbs.
unsafe fn call(verb: &str, raw: &[Raw]) -> Code {
    let mut parameters = Vec::with_capacity(raw.len());
    for raw in raw {
        // SAFETY: the caller of this vouches for the pointers.
        match unsafe { read(raw, verb) } {
            Ok(parameter) => parameters.push(parameter),
            Err(code) => return code,
        }
    }
    let Some(emulator) = emulator() else {
        return NO_RESPONSE;
    };
    // A verb that panicked before must not make all others fail.
    let mut session = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
    let before = parameters.clone();
    let request = Request {
        session: session.get_or_insert_with(from_environment).clone(),
        verb: verb.to_owned(),
        parameters,
    };
    let Some(response) = perform(emulator, request) else {
        return NO_RESPONSE;
    };
    *session = Some(response.session);
    if !response.code.is_failure() {
        for ((raw, parameter), before) in raw.iter().zip(&response.parameters).zip(&before) {
            // Not what is only read, which may be constant.
            if parameter != before {
                // SAFETY: as above.
                unsafe { write(raw, parameter) };
            }
        }
    }
    response.code
}

fn emulator() -> Option<&'static Emulator> {
    static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
    EMULATOR
        .get_or_init(|| Emulator::of_library((&raw const ANCHOR).cast()))
        .as_ref()
}

fn from_environment() -> Session {
    Session {
        default_domain: std::env::var("CSU_DEFAULT_DOMAIN").ok(),
        default_adapter: std::env::var("CSU_DEFAULT_ADAPTER").ok(),
        ..Session::default()
    }
}

/// Here, or in the process that has the adapters. Whatever goes wrong, no panic may reach C.
fn perform(emulator: &Emulator, request: Request) -> Option<Response> {
    if remote::is_wanted(emulator.directory()) {
        let message = serde_json::to_vec(&request).ok()?;
        let answer = remote::call(emulator.directory(), &message).ok()?;
        return serde_json::from_slice(&answer).ok();
    }
    std::panic::catch_unwind(|| execute(emulator, request)).ok()
}

/// # Safety
/// As for the verbs.
unsafe fn read(raw: &Raw, verb: &str) -> Result<Parameter, Code> {
    match *raw {
        Rules(count, data) => {
            if count.is_null() || data.is_null() {
                return Err(NULL_POINTER);
            }
            // SAFETY: not null, so it points to a `long`.
            let count = unsafe { count.read() };
            if !(0..=MAX_RULES as c_long).contains(&count) {
                return Err(crate::codes::RULE_COUNT);
            }
            // SAFETY: a rule array has eight bytes for each of its elements.
            Ok(Parameter::Rules(unsafe { copy(data, count as usize * 8) }))
        }
        Buffer(length, data) => {
            if length.is_null() {
                return Ok(Parameter::Missing);
            }
            // SAFETY: not null, so it points to a `long`.
            let length = unsafe { length.read() };
            // Some callers of this verb pass a nonsensical length that is large enough.
            let length = match verb {
                "CSNDSYI" if length > MAX_LENGTH => NULL_TOKEN as c_long,
                _ => length,
            };
            if !(0..=MAX_LENGTH).contains(&length) {
                return Err(SIZE);
            }
            if length > 0 && data.is_null() {
                return Err(NULL_POINTER);
            }
            // SAFETY: the data has the length that was passed with it.
            Ok(Parameter::Buffer(unsafe { copy(data, length as usize) }))
        }
        Fixed(data, length) => {
            if data.is_null() {
                return Ok(Parameter::Missing);
            }
            // SAFETY: the interface prescribes this length.
            Ok(Parameter::Fixed(unsafe { copy(data, length) }))
        }
        Number(number) => {
            if number.is_null() {
                return Err(NULL_POINTER);
            }
            // SAFETY: not null, so it points to a `long`.
            Ok(Parameter::Number(unsafe { number.read() }))
        }
    }
}

/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
unsafe fn copy(data: *const c_uchar, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: the caller vouches for it; nobody changes the bytes meanwhile.
    unsafe { std::slice::from_raw_parts(data, length) }.to_vec()
}

/// # Safety
/// As for the verbs. No buffer is filled beyond the length that was passed with it, except rule
/// arrays of verbs that return one, which have room for [`MAX_RULES`] elements.
unsafe fn write(raw: &Raw, parameter: &Parameter) {
    let (length, data, content) = match (raw, parameter) {
        (Rules(count, data), Parameter::Rules(content)) => {
            assert!(content.len() <= MAX_RULES * 8, "a rule array is too long");
            // SAFETY: not null, since it was read.
            unsafe { count.write((content.len() / 8) as c_long) };
            (std::ptr::null_mut(), *data, content)
        }
        (Buffer(length, data), Parameter::Buffer(content)) => (*length, *data, content),
        (Fixed(data, _), Parameter::Fixed(content)) => (std::ptr::null_mut(), *data, content),
        (Number(number), Parameter::Number(value)) => {
            // SAFETY: not null, since it was read.
            unsafe { number.write(*value as c_long) };
            return;
        }
        _ => return,
    };
    if !content.is_empty() {
        // SAFETY: the verbs return no more bytes than there is room for, which they check.
        unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), data, content.len()) };
    }
    if !length.is_null() {
        // SAFETY: not null, so it points to a `long`.
        unsafe { length.write(content.len() as c_long) };
    }
}
