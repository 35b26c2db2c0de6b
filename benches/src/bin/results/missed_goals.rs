//! Why goals are out of reach, from profiles.

use crate::goals::Goal;

/// Lines `goals<TAB>reason`. The goals are those whose names contain one of some texts, which
/// stand between semicolons.
const LIST: &str = include_str!("../../../missed-goals.tsv");

/// Names of missed goals, with the reason. Goals of one reason stand together.
pub(crate) fn explained(missed: &[Goal]) -> Vec<(Vec<String>, &'static str)> {
    let mut explained = Vec::new();
    let mut rest: Vec<&Goal> = missed.iter().collect();
    for (texts, reason) in LIST.lines().filter_map(|line| line.split_once('\t')) {
        let named = |goal: &&Goal| texts.split(';').any(|text| goal.what.contains(text.trim()));
        let (these, others): (Vec<&Goal>, Vec<&Goal>) = rest.into_iter().partition(named);
        rest = others;
        if !these.is_empty() {
            explained.push((names(&these), reason));
        }
    }
    if !rest.is_empty() {
        let reason = "not looked into yet; profile with the example `decode`.";
        explained.push((names(&rest), reason));
    }
    explained
}

fn names(goals: &[&Goal]) -> Vec<String> {
    goals.iter().map(|goal| goal.what.clone()).collect()
}
