//! The code that a small set of tables becomes, reviewed as text.
//!
//! `UPDATE_GOLDEN=1 cargo test -p codegen --test golden` writes the files anew.

use std::path::Path;

use kmip_spec::{Spec, Tables};

const TABLES: Tables<'static> = Tables {
    types: include_str!("../../kmip-spec/tests/mini/types.tsv"),
    tags: include_str!("../../kmip-spec/tests/mini/tags.tsv"),
    reserved_tags: include_str!("../../kmip-spec/tests/mini/reserved-tags.tsv"),
    enumerations: include_str!("../../kmip-spec/tests/mini/enumerations.tsv"),
    values: include_str!("../../kmip-spec/tests/mini/values.tsv"),
    structures: include_str!("../../kmip-spec/tests/mini/structures.tsv"),
    operations: include_str!("../../kmip-spec/tests/mini/operations.tsv"),
    payloads: include_str!("../../kmip-spec/tests/mini/payloads.tsv"),
    attributes: include_str!("../../kmip-spec/tests/mini/attributes.tsv"),
};

#[test]
fn the_code_of_a_small_set_of_tables_is_as_reviewed() {
    let spec = Spec::parse(&TABLES).expect("the tables can be read");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut changed = Vec::new();
    for file in codegen::generate(&spec).expect("the tables have shapes") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(file.name);
        let code = codegen::formatted(&file.tokens);
        if update {
            std::fs::write(&path, &code).expect("the file can be written");
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        if code != reviewed {
            let lines = code.lines().zip(reviewed.lines());
            let line = lines.take_while(|(new, old)| new == old).count() + 1;
            changed.push(format!("{} from line {line} on", file.name));
        }
    }
    assert!(
        changed.is_empty(),
        "the generator makes other code: {}; if that is right, run again with UPDATE_GOLDEN=1 \
         and review the difference",
        changed.join(", ")
    );
}

#[test]
fn an_item_is_printed_beside_its_rows() {
    let spec = Spec::load().expect("the tables can be read");
    let print = |name: &str| {
        codegen::print(&spec, name)
            .expect("a shape")
            .expect("an item")
    };
    let create = print("create");
    assert!(create.contains("//   Template-Attribute  Structure  1.0-1.4  required: Yes"));
    assert!(create.contains("pub struct CreateRequest<'a> {"));
    assert!(create.contains("pub attributes: Attributes<'a>"));
    let state = print("State");
    assert!(state.contains("//   0x00000002  Active"));
    assert!(state.contains("pub const ACTIVE: Self = Self(0x000002);"));
    assert!(
        codegen::print(&spec, "No Such Thing")
            .expect("no fault")
            .is_none()
    );
}

#[test]
fn all_generated_code_is_valid_rust() {
    let spec = Spec::load().expect("the tables can be read");
    for file in codegen::generate(&spec).expect("the tables have shapes") {
        syn::parse2::<syn::File>(file.tokens).expect(file.name);
    }
}
