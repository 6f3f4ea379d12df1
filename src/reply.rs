//! Replies of a server, and what they mean for the recipient, the run and the list.
//!
//! Classifies a reply by the phase it came in (RFC 5321 4.2, RFC 3463, RFC 5248 and what large providers publish); `quoted`
//! finds the reply in the words of another server. The costliest mistake would be to take a refusal of the sender (5.7.x) for
//! a bad address: it would suppress a whole audience. So when in doubt, no one is suppressed.

use std::fmt;

mod phase;
mod phrases;
mod quoted;

pub use crate::reply::phase::Phase;
pub use crate::reply::phrases::Phrases;
use crate::reply::phrases::THROTTLED;

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced status code (RFC 2034), if there is one that agrees with the code.
    pub enhanced: Option<Enhanced>,
    /// The text after the code as one line, including the enhanced code; no control characters, at most 500 characters.
    pub text: String,
}

/// An enhanced status code such as 5.1.1 without its class, which the reply code contains: RFC 3463.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced {
    /// The subject: 1 addressing, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyClass {
    /// Accepted.
    Accepted,
    /// The address does not exist and will not: never write to it again.
    AddressBad,
    /// The mailbox is full, disabled, or refuses by itself: not this issue, perhaps the next.
    MailboxUnavailable,
    /// The recipient's side cannot accept the message now.
    TryLater,
    /// The server wants less mail from us: pause, and hold it against no recipient.
    BackOff,
    /// The server refuses us (login, sender, policy, reputation): no recipient is at fault, and more mail does harm.
    OurFault,
    /// The server refuses this message (size, content) for any recipient.
    Message,
    /// The server lacks an extension that this recipient requires.
    Unsupported,
}

impl Reply {
    /// Makes a reply from code and text, with lines joined by spaces.
    pub fn new(code: u16, text: &str) -> Self {
        const MOST: usize = 500;
        let is_clean = text.len() <= MOST && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let text = if is_clean {
            text.trim().to_owned()
        } else {
            text.chars().map(clean).take(MOST).collect::<String>().trim().to_owned()
        };
        Self { code, enhanced: enhanced(code, &text), text }
    }

    /// Parses a reply from the ledger; returns `None` if the text is not a server's reply.
    pub fn recorded(text: &str) -> Option<Self> {
        let (code, rest) = text.split_at_checked(3)?;
        let code = code.parse().ok().filter(|code| (200..600).contains(code))?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| Self::new(code, rest.trim_start()))
    }

    /// What the reply means in `phase`. A gateway that quotes another server means what that server said: the inner reply counts,
    /// unless one of them is transient and the other permanent.
    pub fn class(&self, phase: Phase) -> ReplyClass {
        let inner = self.inner().filter(|inner| inner.code / 100 == self.code / 100);
        match self.code {
            200..=399 => ReplyClass::Accepted,
            400..=499 => inner.as_ref().unwrap_or(self).transient(phase),
            _ => inner.as_ref().unwrap_or(self).permanent(phase),
        }
    }

    /// Whether it says that this connection has carried as many messages as allowed.
    pub fn limits_connection(&self) -> bool {
        const LIMITS: &[&str] =
            &["too many messages", "messages per connection", "messages on this connection", "messages in this"];
        Phrases::of(&self.text).contain(LIMITS)
    }

    fn transient(&self, phase: Phase) -> ReplyClass {
        // Before RCPT, the relay speaks of itself.
        if self.code == 421 || phase < Phase::Rcpt || phase == Phase::Reset {
            return ReplyClass::BackOff;
        }
        match self.enhanced {
            Some(Enhanced { subject: 2, .. }) => ReplyClass::TryLater,
            // "Too much mail from you" is 4.7.0 and 4.7.28 at Gmail, 4.7.5xx and 4.7.65x at Microsoft.
            Some(Enhanced { subject: 7, detail: 0 | 28 | 500.. }) => ReplyClass::BackOff,
            _ if Phrases::of(&self.text).contain(THROTTLED) => ReplyClass::BackOff,
            _ => ReplyClass::TryLater,
        }
    }

    fn permanent(&self, phase: Phase) -> ReplyClass {
        if matches!(phase, Phase::Connect | Phase::Tls | Phase::Auth | Phase::Reset) {
            return ReplyClass::OurFault;
        }
        let phrases = Phrases::of(&self.text);
        let class = match self.enhanced.and_then(by_enhanced) {
            // Many servers have one code for whatever they refuse at RCPT: other words than of the address count for more.
            Some(ReplyClass::AddressBad) => phrases.class().unwrap_or(ReplyClass::AddressBad),
            Some(ReplyClass::MailboxUnavailable) if phrases.name_no_host() => ReplyClass::AddressBad,
            Some(class) => class,
            None => self.by_code(phase, &phrases),
        };
        // Before RCPT no recipient was named, so none can be at fault.
        match (phase, class) {
            (Phase::Mail, ReplyClass::AddressBad | ReplyClass::MailboxUnavailable) => ReplyClass::OurFault,
            _ => class,
        }
    }

    fn by_code(&self, phase: Phase, phrases: &Phrases) -> ReplyClass {
        let about_recipient = phase <= Phase::Rcpt;
        match self.code {
            // Courier's code for what others report with 552.
            534 if phrases.contain(&["too big"]) => ReplyClass::Message,
            500 | 502 | 503 | 530 | 534 | 535 | 538 => ReplyClass::OurFault,
            553 | 555 if phrases.contain(&["smtputf8"]) => ReplyClass::Unsupported,
            552 if about_recipient => phrases.class().unwrap_or(ReplyClass::MailboxUnavailable),
            552 => phrases.class().unwrap_or(ReplyClass::Message),
            _ => phrases.class().or_else(|| phrases.class_of_refusal()).unwrap_or(match about_recipient {
                true => ReplyClass::MailboxUnavailable,
                false => ReplyClass::Message,
            }),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.is_empty() {
            true => write!(f, "{}", self.code),
            false => write!(f, "{} {}", self.code, self.text),
        }
    }
}

