//! What a visitor sees does not depend on the address.

use slugline::parts::Status;

use super::*;

#[test]
fn the_answer_is_the_same_for_every_state_of_an_address() {
    in_both_stores("readers_states", |newsroom| {
        let states = [
            ("active@example.org", Status::Active),
            ("left@example.org", Status::Unsubscribed),
            ("unconfirmed@example.org", Status::Unconfirmed),
            ("bounced@example.org", Status::Bounced),
            ("complained@example.org", Status::Complained),
            ("suppressed@example.org", Status::Suppressed),
        ];
        for (address, status) in states {
            newsroom.add(address, status);
        }
        newsroom.add("forgotten@example.org", Status::Active);
        newsroom.says(&["subscribers", "forget", "forgotten@example.org", "--yes"]);
        newsroom
            .with_store(|store| store.block(&"blocked@example.org".parse().unwrap(), NOON.parse().unwrap()).unwrap());
        newsroom.serve_at(NOON);
        let others = ["new", "forgotten", "blocked", "waiting"].map(|name| format!("{name}@example.org"));
        let all: Vec<&str> =
            states.iter().map(|(address, _)| *address).chain(others.iter().map(String::as_str)).collect();
        let asked = |newsroom: &Newsroom, page: &str, number: usize, email: &str| {
            let from = format!("198.51.{number}.1");
            newsroom.ask("POST", page, &[FORM, ("X-Forwarded-For", &from)], &encoded(&[("email", email)]))
        };
        for (page, now) in
            [("/subscribe", NOON), ("/subscribe", "2026-11-20T12:15:00Z"), ("/link", "2026-11-21T18:00:00Z")]
        {
            newsroom.serve_at(now);
            let mut answers = Vec::new();
            for (number, email) in all.iter().enumerate() {
                answers.push(asked(newsroom, page, number, email));
                // At once again: beyond the limit of the mailbox.
                answers.push(asked(newsroom, page, number, email));
            }
            // Beyond the limit of the network.
            answers.extend((0..12).map(|number| asked(newsroom, page, 250, &format!("{number}@example.com"))));
            answers.dedup();
            assert_eq!(answers.len(), 1, "{page}: {answers:#?}");
            assert_eq!(answers[0].status, 200);
        }
        newsroom.settle();
        let mut mailed: Vec<String> = newsroom.peer.taken().into_iter().map(|taken| taken.to).collect();
        mailed.retain(|to| to.ends_with("@example.org"));
        mailed.sort();
        mailed.dedup();
        let expected = ["active", "bounced", "forgotten", "left", "new", "suppressed", "unconfirmed", "waiting"];
        assert_eq!(mailed, expected.map(|name| format!("{name}@example.org")));
    });
}
