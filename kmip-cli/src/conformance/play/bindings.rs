//! What the placeholders of a case stand for.

use std::collections::HashMap;

use kmip::conformance::Placeholder;
use kmip::types::DateTime;

use super::node::Node;

/// How far the clocks of two messages may be apart, in seconds.
const TOLERANCE: i64 = 300;

/// How placeholders for Unique Identifiers begin.
const OBJECT: &str = "UNIQUE_IDENTIFIER";

/// The values that placeholders and sample values of a case have got.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    values: HashMap<String, String>,
    /// Values of the document that stand for actual ones.
    samples: HashMap<String, String>,
    /// The actual values in the last response, by element.
    latest: HashMap<String, String>,
}

/// How a value compares with the placeholder that was expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is what the placeholder stands for.
    Same,
    /// The placeholder now stands for it.
    Bound,
    /// The placeholder stands for something else, which is shown.
    Other(String),
}

impl Bindings {
    /// The value for a placeholder in a request.
    pub(super) fn fill(
        &mut self,
        place: &Placeholder<'_>,
        now: DateTime,
    ) -> Result<String, String> {
        let Placeholder {
            name,
            element,
            item_type,
        } = *place;
        if let Some(moment) = moment(name, now) {
            return Ok(moment.to_string());
        }
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        if name.contains("RANDOM") && item_type == "TextString" {
            let value = format!("conformance-{}", name.to_lowercase());
            self.values.insert(name.to_owned(), value.clone());
            return Ok(value);
        }
        // Some documents show a sample in the response and echo it by a placeholder.
        if let Some(value) = self.latest.get(element) {
            return Ok(value.clone());
        }
        Err(format!("no response has a value for `${name}`"))
    }

    /// Compares a value with a placeholder, given with its dollar sign. Requests have to repeat what
    /// the response before them gave; responses may give something new each time.
    pub(super) fn fit(
        &mut self,
        placeholder: &str,
        value: &str,
        now: DateTime,
        is_request: bool,
    ) -> Fit {
        let name = placeholder.trim_start_matches('$');
        if let Some(moment) = moment(name, now) {
            let actual = value.parse::<DateTime>();
            let near = actual.is_ok_and(|actual| (actual.0 - moment.0).abs() <= TOLERANCE);
            return match near {
                true => Fit::Bound,
                false => Fit::Other(moment.to_string()),
            };
        }
        if is_request || !name.ends_with("CORRELATION_VALUE") {
            if let Some(known) = self.values.get(name) {
                return match known == value {
                    true => Fit::Same,
                    false => Fit::Other(known.clone()),
                };
            }
        }
        // Two placeholders stand for two objects.
        let object = name.strip_prefix(OBJECT).filter(|_| self.is_object(value));
        if object.is_some() {
            return Fit::Other("an object not seen before".to_owned());
        }
        self.values.insert(name.to_owned(), value.to_owned());
        Fit::Bound
    }

    fn is_object(&self, value: &str) -> bool {
        let mut values = self.values.iter();
        values.any(|(name, known)| name.starts_with(OBJECT) && known == value)
    }

    /// The value for a placeholder in a response that a server makes up.
    pub(super) fn make_up(
        &mut self,
        place: &Placeholder<'_>,
        now: DateTime,
    ) -> Result<String, String> {
        let Placeholder {
            name, item_type, ..
        } = *place;
        if let Some(moment) = moment(name, now) {
            return Ok(moment.to_string());
        }
        if !name.ends_with("CORRELATION_VALUE") {
            if let Some(value) = self.values.get(name) {
                return Ok(value.clone());
            }
        }
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random).map_err(|error| error.to_string())?;
        let value: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        if !["TextString", "ByteString"].contains(&item_type) {
            return Err(format!("`${name}` has the type {item_type}"));
        }
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// Lets the sample value of a document stand for an actual one.
    pub(super) fn sample(&mut self, sample: &str, actual: &str) {
        self.samples.insert(sample.to_owned(), actual.to_owned());
    }

    /// What a sample value of the document stands for.
    pub(super) fn of_sample<'b>(&'b self, sample: &'b str) -> &'b str {
        self.samples.get(sample).map_or(sample, String::as_str)
    }

    /// A request with what the samples in it stand for.
    pub(super) fn replace_samples(&self, text: &str) -> String {
        let replace = |text: String, (sample, actual): (&String, &String)| {
            let quoted = |value: &str| format!("value=\"{value}\"");
            text.replace(&quoted(sample), &quoted(actual))
        };
        self.samples.iter().fold(text.to_owned(), replace)
    }

    /// What a value in a document stands for if it is a placeholder, else the value.
    pub(super) fn of_placeholder<'b>(&'b self, value: &'b str) -> &'b str {
        let bound = value
            .strip_prefix('$')
            .and_then(|name| self.values.get(name));
        bound.map_or(value, String::as_str)
    }

    /// How many placeholders have a value.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// Takes note of all values in a response.
    pub(super) fn note(&mut self, response: &Node) {
        let latest = &mut self.latest;
        response.walk(&mut |node| {
            if let Some(value) = &node.value {
                latest.insert(node.name.clone(), value.clone());
            }
        });
    }
}

/// The moment that `NOW`, `NOW+20` or `NOW-3600` is.
fn moment(name: &str, now: DateTime) -> Option<DateTime> {
    let offset = name.strip_prefix("NOW")?;
    let offset = match offset {
        "" => 0,
        _ => offset.parse::<i64>().ok()?,
    };
    Some(DateTime(now.0.checked_add(offset)?))
}
