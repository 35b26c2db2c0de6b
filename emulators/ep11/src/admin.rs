//! Administrative blocks, and the one command that zkey uses.
//!
//! A command block is a sequence of OCTET STRINGs (each `04 82`, length in 2 bytes, data): number
//! of the function, domain, transaction counter, payload. In a response, the `CK_RV` (4 bytes)
//! stands before the payload. The form of the real ones is not known, and for a caller not
//! visible.

use emulated_card::{Apqn, Register};

use crate::blob::{Blob, PublicKey};
use crate::codes::{self, Rv};
use crate::{Domain, Response};

/// `XCP_ADM_REENCRYPT`
pub const REENCRYPT: u32 = 25;

/// The fields of a command block.
pub struct Command<'a> {
    /// Number of the function.
    pub function: u32,
    /// Number of the domain.
    pub domain: u32,
    /// What the function takes.
    pub payload: &'a [u8],
}

impl<'a> Command<'a> {
    /// The block.
    pub fn encode(&self) -> Vec<u8> {
        encode(&[
            &self.function.to_be_bytes(),
            &self.domain.to_be_bytes(),
            &[0; 16],
            self.payload,
        ])
    }

    fn decode(block: &'a [u8]) -> Option<Command<'a>> {
        let [function, domain, counter, payload] = decode(block)?;
        (counter == [0; 16]).then_some(Command {
            function: number(function)?,
            domain: number(domain)?,
            payload,
        })
    }
}

/// The fields of a response block.
pub struct ResponseBlock<'a> {
    /// Number of the function.
    pub function: u32,
    /// Number of the domain.
    pub domain: u32,
    /// What became of it.
    pub rv: u32,
    /// What the function returned.
    pub payload: &'a [u8],
}

impl<'a> ResponseBlock<'a> {
    fn encode(&self) -> Vec<u8> {
        encode(&[
            &self.function.to_be_bytes(),
            &self.domain.to_be_bytes(),
            &[0; 16],
            &self.rv.to_be_bytes(),
            self.payload,
        ])
    }

    /// Reads a block; nothing if it is none.
    pub fn decode(block: &'a [u8]) -> Option<ResponseBlock<'a>> {
        let [function, domain, _, rv, payload] = decode(block)?;
        Some(ResponseBlock {
            function: number(function)?,
            domain: number(domain)?,
            rv: number(rv)?,
            payload,
        })
    }
}

fn encode(fields: &[&[u8]]) -> Vec<u8> {
    let mut block = Vec::new();
    for field in fields {
        let length = u16::try_from(field.len()).expect("a short field");
        block.extend([0x04, 0x82]);
        block.extend(length.to_be_bytes());
        block.extend(*field);
    }
    block
}

fn decode<const N: usize>(mut block: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [&[][..]; N];
    for field in &mut fields {
        let [0x04, 0x82, l0, l1, rest @ ..] = block else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        *field = rest.get(..length)?;
        block = &rest[length..];
    }
    block.is_empty().then_some(fields)
}

fn number(field: &[u8]) -> Option<u32> {
    field.try_into().ok().map(u32::from_be_bytes)
}

/// The call succeeds when the adapter answers; what it says is in the response block.
pub(crate) fn execute(domain: &Domain<'_>, apqn: Apqn, block: &[u8]) -> Response {
    let command = Command::decode(block).ok_or(codes::ARGUMENTS_BAD)?;
    if command.function != REENCRYPT || command.domain != u32::from(apqn.domain) {
        return Err(codes::ARGUMENTS_BAD);
    }
    let result = reencrypt(domain, command.payload);
    let (rv, payload) = match &result {
        Ok(payload) => (0, &payload[..]),
        Err(Rv(rv)) => (*rv as u32, &[][..]),
    };
    let response = ResponseBlock {
        function: command.function,
        domain: command.domain,
        rv,
        payload,
    };
    Ok(vec![response.encode()])
}

fn reencrypt(domain: &Domain<'_>, sealed: &[u8]) -> Result<Vec<u8>, Rv> {
    let current = domain.current()?;
    let next = domain.registers.get(Register::New);
    let next = next.ok_or(codes::WK_NOT_INITIALIZED)?;
    if sealed.first() == Some(&0x30) {
        return Ok(PublicKey::open(current, sealed)?.seal(next));
    }
    Ok(Blob::open(current, sealed)?.seal(next))
}
