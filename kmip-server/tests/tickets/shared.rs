//! Tickets at several servers with one store.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Servers that share a store, or one that is started again with it.
#[test]
fn a_ticket_is_good_at_every_server_with_the_store_and_ends_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let server = || World::with(Arc::new(SqliteStore::open(&path).unwrap()), |_| {});
    let (one, other) = (server(), server());
    let key = one.create(VERSION, []);
    let ticket = login(&one, for_requests(3));
    for world in [&other, &one, &other] {
        assert_eq!(with_ticket(world, &ticket, attributes_of(&key)), Ok(()));
    }
    for world in [&one, &other] {
        assert_eq!(with_ticket(world, &ticket, attributes_of(&key)), USED_UP);
    }
    let ticket = login(&other, LoginRequest::default());
    drop((one, other));
    // Whoever reads the store has a digest of it. (Closing it writes the log back.)
    let store = std::fs::read(&path).unwrap();
    let holds = |form: &[u8]| store.windows(form.len()).any(|window| window == form);
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let value = ticket.ticket_value.expose();
    assert!(holds(hex(&openssl::sha::sha256(value)).as_bytes()));
    let base64 = openssl::base64::encode_block(value);
    for form in [value, hex(value).as_bytes(), base64.as_bytes()] {
        assert!(!holds(form));
    }
    let (one, other) = (server(), server());
    assert_eq!(with_ticket(&one, &ticket, attributes_of(&key)), Ok(()));
    let logout = LogoutRequest {
        ticket: ticket.clone(),
        ..LogoutRequest::default()
    };
    one.call(VERSION, logout).expect("logout");
    assert_eq!(with_ticket(&other, &ticket, attributes_of(&key)), ENDED);
}

/// Usage Limits of a key.
fn limited(unit: UsageLimitsUnit, total: i64) -> Attribute<'static> {
    let limits = UsageLimits {
        usage_limits_count: Some(total),
        ..limit(unit, total)
    };
    kmip::types::AttributeValue::UsageLimits(limits).into()
}

/// A use is counted once for key and ticket, and not at all if one of them refuses it, whatever others do to
/// the store meanwhile.
#[test]
fn what_is_done_again_after_a_conflict_is_counted_once() {
    let store = ConflictingStore::new();
    let world = World::with(store.clone(), |_| {});
    let limited = limited(UsageLimitsUnit::OBJECT, 4);
    let key = world.create(VERSION, [limited]);
    world.activate(VERSION, &key).unwrap();
    let encrypt = |ticket: &Ticket<'static>| {
        let request = crate::common::encrypt(&key, BlockCipherMode::ECB, 16);
        with_ticket(&world, ticket, request)
    };
    let request = LoginRequest {
        usage_limits: Some(limit(UsageLimitsUnit::OBJECT, 2)),
        request_count: Some(3),
        ..LoginRequest::default()
    };
    let ticket = login(&world, request.clone());
    // The request, and the use.
    store.conflict(3);
    assert_eq!(encrypt(&ticket), Ok(()));
    assert!(store.is_through());
    assert_eq!(encrypt(&ticket), Ok(()));
    assert_eq!(encrypt(&ticket), USED_UP);
    // Two of four are left of the key, and none is lost by what was refused.
    let ticket = login(&world, request.clone());
    assert_eq!([(), ()].map(|()| encrypt(&ticket)), [Ok(()), Ok(())]);
    let ticket = login(&world, request);
    let refused = Err(Some(ResultReason::PERMISSION_DENIED));
    assert_eq!(encrypt(&ticket), refused);
}

/// The first piece of data for a key, or the last one of those with this Correlation Value.
fn piece<'c>(key: &Identifier, correlation: Option<Cow<'c, [u8]>>) -> EncryptRequest<'c> {
    let is_first = correlation.is_none();
    EncryptRequest {
        unique_identifier: is_first.then(|| key.clone()),
        cryptographic_parameters: is_first.then(|| CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            ..CryptographicParameters::default()
        }),
        init_indicator: is_first.then_some(true),
        final_indicator: (!is_first).then_some(true),
        correlation_value: correlation,
        data: Some(Data::from(vec![0; 16])),
        ..EncryptRequest::default()
    }
}

/// What has come of the data so far is not lost by a conflict.
#[test]
fn data_in_pieces_goes_on_after_a_conflict() {
    let store = ConflictingStore::new();
    let world = World::with(store.clone(), |_| {});
    let limited = limited(UsageLimitsUnit::BYTE, 32);
    let key = world.create(VERSION, [limited]);
    world.activate(VERSION, &key).unwrap();
    let mut correlation = None;
    for _ in 0..2 {
        store.conflict(2);
        let request = piece(&key, correlation.take());
        let answer = world.call(VERSION, request).unwrap();
        assert_eq!(answer.data.unwrap().as_bytes().unwrap().len(), 16);
        correlation = answer.correlation_value;
        assert!(store.is_through());
    }
}

/// What is counted by itself is given up once, and with it the operation: the client is told so, and not that
/// it has sent something wrong, and the operator once.
#[test]
fn what_was_given_up_is_not_done_again() {
    const ATTEMPTS: usize = 7;
    let store = ConflictingStore::new();
    let reports = Arc::new(AtomicUsize::new(0));
    let counted = reports.clone();
    let world = World::with(store.clone(), |configuration| {
        configuration.report = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
    });
    let limited = limited(UsageLimitsUnit::BYTE, 64);
    let key = world.create(VERSION, [limited]);
    world.activate(VERSION, &key).unwrap();
    let begun = world.call(VERSION, piece(&key, None)).unwrap();
    let given_up = Err(ResultReason::GENERAL_FAILURE);
    store.conflict(ATTEMPTS);
    let last = piece(&key, begun.correlation_value);
    assert_eq!(world.call(VERSION, last).map(drop), given_up);
    assert!(store.is_through());
    assert_eq!(reports.load(Ordering::SeqCst), 1);

    let whole = EncryptRequest {
        init_indicator: None,
        ..piece(&key, None)
    };
    store.conflict(ATTEMPTS + 1);
    assert_eq!(world.call(VERSION, whole.clone()).map(drop), given_up);
    assert_eq!(reports.load(Ordering::SeqCst), 2);
    // One is left, after which there are others no longer.
    assert!(!store.is_through());
    assert_eq!(world.call(VERSION, whole).map(drop), Ok(()));
    assert!(store.is_through());
    assert_eq!(reports.load(Ordering::SeqCst), 2);
}
