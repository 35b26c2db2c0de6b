//! What the items of a batch give as data, for later items of it (Data Enumeration and Ephemeral: KMIP
//! 2.1, 8.2 and 11.13).

use crate::types::{
    Data, DataEnumeration, Operation, RequestPayload, ResponsePayload, ResultReason, Secret,
};

use super::failure::Failure;

/// How many bytes the references of a message may copy: a small batch could refer to large data very often.
const MOST: usize = 16 << 20;

/// The data of the items of a message, as far as they were processed.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    items: Vec<(Operation, Option<Secret<'static>>)>,
    /// How many bytes references have copied.
    used: usize,
}

impl Outputs {
    /// Takes note of the data of an item that was processed, if a later item may refer to it, and takes it
    /// away if the client does not want it.
    pub(super) fn note(
        &mut self,
        operation: Operation,
        response: Option<&mut ResponsePayload<'_>>,
        ephemeral: bool,
    ) {
        let made = response.and_then(|response| {
            let made = copied(response);
            if ephemeral {
                take_away(response);
            }
            made
        });
        self.items.push((operation, made));
    }

    /// Puts the data of an earlier item in the place of a reference to it.
    ///
    /// # Errors
    /// If there is no such data, or references have copied too much.
    pub(super) fn resolve(&mut self, request: &mut RequestPayload<'_>) -> Result<(), Failure> {
        let Some(data) = data_of(request) else {
            return Ok(());
        };
        let found = match data {
            Data::Bytes(_) => return Ok(()),
            Data::Enumeration(meant) => self.by_operation(*meant),
            Data::Integer(number) => self.by_number(*number),
        };
        let found = found.ok_or_else(|| {
            let message = "the Data refers to no earlier item of the batch that has some";
            Failure::new(ResultReason::INVALID_FIELD, message)
        })?;
        let used = self.used.saturating_add(found.len());
        if used > MOST {
            let message = "the batch refers to too much data";
            return Err(Failure::new(ResultReason::INVALID_FIELD, message));
        }
        *data = Data::Bytes(found.clone());
        self.used = used;
        Ok(())
    }

    fn by_operation(&self, meant: DataEnumeration) -> Option<&Secret<'static>> {
        let operation = match meant {
            DataEnumeration::DECRYPT => Operation::DECRYPT,
            DataEnumeration::ENCRYPT => Operation::ENCRYPT,
            DataEnumeration::HASH => Operation::HASH,
            DataEnumeration::MAC_MAC_DATA => Operation::MAC,
            DataEnumeration::RNG_RETRIEVE => Operation::RNG_RETRIEVE,
            DataEnumeration::SIGN_SIGNATURE_DATA => Operation::SIGN,
            DataEnumeration::SIGNATURE_VERIFY => Operation::SIGNATURE_VERIFY,
            _ => return None,
        };
        let mut latest = self.items.iter().rev();
        latest.find_map(|(done, made)| made.as_ref().filter(|_| *done == operation))
    }

    /// Numbers count the items of the batch from zero (KMIP 2.1, 4.58 and 7.9); negative ones go back from the
    /// current item.
    fn by_number(&self, number: i32) -> Option<&Secret<'static>> {
        let index = match usize::try_from(number) {
            Ok(number) => number,
            Err(_) => {
                let back = usize::try_from(number.unsigned_abs()).ok()?;
                self.items.len().checked_sub(back)?
            }
        };
        self.items.get(index)?.1.as_ref()
    }
}

fn data_of<'r, 'a>(request: &'r mut RequestPayload<'a>) -> Option<&'r mut Data<'a>> {
    match request {
        RequestPayload::Encrypt(request) => request.data.as_mut(),
        RequestPayload::Decrypt(request) => request.data.as_mut(),
        RequestPayload::Sign(request) => request.data.as_mut(),
        RequestPayload::SignatureVerify(request) => request.data.as_mut(),
        RequestPayload::Mac(request) => request.data.as_mut(),
        RequestPayload::MacVerify(request) => request.data.as_mut(),
        RequestPayload::Hash(request) => request.data.as_mut(),
        RequestPayload::RngSeed(request) => Some(&mut request.data),
        _ => None,
    }
}

fn copied(response: &ResponsePayload<'_>) -> Option<Secret<'static>> {
    let data = match response {
        ResponsePayload::Encrypt(done) => done.data.as_ref()?.as_bytes()?,
        ResponsePayload::Decrypt(done) => done.data.as_ref()?.as_bytes()?,
        ResponsePayload::Hash(done) => done.data.as_ref()?.as_bytes()?,
        ResponsePayload::RngRetrieve(done) => done.data.as_bytes()?,
        ResponsePayload::Mac(done) => done.mac_data.as_deref()?,
        ResponsePayload::Sign(done) => done.signature_data.as_deref()?,
        ResponsePayload::SignatureVerify(done) => done.data.as_ref()?.as_bytes()?,
        _ => return None,
    };
    Some(Secret::owned(data.to_vec()))
}

/// Random numbers must be there in a response, and stay.
fn take_away(response: &mut ResponsePayload<'_>) {
    match response {
        ResponsePayload::Encrypt(done) => done.data = None,
        ResponsePayload::Decrypt(done) => done.data = None,
        ResponsePayload::Hash(done) => done.data = None,
        ResponsePayload::Mac(done) => done.mac_data = None,
        ResponsePayload::Sign(done) => done.signature_data = None,
        ResponsePayload::SignatureVerify(done) => done.data = None,
        _ => {}
    }
}
