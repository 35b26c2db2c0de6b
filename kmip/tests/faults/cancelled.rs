//! Operations of the asynchronous client that are dropped, wherever they are.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use kmip::client::NewKey;

use crate::world::{Act, Server, answer, encoded};

/// A future that is given up after it was polled so many times.
struct Impatient<F> {
    inner: F,
    polls: usize,
}

impl<F: Future + Unpin> Future for Impatient<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.polls.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.polls = left;
        match Pin::new(&mut self.inner).poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last poll was in vain, and nobody waits for another.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[test]
fn an_operation_can_be_dropped_wherever_it_is() {
    // Answers come byte by byte, so that there are many places.
    let creates = std::sync::Arc::new(AtomicUsize::new(0));
    let server = Server::start({
        let creates = creates.clone();
        move |_, request| {
            let is_create = request.batch_item[0].operation == kmip::types::Operation::CREATE;
            creates.fetch_add(usize::from(is_create), Ordering::SeqCst);
            Act::Trickle(encoded(&answer(request)))
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = server.settings().connect_async().await.unwrap();
        let (mut dropped, mut dropped_after_it_was_done) = (0, 0);
        for polls in 0.. {
            // On a connection that is there, and on one that has to be made first.
            for disconnected in [false, true] {
                if disconnected {
                    client.disconnect();
                } else {
                    assert_eq!(client.locate([], None).await.unwrap(), ["a".into()]);
                }
                let before = creates.load(Ordering::SeqCst);
                let inner = client.create(NewKey::aes(256));
                let outcome = Impatient { inner, polls }.await;
                // Whatever became of it, the next answer is the right one.
                assert_eq!(client.locate([], None).await.unwrap(), ["a".into()]);
                let done = creates.load(Ordering::SeqCst) - before;
                match outcome {
                    Some(created) => {
                        created.unwrap();
                        assert_eq!(done, 1);
                        if !disconnected && polls > 0 {
                            assert!(dropped > 3, "{dropped}");
                            assert!(dropped_after_it_was_done > 0);
                            return;
                        }
                    }
                    None => {
                        assert!(done <= 1, "done {done} times");
                        dropped += 1;
                        dropped_after_it_was_done += done;
                    }
                }
            }
        }
    });
}
