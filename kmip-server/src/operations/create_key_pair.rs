//! Create Key Pair (KMIP 1.4, 4.2; 2.1, 6.1.9).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CreateKeyPairRequest, CreateKeyPairResponse,
    CryptographicAlgorithm, CryptographicUsageMask, KeyBlock, KeyFormatType, KeyMaterial, KeyValue,
    Link, LinkType, ManagedObject, ObjectType, PrivateKey, ProtocolVersion, PublicKey, Tag,
    UniqueIdentifier,
};

use super::create::missing;
use super::protection::keep_pair;
use crate::attributes::has_instances;
use crate::context::{Context, Objects};
use crate::crypto::{KeyPair, generate_key_pair, private_material, public_material};
use crate::object::NewObject;
use crate::refusal;

pub(super) fn create_key_pair(
    context: &Context<'_>,
    request: &CreateKeyPairRequest<'_>,
) -> Result<CreateKeyPairResponse<'static>, Failure> {
    let asked = Asked::read(&context.view()?, request)?;
    // Without a transaction: this can take seconds.
    let pair = generate_key_pair(asked.algorithm, asked.length, asked.curve())?;
    let (mut private, mut public) =
        make(context, asked.algorithm, &pair, asked.private, asked.public)?;
    keep_pair(
        context,
        [&mut private, &mut public],
        [
            request.private_protection_storage_masks.as_ref(),
            request.public_protection_storage_masks.as_ref(),
        ],
        request.common_protection_storage_masks.as_ref(),
    )?;
    let (private, public) = (context.finish(private), context.finish(public));
    let mut objects = context.begin()?;
    let private = objects.add_finished(private)?;
    let public = objects.add_finished(public)?;
    objects.commit()?;
    Ok(CreateKeyPairResponse {
        private_key_unique_identifier: private.unique_identifier(),
        public_key_unique_identifier: public.unique_identifier(),
        ..CreateKeyPairResponse::default()
    })
}

/// The attributes in the request, by key.
struct Asked {
    algorithm: CryptographicAlgorithm,
    length: Option<i32>,
    private: Attributes<'static>,
    public: Attributes<'static>,
}

impl Asked {
    fn read(objects: &Objects<'_>, request: &CreateKeyPairRequest<'_>) -> Result<Self, Failure> {
        let read = |given: &Option<Attributes<'_>>| match given {
            Some(given) => objects.given(given),
            None => Ok(Vec::new()),
        };
        let common = read(&request.common_attributes)?;
        let mut private = merge(read(&request.private_key_attributes)?, &common);
        let mut public = merge(read(&request.public_key_attributes)?, &common);
        objects.complete(ObjectType::PRIVATE_KEY, &mut private.list)?;
        objects.complete(ObjectType::PUBLIC_KEY, &mut public.list)?;
        let algorithms = (
            private.cryptographic_algorithm().copied(),
            public.cryptographic_algorithm().copied(),
        );
        let lengths = (
            private.cryptographic_length().copied(),
            public.cryptographic_length().copied(),
        );
        let mut algorithm = agreed(algorithms.0, algorithms.1, "Cryptographic Algorithm")?;
        // Since KMIP 2.0 the server supplies what the client omits (2.1, 4).
        let supplies = objects.version() >= ProtocolVersion::V2_0;
        algorithm = algorithm.or(supplies.then_some(CryptographicAlgorithm::RSA));
        for (attributes, usage, key) in [
            (&mut private, CryptographicUsageMask::SIGN, "private"),
            (&mut public, CryptographicUsageMask::VERIFY, "public"),
        ] {
            match attributes.cryptographic_usage_mask() {
                Some(_) => {}
                None if supplies => attributes.push(Attribute::cryptographic_usage_mask(usage)),
                None => {
                    let message = format!("Cryptographic Usage Mask of the {key} key");
                    return Err(missing(&message));
                }
            }
        }
        Ok(Asked {
            algorithm: algorithm.ok_or_else(|| missing("Cryptographic Algorithm"))?,
            length: agreed(lengths.0, lengths.1, "Cryptographic Length")?,
            private,
            public,
        })
    }

    fn curve(&self) -> Option<kmip::types::RecommendedCurve> {
        let both = [&self.private, &self.public];
        both.into_iter()
            .find_map(|attributes| attributes.cryptographic_domain_parameters())
            .and_then(|parameters| parameters.recommended_curve)
    }
}

