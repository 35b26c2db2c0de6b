//! Each message as it passes, for those who want no more than that.

use std::fmt;

use super::observe::{FailureEvent, Hook, RequestEvent, ResponseEvent};

/// A message on its way. Debug does not show its bytes.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Message<'m> {
    /// The server, as shown to people.
    pub server: &'m str,
    /// Whether it is a request, else it is a response.
    pub is_request: bool,
    /// The message as it is encoded.
    pub bytes: &'m [u8],
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("server", &self.server)
            .field("is_request", &self.is_request)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// See [`ClientBuilder::on_message`](super::ClientBuilder::on_message).
pub(super) struct OnMessage<F>(pub(super) F);

impl<F: FnMut(Message<'_>) + Send> OnMessage<F> {
    fn tell(&mut self, request: &RequestEvent<'_>, is_request: bool, bytes: &[u8]) {
        let server = request.server;
        (self.0)(Message {
            server,
            is_request,
            bytes,
        });
    }
}

impl<F: FnMut(Message<'_>) + Send> Hook for OnMessage<F> {
    fn on_request(&mut self, event: &RequestEvent<'_>) {
        self.tell(event, true, event.bytes);
    }

    fn on_response(&mut self, event: &ResponseEvent<'_>) {
        self.tell(&event.request, false, event.bytes);
    }

    fn on_failure(&mut self, event: &FailureEvent<'_>) {
        if let Some(bytes) = event.bytes {
            self.tell(&event.request, false, bytes);
        }
    }
}
