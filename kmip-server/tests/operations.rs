//! Every operation, in every version and encoding, between the client and this server over real
//! connections: what has succeeded is compared with the table of the operations.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kmip::ProtocolVersion as V;
use kmip::client::{
    Client, ClientBuilder, Hook, NewKey, NewKeyPair, NewObject, Pending, ResponseEvent,
};
use kmip::types::{
    AddAttributeRequest, AdjustAttributeRequest, AdjustmentType, Attribute, Attributes,
    BlockCipherMode, CancelRequest, CreateRequest, CryptographicParameters, CryptographicUsageMask,
    DelegatedLoginRequest, DerivationMethod, DerivationParameters, DeriveKeyRequest, EndpointRole,
    Enumeration, GetConstraintsRequest, HashingAlgorithm, InteropFunction, InteropRequest,
    Interval, ModifyAttributeRequest, ObjectType, Operation, Operations, PaddingMethod,
    Pkcs11Function, Pkcs11Request, ProcessRequest, QueryAsynchronousRequestsRequest, QueryFunction,
    RecommendedCurve, RevocationReasonCode, Right, Rights, SetConstraintsRequest,
    SetDefaultsRequest, SetEndpointRoleRequest, SplitKeyMethod, Tag, UniqueIdentifier, UsageLimits,
    UsageLimitsUnit, ValidityIndicator,
};
use kmip::{Encoding, client};
use kmip_server::testing::Server;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509Name, X509Req};

/// Operations that only a server sends, and the one that this server does not have.
const NOT_HERE: [Operation; 3] = [Operation::NOTIFY, Operation::PUT, Operation::RE_PROVISION];

/// Notes which operations have succeeded.
#[derive(Clone, Default)]
struct Succeeded(Arc<Mutex<BTreeSet<Operation>>>);

impl Hook for Succeeded {
    fn on_response(&mut self, event: &ResponseEvent<'_>) {
        let items = event.request.operations.iter().zip(event.results);
        let done = items.filter(|(_, result)| result.is_ok());
        self.0.lock().unwrap().extend(done.map(|(one, _)| *one));
    }
}

type Identifier = UniqueIdentifier<'static>;
type Outcome = Result<(), client::Error>;

/// What any server has: objects and their attributes.
fn objects(client: &mut Client, version: V) -> Outcome {
    client.query([QueryFunction::QUERY_OPERATIONS])?;
    let limits = Attribute::usage_limits(UsageLimits {
        usage_limits_total: 100,
        usage_limits_count: Some(100),
        usage_limits_unit: UsageLimitsUnit::BYTE,
        ..UsageLimits::default()
    });
    let key = client.create(NewKey::aes(256).name("first").attribute(limits))?;
    client.activate(&key)?;
    assert_eq!(client.get_key(&key, None)?.len(), 32);
    let found = client.locate([Attribute::object_type(ObjectType::SYMMETRIC_KEY)], None)?;
    assert_eq!(found, std::slice::from_ref(&key));
    assert!(client.may_use(&key, CryptographicUsageMask::ENCRYPT)?);
    client.allocate_usage(&key, 10)?;
    client.obtain_lease(&key)?;

    let custom = |value: &'static str| Attribute::custom("x", "purpose", value);
    client.call(AddAttributeRequest {
        unique_identifier: Some(key.clone()),
        new_attribute: Some(custom("disks")),
        ..AddAttributeRequest::default()
    })?;
    client.call(ModifyAttributeRequest {
        unique_identifier: Some(key.clone()),
        current_attribute: (version >= V::V2_0).then(|| custom("disks")),
        new_attribute: custom("tapes"),
        ..ModifyAttributeRequest::default()
    })?;
    let attributes = client.get_attributes(&key, [])?;
    let purpose = attributes.custom("x", "purpose");
    assert_eq!(purpose.and_then(|value| value.as_text()), Some("tapes"));
    client.delete_attribute(&key, custom("tapes"))?;
    let listed = client.get_attribute_list(&key)?;
    assert!(listed.contains(&Tag::STATE.into()), "{listed:?}");

    let newer = client.rekey(&key, None)?;
    client.archive(&newer)?;
    client.recover(&newer)?;
    client.revoke(&key, RevocationReasonCode::SUPERSEDED, None)?;
    client.destroy(&key)?;

    let derivation = CryptographicUsageMask::DERIVE_KEY;
    let secret = NewObject::password(b"password".to_vec())
        .usage(derivation)
        .active();
    let secret = client.store(secret)?;
    client.derive(DeriveKeyRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        unique_identifier: vec![secret],
        derivation_method: DerivationMethod::PBKDF2,
        derivation_parameters: DerivationParameters {
            salt: Some(b"salt".to_vec().into()),
            iteration_count: Some(2),
            cryptographic_parameters: Some(CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            }),
            ..DerivationParameters::default()
        },
        attributes: CreateRequest::from(NewKey::aes(128)).attributes,
        ..DeriveKeyRequest::default()
    })?;
    Ok(())
}

