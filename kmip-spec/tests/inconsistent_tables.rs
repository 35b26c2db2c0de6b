//! Tables that can be read but make no sense: `check` names what contradicts what.

mod mini;

use mini::Mini;

/// The edit of one table gives exactly this finding.
fn finds(table: &str, from: &str, to: &str, finding: &str) {
    assert_eq!(Mini::new().edit(table, from, to).findings(), [finding]);
}

#[test]
fn values_are_unique_in_each_version() {
    finds(
        "tags",
        "0x420054\tName Type",
        "0x420053\tName Type",
        "tags: `Name` and `Name Type` have the same value 0x420053",
    );
    finds(
        "values",
        "Name Type\t0x00000002",
        "Name Type\t0x00000001",
        "enumeration `Name Type`: `Text` and `URI` have the same value 0x1",
    );
    let reused = "Verify\t1.0\t1.4\t\t\t\t\nCryptographic Usage Mask\t0x00000002\tSeal\t2.0\t";
    let reuse = Mini::new().edit("values", "Verify\t1.0\t1.4", reused);
    assert_eq!(
        reuse.findings(),
        [""; 0],
        "a value may be given to another name later"
    );
}

#[test]
fn values_stand_in_order_and_in_their_place() {
    finds(
        "tags",
        "0x420055",
        "0x42FFFF",
        "tags: `Operation` has a lower value than `Name Value` above it",
    );
    finds(
        "tags",
        "0x420125",
        "0x540001",
        "tag `Attributes`: the value 0x540001 should be 0x420001 to 0x42FFFF",
    );
    finds(
        "values",
        "0x00000002\tURI",
        "0x80000001\tURI",
        "enumeration `Name Type`, value `URI`: the value 0x80000001 should be below 0x80000000",
    );
    finds(
        "values",
        "0x00000002\tVerify",
        "0x00000003\tVerify",
        "mask `Cryptographic Usage Mask`, value `Verify`: the value 0x3 should be a single bit",
    );
    finds(
        "types",
        "0x0B",
        "0x0C",
        "type `Date-Time Extended`: the value 0xC should be 0xB",
    );
    finds(
        "reserved-tags",
        "0x42003B\t2.0",
        "0x420053\t2.0",
        "tag `Name` is defined for 1.0-, but 0x420053 is reserved for 2.0-",
    );
}

#[test]
fn names_are_unique_also_in_xml_and_json() {
    finds(
        "values",
        "\tVerify\t",
        "\tSign\t",
        "mask `Cryptographic Usage Mask`: `Sign` is named twice",
    );
    finds(
        "tags",
        "\tUID\t",
        "\tname-type\t",
        "tags: `Name Type` and `name-type` are both NameType in XML and JSON",
    );
    finds(
        "values",
        "\tURI\t",
        "\tPlain-text\t",
        "enumeration `Name Type`: `Text` and `Plain-text` are both PlainText in XML and JSON",
    );
}

#[test]
fn every_version_of_a_value_has_one_spelling() {
    finds(
        "values",
        "2.0- Text",
        "2.1- Text",
        "enumeration `Name Type`, value `Text`: \
         the spellings do not give one for each version of 1.0-",
    );
    finds(
        "values",
        "2.0- Text",
        "1.4- Text",
        "enumeration `Name Type`, value `Text`: 1.4- should come after 1.0-1.4 and not overlap it",
    );
}

#[test]
fn references_lead_to_something() {
    finds(
        "payloads",
        "New Name\tName\t",
        "New Name\tNames\t",
        "request payload of `Rename`, field `New Name`: there is no tag `Names`",
    );
    finds(
        "structures",
        "Enumeration\tName Type\t1.0",
        "Enumeration\tName Types\t1.0",
        "structure `Name`, field `Name Type`: there is no enumeration `Name Types`",
    );
    finds(
        "payloads",
        "Name|Password",
        "Name|Passwort",
        "request payload of `Rename`, field `Managed Object`: there is no tag `Passwort`",
    );
    finds(
        "attributes",
        "\tName\tno\tClient\t",
        "\tNames\tno\tClient\t",
        "attribute `Name`, 1.0-1.4: there is no structure `Names`",
    );
    finds(
        "attributes",
        "Rename|event",
        "Renew|event",
        "attribute `Name`, 1.0-1.4: there is no operation `Renew`",
    );
    finds(
        "enumerations",
        "enum\tName Type\t\t",
        "enum\tName Type\tName Sort\t",
        "enumeration `Name Type`: there is no tag `Name Sort`",
    );
    finds(
        "values",
        "\tPing\t",
        "\tPong\t",
        "operation `Ping`: there is no value of the enumeration Operation `Ping`",
    );
}