/// What the enhanced code of a 5xx reply means, or `None` if it is too unspecific.
fn by_enhanced(enhanced: Enhanced) -> Option<ReplyClass> {
    match (enhanced.subject, enhanced.detail) {
        (1, 0 | 1 | 2 | 3 | 6 | 10) => Some(ReplyClass::AddressBad),
        // Bad sender address: syntax (5.1.7), domain (5.1.8).
        (1, 7 | 8) => Some(ReplyClass::OurFault),
        (2, 3) | (3, 4) => Some(ReplyClass::Message),
        (1 | 2 | 4, _) => Some(ReplyClass::MailboxUnavailable),
        // Non-ASCII addresses (5.6.7) or headers (5.6.9): RFC 6531 4.
        (6, 7 | 9) => Some(ReplyClass::Unsupported),
        (6, _) => Some(ReplyClass::Message),
        (7, _) => Some(ReplyClass::OurFault),
        (5, 1 | 2 | 4) => Some(ReplyClass::OurFault),
        _ => None,
    }
}

/// RFC 2034 4: the code is the first word, and its class agrees with the reply code. qmail writes it after the words: `(#5.7.1)`.
fn enhanced(code: u16, text: &str) -> Option<Enhanced> {
    let after_words = || {
        let (_, rest) = text.rsplit_once("(#")?;
        parse_enhanced(code, rest.split([' ', ')']).next()?)
    };
    parse_enhanced(code, text.split(' ').next()?).or_else(after_words)
}

fn parse_enhanced(code: u16, word: &str) -> Option<Enhanced> {
    let mut parts = word.split('.').map(|part| part.parse::<u16>().ok().filter(|_| part.len() <= 3));
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && class == code / 100).then_some(Enhanced { subject, detail })
}

#[cfg(test)]
mod tests {
    //! Replies of real servers, and what they must mean.

    use proptest::prelude::*;

    use super::ReplyClass::*;
    use super::*;

