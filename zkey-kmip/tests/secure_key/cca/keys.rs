//! Keys of CCA adapters: their layout, their master keys, and what is refused.

use super::*;

#[test]
fn aescipher_keys_need_a_new_adapter_and_firmware() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    let make =
        |backend: &Cca, key_type| import(backend, &wrapping_key, key_type, PADDINGS[0], &[7; 32]);
    coprocessors
        .emulator
        .change(|machine| machine.card_mut(3).firmware = "6.2.99z".to_owned());
    coprocessors.emulator.forget_calls();
    let error = make(&backend, SecureKeyType::CcaAesCipher).unwrap_err();
    tells(&error, &["03.0039", "6.2.99", "6.3", "CCA-AESCIPHER"]);
    assert_eq!(
        coprocessors.emulator.count("CSNDSYI"),
        0,
        "nothing was done"
    );
    let data = make(&backend, SecureKeyType::CcaAesData).unwrap();
    assert_eq!(backend.verify(&data).unwrap().register, Register::Current);
    coprocessors.emulator.change(|machine| {
        machine.card_mut(3).firmware = "6.3.0".to_owned();
        machine.card_mut(3).level = 5;
    });
    let old = coprocessors.first();
    let error = make(&old, SecureKeyType::CcaAesCipher).unwrap_err();
    tells(&error, &["03.0039", "CEX5C", "CEX6C"]);
    coprocessors
        .emulator
        .change(|machine| machine.card_mut(3).level = 6);
    make(&coprocessors.first(), SecureKeyType::CcaAesCipher).unwrap();
}

#[test]
fn aescipher_keys_can_go_to_cpacf_only() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    for (size, length) in [(16, 120), (24, 128), (32, 136_u8)] {
        let key_type = SecureKeyType::CcaAesCipher;
        let key = import(
            &backend,
            &wrapping_key,
            key_type,
            PADDINGS[0],
            &vec![7; size],
        )
        .unwrap();
        assert_eq!((key[0], key[4], key[8]), (1, 5, 3));
        assert_eq!(key[2..4], [0, length]);
        // Key management fields: no export but to CPACF.
        assert_eq!((key[50], key[52] & 0xc8), (0x08, 0));
        // The pattern that sysfs shows.
        let mkvps = "bus/ap/devices/card03/03.0039/mkvps";
        let mkvps = fs::read_to_string(coprocessors.emulator.sysfs_root().join(mkvps)).unwrap();
        let pattern: String = key[10..18].iter().map(|b| format!("{b:02x}")).collect();
        assert!(
            mkvps.contains(&format!("AES CUR: valid 0x{pattern}")),
            "{mkvps}"
        );
    }
}

#[test]
fn a_verb_that_only_a_check_needs_may_be_forbidden() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    for (key_type, verb) in [
        (SecureKeyType::CcaAesData, "CSNBKTR2"),
        (SecureKeyType::CcaAesCipher, "CSNBRKA"),
    ] {
        let key = import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 32]).unwrap();
        coprocessors.fail(verb, 8, 90);
        assert_eq!(backend.verify(&key).unwrap().register, Register::Current);
        coprocessors.fail(verb, 8, 47);
        assert_eq!(cca_code(&backend.verify(&key).unwrap_err()), Some((8, 47)));
        coprocessors.repair();
    }
}

#[test]
fn aesdata_keys_have_the_layout_of_the_hardware() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    let key_type = SecureKeyType::CcaAesData;
    let key = import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 24]).unwrap();
    assert_eq!((key[0], key[4], key[6]), (1, 4, 0xc0));
    assert_eq!(key[56..60], [0, 192, 0, 32]);
    let words = key[..60].chunks(4);
    let sum = words.fold(0_u32, |sum, word| {
        sum.wrapping_add(u32::from_be_bytes(word.try_into().unwrap()))
    });
    assert_eq!(key[60..], sum.to_be_bytes());
}

