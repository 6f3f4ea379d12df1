//! The mailings recorded in `feeds.lock`: one line each, ordered by start, so that branches merge.
//!
//! Parses and writes text. The lines outlive the store: a store that lacks one of these mailings was lost or restored
//! from an older copy. `send` compares the two.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::{json, quoted};
use crate::digest::{DigestContents, Period, PeriodName};
use crate::issue::IssueId;

/// The mailings of one project file, by ledger key.
pub type Mailings = BTreeMap<IssueId, LockedMailing>;

/// What is known of a mailing without the store.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedMailing {
    /// When its audience was frozen.
    pub begun: DateTime<Utc>,
    /// When a run found no recipient left to mail; `None` if there may be some.
    pub ended: Option<DateTime<Utc>>,
    /// Number of recipients.
    pub recipients: u64,
    /// The store's run counter when a run last mailed it; see `Store::count_run`.
    pub run: u64,
    /// The id of the store.
    pub store: String,
    /// Its contents, if it is a digest.
    pub digest: Option<DigestContents>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMailing {
    begun: String,
    ended: Option<String>,
    recipients: u64,
    run: u64,
    store: String,
    period: Option<[String; 2]>,
    holds: Option<Vec<String>>,
}

const COMMENT: &str = "\
# Mailings sent so far, so that a lost or restored store mails no one twice. Commit this file after every sending.
";

/// Appends the lines of all project files with mailings.
pub(super) fn write(text: &mut String, by_file: &BTreeMap<String, Mailings>) {
    for (number, (file, mailings)) in by_file.iter().filter(|(_, mailings)| !mailings.is_empty()).enumerate() {
        let _ = writeln!(text, "\n{}{}", if number == 0 { COMMENT } else { "" }, head(file));
        let mut in_order: Vec<_> = mailings.iter().collect();
        in_order.sort_by_key(|(id, mailing)| (mailing.begun, *id));
        for (id, mailing) in in_order {
            let _ = writeln!(text, "{} = {}", quoted(id.as_str()), mailing.to_text());
        }
    }
}

fn head(file: &str) -> String {
    format!("[mailings.{}]", quoted(file))
}

impl LockedMailing {
    fn to_text(&self) -> String {
        let Self { recipients, run, .. } = self;
        let mut text = format!("{{ begun = \"{}\"", rfc3339(self.begun));
        if let Some(ended) = self.ended {
            let _ = write!(text, ", ended = \"{}\"", rfc3339(ended));
        }
        let _ = write!(text, ", recipients = {recipients}, run = {run}, store = {}", quoted(&self.store));
        if let Some(DigestContents { period, issues }) = &self.digest {
            let issues: Vec<String> = issues.iter().map(|id| quoted(id.as_str())).collect();
            let (start, end) = (rfc3339(period.start), rfc3339(period.end));
            let _ = write!(text, ", period = [\"{start}\", \"{end}\"], holds = [{}]", issues.join(", "));
        }
        text.push_str(" }");
        text
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl RawMailing {
    /// The mailing with this key.
    pub(super) fn mailing(self, id: &IssueId) -> Result<LockedMailing, &'static str> {
        let digest = match (self.period, self.holds) {
            (None, None) => None,
            (Some([start, end]), Some(holds)) => {
                let name = PeriodName::of_id(id).ok_or("only a digest has a period")?;
                let period = Period { name, start: parse_time(&start)?, end: parse_time(&end)? };
                let issues = holds.iter().map(|id| IssueId::new(id).ok_or("an id is empty"));
                Some(DigestContents { period, issues: issues.collect::<Result<_, _>>()? })
            }
            _ => return Err("`period` and `holds` go together"),
        };
        Ok(LockedMailing {
            begun: parse_time(&self.begun)?,
            ended: self.ended.as_deref().map(parse_time).transpose()?,
            recipients: self.recipients,
            run: self.run,
            store: self.store,
            digest,
        })
    }
}

fn parse_time(time: &str) -> Result<DateTime<Utc>, &'static str> {
    let read = DateTime::parse_from_rfc3339(time).map_err(|_| "a time is not a date such as `2026-11-23T07:00:00Z`");
    read.map(|time| time.to_utc())
}

/// Parses lines exactly as written by `write`; `None` for anything else.
pub(super) fn parse_own_output<'t>(lines: impl Iterator<Item = &'t str>) -> Option<BTreeMap<String, Mailings>> {
    let mut by_file: BTreeMap<String, Mailings> = BTreeMap::new();
    let mut file: Option<String> = None;
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("[mailings.") {
            let (name, rest): (String, _) = json(rest)?;
            if rest != "]" || by_file.insert(name.clone(), Mailings::new()).is_some() {
                return None;
            }
            file = Some(name);
            continue;
        }
        let (id, mailing) = parse_line(line)?;
        if by_file.get_mut(file.as_ref()?)?.insert(id, mailing).is_some() {
            return None;
        }
    }
    by_file.values().all(|mailings| !mailings.is_empty()).then_some(by_file)
}

fn parse_line(line: &str) -> Option<(IssueId, LockedMailing)> {
    let (id, rest) = json::<String>(line)?;
    let (begun, rest) = json(rest.strip_prefix(" = { begun = ")?)?;
    let (ended, rest) = match rest.strip_prefix(", ended = ") {
        Some(rest) => json(rest).map(|(ended, rest)| (Some(ended), rest))?,
        None => (None, rest),
    };
    let (recipients, rest) = json(rest.strip_prefix(", recipients = ")?)?;
    let (run, rest) = json(rest.strip_prefix(", run = ")?)?;
    let (store, rest) = json(rest.strip_prefix(", store = ")?)?;
    let (period, holds, rest) = match rest.strip_prefix(", period = ") {
        Some(rest) => {
            let (period, rest) = json(rest)?;
            let (holds, rest) = json(rest.strip_prefix(", holds = ")?)?;
            (Some(period), Some(holds), rest)
        }
        None => (None, None, rest),
    };
    let id = IssueId::new(&id)?;
    let raw = RawMailing { begun, ended, recipients, run, store, period, holds };
    (rest == " }").then(|| raw.mailing(&id).ok()).flatten().map(|mailing| (id, mailing))
}
