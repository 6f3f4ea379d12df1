//! Replies as servers really send them, and what they must mean.

use proptest::prelude::*;

use super::Class::*;
use super::*;

/// Phase, reply, meaning.
const TABLE: &[(Phase, u16, &str, Class)] = &[
    (Phase::FinalDot, 250, "2.0.0 Ok: queued as 4Xb", Accepted),
    (Phase::Rcpt, 250, "2.1.5 Ok", Accepted),
    (Phase::Rcpt, 251, "User not local; will forward", Accepted),
    (Phase::Rcpt, 252, "2.0.0 Cannot VRFY user", Accepted),
    (Phase::Data, 354, "End data with <CR><LF>.<CR><LF>", Accepted),
    // addresses that will never work
    (Phase::Rcpt, 550, "5.1.1 The email account that you tried to reach does not exist", AddressBad),
    (Phase::Rcpt, 550, "5.1.0 Address rejected", AddressBad),
    (Phase::Rcpt, 550, "5.1.2 Bad destination system", AddressBad),
    (Phase::Rcpt, 501, "5.1.3 Bad recipient address syntax", AddressBad),
    (Phase::Rcpt, 551, "5.1.6 Mailbox has moved", AddressBad),
    (Phase::Rcpt, 556, "5.1.10 Domain has null MX", AddressBad),
    (Phase::FinalDot, 550, "5.1.1 No such user", AddressBad),
    (Phase::Rcpt, 550, "No such user here", AddressBad),
    (Phase::Rcpt, 550, "<reader@example.org>: User unknown in virtual mailbox table", AddressBad),
    // mailboxes that do not work now
    (Phase::Rcpt, 550, "5.2.1 The email account is disabled", MailboxUnavailable),
    (Phase::Rcpt, 552, "5.2.2 Over quota", MailboxUnavailable),
    (Phase::Rcpt, 552, "Mailbox full", MailboxUnavailable),
    (Phase::FinalDot, 554, "5.2.2 Mailbox full", MailboxUnavailable),
    (Phase::Rcpt, 550, "5.5.0 Requested action not taken: mailbox unavailable", MailboxUnavailable),
    (Phase::Rcpt, 550, "5.4.1 Recipient address rejected: Access denied", MailboxUnavailable),
    (Phase::Rcpt, 550, "Requested action not taken", MailboxUnavailable),
    (Phase::Rcpt, 550, "", MailboxUnavailable),
    // later, for this recipient
    (Phase::Rcpt, 452, "4.2.2 Mailbox full", TryLater),
    (Phase::Rcpt, 450, "4.2.1 The user is receiving mail too quickly", TryLater),
    (Phase::Rcpt, 450, "4.7.1 Greylisted, please try again later", TryLater),
    (Phase::Rcpt, 451, "4.3.0 Temporary lookup failure", TryLater),
    (Phase::FinalDot, 451, "4.4.1 No answer from host", TryLater),
    (Phase::Data, 451, "Local error in processing", TryLater),
    // less from us
    (Phase::Connect, 421, "4.3.2 Service not available", BackOff),
    (Phase::FinalDot, 421, "4.7.28 Our system has detected an unusual rate of mail", BackOff),
    (Phase::Rcpt, 450, "4.7.28 Rate limit", BackOff),
    (Phase::Rcpt, 451, "4.7.650 The mail server has been temporarily rate limited", BackOff),
    (Phase::Rcpt, 452, "Too many recipients", BackOff),
    (Phase::Auth, 454, "4.7.0 Too many login attempts", BackOff),
    (Phase::Mail, 452, "4.3.1 Insufficient system storage", BackOff),
    // us
    (Phase::Connect, 554, "No SMTP service here", OurFault),
    (Phase::Auth, 535, "5.7.8 Username and password not accepted", OurFault),
    (Phase::Mail, 530, "5.7.0 Must issue a STARTTLS command first", OurFault),
    (Phase::Mail, 530, "Authentication required", OurFault),
    (Phase::Mail, 550, "5.1.1 Sender unknown", OurFault),
    (Phase::Mail, 550, "5.1.8 Sender address rejected: Domain not found", OurFault),
    (Phase::Mail, 553, "5.7.1 Sender address rejected: not owned by user", OurFault),
    (Phase::Rcpt, 554, "5.7.1 Relay access denied", OurFault),
    (Phase::Rcpt, 550, "5.7.1 Recipient address rejected: user unknown", OurFault),
    (Phase::Rcpt, 550, "Relaying denied", OurFault),
    (Phase::Rcpt, 550, "You are not allowed to send from that address", OurFault),
    (Phase::FinalDot, 550, "5.7.26 This mail is unauthenticated", OurFault),
    (Phase::FinalDot, 550, "5.7.25 The IP address has no PTR record", OurFault),
    (Phase::FinalDot, 554, "Message rejected as spam", OurFault),
    (Phase::Data, 503, "5.5.1 Bad sequence of commands", OurFault),
    // the message
    (Phase::Mail, 552, "5.3.4 Message size exceeds fixed limit", Message),
    (Phase::FinalDot, 552, "Message size exceeds fixed maximum", Message),
    (Phase::FinalDot, 554, "5.6.0 Content rejected", Message),
    (Phase::FinalDot, 554, "Virus found", Message),
    // extensions
    (Phase::Rcpt, 553, "5.6.7 Non-ASCII addresses not permitted for that recipient", Unsupported),
    (Phase::Rcpt, 553, "SMTPUTF8 is required", Unsupported),
];

