//! Which digest is due, and what it contains. `noon` is on Friday, 1 May 2026, in week 18.

use super::*;
use crate::delivery::digest_schedule::DigestSchedule;

/// A project that mails digests: weekly in UTC, unless a test changes that.
struct World {
    issues: Vec<Issue>,
    store: Memory,
    policy: Policy,
}

impl World {
    fn new(issues: &[(&str, &str)]) -> Self {
        let mut world = Self {
            issues: Vec::new(),
            store: store(),
            policy: Policy { edition: EditionKind::Digest, ..Policy::default() },
        };
        issues.iter().for_each(|(slug, date)| world.add(slug, date));
        world
    }

    /// Publishes an issue, perhaps with an earlier date.
    fn add(&mut self, slug: &str, date: &str) {
        self.issues.push(issue(slug, time(date)));
        self.issues.sort_by_key(|issue| std::cmp::Reverse(issue.date));
    }

    fn plan(&self, now: &str, scope: &Scope) -> Plan<'_> {
        let terms = DueTerms { now: time(now), policy: &self.policy };
        plan(&self.issues, scope, &terms, &self.store, &|issue| Ok(issue.title.clone())).unwrap()
    }

    /// The mailings of a run at this time, each with its contents.
    fn send(&mut self, now: &str) -> Vec<String> {
        self.send_these(now, &Scope::Due).0
    }

    fn send_these(&mut self, now: &str, scope: &Scope) -> (Vec<String>, Vec<&'static str>) {
        let mut store = self.store.open();
        let plan = self.plan(now, scope);
        let mut mails = Vec::new();
        for PlannedMailing { content, content_hash, .. } in &plan.mailings {
            let slugs: Vec<&str> = content.issues().iter().map(|issue| issue.slug.as_str()).collect();
            mails.push(format!("{}: {}", content.slug(), slugs.join(" ")));
            let contents = match content {
                MailingContent::Issue(_) => None,
                MailingContent::Digest(digest) => Some(digest.contents()),
            };
            let run = Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 7 };
            store.begin_run(&run, time(now)).unwrap();
            store.freeze(&content.id(), content_hash, contents.as_ref(), time(now)).unwrap();
            for claim in store.claim(&content.id(), 9, time(now)).unwrap() {
                let sent = (claim.subscriber.id, LedgerEntry::Settled(AttemptOutcome::Sent("250".to_owned())));
                store.record(&content.id(), &[sent], time(now)).unwrap();
            }
        }
        (mails, plan.findings.iter().map(|finding| finding.rule).collect())
    }

    fn named(&mut self, now: &str, id: &str) -> (Vec<String>, Vec<&'static str>) {
        self.send_these(now, &Scope::Only(vec![IssueId::new(id).unwrap()]))
    }
}

/// A time in 2026, such as `05-01 12`.
fn time(text: &str) -> DateTime<Utc> {
    format!("2026-{}:00:00Z", text.replace(' ', "T")).parse().unwrap()
}

#[test]
fn a_week_is_mailed_once_it_is_over_and_only_once() {
    let mut world = World::new(&[("ancient", "01-01 00"), ("monday", "04-27 00"), ("sunday", "05-03 23")]);
    world.add("next", "05-04 00");
    assert_eq!(world.send("05-03 23"), [""; 0]);
    assert_eq!(world.send("05-04 00"), ["digest:2026-W18: monday sunday"], "the oldest first, and no archive");
    assert_eq!(world.send("05-04 00"), [""; 0]);
    assert_eq!(world.send("05-10 23"), [""; 0]);
    assert_eq!(world.send("05-11 09"), ["digest:2026-W19: next"]);
}

#[test]
fn a_first_run_mails_no_archive() {
    let dates: Vec<String> = (1..=28).flat_map(|day| [format!("03-{day:02} 08"), format!("04-{day:02} 08")]).collect();
    let issues: Vec<(&str, &str)> = dates.iter().map(|date| (date.split(' ').next().unwrap(), date.as_str())).collect();
    let mut world = World::new(&issues);
    assert_eq!(world.send("05-01 12"), [""; 0], "the last week ended long ago");
    assert_eq!(world.send("05-04 12"), ["digest:2026-W18: 04-27 04-28"]);
}

#[test]
fn a_late_digest_is_mailed_only_by_name() {
    let mut world = World::new(&[("monday", "04-27 00")]);
    assert_eq!(world.send("05-06 01"), [""; 0]);
    assert_eq!(world.named("05-06 01", "digest:2026-W18").0, ["digest:2026-W18: monday"]);
    assert_eq!(world.named("05-06 02", "digest:2026-W18"), (vec![], vec!["issue-mailed"]));
}

