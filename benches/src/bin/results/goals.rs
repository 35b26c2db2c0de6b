//! What the codecs are to reach. Goals that are missed stay here.

use kmip::Encoding;

use crate::measured::{Codec, Measured, Peer, Results, Work};

/// A goal and what was measured.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) limit: f64,
    pub(crate) measured: f64,
    /// Whether the limit is the least, not the most.
    pub(crate) at_least: bool,
}

impl Goal {
    /// Whether it is reached.
    pub(crate) fn reached(&self) -> bool {
        if self.at_least {
            self.measured >= self.limit
        } else {
            self.measured <= self.limit
        }
    }

    fn at_most(limit: f64, what: String, measured: f64) -> Self {
        Goal {
            what,
            limit,
            measured,
            at_least: false,
        }
    }
}

/// Decoding TTLV, in multiples of the walk.
const DECODE_TTLV: [(char, f64); 7] = [
    ('a', 4.0),
    ('b', 4.0),
    ('c', 4.0),
    ('d', 3.0),
    ('e', 4.0),
    ('g', 4.0),
    ('h', 7.0),
];

/// Decoding a large payload compared with a small one; the rest is noise.
const INDEPENDENT: f64 = 1.1;

/// Encoding TTLV compared with decoding.
const ENCODE_TTLV: f64 = 0.5;

/// JSON and XML, in multiples of the walk, for the messages without large or many values.
const TEXT_MESSAGES: [char; 3] = ['a', 'b', 'h'];
const DECODE_TEXT: f64 = 65.0;
const ENCODE_TEXT: f64 = 9.0;

/// How much faster than `kmip-protocol`.
const DECODE_PEER: f64 = 25.0;
const ENCODE_PEER: f64 = 10.0;

/// All goals.
pub(crate) fn goals(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (letter, limit) in DECODE_TTLV {
        if let Some(codec) = codec(results, letter, Encoding::Ttlv) {
            let what = format!("{letter}: TTLV decode / walk");
            goals.push(Goal::at_most(limit, what, codec.ratios.decode));
        }
    }
    goals.extend(results.messages.iter().filter_map(independent));
    for message in &results.messages {
        if let Some(codec) = message.codec(Encoding::Ttlv) {
            let what = format!("{}: TTLV encode / decode", message.letter);
            goals.push(Goal::at_most(
                ENCODE_TTLV,
                what,
                codec.ratios.encode / codec.ratios.decode,
            ));
        }
    }
    for letter in TEXT_MESSAGES {
        for encoding in [Encoding::Json, Encoding::Xml] {
            if let Some(codec) = codec(results, letter, encoding) {
                let name = crate::page::title(encoding);
                let (decode, encode) = (codec.ratios.decode, codec.ratios.encode);
                let what = format!("{letter}: {name} decode / walk");
                goals.push(Goal::at_most(DECODE_TEXT, what, decode));
                let what = format!("{letter}: {name} encode / walk");
                goals.push(Goal::at_most(ENCODE_TEXT, what, encode));
            }
        }
    }
    goals.extend(results.peers.iter().map(faster));
    goals
}

fn codec(results: &Results, letter: char, encoding: Encoding) -> Option<&Codec> {
    results.message(letter)?.codec(encoding)
}

/// What is borrowed is not touched.
fn independent(message: &Measured) -> Option<Goal> {
    let small = message.decode_small?;
    let decode = message.codec(Encoding::Ttlv)?.ratios.decode;
    let what = format!(
        "{}: TTLV decode / the same with a payload of 16 bytes",
        message.letter
    );
    Some(Goal::at_most(INDEPENDENT, what, decode / small))
}

fn faster(peer: &Peer) -> Goal {
    let (work, limit) = match peer.work {
        Work::Decode => ("decode", DECODE_PEER),
        Work::Encode => ("encode", ENCODE_PEER),
    };
    Goal {
        what: format!("{}: TTLV {work} of kmip-protocol / of kmip", peer.letter),
        limit,
        measured: peer.ratio,
        at_least: true,
    }
}
