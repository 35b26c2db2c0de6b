//! What criterion measured.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kmip::Encoding;
use kmip_benches::{Sample, name_of, samples};
use serde_json::Value;

use crate::allocated::Allocations;

/// The whole run.
pub(crate) struct Results {
    pub(crate) messages: Vec<Measured>,
    /// JSON of message a as others write it: name, and decoding as a multiple of the walk.
    pub(crate) json_variants: Vec<(&'static str, f64)>,
    /// Empty if the benchmarks ran without the peers.
    pub(crate) peers: Vec<Peer>,
}

/// A message in all encodings.
pub(crate) struct Measured {
    pub(crate) letter: char,
    pub(crate) title: &'static str,
    pub(crate) bytes: usize,
    pub(crate) codecs: Vec<Codec>,
    /// Decoding the same message with a small payload from TTLV, as a multiple of the walk.
    pub(crate) decode_small: Option<f64>,
    /// Copying the bytes of a message with a large payload, as a multiple of the walk.
    pub(crate) copy: Option<f64>,
}

/// A message in an encoding.
pub(crate) struct Codec {
    pub(crate) encoding: Encoding,
    /// Medians in nanoseconds.
    pub(crate) times: Times,
    /// Medians of multiples of the walk, with which each was measured by turns.
    pub(crate) ratios: Times,
    pub(crate) allocations: Allocations,
}

/// What the work on a message takes.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// The walk over the message in TTLV.
    pub(crate) walk: f64,
    pub(crate) decode: f64,
    pub(crate) into_owned: f64,
    pub(crate) encode: f64,
}

/// The same work by this library and by another one.
pub(crate) struct Peer {
    pub(crate) letter: char,
    pub(crate) work: Work,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// How often theirs takes the time of ours, both measured by turns.
    pub(crate) ratio: f64,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Decode,
    Encode,
}

impl Results {
    /// Reads criterion's directory.
    pub(crate) fn read(criterion: &Path) -> Result<Self> {
        let samples = samples();
        let messages = samples
            .iter()
            .map(|sample| Measured::read(criterion, sample));
        let variant = |name| {
            let times = median(criterion, "a-json-variants", name)?;
            Ok((name, times))
        };
        let with_peers = criterion.join("a-peers").exists();
        let peers = [
            ('b', Work::Decode),
            ('d', Work::Decode),
            ('a', Work::Encode),
        ];
        let peers = peers.into_iter().filter(|_| with_peers);
        Ok(Results {
            messages: messages.collect::<Result<_>>()?,
            json_variants: ["canonical", "indented", "value_first"]
                .into_iter()
                .map(variant)
                .collect::<Result<_>>()?,
            peers: peers
                .map(|(letter, work)| Peer::read(criterion, letter, work))
                .collect::<Result<_>>()?,
        })
    }

    /// The message with this letter.
    pub(crate) fn message(&self, letter: char) -> Option<&Measured> {
        self.messages
            .iter()
            .find(|message| message.letter == letter)
    }
}

impl Measured {
    fn read(criterion: &Path, sample: &Sample) -> Result<Self> {
        let codecs = Encoding::ALL.map(|encoding| Codec::read(criterion, sample, encoding));
        let group = format!("{}-ttlv-ratio", sample.letter);
        let of_large = |name| {
            let measured = sample
                .small
                .as_ref()
                .map(|_| median(criterion, &group, name));
            measured.transpose()
        };
        Ok(Measured {
            letter: sample.letter,
            title: sample.title,
            bytes: sample.ttlv.len(),
            codecs: codecs.into_iter().collect::<Result<_>>()?,
            decode_small: of_large("decode_small")?,
            copy: of_large("copy")?,
        })
    }

    /// The message in an encoding.
    pub(crate) fn codec(&self, encoding: Encoding) -> Option<&Codec> {
        self.codecs.iter().find(|codec| codec.encoding == encoding)
    }
}

impl Codec {
    fn read(criterion: &Path, sample: &Sample, encoding: Encoding) -> Result<Self> {
        let group = format!("{}-{}", sample.letter, name_of(encoding));
        Ok(Codec {
            encoding,
            times: Times::read(criterion, &group)?,
            ratios: Times::read(criterion, &format!("{group}-ratio"))?,
            allocations: Allocations::count(sample, encoding)?,
        })
    }
}

impl Times {
    fn read(criterion: &Path, group: &str) -> Result<Self> {
        let median = |name| median(criterion, group, name);
        Ok(Times {
            walk: median("walk")?,
            decode: median("decode")?,
            into_owned: median("into_owned")?,
            encode: median("encode")?,
        })
    }
}

impl Peer {
    fn read(criterion: &Path, letter: char, work: Work) -> Result<Self> {
        let group = format!("{letter}-peers");
        Ok(Peer {
            letter,
            work,
            ours: median(criterion, &group, "kmip")?,
            theirs: median(criterion, &group, "kmip-protocol")?,
            ratio: median(criterion, &format!("{group}-ratio"), "kmip-protocol")?,
        })
    }
}

/// The median of a benchmark: nanoseconds or a ratio.
pub(crate) fn median(criterion: &Path, group: &str, name: &str) -> Result<f64> {
    let path = criterion.join(group).join(name).join("new/estimates.json");
    let read = || -> Result<f64> {
        let estimates: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let median = &estimates["median"]["point_estimate"];
        median.as_f64().context("it has no median")
    };
    read().with_context(|| format!("cannot read {}: run `make bench`", path.display()))
}
