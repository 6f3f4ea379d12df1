//! The HTML page of `status --html`: the statistics of mailings as plots and tables.
//!
//! Returns one HTML document without scripts, external resources or addresses, so that it can be published. The same
//! statistics give the same bytes.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Value as Json, json};

use crate::publication::Publication;
use crate::statistics::plot::time::{NARROW, WIDE, plot};
use crate::statistics::plot::{self, PATTERNS, bar, swatch};
use crate::statistics::replies::ReplyGroup;
use crate::statistics::scale::{duration, grouped, rate, share};
use crate::statistics::timeline::{Times, seconds};
use crate::statistics::{DomainTally, MAX_ATTEMPTS_SHOWN, Outcome, Statistics, Tally};
use crate::templates::Templates;
use crate::unsubscription::Channel;

/// The template of the page.
const TEMPLATE: &str = "status.html";

/// One mailing as the page shows it.
#[derive(Debug)]
pub struct MailingView<'a> {
    /// Slug of the issue, or name of the digest.
    pub name: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its statistics.
    pub statistics: &'a Statistics,
}

/// How many subscribers left recently, as the page shows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeftView<'a> {
    /// In how many days.
    pub days: i64,
    /// How, and how many.
    pub by_channel: &'a [(Channel, u64)],
}

/// The page of these mailings, in order. Times are in the publication's time zone.
///
/// # Errors
/// When the template fails, which is a bug.
pub fn page(publication: &Publication, mailings: &[MailingView<'_>], left: LeftView<'_>) -> anyhow::Result<String> {
    let zone = publication.time_zone;
    let mailings: Vec<Json> = (1u32..).zip(mailings).map(|(number, view)| mailing(number, view, zone)).collect();
    let by_channel = left.by_channel.iter();
    let by_channel =
        by_channel.map(|(channel, count)| json!({ "name": channel.as_str(), "counts": [grouped(*count)] }));
    let fields = json!({
        "publication": publication.title,
        "zone": zone.name(),
        "patterns": PATTERNS,
        "mailings": mailings,
        "left": { "days": left.days, "rows": by_channel.collect::<Vec<_>>() },
    });
    let templates = Templates::built_in(TEMPLATE)?;
    let page = templates.render(TEMPLATE, &Value::from(Serde(fields))).map_err(|finding| *finding)?;
    // Slashes are escaped only for scripts, of which the page has none.
    Ok(page.replace("&#x2f;", "/"))
}

fn mailing(number: u32, view: &MailingView<'_>, zone: Tz) -> Json {
    let statistics = view.statistics;
    let times = statistics.times.as_ref();
    let all = statistics.tally.total();
    json!({
        "id": format!("mailing-{number}"),
        "name": view.name,
        "title": view.title,
        "begun": moment(statistics.begun, zone),
        "begun_iso": statistics.begun.to_rfc3339(),
        "changed": times.map(|times| moment(times.last, zone)),
        "changed_iso": times.map(|times| times.last.to_rfc3339()),
        "duration": statistics.duration().map(duration),
        "rate": times.and_then(Times::rate).map(rate),
        "pauses": times.map(|times| times.stretches.len() > 1),
        "expected": grouped(statistics.expected),
        "sent": grouped(statistics.tally.of(Outcome::Sent)),
        "sent_share": share(statistics.tally.of(Outcome::Sent), all),
        "undelivered": grouped(statistics.tally.undelivered()),
        "has_undelivered": statistics.tally.undelivered() > 0,
        "waiting": grouped(statistics.tally.of(Outcome::Waiting)),
        "bar": bar(&statistics.tally, all),
        "outcomes": statistics.tally.occurring().map(|(outcome, count)| legend(outcome, count, all)).collect::<Vec<_>>(),
        "bounces": bounces(statistics),
        "time": times.map(|times| time(number, statistics, times, zone)),
        "domains": domains(statistics),
        "reasons": reasons(statistics),
        "attempts": attempts(statistics),
    })
}

/// How many bounced, by what the bounces mean, in words.
fn bounces(statistics: &Statistics) -> Option<String> {
    let counts = statistics.bounces.iter().map(|(class, count)| format!("{} {class}", grouped(*count)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    (!counts.is_empty()).then_some(counts)
}

fn legend(outcome: Outcome, count: u64, all: u64) -> Json {
    json!({ "swatch": swatch(outcome), "word": outcome.word(), "count": grouped(count), "share": share(count, all) })
}

fn time(number: u32, statistics: &Statistics, times: &Times, zone: Tz) -> Json {
    let bins = || times.stretches.iter().flat_map(|stretch| &stretch.bins);
    let mut all = Tally::default();
    bins().for_each(|tally| all.add_all(tally));
    let columns: Vec<Outcome> = all.occurring().map(|(outcome, _)| outcome).collect();
    let mut rows = Vec::new();
    for stretch in &times.stretches {
        let moments = (0i64..).map(|number| stretch.start + number * times.width);
        for (at, tally) in moments.zip(&stretch.bins).filter(|(_, tally)| tally.total() > 0) {
            let counts: Vec<String> = columns.iter().map(|outcome| grouped(tally.of(*outcome))).collect();
            rows.push(json!({ "name": moment(seconds(at), zone), "counts": counts }));
        }
    }
    let expected = statistics.expected.max(statistics.tally.total());
    json!({
        "wide": plot(times, expected, zone, WIDE, &format!("wide-{number}")),
        "narrow": plot(times, expected, zone, NARROW, &format!("narrow-{number}")),
        "step": duration(TimeDelta::seconds(times.width)),
        "has_undelivered": all.undelivered() > 0,
        "columns": words(&columns),
        "rows": rows,
    })
}

fn domains(statistics: &Statistics) -> Json {
    let mut domains = statistics.domains.clone();
    if statistics.other_domains.total() > 0 {
        let name = match (statistics.domain_error, statistics.other_domains_count) {
            (0, 0) => "forgotten recipients".to_owned(),
            (0, count) if domains.is_empty() => format!("domains with few recipients: {}", grouped(count)),
            (0, 1) => "1 other domain".to_owned(),
            (0, count) => format!("{} other domains", grouped(count)),
            _ => "all other domains".to_owned(),
        };
        domains.push(DomainTally { name, tally: statistics.other_domains });
    }
    let max = domains.iter().map(|domain| domain.tally.total()).max().unwrap_or(0);
    let columns: Vec<Outcome> = statistics.tally.occurring().map(|(outcome, _)| outcome).collect();
    let row = |domain: &DomainTally| {
        let tally = &domain.tally;
        let counts: Vec<String> = columns.iter().map(|outcome| grouped(tally.of(*outcome))).collect();
        json!({
            "name": domain.name,
            "bar": bar(tally, max),
            "total": grouped(tally.total()),
            "trouble": undelivered(tally),
            "is_bad": is_bad(tally),
            "counts": counts,
        })
    };
    json!({
        "rows": domains.iter().map(row).collect::<Vec<_>>(),
        "failing": statistics.failing_domains.iter().map(row).collect::<Vec<_>>(),
        "columns": words(&columns),
        "error": (statistics.domain_error > 0).then(|| grouped(statistics.domain_error)),
    })
}

/// The undelivered recipients of a domain, in words.
fn undelivered(tally: &Tally) -> Option<String> {
    let counts: Vec<String> = tally
        .occurring()
        .filter(|(outcome, _)| outcome.is_undelivered())
        .map(|(outcome, count)| format!("{} {}", grouped(count), outcome.word()))
        .collect();
    (!counts.is_empty()).then(|| format!("{} ({})", counts.join(", "), share(tally.undelivered(), tally.total())))
}

/// Whether at least a tenth of those tried were not delivered, and at least two.
fn is_bad(tally: &Tally) -> bool {
    let tried = tally.of(Outcome::Sent) + tally.undelivered();
    tally.undelivered() > 1 && tally.undelivered() * 10 >= tried
}

fn reasons(statistics: &Statistics) -> Vec<Json> {
    let all = statistics.tally.total();
    let row = |reason: &ReplyGroup| {
        json!({
            "swatch": swatch(reason.outcome),
            "outcome": reason.outcome.word(),
            "code": reason.code,
            "example": reason.example,
            "count": grouped(reason.count),
            "share": share(reason.count, all),
        })
    };
    statistics.reasons.iter().map(row).collect()
}

/// Recipients by number of attempts, if any was tried twice or will be.
fn attempts(statistics: &Statistics) -> Option<Json> {
    let is_worth_showing = statistics.attempts.len() > 2 || statistics.tally.of(Outcome::Deferred) > 0;
    let max = statistics.attempts.iter().map(Tally::total).max().unwrap_or(0);
    let last = statistics.attempts.len().saturating_sub(1);
    let row = |(number, tally): (usize, &Tally)| {
        let name = match number {
            number if number == MAX_ATTEMPTS_SHOWN as usize && number == last => format!("{number} or more"),
            number => number.to_string(),
        };
        json!({ "name": name, "bar": bar(tally, max), "total": grouped(tally.total()), "words": plot::words(tally) })
    };
    let tried = statistics.attempts.iter().enumerate().filter(|(_, tally)| tally.total() > 0);
    is_worth_showing.then(|| tried.map(row).collect())
}

fn words(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes.iter().map(|outcome| outcome.word()).collect()
}

fn moment(time: DateTime<Utc>, zone: Tz) -> String {
    time.with_timezone(&zone).format("%-d %b %Y, %H:%M:%S").to_string()
}
