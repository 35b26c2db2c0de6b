//! Broken tables: each mistake is reported where it is.
//!
//! Each test takes a small consistent set of tables and puts one mistake into it.

mod mini;

use kmip_spec::{Spec, check};
use mini::Mini;

#[test]
fn the_small_tables_are_consistent() {
    let spec = Mini::new().parse().unwrap();
    assert_eq!(check(&spec), []);
    assert_eq!(spec.operations.len(), 2);
    let payload = spec
        .operation("Ping")
        .unwrap()
        .client_to_server
        .as_ref()
        .unwrap();
    let request = payload.request.as_ref().unwrap();
    assert!(request.fields.is_empty() && request.ranges.len() == 1);
    assert!(payload.response.is_none());
}

#[test]
fn a_header_names_exactly_the_columns_of_the_table() {
    let no_until = Mini::new().edit("tags", "\tuntil\t", "\t");
    assert_eq!(
        no_until.error(),
        "tags.tsv:1: column `until`: the header lacks the column"
    );
    let misspelled = Mini::new().edit("values", "enumeration\t", "enum\t");
    let message = "values.tsv:1: column `enum`: the table has no such column, or has it already";
    assert_eq!(misspelled.error(), message);
    let twice = Mini::new().edit("types", "name\tvalue", "name\tname");
    let message = "types.tsv:1: column `name`: the table has no such column, or has it already";
    assert_eq!(twice.error(), message);
    let empty = Mini::new().replace("payloads", "");
    assert_eq!(empty.error(), "payloads.tsv:1: the header line is missing");
}

#[test]
fn the_order_of_columns_and_the_line_ends_do_not_matter() {
    let types = "value\tname\tuntil\tsince\r\n0x01\tStructure\t\t1.0\r\n";
    let spec = Mini::new().replace("types", types).parse().unwrap();
    assert_eq!(spec.types.len(), 1);
    assert_eq!(spec.types[0].value, 1);
}

#[test]
fn a_row_has_as_many_cells_as_the_header() {
    let short = Mini::new().edit("reserved-tags", "2.0\t\t", "2.0\t");
    let message = "reserved-tags.tsv:2: 3 cells, where the header has 4: \
                   separate them by tabs, keep empty ones";
    assert_eq!(short.error(), message);
    let blank = Mini::new().edit("types", "\nInteger", "\n\nInteger");
    assert!(
        blank.error().starts_with("types.tsv:3: 1 cells, where"),
        "{}",
        blank.error()
    );
}

#[test]
fn a_number_is_hexadecimal_with_prefix() {
    for bad in [
        "420053",
        "0x42005G",
        "0x",
        "0x1420000053",
        "0x+42",
        "",
        "66",
    ] {
        let message = format!(
            "tags.tsv:3: column `value`: `{bad}` is no number: \
             write `0x` and 1 to 8 hexadecimal digits"
        );
        assert_eq!(Mini::new().edit("tags", "0x420053", bad).error(), message);
    }
}

#[test]
fn versions_exist_and_ranges_do_not_run_backwards() {
    let unknown = Mini::new().edit("values", "URI\t1.0", "URI\t1.5");
    let message = "values.tsv:3: column `since`: \
                   `1.5` is no KMIP version: 1.0 to 1.4, 2.0 and 2.1 are known";
    assert_eq!(unknown.error(), message);
    let missing = Mini::new().edit("values", "URI\t1.0", "URI\t");
    assert!(
        missing
            .error()
            .starts_with("values.tsv:3: column `since`: `` is no KMIP version")
    );
    let backwards = Mini::new().edit("values", "Verify\t1.0\t1.4", "Verify\t2.0\t1.4");
    let message = "values.tsv:7: column `until`: \
                   the range ends with 1.4, before its start 2.0";
    assert_eq!(backwards.error(), message);
    let in_a_list = Mini::new().edit("values", "1.0-1.4 Plain", "1.4-1.0 Plain");
    let message = "values.tsv:2: column `spellings`: \
                   the range ends with 1.0, before its start 1.4";
    assert_eq!(in_a_list.error(), message);
    let no_range = Mini::new().edit("values", "1.0-1.4 Plain Text", "1.0-1.4");
    assert!(
        no_range
            .error()
            .contains("`1.0-1.4` lacks its version range")
    );
}

