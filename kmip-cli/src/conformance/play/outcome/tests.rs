use super::*;
use crate::arguments::Color;
use crate::conformance::play::finding::{Finding, Kind};

fn step(line: usize, verdict: Verdict) -> StepResult {
    StepResult {
        line,
        operations: "Get".to_owned(),
        verdict,
        sent: String::new(),
        received: String::new(),
    }
}

/// A case of a step that went well and one with three findings.
fn failed() -> CaseResult {
    let findings = vec![
        Finding::new(Kind::WrongValue, "Response/State", "Active", "Pre-Active"),
        Finding::new(Kind::MissingField, "Response/Name", "a key", ""),
        Finding::new(Kind::ExtraField, "Response/Link", "", "another"),
    ];
    CaseResult {
        name: "TC-1-14".to_owned(),
        group: "mandatory".to_owned(),
        version: Some(ProtocolVersion::V1_4),
        result: Played::Steps(vec![
            step(3, Verdict::Equal),
            step(9, Verdict::Different(findings)),
        ]),
    }
}

fn printed(verbose: bool, color: Color) -> String {
    let mut output = Vec::new();
    print_case(&failed(), verbose, Paint::new(color), &mut output).unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn without_colours_differences_are_plain_lines() {
    let all = "FAILED 1.4 TC TC-1-14: line 9, Get: wrong value at Response/State: expected Active, got \
               Pre-Active (and 2 more)\n  line 3, Get: equal\n  line 9, Get: different\n    wrong value \
               Response/State\n      - Active\n      + Pre-Active\n    missing field Response/Name\n      - a \
               key\n    extra field Response/Link\n      + another\n";
    assert_eq!(printed(true, Color::Never), all);
    // Else the first one.
    let first = "FAILED 1.4 TC TC-1-14: line 9, Get: wrong value at Response/State: expected Active, got \
                 Pre-Active (and 2 more)\n    wrong value Response/State\n      - Active\n      + Pre-Active\n";
    assert_eq!(printed(false, Color::Never), first);
}

#[test]
fn with_colours_each_side_of_a_difference_has_its_own() {
    for verbose in [false, true] {
        let coloured = printed(verbose, Color::Always);
        for line in [
            "\x1B[31mFAILED\x1B[0m 1.4 TC TC-1-14: ",
            "\n    wrong value \x1B[1mResponse/State\x1B[0m\n",
            "\n      \x1B[36m- Active\x1B[0m\n",
            "\n      \x1B[31m+ Pre-Active\x1B[0m\n",
        ] {
            assert!(coloured.contains(line), "{line:?} of {coloured:?}");
        }
        // The colours are all that differs.
        let plain = ["\x1B[31m", "\x1B[36m", "\x1B[1m", "\x1B[0m"]
            .iter()
            .fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(plain, printed(verbose, Color::Never));
    }
}
