//! When tickets end.

use super::*;

#[test]
fn nobody_ends_the_tickets_of_others() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let ticket = login(&world, LoginRequest::default());
    let logout = LogoutRequest {
        ticket: ticket.clone(),
        ..LogoutRequest::default()
    };
    let mallory = peer(&Authority::new("tests"), "mallory");
    let refused = world.call_as(&mallory, VERSION, logout).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_TICKET);
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), Ok(()));
}

#[test]
fn a_ticket_without_a_lease_ends_after_a_day() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let ticket = login(&world, LoginRequest::default());
    world.clock.advance(86_399);
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), Ok(()));
    world.clock.advance(1);
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), ENDED);
}

/// A ticket that another ticket gives.
fn by_ticket(
    world: &World,
    ticket: &Ticket<'static>,
    request: LoginRequest<'static>,
) -> Ticket<'static> {
    let answer = send(world, VERSION, request, |message| {
        message.request_header.authentication = Some(Credential::ticket(ticket.clone()).into());
    });
    let Some(ResponsePayload::Login(login)) = answer.response_payload else {
        panic!("{answer:?}");
    };
    login.ticket
}

fn leased(seconds: u32) -> LoginRequest<'static> {
    LoginRequest {
        lease_time: Some(Interval(seconds)),
        ..LoginRequest::default()
    }
}

#[test]
fn no_lease_is_longer_than_a_week() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let ticket = login(&world, leased(u32::MAX));
    world.clock.advance(7 * 86_400 - 1);
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), Ok(()));
    world.clock.advance(1);
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), ENDED);
}

#[test]
fn a_ticket_ends_with_the_one_by_which_it_was_had() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let first = login(&world, LoginRequest::default());
    world.clock.advance(86_399);
    let plain = by_ticket(&world, &first, LoginRequest::default());
    let tickets = [
        by_ticket(&world, &first, leased(3600)),
        by_ticket(&world, &plain, LoginRequest::default()),
        plain,
    ];
    let is_good = |ticket| with_ticket(&world, ticket, attributes_of(&key));
    assert_eq!(tickets.each_ref().map(is_good), [Ok(()); 3]);
    world.clock.advance(1);
    assert_eq!(tickets.each_ref().map(is_good), [ENDED; 3]);
}

#[test]
fn tickets_that_have_ended_go_even_if_their_client_does_not_come_again() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(store.clone(), |_| {});
    let kept = || store.view().unwrap().list(None, 100).unwrap().len();
    for _ in 0..3 {
        login(&world, leased(60));
    }
    let other = peer(&Authority::new("tests"), "other");
    let of_other = || world.call_as(&other, VERSION, LoginRequest::default());
    of_other().expect("login");
    assert_eq!(kept(), 4);
    world.clock.advance(86_400 - 1);
    of_other().expect("login");
    assert_eq!(kept(), 2);
}

#[test]
fn a_client_has_so_many_tickets_until_they_end() {
    let world = World::new();
    for _ in 0..256 {
        login(&world, leased(60));
    }
    let refused = world.call(VERSION, leased(60)).unwrap_err();
    assert_eq!(refused, ResultReason::SERVER_LIMIT_EXCEEDED);
    let other = peer(&Authority::new("tests"), "other");
    world.call_as(&other, VERSION, leased(60)).expect("login");
    world.clock.advance(60);
    login(&world, leased(60));
}

#[test]
fn a_ticket_ends_with_its_user_and_the_password() {
    let store = ConflictingStore::new();
    let start = |users: &[(&str, &str)]| {
        World::with(store.clone(), |configuration: &mut Configuration| {
            configuration.login_is_optional = true;
            for (name, password) in users {
                let user = User::new(SecretText::owned((*password).to_owned()));
                configuration.users.insert((*name).to_owned(), user);
            }
        })
    };
    let world = start(&[("anna", "secret")]);
    let mut message = RequestMessage::single(VERSION, LoginRequest::default());
    message.request_header.authentication =
        Some(Credential::username_and_password("anna", "secret".to_owned()).into());
    let answer = world.exchange(&world.peer, &message).batch_item.remove(0);
    let Some(ResponsePayload::Login(login)) = answer.response_payload else {
        panic!("{answer:?}");
    };
    let located = kmip::types::LocateRequest::default;
    for (users, expected) in [
        (&[("anna", "secret")][..], Ok(())),
        (&[("anna", "changed")], ENDED),
        (&[("bert", "secret")], ENDED),
        (&[], ENDED),
        (&[("bert", "other"), ("anna", "secret")], Ok(())),
    ] {
        let world = start(users);
        let got = with_ticket(&world, &login.ticket, located());
        assert_eq!(got, expected, "{users:?}");
    }
}

/// A certificate that the server has issued is good as long as its object is active (Re-Provision), and so is
/// what a client has got with it.
#[test]
fn a_ticket_ends_with_the_certificate_by_which_its_client_was_let_in() {
    let world = World::configured(|configuration| configuration.provisions = true);
    let alice = peer(&Authority::new("tests"), "alice");
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut request = X509ReqBuilder::new().unwrap();
    request.set_pubkey(&key).unwrap();
    request.sign(&key, MessageDigest::sha256()).unwrap();
    let provision = ReProvisionRequest {
        certificate_request: Some(CertificateRequest {
            certificate_request_type: CertificateRequestType::PKCS_10,
            certificate_request_value: request.build().to_der().unwrap().into(),
            ..CertificateRequest::default()
        }),
        ..ReProvisionRequest::default()
    };
    let provisioned = world.call_as(&alice, VERSION, provision).unwrap();
    let provisioned = provisioned.unique_identifier.unwrap();
    let get = GetRequest {
        unique_identifier: Some(provisioned.clone()),
        ..GetRequest::default()
    };
    let got = world.call_as(&alice, VERSION, get).unwrap();
    let ManagedObject::Certificate(certificate) = got.managed_object else {
        panic!("no certificate");
    };
    let certificate = X509::from_der(&certificate.certificate_value).unwrap();
    let again = Peer::new("127.0.0.1:2".parse().unwrap(), Some(certificate));

    let by_new = world.call_as(&again, VERSION, LoginRequest::default());
    let by_new = by_new.expect("login").ticket;
    let by_old = world.call_as(&alice, VERSION, LoginRequest::default());
    let by_old = by_old.expect("login").ticket;
    let derived = by_ticket(&world, &by_new, LoginRequest::default());
    let tickets = [by_new, by_old, derived];
    let is_good = |ticket| with_ticket(&world, ticket, attributes_of(&provisioned));
    assert_eq!(tickets.each_ref().map(is_good), [Ok(()), Ok(()), Ok(())]);
    let revoke = kmip::types::RevokeRequest {
        unique_identifier: Some(provisioned.clone()),
        revocation_reason: kmip::types::RevocationReason {
            revocation_reason_code: RevocationReasonCode::KEY_COMPROMISE,
            ..Default::default()
        },
        ..Default::default()
    };
    world.call_as(&alice, VERSION, revoke).unwrap();
    assert_eq!(tickets.each_ref().map(is_good), [ENDED, Ok(()), ENDED]);
}