    /// Phase, code, text, meaning.
    const TABLE: &[(Phase, u16, &str, ReplyClass)] = &[
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
        (Phase::Rcpt, 550, "Unrouteable address", AddressBad),
        (Phase::Rcpt, 550, "User <reader@example.org> unknown", AddressBad),
        (Phase::Rcpt, 550, "<reader@example.org>: User unknown in virtual mailbox table", AddressBad),
        (Phase::Rcpt, 550, "5.4.4 Host or domain name not found", AddressBad),
        (Phase::Rcpt, 550, "用户不存在", AddressBad),
        (Phase::Rcpt, 550, "sorry, no mailbox here by that name (#5.1.1)", AddressBad),
        (
            Phase::FinalDot,
            550,
            "5.1.0 - Unknown address error 550-'5.1.1 No such user' (delivery attempts: 0)",
            AddressBad,
        ),
        // mailboxes that do not work now
        (Phase::Rcpt, 550, "5.2.1 The email account is disabled", MailboxUnavailable),
        (Phase::Rcpt, 552, "5.2.2 Over quota", MailboxUnavailable),
        (Phase::Rcpt, 552, "Mailbox full", MailboxUnavailable),
        (Phase::FinalDot, 554, "5.2.2 Mailbox full", MailboxUnavailable),
        (Phase::Rcpt, 550, "5.5.0 Requested action not taken: mailbox unavailable", MailboxUnavailable),
        (Phase::Rcpt, 550, "5.4.1 Recipient address rejected: Access denied", MailboxUnavailable),
        (Phase::Rcpt, 550, "Requested action not taken", MailboxUnavailable),
        (Phase::Rcpt, 550, "", MailboxUnavailable),
        (Phase::Rcpt, 550, "5.1.1 User suspended", MailboxUnavailable),
        (Phase::Rcpt, 550, "User unknown or mailbox full", MailboxUnavailable),
        (Phase::Rcpt, 554, "5.4.6 Too many hops", MailboxUnavailable),
        (Phase::Rcpt, 550, "5.1.0 - Unknown address error 550-'Mailbox unavailable'", MailboxUnavailable),
        // later, for this recipient
        (Phase::Rcpt, 452, "4.2.2 Mailbox full", TryLater),
        (Phase::Rcpt, 450, "4.2.1 The user is receiving mail too quickly", TryLater),
        (Phase::Rcpt, 450, "4.7.1 Greylisted, please try again later", TryLater),
        (Phase::Rcpt, 451, "4.3.0 Temporary lookup failure", TryLater),
        (Phase::FinalDot, 451, "4.4.1 No answer from host", TryLater),
        (Phase::Data, 451, "Local error in processing", TryLater),
        (Phase::Rcpt, 451, "4.3.0 Gateway said: 550 5.1.1 No such user", TryLater),
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
        (Phase::Rcpt, 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", OurFault),
        (Phase::FinalDot, 550, "5.1.0 - Unknown address error 550-'5.7.1 Blocked by policy'", OurFault),
        (Phase::Rcpt, 550, "5.1.1 Your message was blocked for its rate", OurFault),
        (Phase::Rcpt, 550, "5.1.0 <editors@example.org> sender rejected", OurFault),
        (Phase::Rcpt, 550, "User unknown; see https://www.spamhaus.org/query/ip/192.0.2.1", OurFault),
        (Phase::Rcpt, 554, "DT:SPM 163 smtp1,AbC 1480000000", OurFault),
        (Phase::Rcpt, 550, "Ip frequency limited", OurFault),
        // the message
        (Phase::Mail, 552, "5.3.4 Message size exceeds fixed limit", Message),
        (Phase::Mail, 534, "SIZE=Message too big.", Message),
        (Phase::FinalDot, 552, "Message size exceeds fixed maximum", Message),
        (Phase::FinalDot, 554, "5.6.0 Content rejected", Message),
        (Phase::FinalDot, 554, "Virus found", Message),
        (Phase::FinalDot, 550, "5.2.3 Message too large for this recipient", Message),
        // extensions
        (Phase::Rcpt, 553, "5.6.7 Non-ASCII addresses not permitted for that recipient", Unsupported),
        (Phase::Rcpt, 553, "SMTPUTF8 is required", Unsupported),
    ];

    #[test]
    fn recorded_replies_are_parsed_back() {
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
        assert_eq!(enhanced(550, "sorry (#5.1.1)"), Some(Enhanced { subject: 1, detail: 1 }));
        for (code, text) in
            [(450, "5.1.1 no"), (550, "5.1 no"), (550, "5.1.1.1 no"), (550, "5.1.1000 no"), (550, "x5.1.1")]
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
        /// A policy refusal never costs a subscription, whatever its text.
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
}