/// Key pairs and certificates. Returns the pair.
fn certificates(client: &mut Client, version: V) -> Result<client::KeyPair, client::Error> {
    let pair = NewKeyPair::elliptic_curve(RecommendedCurve::P_256).active();
    let pair = client.generate_key_pair(pair)?;
    let key = client.get_key(&pair.private, None)?;
    let key = PKey::private_key_from_der(key.expose()).unwrap();
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", "matrix").unwrap();
    let mut request = X509Req::builder().unwrap();
    request.set_subject_name(&subject.build()).unwrap();
    request.set_pubkey(&key).unwrap();
    request.sign(&key, MessageDigest::sha256()).unwrap();
    let request = request.build().to_der().unwrap();
    let certificate = client.certify(pair.public.clone(), Some(&request), Attributes::default())?;
    let validity = client.validate([certificate.clone()], None)?;
    assert_ne!(validity, ValidityIndicator::INVALID);
    client.recertify(&certificate, Some(&request))?;
    if version < V::V1_1 {
        return Ok(pair);
    }
    client.rekey_key_pair(&pair.private, None)
}

/// What is done later (1.0).
fn later(client: &mut Client, version: V) -> Outcome {
    let begin = |client: &mut Client| {
        let request = CreateRequest::from(NewKey::aes(256));
        match client.begin_asynchronously(request).unwrap() {
            Pending::Later(correlation) => correlation,
            Pending::Done(_) => panic!("it is done at once"),
        }
    };
    let correlation = begin(client);
    if version >= V::V2_1 {
        let asked = client.call(QueryAsynchronousRequestsRequest::default())?;
        assert_eq!(asked.asynchronous_request.len(), 1);
        client.call(ProcessRequest {
            asynchronous_correlation_value: correlation.clone().into(),
            ..ProcessRequest::default()
        })?;
    }
    match client.poll::<CreateRequest<'_>>(&correlation)? {
        Pending::Done(made) => client.destroy(made.unique_identifier)?,
        Pending::Later(_) => panic!("it is not done"),
    }
    let correlation = begin(client);
    client.call(CancelRequest {
        asynchronous_correlation_value: correlation.into(),
        ..CancelRequest::default()
    })?;
    Ok(())
}

/// Uses of keys (1.2).
fn cryptography(client: &mut Client, pair: &client::KeyPair) -> Outcome {
    let cbc = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        padding_method: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    let key = client.create(NewKey::aes(256).active())?;
    let encrypted = client.encrypt(&key, cbc.clone(), b"text", Some(&[1; 16]))?;
    let encrypted = encrypted.data.unwrap().as_bytes().unwrap().to_vec();
    let clear = client.decrypt(&key, cbc, &encrypted, Some(&[1; 16]))?;
    assert_eq!(clear.expose(), b"text");
    client.activate(&pair.private).ok();
    client.activate(&pair.public).ok();
    let sha256 = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let signature = client.sign(&pair.private, sha256.clone(), b"text")?;
    assert!(client.verify(&pair.public, sha256, b"text", &signature)?);
    let authenticating = client.create(NewKey::hmac_sha256().active())?;
    let mac = client.mac(&authenticating, None, b"text")?;
    assert!(client.verify_mac(&authenticating, None, b"text", &mac)?);
    assert_eq!(client.hash(HashingAlgorithm::SHA_256, b"text")?.len(), 32);
    client.seed_random(&[7; 16])?;
    assert_eq!(client.random(16)?.len(), 16);

    let described = || CreateRequest::from(NewKey::aes(256)).attributes;
    let whole: Option<Identifier> = Some(key.clone());
    let parts = client.split_key(whole, 2, 2, SplitKeyMethod::XOR, described())?;
    let joined = client.join_key(ObjectType::SYMMETRIC_KEY, parts, described())?;
    let joined = client.get_key(joined, None)?;
    assert_eq!(joined.expose(), client.get_key(&key, None)?.expose());
    Ok(())
}

