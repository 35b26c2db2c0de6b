//! The kernel's view of secure keys: `/dev/pkey` (zkey's `pkey.h`).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::ptr;

/// What the kernel says about a new key.
#[derive(Debug)]
pub enum PkeyVerdict {
    /// It can use the key.
    Usable,
    /// There is no such device, or it may not be opened: nobody will use the key here, or
    /// somebody with more rights.
    Unknown,
    /// It cannot use the key. `EINVAL` and `ENODEV` mean that it may be too old for the form of
    /// the key.
    Refused(io::Error),
}

/// Asks the kernel about keys.
pub trait PkeyDevice: Send + Sync {
    /// Whether an AES key can be used.
    fn verify(&self, key: &[u8]) -> PkeyVerdict;
}

/// The device of this machine.
#[derive(Debug)]
pub struct KernelPkey {
    path: PathBuf,
}

impl KernelPkey {
    /// `/dev/pkey`.
    pub fn new() -> KernelPkey {
        KernelPkey {
            path: PathBuf::from("/dev/pkey"),
        }
    }
}

impl Default for KernelPkey {
    fn default() -> Self {
        KernelPkey::new()
    }
}

impl PkeyDevice for KernelPkey {
    fn verify(&self, key: &[u8]) -> PkeyVerdict {
        let Ok(device) = OpenOptions::new().read(true).write(true).open(&self.path) else {
            return PkeyVerdict::Unknown;
        };
        match verify(&device, key) {
            Ok(()) => PkeyVerdict::Usable,
            Err(error) => PkeyVerdict::Refused(error),
        }
    }
}

/// One of the APQNs that have the master key of the key must be able to use it.
fn verify(device: &File, key: &[u8]) -> io::Result<()> {
    let mut problem = io::Error::from_raw_os_error(libc::ENODEV);
    for apqn in apqns_for(device, key)? {
        let mut request = VerifyKey2 {
            key: key.as_ptr(),
            key_length: length(key)?,
            card: apqn.card,
            domain: apqn.domain,
            key_type: 0,
            key_size: 0,
            flags: 0,
        };
        match ioctl(device, PKEY_VERIFYKEY2, &mut request) {
            Ok(()) => return Ok(()),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

fn apqns_for(device: &File, key: &[u8]) -> io::Result<Vec<PkeyApqn>> {
    // 256 adapters with 256 domains.
    const MOST: usize = 65536;
    let mut room = 256;
    loop {
        let mut apqns = vec![PkeyApqn::default(); room];
        let mut request = ApqnsForKey {
            key: key.as_ptr(),
            key_length: length(key)?,
            flags: PKEY_FLAGS_MATCH_CUR_MKVP,
            apqns: apqns.as_mut_ptr(),
            apqn_entries: room as u32,
        };
        match ioctl(device, PKEY_APQNS4K, &mut request) {
            Ok(()) => {
                apqns.truncate(request.apqn_entries as usize);
                return Ok(apqns);
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && room < MOST => {
                room *= 16;
            }
            Err(error) => return Err(error),
        }
    }
}

fn length(key: &[u8]) -> io::Result<u32> {
    u32::try_from(key.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

const PKEY_APQNS4K: u32 = request_number(0x1b, size_of::<ApqnsForKey>());
const PKEY_VERIFYKEY2: u32 = request_number(0x17, size_of::<VerifyKey2>());
const PKEY_FLAGS_MATCH_CUR_MKVP: u32 = 2;

/// `_IOWR('p', number, size)`.
const fn request_number(number: u32, size: usize) -> u32 {
    (3 << 30) | ((size as u32) << 16) | ((b'p' as u32) << 8) | number
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct PkeyApqn {
    card: u16,
    domain: u16,
}

/// `struct pkey_apqns4key`.
#[repr(C)]
struct ApqnsForKey {
    key: *const u8,
    key_length: u32,
    flags: u32,
    apqns: *mut PkeyApqn,
    apqn_entries: u32,
}

/// `struct pkey_verifykey2`.
#[repr(C)]
struct VerifyKey2 {
    key: *const u8,
    key_length: u32,
    card: u16,
    domain: u16,
    key_type: u32,
    key_size: u32,
    flags: u32,
}

fn ioctl<T>(device: &File, request: u32, argument: &mut T) -> io::Result<()> {
    // SAFETY: the requests of this module take a pointer to a structure of just this type. Its
    // pointers go with their lengths and live longer than the call.
    let result =
        unsafe { libc::ioctl(device.as_raw_fd(), request.into(), ptr::from_mut(argument)) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_are_those_of_the_kernel() {
        assert_eq!(PKEY_APQNS4K, 0xc020_701b);
        assert_eq!(PKEY_VERIFYKEY2, 0xc020_7017);
    }

    #[test]
    fn without_the_device_nothing_is_known() {
        let nowhere = KernelPkey {
            path: PathBuf::from("/nonexistent/pkey"),
        };
        assert!(matches!(nowhere.verify(&[0; 336]), PkeyVerdict::Unknown));
    }

    #[test]
    fn what_is_not_the_device_refuses() {
        let null = KernelPkey {
            path: PathBuf::from("/dev/null"),
        };
        assert!(matches!(null.verify(&[0; 336]), PkeyVerdict::Refused(_)));
    }
}
