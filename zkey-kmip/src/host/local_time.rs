//! The time as zkey writes it into properties: `%F %T` in the local time zone.

/// The current time, such as `2026-03-01 14:05:09`.
pub(super) fn now() -> String {
    // SAFETY: `time` accepts NULL for the place that it would also store to.
    let seconds = unsafe { libc::time(std::ptr::null_mut()) };
    // SAFETY: all-zero is a valid value of `tm`, a structure of numbers and a pointer.
    let mut broken_down: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right type; localtime_r keeps neither.
    let converted = unsafe { libc::localtime_r(&seconds, &mut broken_down) };
    if converted.is_null() {
        // Only for years that do not fit: the clock is wrong, and zero is what it then shows.
        return "0000-00-00 00:00:00".to_owned();
    }
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        i64::from(broken_down.tm_year) + 1900,
        broken_down.tm_mon + 1,
        broken_down.tm_mday,
        broken_down.tm_hour,
        broken_down.tm_min,
        broken_down.tm_sec
    )
}