#[test]
fn a_late_issue_is_in_the_next_digest() {
    let mut world = World::new(&[("monday", "04-27 00")]);
    assert_eq!(world.send("05-04 00"), ["digest:2026-W18: monday"]);
    world.add("late", "04-28 00");
    world.add("before-the-first-digest", "04-26 23");
    world.add("next", "05-05 00");
    assert_eq!(world.send("05-04 09"), [""; 0]);
    assert_eq!(world.send("05-11 00"), ["digest:2026-W19: late next"]);
    world.add("too-late", "05-03 23");
    world.add("late-alone", "05-04 00");
    assert_eq!(world.send("05-18 00"), ["digest:2026-W20: late-alone"], "a week of its own is not needed");
}

#[test]
fn issues_missed_during_downtime_are_in_the_next_digest() {
    let mut world = World::new(&[("eighteen", "04-28 00"), ("nineteen", "05-05 00"), ("twenty", "05-12 00")]);
    assert_eq!(world.send("05-04 00"), ["digest:2026-W18: eighteen"]);
    assert_eq!(world.send("05-14 00"), [""; 0]);
    assert_eq!(world.send("05-18 00"), ["digest:2026-W20: nineteen twenty"]);
}

#[test]
fn an_empty_week_mails_nothing() {
    let mut world = World::new(&[("eighteen", "04-28 00"), ("web-only", "05-05 00"), ("draft", "05-05 00")]);
    for issue in &mut world.issues {
        issue.email = issue.slug.as_str() != "web-only";
        issue.draft = issue.slug.as_str() == "draft";
    }
    assert_eq!(world.send("05-04 00").len(), 1);
    assert_eq!(world.send("05-11 00"), [""; 0]);
    assert_eq!(world.named("05-11 00", "digest:2026-W19"), (vec![], vec!["digest-empty"]));
    assert_eq!(world.store.mailings().unwrap().len(), 1);
}

#[test]
fn a_week_that_is_not_over_cannot_be_mailed() {
    let mut world = World::new(&[("eighteen", "04-28 00")]);
    assert_eq!(world.named("05-03 23", "digest:2026-W18"), (vec![], vec!["digest-future"]));
}

#[test]
fn nothing_is_mailed_twice_when_switching_to_digests_and_back() {
    let mut world = World::new(&[("alone", "04-28 00")]);
    world.policy.edition = EditionKind::Issue;
    assert_eq!(world.send("04-28 01"), ["alone: alone"]);
    world.policy.edition = EditionKind::Digest;
    world.add("gathered", "05-02 00");
    assert_eq!(world.send("05-02 01"), [""; 0], "it waits for the digest");
    assert_eq!(world.send("05-04 00"), ["digest:2026-W18: gathered"]);
    world.policy.edition = EditionKind::Issue;
    assert_eq!(world.send("05-04 01"), [""; 0], "what a digest held counts as mailed");
    let id = world.issues[0].id.to_string();
    assert_eq!(world.named("05-04 01", &id), (vec![], vec!["issue-mailed"]));
    world.add("again-alone", "05-04 02");
    assert_eq!(world.send("05-04 02"), ["again-alone: again-alone"]);
}

#[test]
fn an_issue_mailed_by_name_is_in_no_digest() {
    let mut world = World::new(&[("one", "04-28 00"), ("two", "04-29 00")]);
    let id = world.issues[0].id.clone();
    let both = Scope::Only(vec![id, IssueId::new("digest:2026-W18").unwrap()]);
    assert_eq!(world.send_these("05-04 00", &both).0, ["two: two", "digest:2026-W18: one"]);
}

#[test]
fn a_begun_mailing_is_finished_unchanged() {
    let mut world = World::new(&[("one", "04-28 00"), ("two", "04-29 00")]);
    let before = world.plan("05-04 00", &Scope::Due);
    let MailingContent::Digest(digest) = &before.mailings[0].content else { panic!("{before:?}") };
    let (contents, hash) = (digest.contents(), before.mailings[0].content_hash.clone());
    world.store.open().freeze(&contents.period.id(), &hash, Some(&contents), time("05-04 00")).unwrap();
    world.add("late", "04-30 00");
    for (edition, now) in [(EditionKind::Digest, "05-04 01"), (EditionKind::Issue, "05-10 00")] {
        world.policy.edition = edition;
        let plan = world.plan(now, &Scope::Due);
        let PlannedMailing { content, begun, content_hash } = &plan.mailings[0];
        let slugs: Vec<&str> = content.issues().iter().map(|issue| issue.slug.as_str()).collect();
        assert_eq!((slugs, content_hash), (vec!["one", "two"], &hash));
        assert_eq!(begun.as_ref().unwrap().digest.as_ref(), Some(&contents));
    }
    assert_eq!(world.plan("05-19 00", &Scope::Due).mailings, [], "a copy of last year shall not mail last year's");
}