#[test]
fn apqns_must_have_the_same_master_keys() {
    for kind in [Kind::Aes, Kind::Apka] {
        let name = if kind == Kind::Aes { "AES" } else { "APKA" };
        let coprocessors = Coprocessors::new();
        let check = || coprocessors.open().check_apqns(&apqns());
        assert!(check().unwrap().remarks.is_empty());
        let last = emulated(apqns()[2]);
        let change = |change: &dyn Fn(&mut emulated_card::Registers)| {
            coprocessors.emulator.change(|machine| {
                change(machine.domain_mut(last).registers.get_mut(&kind).unwrap());
            });
        };
        change(&|registers| registers.load_new(MasterKey::random()));
        let remarks = check().unwrap().remarks.join("\n");
        assert!(
            remarks.contains("1a.0039") && remarks.contains("NEW"),
            "{remarks}"
        );
        assert!(
            remarks.contains(name) && remarks.contains("differ"),
            "{remarks}"
        );
        change(&|registers| registers.new_is_unfinished = true);
        let remarks = check().unwrap().remarks.join("\n");
        assert!(remarks.contains("not complete"), "{remarks}");
        change(&|registers| registers.current = Some(MasterKey::random()));
        let error = check().unwrap_err();
        tells(&error, &[name, "03.0039", "1a.0039", "differ"]);
        change(&|registers| registers.current = None);
        tells(&check().unwrap_err(), &[name, "1a.0039", "CURRENT"]);
    }
}

#[test]
fn the_check_of_apqns_does_not_change_the_one_in_use() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    backend.check_apqns(&apqns()).unwrap();
    coprocessors.emulator.forget_calls();
    small_key(&backend);
    assert_eq!(coprocessors.emulator.calls()[0].1, "03.0039");
}

#[test]
fn without_a_master_key_no_key_is_made() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    let forget = |kind: Kind| {
        coprocessors.emulator.change(|machine| {
            machine
                .all_registers_mut(kind)
                .for_each(|registers| registers.current = None);
        });
    };
    forget(Kind::Aes);
    let key_type = SecureKeyType::CcaAesData;
    let error = import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 32]).unwrap_err();
    tells(
        &error,
        &[
            "CSNDSYI",
            "03.0039",
            "return code 12",
            "reason code 764",
            "load and set",
        ],
    );
    small_key(&backend);
    forget(Kind::Apka);
    let error = backend.generate_identity_key(KeySpec::DEFAULT).unwrap_err();
    assert_eq!(cca_code(&error), Some((12, 764)));
}

#[test]
fn keys_of_another_adapter_are_refused_and_said() {
    let other = Coprocessors::new();
    let foreign = other.first();
    let wrapping_key = foreign.generate_wrapping_key(1024).unwrap();
    let key_type = SecureKeyType::CcaAesCipher;
    let aes = import(&foreign, &wrapping_key, key_type, PADDINGS[0], &[7; 32]).unwrap();
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    for key in [&small_key(&foreign), &wrapping_key, &aes] {
        let error = backend.verify(key).unwrap_err();
        tells(
            &error,
            &[
                "another adapter",
                "03.0039",
                "return code 8",
                "reason code 48",
            ],
        );
    }
    let own = small_key(&backend);
    assert_eq!(cca_code(&sign(&foreign, &own).unwrap_err()), Some((8, 48)));
    let unwrapped = import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 32]);
    assert_eq!(cca_code(&unwrapped.unwrap_err()), Some((8, 48)));
    coprocessors.load_new();
    let error = backend.reencipher(&aes, ReencipherStep::CurrentToNew);
    assert_eq!(cca_code(&error.unwrap_err()), Some((8, 48)));
}

#[test]
fn registers_are_checked_before_keys_are_reenciphered() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let key = small_key(&backend);
    let (to_new, from_old) = (ReencipherStep::CurrentToNew, ReencipherStep::OldToCurrent);
    let demand = |step, expected: &str| {
        coprocessors.emulator.forget_calls();
        tells(&backend.reencipher(&key, step).unwrap_err(), &[expected]);
        assert_eq!(coprocessors.emulator.count("CSNDKTC"), 0);
    };
    demand(to_new, "NEW master key is not loaded");
    demand(from_old, "CURRENT master key, not the OLD");
    coprocessors.load_new();
    coprocessors.emulator.change(|machine| {
        machine
            .all_registers_mut(Kind::Apka)
            .for_each(|r| r.new_is_unfinished = true);
    });
    demand(to_new, "NEW master key is not loaded");
}

#[test]
fn a_wrapped_key_is_refused_with_the_place_but_without_the_reason() {
    let coprocessors = Coprocessors::new();
    let backend = coprocessors.first();
    let wrapping_key = backend.generate_wrapping_key(1024).unwrap();
    let key_type = SecureKeyType::CcaAesData;
    let error = import(&backend, &wrapping_key, key_type, PADDINGS[0], &[7; 31]).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnwrapRefused { .. }));
    tells(&error, &["CSNDSYI", "03.0039", "padding"]);
    assert!(!error.to_string().contains("2114"), "{error}");
}

/// The one that the dynamic linker loads by its name, in a process of its own.
#[test]
fn the_library_is_there() {
    assert!(
        Path::new(&built_library()).exists(),
        "cargo did not build libcsulcca.so"
    );
}
