//! Sessions with the database: kept for the next who needs one, and replaced when the database has
//! been away.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openssl::ssl::{SslConnector, SslMethod};
use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Config, Error, Row, Statement};
use postgres_openssl::MakeTlsConnector;

use super::super::StoreError;
use super::failure;

/// Sessions at a time. Who wants one more waits.
const MOST: usize = 16;
/// How long a session is waited for, and a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two attempts to reach the database.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Pool {
    config: Config,
    tls: SslConnector,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    /// How many sessions there are, the idle ones included.
    open: usize,
}

/// A session, with the statements that were prepared in it.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl Session {
    /// Runs a statement, which is prepared the first time.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql)?;
        self.client.query(&statement, parameters)
    }

    /// Runs a statement and hands over its rows one by one, as they come, until `each` breaks.
    pub(super) fn for_each(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
        mut each: impl FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        use postgres::fallible_iterator::FallibleIterator as _;
        let statement = self.statement(sql).map_err(failure)?;
        let parameters = parameters.iter().map(|parameter| *parameter as &dyn ToSql);
        let rows = self
            .client
            .query_raw(&statement, Vec::from_iter(parameters));
        let mut rows = rows.map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement, and tells how many rows it has changed.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let statement = self.statement(sql)?;
        self.client.execute(&statement, parameters)
    }

    /// Runs statements that have no parameters.
    pub(super) fn control(&mut self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql)
    }

    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Pool {
    pub(super) fn new(mut config: Config) -> Result<Self, StoreError> {
        if config.get_password().is_none() {
            // As with other clients: what is in the environment is not in the list of processes.
            if let Some(password) = std::env::var_os("PGPASSWORD") {
                config.password(password.into_encoded_bytes());
            }
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        let tls = SslConnector::builder(SslMethod::tls());
        let tls = tls.map_err(|error| StoreError::Shared(error.into()))?;
        Ok(Pool {
            config,
            tls: tls.build(),
            state: Mutex::default(),
            returned: Condvar::new(),
        })
    }

    /// A session in which `first`, such as BEGIN, has just been done. A database that is away, or is
    /// starting, is waited for.
    pub(super) fn get(&self, first: &str) -> Result<Pooled<'_>, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut pooled = match self.take(deadline)? {
                Some(session) => Pooled::new(self, Some(session)),
                None => {
                    let mut pooled = Pooled::new(self, None);
                    match self.connect() {
                        Ok(session) => pooled.session = Some(session),
                        Err(error) if may_come_back(&error) && Instant::now() < deadline => {
                            drop(pooled);
                            std::thread::sleep(PAUSE);
                            continue;
                        }
                        Err(error) => return Err(StoreError::Shared(error.into())),
                    }
                    pooled
                }
            };
            match pooled.session()?.control(first) {
                Ok(()) => return Ok(pooled),
                // It died while nobody used it; all others may have died with it.
                Err(error) if may_come_back(&error) && Instant::now() < deadline => {
                    pooled.session = None;
                }
                Err(error) => {
                    pooled.session = None;
                    return Err(StoreError::Shared(error.into()));
                }
            }
        }
    }

    /// A session that is idle, or none if one may be opened.
    fn take(&self, deadline: Instant) -> Result<Option<Session>, StoreError> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(Some(session));
            }
            if state.open < MOST {
                state.open += 1;
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = "all sessions with the database are in use";
                return Err(StoreError::Shared(message.into()));
            }
            let woken = self.returned.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn connect(&self) -> Result<Session, Error> {
        let tls = MakeTlsConnector::new(self.tls.clone());
        Ok(Session {
            client: self.config.connect(tls)?,
            statements: HashMap::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

/// A session that returns when it is dropped, unless it is broken.
pub(super) struct Pooled<'p> {
    pool: &'p Pool,
    session: Option<Session>,
}

impl<'p> Pooled<'p> {
    fn new(pool: &'p Pool, session: Option<Session>) -> Self {
        Pooled { pool, session }
    }

    pub(super) fn session(&mut self) -> Result<&mut Session, StoreError> {
        let closed = || StoreError::Shared("the session has ended".into());
        self.session.as_mut().ok_or_else(closed)
    }

    /// The session is in an unknown state and is closed.
    pub(super) fn discard(&mut self) {
        self.session = None;
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.session.take() {
            Some(session) if !session.client.is_closed() => state.idle.push(session),
            _ => state.open -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

/// Whether the database is only away for a while, as when it is started again.
fn may_come_back(error: &Error) -> bool {
    match error.code() {
        Some(code) => {
            *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN
                || *code == SqlState::TOO_MANY_CONNECTIONS
        }
        None => is_connection(error),
    }
}

/// Whether the connection broke, rather than a statement.
pub(super) fn is_connection(error: &Error) -> bool {
    use std::error::Error as _;
    error.is_closed()
        || error
            .source()
            .is_some_and(|source| source.is::<std::io::Error>())
}

/// Demands TLS of a database elsewhere, unless the address says what it wants: who sits between could
/// have it left out otherwise.
pub(super) fn demand_tls(config: &mut Config, address: &str) {
    let spaceless: String = address.split_whitespace().collect();
    let is_chosen =
        config.get_ssl_mode() != SslMode::Prefer || spaceless.contains("sslmode=prefer");
    if !is_chosen && !is_local(config) {
        config.ssl_mode(SslMode::Require);
    }
}

/// Whether the database can only be on this machine.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_demanded_of_databases_elsewhere() {
        for (address, mode) in [
            ("postgres://kmip@db.example/keys", SslMode::Require),
            ("postgres://kmip@192.0.2.1/keys", SslMode::Require),
            (
                "postgres://kmip@localhost,db.example/keys",
                SslMode::Require,
            ),
            (
                "host=localhost hostaddr=192.0.2.1 user=kmip",
                SslMode::Require,
            ),
            ("postgres://kmip@localhost/keys", SslMode::Prefer),
            ("postgres://kmip@127.0.0.1/keys", SslMode::Prefer),
            ("postgres://kmip@[::1]/keys", SslMode::Prefer),
            ("host=/run/postgresql user=kmip", SslMode::Prefer),
            (
                "postgres://kmip@db.example/keys?sslmode=prefer",
                SslMode::Prefer,
            ),
            (
                "host=db.example user=kmip sslmode = prefer",
                SslMode::Prefer,
            ),
            (
                "postgres://kmip@db.example/keys?sslmode=disable",
                SslMode::Disable,
            ),
        ] {
            let mut config: Config = address.parse().unwrap();
            demand_tls(&mut config, address);
            assert_eq!(config.get_ssl_mode(), mode, "{address}");
        }
    }
}
