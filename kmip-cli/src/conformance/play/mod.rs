//! `kmip conformance run` and `kmip conformance serve`: test cases played against a server, and to a
//! client.

mod bindings;
mod case;
mod compare;
mod contradictions;
mod facts;
mod finding;
mod host;
mod html;
mod inbox;
mod node;
mod objects;
mod options;
mod outcome;
mod player;
mod reporting;
mod requests;
mod setups;
mod target;
mod variations;

use std::collections::HashSet;
use std::process::ExitCode;

use kmip::ProtocolVersion;

use crate::failure::Failure;
use case::CaseFile;
use contradictions::Contradictions;
use facts::Facts;
pub(crate) use host::serve;
pub(crate) use options::{CaseOptions, HostOptions, RunOptions};
use outcome::{CaseResult, Played};
use player::Player;
use reporting::Report;
use setups::Setups;
use target::{Embedded, Live, Target};

use super::skips::Skips;
use super::{files, junit};

/// The cases that are not played.
const SKIPS: &str = include_str!("../../../data/conformance-skips.tsv");

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
    /// Nobody can connect.
    #[error("{0}: cannot listen: {1}")]
    Listen(String, std::io::Error),
    /// The options name no certificate.
    #[error("give --cert, --key and --ca, or --dev-certs")]
    NoCertificates,
    /// There is nothing to play.
    #[error("no case has such a name or version")]
    NoCases,
}

/// Plays the cases and prints what comes out.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Failure> {
    let cases = load(&options.cases)?;
    let mut stage = Stage {
        all: &cases,
        setups: Setups::load(),
        skips: Skips::load(SKIPS),
        contradictions: Contradictions::load(),
        live: match options.embedded {
            true => None,
            false => Some(Live::new(&options.live, options.encoding.into())?),
        },
        server_made: HashSet::new(),
        options,
    };
    let mut report = Report::new("kmip conformance run", &options.report);
    for case in cases.iter().filter(|case| is_wanted(case, &options.cases)) {
        report.add(stage.play(case))?;
    }
    report.finish()
}

fn load(options: &CaseOptions) -> Result<Vec<CaseFile>, Failure> {
    let files = files::find(&options.directory, "xml")?;
    files.iter().map(|path| CaseFile::read(path)).collect()
}

fn is_wanted(case: &CaseFile, options: &CaseOptions) -> bool {
    let has = |text: &String| case.name.contains(text.as_str());
    let of = |version: &ProtocolVersion| case.version() == Some(*version);
    (options.case.is_empty() || options.case.contains(&case.name))
        && (options.filter.is_empty() || options.filter.iter().any(has))
        && (options.version.is_empty() || options.version.iter().any(of))
}

/// Everything that it takes to play a case.
struct Stage<'s> {
    all: &'s [CaseFile],
    setups: Setups,
    skips: Skips,
    contradictions: Contradictions,
    /// The server, unless each case has its own.
    live: Option<Live>,
    /// The objects that this server made.
    server_made: HashSet<String>,
    options: &'s RunOptions,
}

impl Stage<'_> {
    fn play(&mut self, case: &CaseFile) -> CaseResult {
        let version = case.version();
        let reason = version.and_then(|version| self.skips.version(version));
        let result = match (reason, &mut self.live) {
            (Some(reason), _) => Played::Skipped(reason.to_owned()),
            (None, Some(live)) => play_on(live, case, self.options, &mut self.server_made),
            (None, None) => self.play_embedded(case),
        };
        CaseResult {
            name: case.name.clone(),
            group: case.group.clone(),
            version,
            result: self.contradictions.judge(&case.name, result),
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
            let known = self.all.iter().find(|other| other.name == name);
            let near = known.is_none().then(|| case.near(&name)).flatten();
            let Some(before) = known.or(near.as_ref()) else {
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
