//! Many requests for one victim: each is answered alike, and hardly any mails.

use super::*;

/// A day, from its beginning to its end. Each of these times is tried in earnest.
const TIMES: [&str; 6] = [
    NOON,
    "2026-11-20T12:10:01Z",
    "2026-11-20T12:20:02Z",
    "2026-11-20T18:00:00Z",
    "2026-11-21T00:00:03Z",
    "2026-11-21T11:59:59Z",
];

const REQUESTS: usize = 1000;

/// A spelling of the victim's address that leads to the same mailbox.
fn variant(number: usize) -> String {
    let local: String = "victim".chars().enumerate().fold(String::new(), |mut local, (at, letter)| {
        if at > 0 && number >> at & 1 == 1 {
            local.push('.');
        }
        local.push(if number.is_multiple_of(3) { letter.to_ascii_uppercase() } else { letter });
        local
    });
    let domain = if number.is_multiple_of(2) { "gmail.com" } else { "GoogleMail.com" };
    format!("{local}+{number}@{domain}")
}

/// Asks as a program does that presses every button.
fn insist(newsroom: &Newsroom, email: &str, from: &str) -> Reply {
    let ask = |fields: &[(&str, &str)]| {
        newsroom.ask("POST", "/subscribe", &[FORM, ("X-Forwarded-For", from)], &encoded(fields))
    };
    let answer = ask(&[("email", email)]);
    match answer.body.split("name=\"step\" value=\"").nth(1) {
        Some(rest) => ask(&[("email", email), ("step", rest.split('"').next().unwrap())]),
        None => answer,
    }
}

#[test]
fn a_victim_gets_at_most_three_mails_a_day() {
    in_both_stores("readers_bombing", |newsroom| {
        let mut number = 0;
        let mut answers = Vec::new();
        for now in TIMES {
            newsroom.serve_at(now);
            for _ in 0..REQUESTS.div_ceil(TIMES.len()) {
                number += 1;
                // Two requests from each address, all in different networks.
                let (network, host) = (number / 2, number % 250);
                let from = format!("10.{}.{}.{host}", network / 250, network % 250);
                answers.push(insist(newsroom, &variant(number), &from));
            }
            newsroom.settle();
        }
        assert!(number >= REQUESTS);
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:#?}");
        let mailed: Vec<String> = newsroom.peer.taken().into_iter().map(|taken| taken.to).collect();
        assert_eq!(mailed.len(), 3, "{mailed:?}");
    });
}

#[test]
fn a_network_asks_for_ten_addresses_an_hour_whatever_it_claims() {
    in_both_stores("readers_network", |newsroom| {
        newsroom.serve_at(NOON);
        for number in 0..30 {
            // The proxy appends the address it sees; everything before it is invented.
            let from = format!("198.51.100.{number}, 10.9.{number}.1, 203.0.113.{number}");
            insist(newsroom, &format!("reader{number}@example.org"), &from).is(200, "Check your inbox");
        }
        newsroom.settle();
        assert_eq!(newsroom.peer.count(), 10);
    });
}
