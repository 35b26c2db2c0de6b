//! What callers pass by pointers.

use std::ffi::{c_ulong, c_void};
use std::slice;

use crate::codes::{self, Rv};
use crate::{Mechanism, Parameter, Single, Template};

/// `CK_MECHANISM`
#[repr(C)]
pub(crate) struct CkMechanism {
    mechanism: c_ulong,
    parameter: *const c_void,
    parameter_length: c_ulong,
}

/// `CK_ATTRIBUTE`
#[repr(C)]
pub(crate) struct CkAttribute {
    kind: c_ulong,
    value: *const c_void,
    length: c_ulong,
}

/// The longest data that a call takes.
pub(crate) const MAX_DATA: usize = 1 << 16;

pub(crate) fn must_be_null(pointer: *const u8, length: usize) -> Result<(), Rv> {
    if pointer.is_null() && length == 0 {
        Ok(())
    } else {
        Err(codes::ARGUMENTS_BAD)
    }
}

/// # Safety
/// `pointer` is null or points to `length` bytes.
pub(crate) unsafe fn read_bytes(pointer: *const u8, length: usize) -> Result<Vec<u8>, Rv> {
    if pointer.is_null() || length > MAX_DATA {
        return Err(codes::ARGUMENTS_BAD);
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { slice::from_raw_parts(pointer, length) }.to_vec())
}

/// # Safety
/// Pointers are null or go with their lengths.
pub(crate) unsafe fn read_single(
    key: *const u8,
    key_length: usize,
    mechanism: *const CkMechanism,
    data: *const u8,
    data_length: c_ulong,
) -> Result<Single, Rv> {
    // SAFETY: promised by the caller.
    unsafe {
        Ok(Single {
            key: read_bytes(key, key_length)?,
            mechanism: read_mechanism(mechanism)?,
            data: read_bytes(data, data_length as usize)?,
        })
    }
}

/// # Safety
/// `mechanism` is null or points to one, whose pointer goes with its length.
pub(crate) unsafe fn read_mechanism(mechanism: *const CkMechanism) -> Result<Mechanism, Rv> {
    const OAEP: c_ulong = 0x0009;
    const PSS: c_ulong = 0x000d;
    // SAFETY: promised by the caller; null is seen.
    let mechanism = unsafe { mechanism.as_ref() }.ok_or(codes::ARGUMENTS_BAD)?;
    let length = mechanism.parameter_length as usize;
    let words = length / size_of::<c_ulong>();
    let parameter = match (mechanism.mechanism, mechanism.parameter.is_null()) {
        (_, true) if length == 0 => Parameter::None,
        // Five words: hash, mask, source, pointer to the label, its length. Three words: hash,
        // mask, length of the salt.
        (OAEP | PSS, false) if length % size_of::<c_ulong>() == 0 && words <= 5 => {
            let pointer = mechanism.parameter.cast::<c_ulong>();
            // SAFETY: promised by the caller.
            let words = unsafe { slice::from_raw_parts(pointer, words) };
            match (mechanism.mechanism, words) {
                (OAEP, [hash, mask, 0, 0, 0]) => Parameter::Oaep(wide(*hash), wide(*mask)),
                (PSS, [hash, mask, salt]) => Parameter::Pss(wide(*hash), wide(*mask), wide(*salt)),
                _ => return Err(codes::MECHANISM_PARAM_INVALID),
            }
        }
        _ => return Err(codes::MECHANISM_PARAM_INVALID),
    };
    Ok(Mechanism {
        number: wide(mechanism.mechanism),
        parameter,
    })
}

/// # Safety
/// `attributes` is null or points to `count` ones, whose pointers go with their lengths.
pub(crate) unsafe fn read_template(
    attributes: *const CkAttribute,
    count: c_ulong,
) -> Result<Template, Rv> {
    if attributes.is_null() || count > 64 {
        return Err(codes::ARGUMENTS_BAD);
    }
    // SAFETY: promised by the caller.
    let attributes = unsafe { slice::from_raw_parts(attributes, count as usize) };
    let read = |attribute: &CkAttribute| {
        // SAFETY: promised by the caller.
        let value = unsafe { read_bytes(attribute.value.cast(), attribute.length as usize)? };
        Ok((wide(attribute.kind), value))
    };
    attributes
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map(Template)
}

/// 64 bits wherever the library exists.
#[allow(clippy::useless_conversion)]
pub(crate) fn wide(number: c_ulong) -> u64 {
    u64::from(number)
}

/// Puts a result where the caller has room for it, and tells its length.
///
/// # Safety
/// `pointer` is null or points to as many bytes as `room` says.
pub(crate) unsafe fn put<L: Copy + TryInto<usize>>(
    result: &[u8],
    pointer: *mut u8,
    room: Option<&mut L>,
    length: impl Fn(usize) -> L,
) -> Result<(), Rv> {
    let room = room.ok_or(codes::ARGUMENTS_BAD)?;
    if pointer.is_null() {
        return Err(codes::ARGUMENTS_BAD);
    }
    let size: usize = (*room).try_into().map_err(|_| codes::ARGUMENTS_BAD)?;
    *room = length(result.len());
    if size < result.len() {
        return Err(codes::BUFFER_TOO_SMALL);
    }
    // SAFETY: promised by the caller; it is long enough.
    unsafe { pointer.copy_from_nonoverlapping(result.as_ptr(), result.len()) };
    Ok(())
}