#[test]
fn a_digest_whose_issues_are_gone_needs_attention() {
    let mut world = World::new(&[("one", "04-28 00")]);
    let plan = world.plan("05-04 00", &Scope::Due);
    let MailingContent::Digest(digest) = &plan.mailings[0].content else { panic!("{plan:?}") };
    world.store.open().freeze(&digest.period.id(), "hash", Some(&digest.contents()), time("05-04 00")).unwrap();
    world.issues.clear();
    assert_eq!(world.send_these("05-04 01", &Scope::Due), (vec![], vec!["digest-empty"]));
}

#[test]
fn an_issue_changed_after_its_digest_is_reported() {
    let mut world = World::new(&[("one", "04-28 00")]);
    world.send("05-04 00");
    world.issues[0].title = "another".to_owned();
    assert_eq!(world.send_these("05-04 01", &Scope::Due), (vec![], vec!["issue-changed"]));
}

#[test]
fn latest_and_next_name_the_last_digest_and_the_one_being_collected() {
    let mut world = World::new(&[("one", "04-28 00"), ("two", "05-05 00")]);
    let named = |world: &World, now: &str, name: &str| {
        let history = History::read(&world.store).unwrap();
        let schedule = DigestSchedule::default();
        let selection =
            DigestSelection { issues: &world.issues, schedule: &schedule, history: &history, now: time(now) };
        selection.named(name).map(|digest| {
            let slugs: Vec<&str> = digest.issues.iter().map(|issue| issue.slug.as_str()).collect();
            format!("{}: {}", digest.period.id(), slugs.join(" "))
        })
    };
    assert_eq!(named(&world, "05-04 00", "latest").unwrap(), "digest:2026-W18: one");
    assert_eq!(named(&world, "05-04 00", "digest:next").unwrap(), "digest:2026-W19: ");
    world.send("05-04 00");
    assert_eq!(named(&world, "05-06 00", "digest:next").unwrap(), "digest:2026-W19: two");
    assert_eq!(named(&world, "05-06 00", "digest:2026-w18").unwrap(), "digest:2026-W18: one");
    let missing = named(&world, "05-06 00", "digest:2026-11").unwrap_err().to_string();
    assert_eq!(missing, "there is no digest `digest:2026-11`");
}

fn every(period: &str) -> DigestSchedule {
    let text = format!(
        "title: T\nbase_url: https://example.org\nmail: {{from: n@example.org, digest: {{every: {period}}}}}\n"
    );
    crate::config::Config::parse("slugline.yaml", &text).unwrap().mail.unwrap().policy.schedule
}

#[test]
fn a_change_from_weeks_to_months_repeats_nothing() {
    let mut world = World::new(&[("april", "04-28 00"), ("may", "05-12 00"), ("later", "05-20 00")]);
    assert_eq!(world.send("05-18 00"), ["digest:2026-W20: may"]);
    world.policy.schedule = every("month");
    assert_eq!(world.send("06-01 00"), ["digest:2026-05: later"]);
    world.policy.schedule = every("week");
    assert_eq!(world.send("06-01 00"), [""; 0]);
}

#[test]
fn a_daily_digest_includes_late_issues_after_a_holiday_and_skips_no_day() {
    let mut world = World::new(&[("first", "05-01 07"), ("old", "04-20 00")]);
    world.policy.schedule = every("'0 8 * * *'");
    assert_eq!(world.send("05-01 09"), ["digest:2026-05-01T0800: first"]);
    world.add("late", "05-02 00");
    world.add("fresh", "05-06 00");
    assert_eq!(
        world.send("05-06 12"),
        ["digest:2026-05-06T0800: late fresh"],
        "one mail, however many days there were"
    );
    world.add("later", "05-05 00");
    assert_eq!(world.send("05-06 13"), [""; 0]);
    assert_eq!(world.send("05-07 08"), ["digest:2026-05-07T0800: later"]);
}
