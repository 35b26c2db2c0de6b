//! PyKMIP's server under the same load, if `scripts/pykmip.sh` has started it.

use std::env;
use std::fs;
use std::net::SocketAddr;

use openssl::pkey::PKey;
use openssl::x509::X509;

use crate::requests::Creates;
use crate::side::{Client, Load};
use crate::{CONNECTIONS, turn};

/// Turns together, since it is slow.
const TURNS: u32 = 3;

/// Gets per second over 16 connections or over one, whichever it does better with.
pub(crate) fn gets() -> Option<f64> {
    let (client, address) = peer()?;
    let get = client.prepare_get(address);
    Some(better(&client, address, |_, _| get.clone()))
}

/// Creates per second, likewise.
pub(crate) fn creates() -> Option<f64> {
    let (client, address) = peer()?;
    let creates = Creates::new();
    Some(better(&client, address, |_, _| creates.next()))
}

fn better(
    client: &Client,
    address: SocketAddr,
    request: impl Fn(usize, u64) -> Vec<u8> + Sync,
) -> f64 {
    let rates = [1, CONNECTIONS].map(|connections| {
        let mut load = Load::connect(client, address, connections);
        load.run(TURNS * turn(), &request).rate
    });
    rates[0].max(rates[1])
}

fn peer() -> Option<(Client, SocketAddr)> {
    let variable = |name: &str| env::var_os(format!("KMIP_PYKMIP_{name}"));
    let address = variable("ADDRESS")?.into_string().ok()?;
    let file = |name: &str| Some(fs::read(variable(name)?).expect("a file of PyKMIP"));
    let certificate = |pem: Vec<u8>| X509::from_pem(&pem).expect("a certificate");
    let client = Client::new(
        &certificate(file("CA")?),
        &certificate(file("CERT")?),
        &PKey::private_key_from_pem(&file("KEY")?).expect("a key"),
    );
    Some((client, address.parse().expect("an address")))
}