#[test]
fn references_exist_in_the_same_versions() {
    finds(
        "payloads",
        "Attributes\t\tStructure\t\t2.0",
        "Attributes\t\tStructure\t\t1.4",
        "request payload of `Rename`, field `Attributes`: \
         holds for 1.4-, but tag `Attributes` exists for 2.0- only",
    );
    finds(
        "values",
        "Ping\t2.1\t",
        "Ping\t1.0\t2.0",
        "operation `Ping`: holds for 2.1-, \
         but value of the enumeration Operation `Ping` exists for 1.0-2.0 only",
    );
    finds(
        "attributes",
        "yes\tRename\tAll",
        "yes\tPing\tAll",
        "attribute `Name`, 2.0-: holds for 2.0-, but operation `Ping` exists for 2.1- only",
    );
    finds(
        "structures",
        "Any attribute\t\tany\t\t2.0",
        "Any attribute\t\tany\t\t1.4",
        "structure `Attributes`, field `Any attribute`: \
         holds for 1.4-, in which the table does not exist throughout",
    );
}

#[test]
fn rows_of_a_field_are_disjoint_ordered_and_together() {
    finds(
        "structures",
        "Name Type\t2.0\t",
        "Name Type\t1.4\t",
        "structure `Name`, field `Name Type`: 1.4- should come after 1.0-1.4 and not overlap it",
    );
    finds(
        "attributes",
        "Name\t\t2.0\t\t",
        "Name\t\t1.0\t1.0\tName",
        "attribute `Name`: 1.0 should come after 1.0-1.4 and not overlap it",
    );
    let between = "Name\tName Value\t\tText String\t\t1.0\t\tyes\t\t\t\t\t\t\n";
    let value_last = Mini::new().edit("structures", between, "").edit(
        "structures",
        "Name\tName Type\t\tEnumeration\tName Type\t2.0",
        &format!("{between}Name\tName Type\t\tEnumeration\tName Type\t2.0"),
    );
    assert_eq!(
        value_last.findings(),
        ["structure `Name`, field `Name Type`: other fields stand between its rows"]
    );
}

#[test]
fn types_fit_tags_and_enumerations() {
    finds(
        "structures",
        "Name Value\t\tText String",
        "Name Value\t\tInteger",
        "structure `Name`, field `Name Value`: tag `Name Value` has no type Integer",
    );
    finds(
        "structures",
        "Enumeration\tName Type\t2.0",
        "Enumeration\t\t2.0",
        "structure `Name`, field `Name Type`: \
         the types of the item and the enumeration do not fit: \
         an item of type Enumeration needs one",
    );
    finds(
        "structures",
        "Enumeration\tName Type\t2.0",
        "Enumeration\tOperation\t2.0",
        "structure `Name`, field `Name Type`: tag `Name Type` is to be listed by the enumeration \
         `Operation`, and by no other",
    );
    finds(
        "enumerations",
        "mask\tCryptographic Usage Mask\t",
        "mask\tCryptographic Usage Mask\tName Type",
        "mask `Cryptographic Usage Mask`: tag `Name Type` is to be listed by the \
         enumeration `Name Type`, and by no other",
    );
}

#[test]
fn attribute_names_are_texts_of_1_x_only() {
    finds(
        "attributes",
        "1.4\tName\t",
        "1.4\t\t",
        "attribute `Name`, 1.0-1.4: `name_string` belongs to 1.x, and to 1.x only",
    );
    finds(
        "attributes",
        "2.0\t\t\tStructure",
        "2.0\t\tName\tStructure",
        "attribute `Name`, 2.0-: `name_string` belongs to 1.x, and to 1.x only",
    );
}
