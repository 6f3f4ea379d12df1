//! `mail.subscribers` as written: a file, or a mapping that defines the meaning of its columns.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::raw::OneOrMany;

/// `subscribers:` a file, or a mapping.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a file, or a mapping of file, map, states, keep and encoding")]
pub(in crate::config) enum RawSubscribers {
    File(String),
    Full(Box<RawSubscriberList>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawSubscriberList {
    pub file: String,
    #[serde(default)]
    pub map: RawColumns,
    #[serde(default)]
    pub states: BTreeMap<String, RawWords>,
    pub keep: Option<OneOrMany>,
    pub encoding: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawColumns {
    pub email: Option<String>,
    pub name: Option<String>,
    pub status: Option<OneOrMany>,
}

/// One word of the list, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a word of the list, or a list of them")]
pub(in crate::config) enum RawWords {
    Many(Vec<RawWord>),
    One(RawWord),
}

/// A word, as any YAML scalar.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a word")]
pub(in crate::config) enum RawWord {
    Text(String),
    Number(i64),
    Truth(bool),
    Nothing(()),
}

impl RawWords {
    /// The words as spelled in the list.
    pub fn items(&self) -> Vec<String> {
        match self {
            Self::One(word) => vec![word.text()],
            Self::Many(words) => words.iter().map(RawWord::text).collect(),
        }
    }
}

impl RawWord {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Nothing(()) => String::new(),
        }
    }
}
