//! Paddings of block ciphers that OpenSSL does not have (Padding Method: KMIP 1.4, 9.1.3.2.15; 2.1,
//! 11.32).

use kmip::server::Failure;
use kmip::types::{PaddingMethod, ResultReason};
use zeroize::Zeroizing;

use super::random;

/// A padding at work: what was seen of the data that it ends.
pub(super) struct Padding {
    method: PaddingMethod,
    block: usize,
    /// Bytes that were encrypted.
    seen: usize,
    /// The end of what was decrypted, which may be padding.
    held: Zeroizing<Vec<u8>>,
}

impl Padding {
    /// These methods. `None` and `PKCS5` are OpenSSL's, the others are for RSA.
    pub(super) const METHODS: [PaddingMethod; 4] = [
        PaddingMethod::SSL3,
        PaddingMethod::ZEROS,
        PaddingMethod::ANSI_X9_23,
        PaddingMethod::ISO_10126,
    ];

    /// A padding to whole blocks of so many bytes.
    pub(super) fn new(method: PaddingMethod, block: usize) -> Self {
        Padding {
            method,
            block,
            seen: 0,
            held: Zeroizing::new(Vec::new()),
        }
    }

    /// Data is encrypted.
    pub(super) fn see(&mut self, data: &[u8]) {
        self.seen += data.len();
    }

    /// What is encrypted behind the data.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub(super) fn end(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let length = self.block - self.seen % self.block;
        // At most a block.
        let number = length as u8;
        let mut end = match self.method {
            PaddingMethod::ZEROS => return Ok(Zeroizing::new(vec![0; length % self.block])),
            PaddingMethod::ISO_10126 => random(length)?,
            _ => Zeroizing::new(vec![0; length]),
        };
        end[length - 1] = match self.method {
            // Not counting itself.
            PaddingMethod::SSL3 => number - 1,
            _ => number,
        };
        Ok(end)
    }

    /// Takes what was decrypted, and gives back what is not the last block.
    pub(super) fn hold(&mut self, decrypted: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut all = Zeroizing::new(Vec::with_capacity(self.held.len() + decrypted.len()));
        all.extend_from_slice(&self.held);
        all.extend_from_slice(decrypted);
        let certain = all.len().saturating_sub(self.block);
        self.held = Zeroizing::new(all[certain..].to_vec());
        // Of what remains in its capacity, dropping it wipes everything.
        all.truncate(certain);
        all
    }

    /// The end of the data without the padding. Zeros stay: nobody can tell them from data.
    ///
    /// # Errors
    /// If there is no padding.
    pub(super) fn remove(self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut end = self.held;
        if self.method == PaddingMethod::ZEROS {
            return Ok(end);
        }
        let last = end.last().copied().map(usize::from);
        let length = last.map(|last| match self.method {
            PaddingMethod::SSL3 => last + 1,
            _ => last,
        });
        let data = length
            .filter(|length| (1..=self.block).contains(length))
            .and_then(|length| end.len().checked_sub(length));
        let zeros = |data: &usize| {
            let padding = &end[*data..end.len() - 1];
            self.method != PaddingMethod::ANSI_X9_23 || padding.iter().all(|byte| *byte == 0)
        };
        match data.filter(zeros) {
            Some(data) => {
                end.truncate(data);
                Ok(end)
            }
            None => Err(Failure::new(
                ResultReason::CRYPTOGRAPHIC_FAILURE,
                "cryptographic failure: the data or the key is wrong, or the padding is missing",
            )),
        }
    }
}
