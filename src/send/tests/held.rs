//! Mailings that are held because of errors.

use super::*;

/// Two due issues, the older with a picture that is nowhere.
fn world() -> World {
    let mut broken = issue("spring", noon() - chrono::Duration::hours(1));
    broken.title = "![the quay](quay.png)".to_owned();
    World { issues: vec![issue("summer", noon()), broken], ..World::new() }
}

fn slugs(report: &SendReport) -> (Vec<&str>, Vec<&str>) {
    let mailed = report.mailings.iter().map(|mailed| mailed.slug.as_str());
    (mailed.collect(), report.held.iter().map(|held| held.slug.as_str()).collect())
}

#[test]
fn the_mailing_is_held_and_not_the_run() {
    let (mut world, store, peer) = (world(), readers(2), Peer::start(vec![Script::new()]));
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(slugs(&report), (vec!["summer"], vec!["spring"]));
    assert!(report.needs_attention());
    let rules: Vec<&str> = report.held[0].findings().iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["image-broken", "mailing-held"]);
    assert!(report.held[0].findings().iter().all(|finding| report.findings.contains(finding)));
    assert_eq!(store.mailings().unwrap().len(), 1, "its audience is not frozen");
    assert_eq!(slugs(&world.send(&store, &world.route(&peer))), (vec![], vec!["spring"]));
    world.despite_errors = true;
    assert_eq!(slugs(&world.send(&store, &world.route(&peer))), (vec!["spring"], vec![]));
    assert_eq!(peer.count(), 4);
}

#[test]
fn without_subscribers_nothing_is_judged() {
    let (world, peer) = (world(), Peer::start(vec![Script::new()]));
    let report = world.send(&Memory::default(), &world.route(&peer));
    assert!(report.held.is_empty() && report.findings.iter().all(|finding| finding.rule == "no-subscribers"));
}

#[test]
fn a_dry_run_names_what_would_be_held() {
    let (world, store, peer) = (world(), readers(2), Peer::start(vec![Script::new()]));
    world.with_sending(&world.route(&peer), |sending| {
        let dry_run = dry_run::run(&store, sending, &ADMITTED, &|_| Ok(())).unwrap();
        assert_eq!((dry_run.mailings.len(), dry_run.held[0].slug.as_str()), (1, "spring"));
        assert!(dry_run.held[0].findings().iter().all(|finding| dry_run.findings.contains(finding)));
    });
}

#[test]
fn the_help_names_each_rule_once() {
    let (mut world, store, peer) = (world(), readers(2), Peer::start(vec![Script::new()]));
    world.issues[1].title = "![a](a.png) ![b](b.png) [c](c.md \"c\")".to_owned();
    let report = world.send(&store, &world.route(&peer));
    let notice = &report.held[0].notice;
    let notice = notice.as_ref().unwrap();
    assert_eq!(notice.message, "`spring` is held because of 3 errors: it is mailed to no one");
    let help = notice.help.as_deref().unwrap();
    assert!(
        help.contains("{off: [image-broken, link-broken]}") && help.contains("slugline send spring --despite-errors")
    );
}
