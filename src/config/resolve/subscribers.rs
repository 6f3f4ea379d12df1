//! `mail.subscribers`: the list, and the meaning of its columns.

use std::path::PathBuf;

use crate::config::SubscriberList;
use crate::config::raw::subscribers::{RawSubscriberList, RawSubscribers};
use crate::config::resolve::Problems;
use crate::subscription::options::{self, Columns, Meaning, OptionSource, Options};

/// The list with its options.
pub(super) fn list(raw: &RawSubscribers, problems: &mut Problems<'_>) -> SubscriberList {
    let source = OptionSource::ProjectFile;
    match raw {
        RawSubscribers::File(file) => {
            SubscriberList { file: PathBuf::from(file), options: Options { source, ..Options::default() } }
        }
        RawSubscribers::Full(raw) => {
            let columns = Columns {
                email: raw.map.email.clone(),
                name: raw.map.name.clone(),
                status: raw
                    .map
                    .status
                    .as_ref()
                    .map_or_else(Vec::new, |all| all.items().iter().map(|it| (*it).to_owned()).collect()),
            };
            let keep =
                raw.keep.as_ref().map_or_else(Vec::new, |all| all.items().iter().map(|it| (*it).to_owned()).collect());
            let encoding = raw.encoding.as_deref().and_then(|name| {
                let keys = ["mail", "subscribers", "encoding"];
                problems.check(options::encoding(name), &keys, "not an encoding", "write one such as `gb18030`")
            });
            let options = Options { columns, states: states(raw, problems), keep, whole_list: None, encoding, source };
            SubscriberList { file: PathBuf::from(&raw.file), options }
        }
    }
}

fn states(raw: &RawSubscriberList, problems: &mut Problems<'_>) -> Vec<Meaning> {
    let mut states = Vec::new();
    for (word, values) in &raw.states {
        let keys = ["mail", "subscribers", "states"];
        let status = problems.check(
            options::status_of(word),
            &keys,
            "not a status",
            "write a mapping such as `{active: 1, left: 2}`",
        );
        let Some(status) = status else { continue };
        states.extend(values.items().into_iter().map(|word| Meaning { word: word.trim().to_owned(), status }));
    }
    states
}
