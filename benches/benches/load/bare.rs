//! What the server is compared with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use rusqlite::{Connection, params};
use test_support::{Authority, Certified};

/// TLS with client certificates, and nothing but OpenSSL: so many bytes are answered with so many, of
/// which the first are a header with their length.
pub(crate) struct Echo {
    address: SocketAddr,
}

impl Echo {
    pub(crate) fn start(authority: &Authority, request: usize, response: usize) -> Self {
        let Certified { certificate, key } = authority.server();
        let mut acceptor =
            SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("a context");
        acceptor
            .set_certificate(&certificate)
            .expect("a certificate");
        acceptor.set_private_key(&key).expect("a key");
        let ca = authority.certificate().clone();
        acceptor.cert_store_mut().add_cert(ca).expect("a CA");
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        acceptor.set_session_id_context(b"load").expect("a context");
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let acceptor = acceptor.clone();
                thread::spawn(move || {
                    let stream = stream.expect("a connection");
                    stream.set_nodelay(true).expect("a socket");
                    let mut stream = acceptor.accept(stream).expect("a handshake");
                    let mut incoming = vec![0; request];
                    let mut outgoing = vec![0; response];
                    let length = (response - 8) as u32;
                    outgoing[4..8].copy_from_slice(&length.to_be_bytes());
                    while stream.read_exact(&mut incoming).is_ok() {
                        if stream.write_all(&outgoing).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Echo { address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Transactions with the rows of a Create, one after the other, each on the disk before the next.
pub(crate) struct Rows {
    connection: Connection,
    owner: String,
    content: Vec<u8>,
    attributes: Vec<u8>,
    number: i64,
}

impl Rows {
    /// Rows like those of the last object in the file of a store, in a file with the same tables.
    pub(crate) fn like(store: &Path, path: &Path) -> Self {
        let store = Connection::open(store).expect("the store");
        let query = "SELECT owner, content, attributes FROM objects ORDER BY number DESC LIMIT 1";
        let row = store.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let (owner, content, attributes) = row.expect("an object");
        let connection = Connection::open(path).expect("a file");
        let set = |name: &str, value: &str| {
            let done = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
            done.or_else(|_| connection.pragma_update(None, name, value))
                .expect("a setting");
        };
        set("journal_mode", "WAL");
        set("synchronous", "FULL");
        set("secure_delete", "true");
        let mut tables = store
            .prepare(
                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'",
            )
            .expect("a schema");
        let mut tables = tables.query([]).expect("a schema");
        while let Some(table) = tables.next().expect("a schema") {
            let sql: String = table.get(0).expect("a table");
            connection.execute_batch(&sql).expect("a table");
        }
        Rows {
            connection,
            owner,
            content,
            attributes,
            number: 0,
        }
    }

    /// Transactions per second.
    pub(crate) fn run(&mut self, time: Duration) -> f64 {
        let begin = Instant::now();
        let first = self.number;
        while begin.elapsed() < time {
            self.transaction().expect("a transaction");
        }
        (self.number - first) as f64 / begin.elapsed().as_secs_f64()
    }

    fn transaction(&mut self) -> rusqlite::Result<()> {
        // Identifiers come in order, keys in none, but those of a name are side by side.
        let scattered = |number: i64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64);
        self.number += 1;
        let connection = &self.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let identifier = format!("{:016x}-0000-4000-8000-0000", self.number);
        connection
            .prepare_cached(
                "INSERT INTO objects
                     (identifier, owner, object_type, archived, content_form, content, attributes)
                 VALUES (?, ?, 2, 0, 21, ?, ?)",
            )?
            .execute(params![
                identifier,
                self.owner,
                self.content,
                self.attributes
            ])?;
        let object = connection.last_insert_rowid();
        for key in [1, scattered(self.number), scattered(self.number) ^ 1] {
            connection
                .prepare_cached("INSERT INTO lookups (key, object) VALUES (?, ?)")?
                .execute([key, object])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}
