//! The given cases as they would be in the versions in which they are not given, played against the
//! embedded server: what it does in one version, it does in the others.

#[path = "../common/mod.rs"]
mod common;
mod transpose;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::kmip;
use kmip::ProtocolVersion;
use serde_json::Value;
use test_support::{is_emulated, reference};
use transpose::transposed;

/// What cases cannot be like in other versions: part of a name, versions from and to, part of the
/// difference, and why that is right.
const DIFFERENCES: &str = include_str!("../data/transposed-differences.tsv");

/// The cases without the versions in their names, and where they are for which version.
type Cases = BTreeMap<String, BTreeMap<ProtocolVersion, PathBuf>>;

/// A case of another version.
struct Transposed {
    name: String,
    from: ProtocolVersion,
    to: ProtocolVersion,
}

#[test]
fn cases_pass_in_the_versions_in_which_they_are_not_given() {
    let Some(given) = reference("conformance/xml") else {
        return;
    };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transposed");
    let _ = fs::remove_dir_all(&directory);
    let mut given = find(&given);
    if is_emulated() {
        // An emulator is too slow for all of them.
        given.retain(|base, _| base.starts_with("SKLC"));
    }
    let cases = write_all(&given, &directory);
    assert!(cases.len() >= given.len() / 2, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for encoding in ["ttlv", "json", "xml"] {
        let results = play(&directory, &cases, encoding);
        for case in &cases {
            let Some(result) = results.get(&case.name) else {
                panic!("{} was not played in {encoding}", case.name);
            };
            let found = judge(case, result, &mut used);
            wrong.extend(
                found
                    .into_iter()
                    .map(|found| format!("{encoding}: {found}")),
            );
        }
    }
    let rows = DIFFERENCES.lines().enumerate().skip(1);
    let idle = rows.filter(|(number, _)| !used.contains(number));
    wrong.extend(idle.map(|(_, row)| format!("no case differs so any more: {row}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The given cases.
fn find(directory: &Path) -> Cases {
    let mut cases = Cases::new();
    for version in ProtocolVersion::ALL {
        for group in ["mandatory", "optional", "testcases"] {
            let path = directory.join(version.to_string()).join(group);
            let files = fs::read_dir(&path).expect("a directory");
            for file in files {
                let path = file.expect("a file").path();
                let name = path.file_stem().expect("a name").to_string_lossy();
                let suffix = format!("-{}{}", version.major, version.minor);
                let base = name.strip_suffix(&suffix).expect("a version in the name");
                let versions = cases.entry(base.to_owned()).or_default();
                versions.insert(version, path.clone());
            }
        }
    }
    cases
}

/// Writes the cases of all versions that are not given, and beside them those that are given. What a
/// version cannot express is left out.
fn write_all(given: &Cases, directory: &Path) -> Vec<Transposed> {
    let mut written = Vec::new();
    for (base, versions) in given {
        for path in versions.values() {
            let group = path.parent().and_then(Path::file_name).expect("a group");
            let place = directory.join("given").join(group);
            fs::create_dir_all(&place).expect("a directory");
            fs::copy(path, place.join(path.file_name().expect("a name"))).expect("a copy");
        }
        for to in ProtocolVersion::ALL {
            let Some((from, path)) = nearest(versions, to) else {
                continue;
            };
            let text = fs::read_to_string(path).expect("a case");
            let text = match transposed(&text, from, to) {
                Ok(text) => text,
                Err(why) => {
                    println!("{base} from {from} is nothing for {to}: {why}");
                    continue;
                }
            };
            let group = path.parent().and_then(Path::file_name).expect("a group");
            let place = directory.join(to.to_string()).join(group);
            fs::create_dir_all(&place).expect("a directory");
            let name = format!("{base}-{}{}", to.major, to.minor);
            fs::write(place.join(format!("{name}.xml")), text).expect("a case");
            written.push(Transposed { name, from, to });
        }
    }
    written
}

/// The nearest version in which a case is given, if it is not given in this one.
fn nearest(
    versions: &BTreeMap<ProtocolVersion, PathBuf>,
    to: ProtocolVersion,
) -> Option<(ProtocolVersion, &Path)> {
    let place = |version: &ProtocolVersion| {
        let mut all = ProtocolVersion::ALL.iter();
        all.position(|known| known == version).unwrap_or_default()
    };
    if versions.contains_key(&to) {
        return None;
    }
    let nearest = versions
        .iter()
        .min_by_key(|(version, _)| place(version).abs_diff(place(&to)))?;
    Some((*nearest.0, nearest.1))
}

/// The results of the cases in an encoding, by name.
fn play(directory: &Path, cases: &[Transposed], encoding: &str) -> BTreeMap<String, Value> {
    let mut command = kmip();
    command.args(["conformance", "run"]).arg(directory);
    command.args(["--embedded", "--json", "--encoding", encoding]);
    for case in cases {
        command.args(["--case", &case.name]);
    }
    let output = command.output().expect("the program");
    let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = results["cases"].as_array().expect("cases").clone();
    let name = |result: &Value| result["name"].as_str().expect("a name").to_owned();
    results
        .into_iter()
        .map(|result| (name(&result), result))
        .collect()
}

/// What is wrong with a result, and takes note of the rows that explain differences.
fn judge(case: &Transposed, result: &Value, used: &mut BTreeSet<usize>) -> Vec<String> {
    let mut wrong = Vec::new();
    let Transposed { name, from, to } = case;
    let mut note = |difference: &str| match explained(case, difference) {
        Some(row) => {
            used.insert(row);
        }
        None => wrong.push(format!("{name} from {from} to {to}: {difference}")),
    };
    // As the case that it comes from.
    if result["outcome"] == "skipped" {
        return wrong;
    }
    if result["steps"].as_array().is_none_or(Vec::is_empty) {
        note(result["reason"].as_str().unwrap_or_default());
    }
    for step in result["steps"].as_array().into_iter().flatten() {
        for found in step["differences"].as_array().into_iter().flatten() {
            let part = |name: &str| found[name].as_str().unwrap_or_default();
            let difference = format!(
                "line {}, {}: {} at {}: {}, got {}",
                step["line"],
                step["operations"].as_str().unwrap_or_default(),
                part("kind"),
                part("path"),
                part("expected"),
                part("actual")
            );
            note(&difference);
        }
    }
    wrong
}

/// The number of the row that says why a difference is right.
fn explained(case: &Transposed, difference: &str) -> Option<usize> {
    let rows = DIFFERENCES.lines().enumerate().skip(1);
    let mut rows = rows.filter(|(_, row)| {
        let columns: Vec<&str> = row.split('\t').collect();
        let [name, from, to, part, why] = columns[..] else {
            panic!("a row without five columns: {row}");
        };
        assert!(!why.is_empty(), "{row}");
        let is = |pattern: &str, version: ProtocolVersion| {
            pattern == "*" || pattern.split(',').any(|one| one == version.to_string())
        };
        (name == "*" || case.name.contains(name))
            && is(from, case.from)
            && is(to, case.to)
            && difference.contains(part)
    });
    rows.next().map(|(number, _)| number)
}