#[test]
fn what_was_written_down_is_read_as_it_was() {
    for reply in [Reply::new(550, "5.2.1 Disabled"), Reply::new(250, ""), Reply::new(421, "4.7.0 a: b")] {
        assert_eq!(Reply::recorded(&reply.to_string()), Some(reply));
    }
    for no in ["", "55", "5501 x", "the server hung up", "written to outbox/a.eml", "99 a", "999 a"] {
        assert_eq!(Reply::recorded(no), None, "{no}");
    }
}

#[test]
fn replies_mean_what_the_table_says() {
    for &(phase, code, text, class) in TABLE {
        assert_eq!(Reply::new(code, text).class(phase), class, "{code} {text} while {phase}");
    }
}

#[test]
fn an_enhanced_code_must_agree_with_the_reply() {
    let enhanced = |code, text| Reply::new(code, text).enhanced;
    assert_eq!(enhanced(550, "5.1.1 no"), Some(Enhanced { subject: 1, detail: 1 }));
    assert_eq!(enhanced(250, "2.1.5"), Some(Enhanced { subject: 1, detail: 5 }));
    for (code, text) in [(450, "5.1.1 no"), (550, "5.1 no"), (550, "5.1.1.1 no"), (550, "5.1.1000 no"), (550, "x5.1.1")]
    {
        assert_eq!(enhanced(code, text), None, "{code} {text}");
    }
}

#[test]
fn a_reply_is_shown_on_one_line_without_control_characters() {
    let reply = Reply::new(550, "5.1.1 no\u{1b}[31m such\r\nuser");
    assert_eq!(reply.to_string(), "550 5.1.1 no [31m such  user");
    assert_eq!(Reply::new(250, "").to_string(), "250");
    assert_eq!(Reply::new(550, &"x".repeat(2000)).text.len(), 500);
}

proptest! {
    /// Policy refusals never cost anybody the subscription, whatever words stand beside them.
    #[test]
    fn a_policy_refusal_never_blames_an_address(detail in 0u16..1000, text in ".{0,60}", phase in 0usize..4) {
        let phase = [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::FinalDot][phase];
        let class = Reply::new(550, &format!("5.7.{detail} {text}")).class(phase);
        prop_assert_eq!(class, OurFault);
    }

    #[test]
    fn any_reply_has_a_class(code in 0u16..1000, text in ".{0,80}") {
        let reply = Reply::new(code, &text);
        prop_assert_eq!(reply.class(Phase::Rcpt) == Accepted, (200..400).contains(&code));
    }
}
