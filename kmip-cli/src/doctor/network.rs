//! Name resolution and TCP.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::report::Report;
use crate::connect::Settings;
use crate::failure::Failure;

/// How long an address may take to answer, unless --timeout says less.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether one address at least takes connections.
pub(super) fn examine(settings: &Settings, report: &mut Report) -> Result<bool, Failure> {
    let server = settings.place.address();
    let begin = Instant::now();
    let addresses: Vec<SocketAddr> = match (server.host(), server.port()).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let advice = "check the spelling, /etc/hosts and the DNS server; an IP address will do";
            report.bad("name", format!("{}: {error}", server.host()), advice)?;
            return Ok(false);
        }
    };
    let list: Vec<String> = addresses.iter().map(|one| one.ip().to_string()).collect();
    let found = match server.ip() {
        Some(address) => format!("{address} is an address"),
        None => format!(
            "{} is {} ({} ms)",
            server.host(),
            list.join(", "),
            begin.elapsed().as_millis()
        ),
    };
    report.good("name", found)?;

    let limit = settings
        .timeouts()
        .connect
        .unwrap_or(PATIENCE)
        .min(PATIENCE);
    let mut reached = 0;
    let mut failed = Vec::new();
    for address in &addresses {
        let begin = Instant::now();
        match TcpStream::connect_timeout(address, limit) {
            Ok(_) => {
                reached += 1;
                let time = begin.elapsed().as_secs_f64() * 1000.0;
                report.good("TCP", format!("{address} takes connections ({time:.1} ms)"))?;
            }
            Err(error) => failed.push((address, error)),
        }
    }
    for (address, error) in failed {
        let refused = error.kind() == std::io::ErrorKind::ConnectionRefused;
        let advice = match refused {
            true => "nothing listens there: is the server running, and is this its port?",
            false => "a firewall may be between, or the server is down",
        };
        let found = format!("{address}: {error}");
        match reached {
            0 => report.bad("TCP", found, advice)?,
            // Clients try all addresses, and lose time.
            _ => report.doubtful("TCP", found, advice)?,
        }
    }
    Ok(reached > 0)
}
