//! Connecting without blocking.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::transport::error::{Attempt, Cause, Error, Phase, Timeout};
use crate::transport::{Deadline, ServerAddress};

/// Connects to `server`, trying all its addresses in turn; each gets its share of the time that
/// is left.
///
/// # Errors
/// If the name cannot be resolved or no address can be reached in time.
pub async fn connect_tcp(server: &ServerAddress, deadline: Deadline) -> Result<TcpStream, Error> {
    let failed = |phase, cause| Error::new(server.to_string(), phase, cause);
    let limit = deadline.remaining();
    let looked_up = within(limit, lookup_host((server.host(), server.port()))).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(failed(Phase::Resolve, Cause::Resolve(error))),
    };
    let mut attempts = Vec::new();
    for (index, &address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = deadline.remaining().map(|remaining| remaining / left);
        match within(share, TcpStream::connect(address)).await {
            Ok(stream) => {
                // Requests are written at once; waiting for more only delays them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => attempts.push(Attempt { address, error }),
        }
    }
    let timed_out = |attempt: &Attempt| attempt.error.kind() == io::ErrorKind::TimedOut;
    let cause = match limit {
        Some(limit) if deadline.has_passed() && attempts.iter().all(timed_out) => {
            Cause::Timeout(Timeout::Connect(limit))
        }
        _ => Cause::Unreachable(attempts),
    };
    Err(failed(Phase::Connect, cause))
}

/// What `action` comes to, unless it takes longer than `limit`.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    action: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match limit {
        None => action.await,
        Some(limit) => match timeout(limit, action).await {
            Ok(outcome) => outcome,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        },
    }
}
