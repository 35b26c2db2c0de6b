//! Messages as they are, without a client between.

use kmip::Encoding;
use kmip::transport::tls::TlsConnector;
use kmip::transport::{
    Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, HttpTarget, MessageDirection, TcpStream,
    Timeouts,
};

use super::{Place, Settings};
use crate::failure::Failure;

/// A connection on which any bytes can be sent.
pub(crate) struct Exchange {
    connection: Connection,
    encoding: Encoding,
    timeouts: Timeouts,
}

impl Exchange {
    /// Connects.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let timeouts = settings.timeouts();
        let deadline = Deadline::after(timeouts.connect);
        let server = settings.place.address();
        let connector = TlsConnector::new(settings.tls()?).map_err(Failure::Tls)?;
        let stream = TcpStream::connect(server, deadline).map_err(Failure::Transport)?;
        let stream = connector.connect(stream, server, deadline);
        let stream = stream.map_err(Failure::Transport)?;
        let name = server.to_string();
        let maximum = DEFAULT_MAXIMUM_MESSAGE_SIZE;
        let (connection, encoding) = match &settings.place {
            Place::Tls(_) => {
                let direction = MessageDirection::Responses;
                let connection = Connection::new(stream, name, direction, maximum, timeouts);
                (connection, Encoding::Ttlv)
            }
            Place::Https(url, encoding) => {
                let target = HttpTarget::new(server, url.path(), encoding.content_type())
                    .map_err(super::ConfigurationError::Address)?;
                let connection = Connection::http(stream, name, target, maximum, timeouts);
                (connection, *encoding)
            }
        };
        Ok(Exchange {
            connection,
            encoding,
            timeouts,
        })
    }

    /// How messages are encoded on this connection.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sends a message and returns the answer.
    pub(crate) fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let deadline = Deadline::after(self.timeouts.operation);
        let connection = &mut self.connection;
        connection
            .send(message, deadline)
            .map_err(Failure::Transport)?;
        let answer = connection.receive(deadline).map_err(Failure::Transport)?;
        Ok(answer.to_vec())
    }
}