#[test]
fn a_cell_holds_only_the_words_of_its_column() {
    for (table, from, to, message) in [
        (
            "enumerations",
            "\tmask\t",
            "\tbits\t",
            "enumerations.tsv:4: column `kind`: `bits` is not allowed here: write `enum` or `mask`",
        ),
        (
            "tags",
            "\tyes\t",
            "\tno\t",
            "tags.tsv:8: column `secret`: `no` is not allowed here: write `yes` or nothing",
        ),
        (
            "structures",
            "1.0\t\tyes",
            "1.0\t\tmaybe",
            "structures.tsv:3: column `required`: `maybe` is not allowed here: \
             write `yes`, `no`, `conditional` or `unspecified`",
        ),
        (
            "structures",
            "missing",
            "anything",
            "structures.tsv:5: column `tolerate`: `anything` is not allowed here: \
             write `missing` or nothing",
        ),
        (
            "tags",
            "Text String|Integer",
            "Text String|String",
            "tags.tsv:7: column `types`: `String` is not allowed here: \
             write an item type such as `Text String`",
        ),
        (
            "operations",
            "server to client",
            "server",
            "operations.tsv:4: column `direction`: `server` is not allowed here: \
             write `client to server` or `server to client`",
        ),
        (
            "attributes",
            "conditional: while unused",
            "conditional",
            "attributes.tsv:3: column `modifiable_by_server`: `conditional` is not allowed here: \
             write `yes`, `no`, `no: WHY`, `conditional: WHEN` or nothing",
        ),
        (
            "attributes",
            "Client|Server",
            "Client|Anybody",
            "attributes.tsv:3: column `initially_set_by`: `Anybody` is not allowed here: \
             write `Client`, `Server` or both",
        ),
        (
            "tags",
            "\tName Value\t",
            "\t\t",
            "tags.tsv:5: column `name`: the cell must not be empty",
        ),
        (
            "tags",
            "\tInteger\t",
            "\t\t",
            "tags.tsv:2: column `types`: the cell must not be empty",
        ),
    ] {
        assert_eq!(Mini::new().edit(table, from, to).error(), message);
    }
}

#[test]
fn a_row_belongs_to_something_defined_before() {
    for (table, from, to, message) in [
        (
            "values",
            "Operation\t0x00000001",
            "Operations\t0x00000001",
            "values.tsv:4: column `enumeration`: `Operations` is not defined before this row",
        ),
        (
            "structures",
            "Attributes\tAny",
            "Name\tAny",
            "structures.tsv:7: column `structure`: `Name` is not defined before this row",
        ),
        (
            "payloads",
            "Ping\tclient to server",
            "Ping\tserver to client\trequest\t\t\tStructure\t\t2.1\t\t\t\t\t\t\t\t\nPong\tclient to server",
            "payloads.tsv:9: column `operation`: `Pong` is not defined before this row",
        ),
        (
            "payloads",
            "response\t\t\tStructure",
            "response\tName\t\tStructure",
            "payloads.tsv:7: column `message`: `response` is not defined before this row",
        ),
        (
            "enumerations",
            "Operation\tenum",
            "Name Type\tenum",
            "enumerations.tsv:3: column `name`: `Name Type` is defined already",
        ),
        (
            "structures",
            "Attributes\t\t",
            "Name\t\t",
            "structures.tsv:6: column `structure`: `Name` is defined already",
        ),
        (
            "operations",
            "server to client",
            "client to server",
            "operations.tsv:4: column `direction`: `Ping` is defined already",
        ),
    ] {
        assert_eq!(Mini::new().edit(table, from, to).error(), message);
    }
}

/// The built-in tables name every file; a swap of two texts is noticed at the header.
#[test]
fn texts_of_two_tables_cannot_be_mixed_up() {
    let tags = kmip_spec::Tables::KMIP.tags;
    let error = Spec::parse(&kmip_spec::Tables {
        types: tags,
        ..kmip_spec::Tables::KMIP
    });
    assert_eq!(error.unwrap_err().file, "types.tsv");
}
