//! `kmip conformance run`: test cases played against a server.

mod bindings;
mod case;
mod compare;
mod facts;
mod finding;
mod html;
mod node;
mod options;
mod outcome;
mod player;
mod setups;
mod target;
mod variations;

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use kmip::ProtocolVersion;

use crate::arguments::Color;
use crate::failure::Failure;
use crate::paint::Paint;
use case::CaseFile;
use facts::Facts;
pub(crate) use options::RunOptions;
use outcome::{CaseResult, Played};
use player::Player;
use setups::Setups;
use target::{Embedded, Live, Target};

use super::report::Count;
use super::skips::Skips;
use super::{files, junit};

/// What keeps cases from being played at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlayError {
    /// The address of the server is wrong.
    #[error("{0}")]
    Address(#[from] kmip::transport::AddressError),
    /// Certificates or keys are wrong.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] kmip::transport::tls::Error),
    /// JSON and XML have no frame of their own.
    #[error("messages in JSON and XML need HTTPS: give --https")]
    NeedsHttps,
}

/// Plays the cases and prints what comes out.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Failure> {
    let cases = load(options)?;
    let mut stage = Stage {
        all: &cases,
        setups: Setups::load(),
        skips: Skips::load(include_str!("../../../data/conformance-skips.tsv")),
        live: match options.embedded {
            true => None,
            false => Some(Live::new(&options.live, options.encoding.into())?),
        },
        server_made: HashSet::new(),
        options,
    };
    let paint = Paint::new(Color::Auto);
    let mut output = io::stdout().lock();
    let mut results = Vec::new();
    for case in cases.iter().filter(|case| is_wanted(case, options)) {
        let result = stage.play(case);
        if !options.json {
            outcome::print_case(&result, options.verbose, paint, &mut output)?;
        }
        results.push(result);
    }
    let sections = outcome::sections(&results);
    if let Some(path) = &options.junit {
        let mut text = Vec::new();
        junit::write("kmip conformance run", &sections, &mut text);
        fs::write(path, text).map_err(Failure::writing(path))?;
    }
    if let Some(path) = &options.html {
        let page = html::page(&results, options.verbose);
        fs::write(path, page).map_err(Failure::writing(path))?;
    }
    let count = Count::of(sections.iter().flat_map(|(_, checks)| checks));
    if options.json {
        serde_json::to_writer_pretty(&mut output, &outcome::to_json(&results))
            .map_err(io::Error::from)?;
        writeln!(output)?;
        eprintln!("{count}");
    } else {
        outcome::print_table(&results, &mut output)?;
        writeln!(output, "{count}")?;
    }
    output.flush()?;
    Ok(match count.failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn load(options: &RunOptions) -> Result<Vec<CaseFile>, Failure> {
    let files = files::find(&options.directory, "xml")?;
    let read = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).map_err(Failure::reading(path))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(CaseFile::new(path, text))
    };
    files.iter().map(read).collect()
}

fn is_wanted(case: &CaseFile, options: &RunOptions) -> bool {
    let named = |text: &String| case.name.contains(text.as_str());
    let of = |version: &ProtocolVersion| case.version() == Some(*version);
    (options.filter.is_empty() || options.filter.iter().any(named))
        && (options.version.is_empty() || options.version.iter().any(of))
}

/// Everything that it takes to play a case.
struct Stage<'s> {
    all: &'s [CaseFile],
    setups: Setups,
    skips: Skips,
    /// The server, unless each case has its own.
    live: Option<Live>,
    /// The objects that this server made.
    server_made: HashSet<String>,
    options: &'s RunOptions,
}

impl Stage<'_> {
    fn play(&mut self, case: &CaseFile) -> CaseResult {
        let version = case.version();
        let by_version = version.and_then(|version| self.skips.version(version));
        let reason = by_version.or_else(|| self.skips.case(&case.name));
        let result = match (reason, &mut self.live) {
            (Some(reason), _) => Played::Skipped(reason.to_owned()),
            (None, Some(live)) => play_on(live, case, self.options, &mut self.server_made),
            (None, None) => self.play_embedded(case),
        };
        CaseResult {
            name: case.name.clone(),
            group: case.group.clone(),
            version,
            result,
        }
    }

    fn play_embedded(&self, case: &CaseFile) -> Played {
        let setups = &self.setups;
        let facts = Facts::of(&case.text);
        let user = facts.only_user();
        let user = user.as_ref();
        let user = user.map(|(name, password)| (name.as_str(), password.as_str()));
        let mut server = Embedded::new(|configuration| {
            setups.configure(&case.name, configuration);
            facts.configure(configuration);
        });
        let mut made = HashSet::new();
        for name in setups.before(&case.name) {
            let before = self.all.iter().find(|other| other.name == name);
            let Some(before) = before else {
                return Played::Unplayable(format!("it needs the case {name}, which is missing"));
            };
            play_as(user, &mut server, before, self.options, &mut made);
        }
        play_on(&mut server, case, self.options, &mut made)
    }
}

fn play_on(
    target: &mut impl Target,
    case: &CaseFile,
    options: &RunOptions,
    server_made: &mut HashSet<String>,
) -> Played {
    play_as(None, target, case, options, server_made)
}

/// Plays a case, logged in if there is a name and a password: an Authentication may be added to any
/// request.
fn play_as(
    login: Option<(&str, &str)>,
    target: &mut impl Target,
    case: &CaseFile,
    options: &RunOptions,
    server_made: &mut HashSet<String>,
) -> Played {
    let mut player = Player::new(target, options.encoding.into(), server_made);
    if let Some((name, password)) = login {
        player.log_in(name, password);
    }
    match player.play(case) {
        Ok(steps) => Played::Steps(steps),
        Err(fault) => Played::Unplayable(fault),
    }
}