/// Moving objects (1.4).
fn transfer(client: &mut Client) -> Outcome {
    let key = client.create(NewKey::aes(256))?;
    let exported = client.export(&key, None)?;
    let described = CreateRequest::from(NewKey::aes(256)).attributes;
    client.import(&key, exported.managed_object, described, true)?;
    Ok(())
}

/// Sessions and what else came with 2.0.
fn sessions(client: &mut Client) -> Outcome {
    client.log("a line")?;
    client.login(None, None)?;
    let key = client.create(NewKey::aes(256))?;
    client.logout()?;
    client.set_attribute(&key, Attribute::contact_information("someone"))?;
    client.set_attribute(&key, Attribute::extractable(true))?;
    client.call(AdjustAttributeRequest {
        unique_identifier: Some(key),
        attribute_reference: Tag::EXTRACTABLE.into(),
        adjustment_type: AdjustmentType::NEGATE,
        ..AdjustAttributeRequest::default()
    })?;
    let right = Right {
        operations: Some(Operations {
            operation: vec![Operation::LOCATE],
            ..Operations::default()
        }),
        ..Right::default()
    };
    client.call(DelegatedLoginRequest {
        rights: Rights {
            right: vec![right],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    })?;
    client.call(SetEndpointRoleRequest {
        endpoint_role: EndpointRole::SERVER,
        ..SetEndpointRoleRequest::default()
    })?;
    client.call(InteropRequest {
        interop_function: InteropFunction::BEGIN,
        interop_identifier: "matrix".into(),
        ..InteropRequest::default()
    })?;
    client.call(Pkcs11Request {
        pkcs_11_function: Pkcs11Function::C_INITIALIZE,
        ..Pkcs11Request::default()
    })?;
    Ok(())
}

/// Rules of the client (2.1).
fn rules(client: &mut Client) -> Outcome {
    client.call(SetDefaultsRequest::default())?;
    client.call(SetConstraintsRequest::default())?;
    client.call(GetConstraintsRequest::default())?;
    client.ping()
}

fn everything(settings: ClientBuilder, version: V) -> Result<BTreeSet<Operation>, client::Error> {
    let succeeded = Succeeded::default();
    let mut client = settings
        .version(version)
        .hook(succeeded.clone())
        .connect()?;
    objects(&mut client, version)?;
    let pair = certificates(&mut client, version)?;
    later(&mut client, version)?;
    if version >= V::V1_1 {
        assert!(client.discover_versions()?.contains(&version));
    }
    if version >= V::V1_2 {
        cryptography(&mut client, &pair)?;
    }
    if version >= V::V1_4 {
        transfer(&mut client)?;
    }
    if version >= V::V2_0 {
        sessions(&mut client)?;
    }
    if version >= V::V2_1 {
        rules(&mut client)?;
    }
    let succeeded = succeeded.0.lock().unwrap().clone();
    Ok(succeeded)
}

#[test]
fn every_operation_succeeds_in_every_version_and_encoding() {
    let settings =
        || Server::builder().configure(|settings| settings.lease_time = Some(Interval(3600)));
    let (tls, https) = (settings().start(), settings().https("/kmip").start());
    for version in V::ALL {
        let table = Operation::TABLE.values.iter();
        let defined = table.filter(|operation| operation.is_defined_in(version));
        let expected: BTreeSet<Operation> = defined
            .map(|operation| Operation(operation.value))
            .filter(|operation| !NOT_HERE.contains(operation))
            .collect();
        let name = |encoding: &str| format!("{encoding} {version}");
        let mut ways = vec![("TTLV over TLS", tls.client_named(&name("TLS")))];
        for (way, encoding) in [
            ("TTLV over HTTPS", Encoding::Ttlv),
            ("JSON over HTTPS", Encoding::Json),
            ("XML over HTTPS", Encoding::Xml),
        ] {
            let settings = https.client_named(&name(way)).https("/kmip", encoding);
            ways.push((way, settings));
        }
        for (way, settings) in ways {
            let succeeded = everything(settings, version);
            let succeeded = succeeded.unwrap_or_else(|error| panic!("{way}, {version}: {error:?}"));
            assert_eq!(succeeded, expected, "{way}, {version}");
        }
    }
}
