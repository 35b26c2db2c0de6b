//! What a server hands out that zkey cannot use: keys of another length, identifiers it cannot store.

use kmip::types::{State, UniqueIdentifier};
use zkey_kmip::abi::{Errno, KeyMode, SecureKeyType};

use crate::machine::generate;
use crate::ready::{DATA, import, list, ready};

#[test]
fn keys_of_another_length_are_refused() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let good = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    // AES keys all, but not those that were made; no AES keys; nothing at all.
    for bytes in [16, 24, 31, 7, 0] {
        server.store.behave(|own| own.cut_to = Some(bytes));
        let before = server.store.objects().len();
        let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
        if bytes >= 16 && bytes % 8 == 0 {
            let expected = format!("{} bits instead of 256", bytes * 8);
            assert!(error.to_string().contains(&expected), "{error}");
        }
        let objects = server.store.objects();
        assert_eq!(objects.len(), before + 1);
        let last = objects.values().filter(|one| one.state == State::ACTIVE);
        assert_eq!(last.count(), 2, "wrapping key and the good one: {bytes}");
        let error = import(&plugin, &good.key_id).unwrap_err();
        assert!(error.to_string().contains(&good.key_id), "{error}");
    }
    // What the server says of the length is not that of a key, or of this one. Some types of secure
    // keys do not show it.
    for told in [128, 0, -1, 250, i32::MAX] {
        server.store.behave(|own| {
            own.cut_to = None;
            own.told_bits = Some(told);
        });
        for key_type in [DATA, SecureKeyType::CcaAesCipher] {
            let error = generate(&plugin, key_type, &[], None, KeyMode::NonXts).unwrap_err();
            assert_eq!(error.errno(), Errno::EINVAL, "{told}: {error}");
        }
    }
    server.store.behave(|own| own.told_bits = None);
    import(&plugin, &good.key_id).unwrap();
}

#[test]
fn identifiers_that_zkey_cannot_store_are_refused() {
    let (machine, server) = ready("2.1");
    for id in [
        UniqueIdentifier::Integer(5),
        UniqueIdentifier::Text("".into()),
        UniqueIdentifier::Text("two\nlines".into()),
        UniqueIdentifier::Text("id\0rest".into()),
    ] {
        server.store.behave(|own| own.tells_id = Some(id));
        let plugin = machine.plugin();
        let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
        assert_eq!(error.errno(), Errno::EBADMSG);
        assert!(error.to_string().contains("cannot store"), "{error}");
        server.store.behave(|own| own.tells_id = None);
    }
    // The keys themselves are found by what they bear, and destroyed.
    list(&machine.plugin(), None).unwrap();
    assert_eq!(server.store.states_of_keys(), [State::DESTROYED; 4]);
}

#[test]
fn identifiers_too_long_for_zkey_are_not_cut() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    server.store.behave(|own| own.long_ids = 256 - "id-2".len());
    let longest = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    assert_eq!(longest.key_id.len(), 256);
    assert!(import(&plugin, &longest.key_id).is_ok());
    server.store.behave(|own| own.long_ids += 1);
    let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    assert_eq!(error.errno(), Errno::ERANGE);
    let too_long = server
        .store
        .objects()
        .into_keys()
        .find(|id| id.len() == 257);
    let too_long = too_long.unwrap();
    assert_eq!(
        server.store.object(&too_long).unwrap().state,
        State::DESTROYED
    );
    // Nor is one of somebody else shown, which could only be used by a cut identifier.
    server
        .store
        .change(&too_long, |object| object.state = State::ACTIVE);
    let listed = list(&plugin, None).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].0, longest.key_id);
}
