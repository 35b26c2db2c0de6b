//! A server without a store: it always gives out the same key. What is measured with it is client,
//! engine and transport, and nothing else.

use std::io::{self, Read, Write};
use std::sync::Arc;

use kmip::server::{Call, Engine, Failure, Handler, Peer};
use kmip::transport::{IoLimits, Liveness, Stream};
use kmip::types::{
    CryptographicAlgorithm, GetResponse, KeyBlock, KeyFormatType, KeyValue, ManagedObject,
    ObjectType, RequestPayload, ResponsePayload, Secret, SymmetricKey,
};

/// Identifier of the key.
pub const IDENTIFIER: &str = "4a7c57b7-c581-487a-afa7-e5354aaf5007";

/// Answers Get with an AES-256 key.
#[derive(Debug, Default)]
pub struct Answering;

impl Handler for Answering {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let RequestPayload::Get(get) = &request else {
            return Err(Failure::operation_not_supported(request.operation()));
        };
        let unique_identifier = call.identify(get.unique_identifier.as_ref())?.into();
        Ok(GetResponse {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier,
            managed_object: ManagedObject::SymmetricKey(SymmetricKey {
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::RAW,
                    key_value: Some(KeyValue::new(Secret::owned(vec![0x5A; 32]))),
                    cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
                    cryptographic_length: Some(256),
                    ..KeyBlock::default()
                },
                ..SymmetricKey::default()
            }),
            ..GetResponse::default()
        }
        .into())
    }
}

/// A stream with the engine at its other end: what is written is answered in the same thread.
#[derive(Debug)]
pub struct EngineStream {
    engine: Arc<Engine<Answering>>,
    peer: Peer,
    answer: Vec<u8>,
    read: usize,
}

impl EngineStream {
    /// A stream to `engine`.
    pub fn new(engine: Arc<Engine<Answering>>) -> Self {
        EngineStream {
            engine,
            peer: Peer::local(),
            answer: Vec::new(),
            read: 0,
        }
    }
}

/// The client writes a message at once.
impl Write for EngineStream {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        self.answer.clear();
        self.read = 0;
        self.engine.respond(&self.peer, message, &mut self.answer);
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for EngineStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.answer[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}

impl Stream for EngineStream {
    fn set_limits(&mut self, _: IoLimits) {}

    fn liveness(&mut self) -> Liveness {
        Liveness::Open
    }

    fn close(&mut self) {}
}
