//! Keys of EP11 adapters: their layout, their master keys, and what is refused.

use super::*;

#[test]
fn keys_of_other_adapters_are_refused() {
    let bench = Ep11Bench::new();
    let other = Ep11Bench::new();
    let key = other.key();
    let backend = bench.open();
    let error = backend.verify(&key).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnknownMasterKey { .. }));
    let error = sign(&backend, &key).unwrap_err();
    let is_mismatch = |error: &SecureKeyError| {
        matches!(
            error,
            SecureKeyError::Call {
                failure: CallFailure::Ep11 {
                    rv: WKID_MISMATCH,
                    ..
                },
                ..
            }
        )
    };
    assert!(is_mismatch(&error), "{error}");
    names(&error, &["m_SignSingle", "03.0039", "another adapter"]);
    bench.load_new();
    let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnknownMasterKey { .. }));
}

#[test]
fn a_damaged_blob_is_refused_by_the_adapter() {
    let bench = Ep11Bench::new();
    let mut key = bench.key();
    key[16 + 100] ^= 1;
    let error = sign(&bench.open(), &key).unwrap_err();
    let code = format!("{BLOB_ERROR:#x}");
    names(&error, &["m_SignSingle", "03.0039", &code, "damaged"]);
}

#[test]
fn halves_of_different_pairs_are_found_out() {
    let bench = Ep11Bench::new();
    let (one, two) = (bench.key(), bench.key());
    let length = usize::from(u16::from_be_bytes([one[2], one[3]]));
    let mixed = [&one[..length], &two[length..]].concat();
    let error = bench.open().verify(&mixed).unwrap_err();
    names(&error, &["m_VerifySingle", "do not belong together"]);
}

#[test]
fn keys_of_the_plugin_in_c_can_do_both() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    // Its template has SIGN, DECRYPT and UNWRAP; the emulator can make such a key only from one
    // of its own.
    let key = backend.generate_wrapping_key(2048).unwrap();
    let machine = bench.emulator.machine();
    let current = machine
        .registers(FIRST, Kind::Wk)
        .unwrap()
        .current
        .clone()
        .unwrap();
    let length = usize::from(u16::from_be_bytes([key[2], key[3]]));
    let mut blob = ::ep11::blob::Blob::open(&current, &key[16..length]).unwrap();
    blob.attributes |= ::ep11::blob::attribute::SIGN | ::ep11::blob::attribute::DECRYPT;
    let mut public = ::ep11::blob::PublicKey::open(&current, &key[length..]).unwrap();
    public.attributes |= ::ep11::blob::attribute::VERIFY;
    let key = [&key[..16], &blob.seal(&current), &public.seal(&current)].concat();

    backend.verify(&key).unwrap();
    let scheme = SignatureScheme::RsaPss;
    backend
        .sign(&key, scheme, DigestAlgorithm::Sha512, &[7; 64])
        .unwrap();
    let aes = import(
        &backend,
        &key,
        SecureKeyType::Ep11Aes,
        PADDINGS[1],
        &[9; 32],
    )
    .unwrap();
    assert_eq!(bench.clear_key(&aes), [9; 32]);
}

#[test]
fn what_does_not_unwrap_is_told_without_the_reason() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    let wrapping = backend.generate_wrapping_key(2048).unwrap();
    let unwrap = |size: usize| {
        let key_type = SecureKeyType::Ep11Aes;
        import(&backend, &wrapping, key_type, PADDINGS[1], &vec![9; size])
    };
    let error = unwrap(17).unwrap_err();
    assert!(matches!(error, SecureKeyError::UnwrapRefused { .. }));
    names(&error, &["m_UnwrapKey", "03.0039", "padding"]);
    for (code, tells_reason) in [(0x40, false), (0x62, false), (0x110, false), (0xd1, true)] {
        bench.fault(Fault::of("m_UnwrapKey", code, 0));
        let text = unwrap(32).unwrap_err().to_string();
        assert_eq!(text.contains(&format!("{code:#x}")), tells_reason, "{text}");
        bench.no_fault();
    }
    unwrap(32).unwrap();
}

#[test]
fn wrapping_keys_do_not_decrypt() {
    let bench = Ep11Bench::new();
    let key = bench.open().generate_wrapping_key(2048).unwrap();
    let attributes = u64::from_be_bytes(key[16 + 48..16 + 56].try_into().unwrap());
    assert_eq!(attributes & ::ep11::blob::attribute::DECRYPT, 0);
    assert_eq!(attributes & ::ep11::blob::attribute::SIGN, 0);
}

