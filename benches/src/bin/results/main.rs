//! Writes what the benchmarks measured as pages and a chart: `results CRITERION [COMPILE-TIME]`, or
//! only the page of round trips: `results --round-trips CRITERION`.
//!
//! CRITERION is the directory with criterion's data of one run, COMPILE-TIME a file with lines
//! `profile seconds`. `make bench` runs the benchmarks and this program.

mod allocated;
mod chart;
mod goals;
mod machine;
mod measured;
mod missed_goals;
mod page;
mod round_trips;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kmip_benches::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (criterion, compile_time) = match arguments.as_slice() {
        [option, criterion] if option.as_os_str() == "--round-trips" => {
            return write_round_trips(criterion);
        }
        [criterion] => (criterion, Vec::new()),
        [criterion, file] => (criterion, compile_time(file)?),
        _ => bail!("usage: results CRITERION-DIRECTORY [COMPILE-TIME-FILE]"),
    };
    let results = measured::Results::read(criterion)?;
    let page = page::page(&results, &compile_time, &machine::Machine::this());
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    write_round_trips(criterion)?;
    write(&directory.join("RESULTS.md"), &page)?;
    write(&directory.join("results.svg"), &chart::chart(&results))
}

fn write_round_trips(criterion: &Path) -> Result<()> {
    let Some(round_trips) = round_trips::RoundTrips::read(criterion)? else {
        println!("skipped: round trips were not measured");
        return Ok(());
    };
    let page = round_trips.page(&machine::Machine::this());
    write(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("ROUND_TRIPS.md"),
        &page,
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

/// CPU seconds to compile the library, by profile.
fn compile_time(path: &Path) -> Result<Vec<(String, f64)>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .map(|line| {
            let (profile, seconds) = line.split_once(' ').context("a line without a blank")?;
            Ok((profile.to_owned(), seconds.trim().parse()?))
        })
        .collect::<Result<_>>()
        .with_context(|| format!("in {}", path.display()))
}
