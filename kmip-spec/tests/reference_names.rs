//! The XML and JSON names, against names that were computed independently for every tag and value.

use std::fs;

use kmip_spec::Spec;
use kmip_spec::model::ValueSource;
use kmip_spec::names::normalise;
use serde_json::Value;

#[test]
fn every_tag_and_value_normalises_to_its_published_name() {
    let Some(directory) = test_support::reference("spec") else {
        return;
    };
    let spec = Spec::load().unwrap();
    let read = |file| -> Value {
        serde_json::from_slice(&fs::read(directory.join(file)).unwrap()).unwrap()
    };

    let tags = read("tags.json");
    let tags = tags["tags"].as_object().unwrap();
    for (name, expected) in tags {
        assert_eq!(normalise(name), expected["xml_name"], "tag {name}");
    }
    assert_eq!(tags.len(), spec.tags.len());

    let enumerations = read("enums.json");
    for enumeration in spec
        .enumerations
        .iter()
        .filter(|e| e.source == ValueSource::Table)
    {
        let published = ["enums", "masks"]
            .iter()
            .find_map(|kind| enumerations[kind].get(&enumeration.name))
            .unwrap_or_else(|| panic!("{} is not published", enumeration.name));
        for published in published["values"].as_array().unwrap() {
            let name = published["name"].as_str().unwrap();
            assert_eq!(
                normalise(name),
                published["xml_name"],
                "{} {name}",
                enumeration.name
            );
            // Whatever the name is in our table, the published spelling is understood.
            let understood = enumeration.values.iter().any(|value| {
                let spellings = value.spellings.iter().map(|(_, spelling)| spelling);
                let mut all = spellings.chain(&value.aliases).chain([&value.name]);
                all.any(|spelling| spelling == name)
            });
            assert!(understood, "{} {name}", enumeration.name);
        }
    }
}
