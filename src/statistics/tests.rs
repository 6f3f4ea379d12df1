//! Complete mailings: their statistics, and that no text from outside breaks the page or reveals an address.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::page::{LeftView, MailingView, page};
use super::*;
use crate::issue::IssueId;
use crate::publication::Publication;
use crate::subscriber::SubscriberId;
use crate::unsubscription::Channel;

fn begun() -> DateTime<Utc> {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

fn mailing(expected: u64) -> Mailing {
    let issue = IssueId::new("https://tides.example.org/neap/").unwrap();
    Mailing { issue, digest: None, content_hash: String::new(), frozen_at: begun(), expected }
}

fn delivery(number: i64, address: &str, state: State, reply: &str) -> Delivery {
    Delivery {
        class: None,
        issue: mailing(0).issue,
        subscriber: SubscriberId(number),
        address: Some(address.parse().unwrap()),
        state,
        attempts: u32::from(state != State::Queued),
        reply: Some(reply.to_owned()),
        changed: Some(begun() + TimeDelta::seconds(number)),
    }
}

fn statistics(deliveries: &[Delivery]) -> Statistics {
    let mut gathering = Aggregator::of(&mailing(deliveries.len() as u64), Tz::UTC);
    deliveries.iter().for_each(|delivery| gathering.add(delivery));
    gathering.close()
}

fn publication(title: &str) -> Publication {
    let base = url::Url::parse("https://tides.example.org/").unwrap();
    Publication {
        title: title.to_owned(),
        description: String::new(),
        base_url: base.clone(),
        home: base,
        language: "en".to_owned(),
        site: None,
        time_zone: Tz::UTC,
        author: None,
        copyright: None,
        icon: None,
    }
}

fn shown(title: &str, statistics: &Statistics) -> String {
    page(&publication(title), &[MailingView { name: "neap", title, statistics }], LeftView::default()).unwrap()
}

#[test]
fn deliveries_are_summed_up() {
    let deliveries = [
        delivery(1, "a@example.org", State::Sent, "250 2.0.0 Ok"),
        delivery(2, "b@example.org", State::Failed, "550 5.1.1 <b@example.org> unknown"),
        delivery(3, "c@example.net", State::Deferred, "450 4.2.0 Greylisted"),
        delivery(4, "d@example.net", State::Queued, ""),
        delivery(5, "e@example.net", State::Suppressed, "left"),
    ];
    let numbers = statistics(&deliveries);
    let count = |outcome| numbers.tally.of(outcome);
    assert_eq!(Outcome::ALL.map(count), [1, 1, 1, 0, 0, 1, 1]);
    let domains = (numbers.domains.len(), numbers.other_domains_count, numbers.other_domains.total());
    assert_eq!(domains, (0, 2, 5), "both have too few recipients to be named");
    assert_eq!(numbers.duration(), Some(TimeDelta::seconds(5)));
    let times = numbers.times.unwrap();
    assert_eq!((times.active(), times.stretches.len()), (TimeDelta::seconds(4), 1));
    assert_eq!(numbers.attempts.iter().map(Tally::total).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(numbers.reasons.len(), 4);
}

#[test]
fn a_mailing_without_recipients_has_a_page() {
    let page = shown("Neap", &statistics(&[]));
    assert!(!page.contains("Over time") && !page.contains("By domain"), "{page}");
}

#[test]
fn a_page_without_mailings_says_so() {
    let of = |by_channel| page(&publication("Tides"), &[], LeftView { days: 30, by_channel }).unwrap();
    let page = of(&[]);
    assert!(page.contains("Nothing has been mailed yet.") && !page.contains("Left in"), "{page}");
    let page = of(&[(Channel::Page, 1200), (Channel::Complaint, 3)]);
    let texts = [
        "Left in the last 30 days",
        "<bdi dir=\"ltr\">page</bdi></th><td>1,200</td>",
        "<bdi dir=\"ltr\">complaint</bdi></th><td>3</td>",
    ];
    assert!(texts.iter().all(|text| page.contains(text)), "{page}");
}

/// The parts of the page that are XML: every SVG.
fn drawings(page: &str) -> Vec<&str> {
    page.match_indices("<svg").map(|(at, _)| &page[at..at + page[at..].find("</svg>").unwrap() + 6]).collect()
}

fn is_element(page: &str, name: &str) -> bool {
    let document = scraped(page);
    document.iter().any(|element| element == name)
}

/// The names of all elements, as an HTML parser of others reads them.
fn scraped(page: &str) -> Vec<String> {
    use html5ever::tendril::TendrilSink;
    use markup5ever_rcdom::{Handle, NodeData, RcDom};
    let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page);
    assert_eq!(dom.errors.borrow().as_slice(), &[] as &[std::borrow::Cow<'static, str>]);
    let mut names = Vec::new();
    let mut open: Vec<Handle> = vec![dom.document];
    while let Some(node) = open.pop() {
        if let NodeData::Element { name, .. } = &node.data {
            names.push(name.local.to_string());
        }
        open.extend(node.children.borrow().iter().cloned());
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_titles_and_servers_say_the_page_is_well_formed_and_names_nobody(
        title in "[^@\\p{C}]{0,40}",
        reply in "([<>&\"'{}%]|\\PC){0,60}",
        spread in proptest::collection::vec((0i64..5_000_000, 0usize..8, 1u32..30), 1..60),
    ) {
        let deliveries: Vec<Delivery> = spread.iter().zip(1i64..).map(|((at, state, attempts), number)| {
            let address = format!("reader-{number}@d{}.example", number % 23);
            let mut delivery = delivery(number, &address, State::ALL[*state], &format!("550 5.1.1 {reply} <{address}>"));
            delivery.changed = Some(begun() + TimeDelta::seconds(*at));
            delivery.attempts = *attempts;
            delivery
        }).collect();
        let numbers = statistics(&deliveries);
        let page = shown(&format!("{title}<script>&"), &numbers);
        prop_assert!(!is_element(&page, "script"));
        prop_assert!(!page.contains("reader-"));
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        prop_assert!(!page.replace(style, "").contains('@'));
        for drawing in drawings(&page) {
            prop_assert!(roxmltree::Document::parse(drawing).is_ok(), "{}", drawing);
        }
        prop_assert_eq!(&page, &shown(&format!("{title}<script>&"), &numbers));
    }
}