/// Both objects of a new pair, linked with each other.
///
/// # Errors
/// If an attribute is not for clients to set.
pub(super) fn make(
    context: &Context<'_>,
    algorithm: CryptographicAlgorithm,
    pair: &KeyPair,
    private: Attributes<'static>,
    public: Attributes<'static>,
) -> Result<(NewObject, NewObject), Failure> {
    let rsa = algorithm == CryptographicAlgorithm::RSA;
    let private_format = match rsa {
        true => KeyFormatType::PKCS_1,
        false => KeyFormatType::PKCS_8,
    };
    let public_format = match rsa {
        true => KeyFormatType::PKCS_1,
        false => KeyFormatType::X_509,
    };
    let block = |format, material: KeyMaterial<'static>| KeyBlock {
        key_format_type: format,
        key_value: Some(KeyValue::new(material)),
        cryptographic_algorithm: Some(algorithm),
        cryptographic_length: Some(pair.length),
        ..KeyBlock::default()
    };
    let private_block = block(private_format, private_material(&pair.key, private_format)?);
    let public_block = block(public_format, public_material(&pair.key, public_format)?);
    let private_content = ManagedObject::PrivateKey(PrivateKey {
        key_block: private_block,
        ..PrivateKey::default()
    });
    let public_content = ManagedObject::PublicKey(PublicKey {
        key_block: public_block,
        ..PublicKey::default()
    });
    let version = context.version();
    let mut private = NewObject::made(private_content, private, version)?;
    let mut public = NewObject::made(public_content, public, version)?;
    for new in [&mut private, &mut public] {
        let attributes = &mut new.attributes;
        attributes.set_default(AttributeValue::OriginalCreationDate(context.now));
        let generator = context.configuration.random_number_generator.clone();
        attributes.set_default(AttributeValue::RandomNumberGenerator(generator));
    }
    private
        .attributes
        .add(link(LinkType::PUBLIC_KEY_LINK, &public.identifier));
    public
        .attributes
        .add(link(LinkType::PRIVATE_KEY_LINK, &private.identifier));
    Ok((private, public))
}

/// The attributes of one key: its own, and the common ones that it does not have itself or can have several
/// of (KMIP 1.4, 4.2; 2.1, 6.1.9). A common Name would be none for both keys.
pub(super) fn merge(
    own: Vec<Attribute<'static>>,
    common: &[Attribute<'static>],
) -> Attributes<'static> {
    let mut merged = own;
    let given = merged.len();
    for attribute in common {
        let reference = attribute.reference();
        let adds = has_instances(&reference) && attribute.value.tag() != Some(Tag::NAME);
        let mut own = merged[..given].iter();
        if adds || !own.any(|own| own.reference() == reference) {
            merged.push(attribute.clone());
        }
    }
    merged.into()
}

fn agreed<T: PartialEq>(
    private: Option<T>,
    public: Option<T>,
    attribute: &str,
) -> Result<Option<T>, Failure> {
    match (private, public) {
        (Some(private), Some(public)) if private != public => Err(refusal::invalid_field(format!(
            "the keys of a pair cannot differ in {attribute}"
        ))),
        (private, public) => Ok(private.or(public)),
    }
}

/// A link to another object.
pub(super) fn link(link_type: LinkType, identifier: &str) -> AttributeValue<'static> {
    AttributeValue::Link(Link {
        link_type,
        linked_object_identifier: UniqueIdentifier::from(identifier.to_owned()),
        ..Link::default()
    })
}
