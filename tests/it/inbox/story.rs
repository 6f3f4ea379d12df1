//! A newsletter without a server on the web: readers come, stay and go by mail alone.

use crate::inbox::{Tides, between, letter};

#[test]
fn a_reader_subscribes_confirms_leaves_and_comes_back_by_mail_alone() {
    let tides = Tides::mailed(&["maren@example.org"]);
    let new = "Nobody <new@example.com>";
    let link = tides.succeeds(&["links", "--form"]);
    assert_eq!(
        link,
        "<p>I want to receive Tide Notes by email. Every email has a link to unsubscribe.<br>\n\
         <a href=\"mailto:subscribe@tides.example.org?subject=subscribe\">Subscribe to Tide Notes</a></p>\n"
    );
    let request = letter(new, "subscribe@tides.example.org", "subscribe");
    let answered = "Read 1 message: 1 request to subscribe.\nTransactional messages: 1 sent.\n".to_owned();
    assert_eq!(tides.receives(&request), (0, answered));
    let mail = tides.mail("transactional", "new@example.com");
    assert!(!mail.contains("Nobody") && !mail.contains("Hello"), "{mail}");
    let confirm = between(&mail, "Reply-To: ", "\r\n");
    let away = letter(new, &confirm, "Re: please confirm").replace("Subject", "Auto-Submitted: auto-replied\nSubject");
    assert_eq!(tides.receives(&away).1, "Read 1 message: 1 changes nothing.\n");
    assert_eq!(tides.standing("new@example.com").0, "");
    // Whoever sends it: the token is the proof.
    let reply = letter("work@example.net", &confirm, "Re: please confirm");
    assert_eq!(tides.receives(&reply), (0, "Read 1 message: 1 confirmation.\n".to_owned()));
    assert_eq!(tides.standing("new@example.com").0, "active");
    let person = tides.document(&["subscribers", "show", "new@example.com"]);
    assert!(person.to_string().contains("I want to receive Tide Notes by email."), "{person}");

    tides.write("content/spring.md", "---\ntitle: Spring\ndate: 2026-11-20T11:30:00Z\n---\n\nThe sea rises.\n");
    tides.succeeds(&["send", "spring"]);
    let leave = between(&tides.mail("spring", "new@example.com"), "<mailto:", "?");
    assert_eq!(tides.receives(&letter(new, &leave, "")).0, 0);
    assert_eq!(tides.standing("new@example.com").0, "unsubscribed");
    let goodbye = tides.mail("transactional", "new@example.com");
    assert!(goodbye.contains("Subject: You have left Tide Notes") && !goodbye.contains("Reply-To:"), "{goodbye}");
    let undo = between(&goodbye, "mailto:", "?");
    assert_eq!(tides.receives(&letter(new, &undo, "return")), (0, "Read 1 message: 1 confirmation.\n".to_owned()));
    assert_eq!(tides.standing("new@example.com").0, "active");
}

#[test]
fn whoever_writes_without_a_token_only_gets_their_links() {
    let tides = Tides::mailed(&["maren@example.org"]);
    let wish = letter("maren@example.org", "leave@tides.example.org", "unsubscribe");
    let answered = "Read 1 message: 1 request to leave.\nTransactional messages: 1 sent.\n".to_owned();
    assert_eq!(tides.receives(&wish), (0, answered));
    assert_eq!(tides.standing("maren@example.org").0, "active");
    let links = tides.mail("transactional", "maren@example.org");
    let leave = between(&links, "mailto:", "?");
    assert_eq!(tides.receives(&letter("maren@example.org", &leave, "")).0, 0);
    assert_eq!(tides.standing("maren@example.org").0, "unsubscribed");
    // A stranger gets nothing, and nobody learns whether the address is known.
    let wish = letter("stranger@example.org", "leave@tides.example.org", "unsubscribe");
    assert_eq!(tides.receives(&wish), (0, "Read 1 message: 1 request to leave.\n".to_owned()));
}
