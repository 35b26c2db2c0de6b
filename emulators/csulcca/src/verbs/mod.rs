//! What the verbs do. Each function takes the parameters after the first four, in their order,
//! and changes those that are results.

mod aes;
mod pairs;
mod resources;
mod signature;

use crate::Parameter;
use crate::adapter::Adapter;
use crate::codes::{
    Code, KEYWORD, KEYWORD_COMBINATION, NOT_IMPLEMENTED, NULL_POINTER, RESERVED, RULE_COUNT, SIZE,
    TOO_SMALL,
};

type Result = std::result::Result<Code, Code>;

pub(crate) fn run(verb: &str, adapter: Adapter<'_>, parameters: &mut [Parameter]) -> Result {
    let parameters = &mut Parameters(parameters);
    match verb {
        "CSUACFV" => resources::version(&adapter, parameters),
        "CSUACFQ" => resources::query(&adapter, parameters),
        "CSUACRA" => resources::allocate(adapter, parameters),
        "CSUACRD" => resources::deallocate(adapter, parameters),
        "CSNDPKB" => pairs::build(&adapter, parameters),
        "CSNDPKG" => pairs::generate(&adapter, parameters),
        "CSNDKTC" => pairs::change(&adapter, parameters),
        "CSNDDSG" => signature::generate(&adapter, parameters),
        "CSNDSYI" => aes::import(&adapter, parameters),
        "CSNBKTB2" => aes::build(parameters),
        "CSNBKTR2" => aes::translate(&adapter, parameters),
        "CSNBRKA" => aes::restrict(&adapter, parameters),
        "CSNBKTC" | "CSNBKTC2" => aes::change(&adapter, parameters),
        _ => Err(NOT_IMPLEMENTED),
    }
}

struct Parameters<'p>(&'p mut [Parameter]);

impl Parameters<'_> {
    /// The keywords of the rule array, which is the first parameter. Each must be one of `known`.
    fn rules(&self, known: &[&'static str]) -> std::result::Result<Vec<&'static str>, Code> {
        let Some(Parameter::Rules(rules)) = self.0.first() else {
            return Err(NULL_POINTER);
        };
        if rules.is_empty() {
            return Err(RULE_COUNT);
        }
        let find = |rule: &[u8]| known.iter().find(|known| known.as_bytes() == rule);
        rules
            .chunks(8)
            .map(|rule| find(rule).copied().ok_or(KEYWORD))
            .collect()
    }

    fn set_rules(&mut self, elements: Vec<u8>) {
        self.0[0] = Parameter::Rules(elements);
    }

    fn bytes(&self, at: usize) -> std::result::Result<&[u8], Code> {
        match self.0.get(at) {
            Some(Parameter::Buffer(bytes) | Parameter::Fixed(bytes)) => Ok(bytes),
            _ => Err(NULL_POINTER),
        }
    }

    /// Fills a result, which must fit.
    fn set(&mut self, at: usize, content: Vec<u8>) -> std::result::Result<(), Code> {
        match self.0.get_mut(at) {
            Some(Parameter::Buffer(bytes) | Parameter::Fixed(bytes)) => {
                if content.len() > bytes.len() {
                    return Err(TOO_SMALL);
                }
                *bytes = content;
                Ok(())
            }
            _ => Err(NULL_POINTER),
        }
    }

    fn set_number(&mut self, at: usize, value: i64) {
        self.0[at] = Parameter::Number(value);
    }

    /// Checks that reserved parameters are empty or null.
    fn reserved(&self, at: impl IntoIterator<Item = usize>) -> std::result::Result<(), Code> {
        for at in at {
            match self.0.get(at) {
                Some(Parameter::Missing) => {}
                Some(Parameter::Buffer(bytes) | Parameter::Fixed(bytes)) if bytes.is_empty() => {}
                Some(Parameter::Number(0)) => {}
                _ => return Err(RESERVED),
            }
        }
        Ok(())
    }

    /// Checks that a key identifier is none, or a null token.
    fn null_token(&self, at: usize) -> std::result::Result<(), Code> {
        match self.0.get(at) {
            Some(Parameter::Missing) => Ok(()),
            Some(Parameter::Buffer(bytes) | Parameter::Fixed(bytes)) => match bytes.len() {
                0 => Ok(()),
                64 if bytes.iter().all(|byte| *byte == 0) => Ok(()),
                64 => Err(RESERVED),
                _ => Err(SIZE),
            },
            _ => Err(RESERVED),
        }
    }
}

/// For a rule array that has none of the known combinations.
fn wrong_rules(rules: &[&str], counts: &[usize]) -> Code {
    if counts.contains(&rules.len()) {
        KEYWORD_COMBINATION
    } else {
        RULE_COUNT
    }
}
