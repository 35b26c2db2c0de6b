//! Re-key Key Pair: a new pair with the attributes of an old one (KMIP 1.4, 4.5; 2.1, 6.1.43).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CryptographicAlgorithm, LinkType, ObjectType,
    ReKeyKeyPairRequest, ReKeyKeyPairResponse,
};

use super::create::missing;
use super::create_key_pair::{link, make, merge};
use super::protection::keep_pair;
use super::re_key::{check_offset, inherited, is_replacement, rotate, set_dates};
use crate::attributes::has_instances;
use crate::context::{Context, Objects};
use crate::crypto::generate_key_pair;
use crate::object::{NewObject, StoredObject};
use crate::refusal;

pub(super) fn re_key_key_pair(
    context: &Context<'_>,
    request: &ReKeyKeyPairRequest<'_>,
) -> Result<ReKeyKeyPairResponse<'static>, Failure> {
    let old = Pair::find(context, &context.view()?, request)?;
    let algorithm = old.private.attributes.cryptographic_algorithm().copied();
    let algorithm = algorithm.ok_or_else(|| missing("Cryptographic Algorithm"))?;
    let length = old.private.attributes.cryptographic_length().copied();
    let domain = old.private.attributes.cryptographic_domain_parameters();
    let curve = domain.and_then(|domain| domain.recommended_curve);
    // Without a transaction: this can take seconds.
    let pair = generate_key_pair(algorithm, length.filter(|_| has_length(algorithm)), curve)?;
    let empty = (Attributes::new(), Attributes::new());
    let (mut private, mut public) = make(context, algorithm, &pair, empty.0, empty.1)?;

    let mut objects = context.begin()?;
    // Once more: it may have been changed in the meantime.
    let Pair {
        private: mut old_private,
        public: mut old_public,
    } = Pair::find(context, &objects, request)?;
    let given = |given: &Option<Attributes<'_>>| match given {
        Some(given) => objects.given(given),
        None => Ok(Vec::new()),
    };
    let common = given(&request.common_attributes)?;
    let given_private = merge(given(&request.private_key_attributes)?, &common);
    let given_public = merge(given(&request.public_key_attributes)?, &common);
    for (new, old, given) in [
        (&mut private, &mut old_private, given_private),
        (&mut public, &mut old_public, given_public),
    ] {
        replace(context, request, new, old, &given.list)?;
        objects.save(old)?;
    }
    keep_pair(
        context,
        [&mut private, &mut public],
        [
            request.private_protection_storage_masks.as_ref(),
            request.public_protection_storage_masks.as_ref(),
        ],
        request.common_protection_storage_masks.as_ref(),
    )?;
    let private = objects.add(private)?;
    let public = objects.add(public)?;
    objects.commit()?;
    Ok(ReKeyKeyPairResponse {
        private_key_unique_identifier: private.unique_identifier(),
        public_key_unique_identifier: public.unique_identifier(),
        ..ReKeyKeyPairResponse::default()
    })
}

/// The keys that are to be replaced.
struct Pair {
    private: StoredObject,
    public: StoredObject,
}

impl Pair {
    fn find(
        context: &Context<'_>,
        objects: &Objects<'_>,
        request: &ReKeyKeyPairRequest<'_>,
    ) -> Result<Self, Failure> {
        let version = context.version();
        let private = objects.get_online(request.private_key_unique_identifier.as_ref())?;
        if private.object_type != ObjectType::PRIVATE_KEY || private.is_destroyed() {
            return Err(refusal::cannot_be(version, "re-keyed"));
        }
        if private.attributes.iter().any(is_replacement) {
            let message = format!("the key `{}` is replaced already", private.identifier);
            return Err(refusal::wrong_state(version, message));
        }
        let to_public = |attribute: &Attribute<'static>| match &attribute.value {
            AttributeValue::Link(link) if link.link_type == LinkType::PUBLIC_KEY_LINK => {
                link.linked_object_identifier.as_text().map(str::to_owned)
            }
            _ => None,
        };
        let public = private.attributes.iter().find_map(to_public);
        let public = public.ok_or_else(|| {
            refusal::not_supported("the private key has no link to its public key")
        })?;
        Ok(Pair {
            public: objects.by_identifier(&public)?,
            private,
        })
    }
}

/// Gives a new key what the old one had, and links them.
fn replace(
    context: &Context<'_>,
    request: &ReKeyKeyPairRequest<'_>,
    new: &mut NewObject,
    old: &mut StoredObject,
    given: &[Attribute<'static>],
) -> Result<(), Failure> {
    check_offset(request.offset, given, &old.attributes, context.version())?;
    for attribute in inherited(&old.attributes, given) {
        new.attributes.add(attribute.value);
    }
    set_dates(
        &mut new.attributes,
        &old.attributes,
        request.offset,
        context.now,
    );
    for attribute in given {
        crate::attributes::check_new(attribute, context.version())?;
        match has_instances(&attribute.reference()) {
            true => new.attributes.add(attribute.value.clone()),
            false => new.attributes.set(attribute.value.clone()),
        }
    }
    let (to_old, to_new) = (
        LinkType::REPLACED_OBJECT_LINK,
        LinkType::REPLACEMENT_OBJECT_LINK,
    );
    new.attributes.add(link(to_old, &old.identifier));
    old.attributes.add(link(to_new, &new.identifier));
    old.attributes.clear(kmip::types::Tag::NAME);
    rotate(&mut new.attributes, &mut old.attributes, context.now);
    old.attributes.touch(context.now);
    Ok(())
}

/// The length of the others follows from the curve.
fn has_length(algorithm: CryptographicAlgorithm) -> bool {
    ![
        CryptographicAlgorithm::ED25519,
        CryptographicAlgorithm::ED448,
    ]
    .contains(&algorithm)
}
