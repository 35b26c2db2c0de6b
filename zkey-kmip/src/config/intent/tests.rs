use super::*;
use crate::flock::tests::{Locks, with_locks};

#[test]
fn an_intent_is_seen_when_its_owner_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::open(directory.path()).unwrap();
    for object in [
        Intended::Key,
        Intended::WrappingKey {
            public_key: "00ff".to_owned(),
            former: Some("id-1".to_owned()),
        },
        Intended::Given {
            id: "id-2".to_owned(),
        },
    ] {
        let intent = Intent::new("host:1", object).unwrap();
        let held = config.intend(intent).unwrap();
        assert!(config.left_intents().unwrap().is_empty(), "its owner lives");
        let expected = held.intent().clone();
        drop(held);
        let mut left = config.left_intents().unwrap();
        assert_eq!(left[0].intent(), &expected);
        assert!(config.left_intents().unwrap().is_empty(), "taken over");
        left.remove(0).withdraw().unwrap();
        assert!(config.left_intents().unwrap().is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_key_is_given_and_taken_back_under_the_same_marker() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::open(directory.path()).unwrap();
    let intent = Intent::new("host:1", Intended::Key).unwrap();
    let mut held = config.intend(intent.clone()).unwrap();
    held.give("id-1").unwrap();
    assert!(config.left_intents().unwrap().is_empty(), "its owner lives");
    drop(held);
    let mut left = config.left_intents().unwrap();
    let id = "id-1".to_owned();
    assert_eq!(left[0].intent().object, Intended::Given { id });
    left[0].take_back().unwrap();
    assert!(config.left_intents().unwrap().is_empty(), "taken over");
    drop(left);
    let left = config.left_intents().unwrap();
    assert_eq!(left[0].intent(), &intent);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// The key may be the one that is about to be configured.
#[test]
fn nothing_counts_as_left_before_the_configuration_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::open(directory.path()).unwrap();
    let intent = Intent::new("host:1", Intended::Key).unwrap();
    drop(config.intend(intent).unwrap());
    let journal = directory.path().join(JOURNAL);
    fs::write(&journal, "").unwrap();
    assert!(config.left_intents().unwrap().is_empty());
    fs::remove_file(journal).unwrap();
    assert_eq!(config.left_intents().unwrap().len(), 1);
}

/// Where nothing can be locked, the process counts.
#[test]
fn without_locks_the_owner_is_looked_for() {
    with_locks(Locks::None, || {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::open(directory.path()).unwrap();
        let intent = Intent::new("host:1", Intended::Key).unwrap();
        let held = config.intend(intent).unwrap();
        let path = held.path.clone();
        drop(held);
        assert!(config.left_intents().unwrap().is_empty(), "its owner lives");
        let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
        let own = values.get(OWNER).unwrap().to_owned();
        // Its number has another process by now.
        let (gone, _) = own.rsplit_once(' ').unwrap();
        values.set(OWNER, &format!("{gone} 1")).unwrap();
        values.save(&path, Integrity::Hashed).unwrap();
        assert_eq!(config.left_intents().unwrap().len(), 1);
        // Nothing is known of the owner.
        for owner in [None, Some("")] {
            values.remove(OWNER);
            if let Some(owner) = owner {
                values.set(OWNER, owner).unwrap();
            }
            values.save(&path, Integrity::Hashed).unwrap();
            assert!(config.left_intents().unwrap().is_empty());
        }
    });
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::open(directory.path()).unwrap();
    let marker = "0123456789abcdef0123456789abcdef";
    let path = directory.path().join(format!("intent-{marker}"));
    let place = place(directory.path());
    let contents = [
        String::new(),
        format!("marker=\nkmip-server=x\nobject=key\nplace={place}\n"),
        format!("marker=Wrapping key of zkey on\nkmip-server=x\nobject=key\nplace={place}\n"),
        format!(
            "marker=f{}\nkmip-server=x\nobject=key\nplace={place}\n",
            &marker[1..]
        ),
        format!("marker={marker}\nkmip-server=x\nobject=other\nplace={place}\n"),
        format!("marker={marker}\nobject=key\nplace={place}\n"),
        // Copied from elsewhere.
        format!("marker={marker}\nkmip-server=x\nobject=key\nplace=0:/elsewhere\n"),
        format!("marker={marker}\nkmip-server=x\nobject=key\n"),
    ];
    for content in contents {
        let values = Properties::parse(content.as_bytes(), &path, Integrity::Plain).unwrap();
        for integrity in [Integrity::Plain, Integrity::Hashed] {
            values.save(&path, integrity).unwrap();
            assert!(config.left_intents().unwrap().is_empty(), "{content}");
            assert!(path.exists());
        }
    }
}
