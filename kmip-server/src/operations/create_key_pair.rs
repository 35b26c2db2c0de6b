//! Create Key Pair (KMIP 1.4, 4.2; 2.1, 6.1.9).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CreateKeyPairRequest, CreateKeyPairResponse,
    CryptographicAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, Link, LinkType,
    ManagedObject, ObjectType, PrivateKey, PublicKey, UniqueIdentifier,
};

use super::create::missing;
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
    let (private, public) = make(context, asked.algorithm, &pair, asked.private, asked.public)?;
    let mut objects = context.begin()?;
    let private = objects.add(private)?;
    let public = objects.add(public)?;
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
        let algorithm = agreed(algorithms.0, algorithms.1, "Cryptographic Algorithm")?;
        for (attributes, key) in [(&private, "private"), (&public, "public")] {
            if attributes.cryptographic_usage_mask().is_none() {
                return Err(missing(&format!(
                    "Cryptographic Usage Mask of the {key} key"
                )));
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
    let mut private = NewObject::new(private_content, private, version)?;
    let mut public = NewObject::new(public_content, public, version)?;
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

/// The attributes of one key: its own, and the common ones that it does not have itself.
pub(super) fn merge(
    own: Vec<Attribute<'static>>,
    common: &[Attribute<'static>],
) -> Attributes<'static> {
    let mut merged = own;
    let given = merged.len();
    for attribute in common {
        let reference = attribute.reference();
        if !merged[..given]
            .iter()
            .any(|own| own.reference() == reference)
        {
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