#[test]
fn keys_have_the_layout_of_the_hardware() {
    let bench = Ep11Bench::new();
    let backend = bench.open();
    let wrapping = backend.generate_wrapping_key(2048).unwrap();
    assert_eq!(
        (wrapping[..2].to_vec(), wrapping[4], wrapping[5]),
        (vec![0, 0], 7, 0)
    );
    assert_eq!(wrapping[6..8], 2048_u16.to_be_bytes());
    let identity = backend.generate_identity_key(KeySpec::DEFAULT).unwrap();
    assert_eq!(identity[4], 6);
    assert_eq!(identity[6..8], 521_u16.to_be_bytes());
    let aes = import(
        &backend,
        &wrapping,
        SecureKeyType::Ep11Aes,
        PADDINGS[0],
        &[9; 24],
    )
    .unwrap();
    // Header and blob have 272 bytes, the rest is zero.
    assert_eq!(
        aes[..16],
        [0, 0, 1, 16, 6, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(aes[272..], [0; 64]);
    let pattern = backend.info().unwrap().master_key.unwrap();
    for key in [&wrapping, &identity, &aes] {
        assert_eq!(key[16 + 64..16 + 66], [0x12, 0x34]);
        assert_eq!(key[16 + 32..16 + 48], pattern.0);
    }
    // The kernel may use it as protected key.
    assert_ne!(aes[16 + 53] & 0x20, 0);
}

#[test]
fn an_old_kernel_gets_keys_without_header() {
    let bench = Ep11Bench::new();
    let wrapping = bench.open().generate_wrapping_key(2048).unwrap();
    let unwrap = |kernel: Kernel| {
        let backend = bench.try_open(kernel).unwrap();
        backend.select_apqn(&both()).unwrap();
        let key = import(
            &backend,
            &wrapping,
            SecureKeyType::Ep11Aes,
            PADDINGS[2],
            &[9; 32],
        );
        key.map(|key| (backend, key))
    };
    let (_, key) = unwrap(Kernel::taking(&[336], 22)).unwrap();
    assert_eq!(key.len(), 336);
    for refusal in [22, 19] {
        let (backend, key) = unwrap(Kernel::taking(&[320], refusal)).unwrap();
        assert_eq!(key.len(), 320);
        // The header is where the session would be.
        assert_eq!(key[..8], [0, 0, 1, 0, 3, 0, 1, 0]);
        assert_eq!(key[64..66], [0x12, 0x34]);
        assert_eq!(bench.clear_key(&key), [9; 32]);
        assert_eq!(backend.verify(&key).unwrap().bits, 256);
        for at in 0..key.len() {
            let mut flipped = key.clone();
            flipped[at] ^= 0x10;
            assert!(backend.verify(&flipped).is_err(), "byte {at}");
        }
        bench.load_new();
        let new = backend.reencipher(&key, CURRENT_TO_NEW).unwrap();
        assert_eq!((new.len(), &new[..16]), (320, &key[..16]));
        assert_eq!(bench.clear_key(&new), [9; 32]);
    }
    // A kernel that takes neither is not old: no adapter of its takes the key.
    let error = unwrap(Kernel::taking(&[], 19)).unwrap_err();
    assert!(matches!(error, SecureKeyError::Kernel { .. }));
    names(&error, &["kernel", "lszcrypt", "03.0039"]);
    // Other numbers say nothing about the age.
    let error = unwrap(Kernel::taking(&[320], 5)).unwrap_err();
    assert!(matches!(error, SecureKeyError::Kernel { .. }));
}

#[test]
fn reenciphering_needs_a_committed_master_key() {
    let bench = Ep11Bench::new();
    let key = bench.key();
    let backend = bench.open();
    let demand_no_new = || {
        let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
        assert!(matches!(error, SecureKeyError::NoNewMasterKey { .. }));
        names(&error, &["03.0039", "NEW", "commit"]);
    };
    demand_no_new();
    bench.load_new();
    let commit = |is_committed: bool| {
        bench.emulator.change(|machine| {
            machine
                .all_registers_mut(Kind::Wk)
                .for_each(|registers| registers.new_is_unfinished = !is_committed);
        });
    };
    commit(false);
    demand_no_new();
    commit(true);
    // An adapter that has none does not matter.
    bench.emulator.change(|machine| {
        let domain = machine.domain_mut(FIRST);
        domain.registers.get_mut(&Kind::Wk).unwrap().new = None;
    });
    bench.emulator.forget_calls();
    let new = backend.reencipher(&key, CURRENT_TO_NEW).unwrap();
    assert_eq!(backend.verify(&new).unwrap().register, Register::New);
    // The private key and the public key's MAC, by the one adapter that can.
    let admin: Vec<_> = bench.emulator.calls();
    let admin: Vec<_> = admin.iter().filter(|(call, _)| call == "m_admin").collect();
    assert!(admin.len() == 2 && admin.iter().all(|(_, place)| place == "1a.0005"));
    let error = backend.reencipher(&key, ReencipherStep::OldToCurrent);
    assert!(matches!(
        error,
        Err(SecureKeyError::NotLoaded(Register::Old))
    ));

    bench.fault(Fault::of("m_admin", 0x50, 0));
    let error = backend.reencipher(&key, CURRENT_TO_NEW).unwrap_err();
    names(&error, &["m_admin", "1a.0005", "CKR_FUNCTION_CANCELED"]);
}
