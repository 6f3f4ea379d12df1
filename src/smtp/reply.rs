//! What a server answered, and what that means for the recipient, the run and the list.
//!
//! Takes a reply and the phase it came in; gives one class (RFC 5321 4.2, RFC 3463, RFC 5248 and what large providers
//! publish). The costliest mistake here is to take a refusal of ourselves (5.7.x) for a bad address: it would remove a
//! whole audience. So in doubt nobody is suppressed.

use std::fmt;

use crate::smtp::phase::Phase;

/// A reply of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced status code (RFC 2034), where there is one that agrees with the code.
    pub enhanced: Option<Enhanced>,
    /// The words after the digits, one line, the enhanced code included; without control characters, at most 500.
    pub text: String,
}

/// An enhanced status code such as 5.1.1, without its first part, which the reply code says already: RFC 3463.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced {
    /// What it is about: 1 addressing, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// What exactly.
    pub detail: u16,
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The server took it.
    Accepted,
    /// There is no such address, now or later: write no more to it.
    AddressBad,
    /// The mailbox is full, disabled, or refuses for a reason of its own: not this issue, perhaps the next.
    MailboxUnavailable,
    /// The recipient's side cannot take it now.
    TryLater,
    /// The server wants less from us: pause, and count it against nobody.
    BackOff,
    /// The server refuses us (login, sender, policy, reputation): no recipient is to blame, and more mail does harm.
    OurFault,
    /// The server refuses this message (size, content), whoever gets it.
    Message,
    /// The server lacks an extension this recipient needs.
    Unsupported,
}

impl Reply {
    /// Reads code and text as the server sent them, lines joined by spaces.
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

    /// Reads a reply that was written down as it is shown; `None` where that was no reply of a server.
    pub fn recorded(text: &str) -> Option<Self> {
        let (code, rest) = text.split_at_checked(3)?;
        let code = code.parse().ok().filter(|code| (200..600).contains(code))?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| Self::new(code, rest.trim_start()))
    }

    /// What the reply means when it comes in `phase`.
    pub fn class(&self, phase: Phase) -> Class {
        match self.code {
            200..=399 => Class::Accepted,
            400..=499 => self.transient(phase),
            _ => self.permanent(phase),
        }
    }

    fn transient(&self, phase: Phase) -> Class {
        // The relay speaks of itself until it has heard of a recipient.
        if self.code == 421 || phase < Phase::Rcpt || phase == Phase::Reset {
            return Class::BackOff;
        }
        match self.enhanced {
            Some(Enhanced { subject: 2, .. }) => Class::TryLater,
            // 4.7.0 and 4.7.28 are Gmail's, 4.7.5xx and 4.7.65x Microsoft's ways to say "too much from you".
            Some(Enhanced { subject: 7, detail: 0 | 28 | 500.. }) => Class::BackOff,
            _ if self.says(TOO_MUCH) => Class::BackOff,
            _ => Class::TryLater,
        }
    }

    fn permanent(&self, phase: Phase) -> Class {
        if matches!(phase, Phase::Connect | Phase::Tls | Phase::Auth | Phase::Reset) {
            return Class::OurFault;
        }
        let class = self.enhanced.and_then(by_enhanced).unwrap_or_else(|| self.by_code(phase));
        // Before RCPT no recipient was named, so none can be at fault.
        match (phase, class) {
            (Phase::Mail, Class::AddressBad | Class::MailboxUnavailable) => Class::OurFault,
            _ => class,
        }
    }

    fn by_code(&self, phase: Phase) -> Class {
        let about_recipient = phase <= Phase::Rcpt;
        match self.code {
            500 | 502 | 503 | 530 | 534 | 535 | 538 => Class::OurFault,
            553 | 555 if self.says(&["smtputf8"]) => Class::Unsupported,
            552 if about_recipient => Class::MailboxUnavailable,
            552 => Class::Message,
            _ if self.says(NO_SUCH_USER) => Class::AddressBad,
            _ if self.says(NOT_YOU) => Class::OurFault,
            _ if about_recipient => Class::MailboxUnavailable,
            _ => Class::Message,
        }
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = self.text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
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

/// What the enhanced code of a 5xx reply means; `None` where it says too little.
fn by_enhanced(enhanced: Enhanced) -> Option<Class> {
    match (enhanced.subject, enhanced.detail) {
        (1, 0 | 1 | 2 | 3 | 6 | 10) => Some(Class::AddressBad),
        // Bad sender address: syntax (5.1.7), domain (5.1.8).
        (1, 7 | 8) => Some(Class::OurFault),
        (1 | 2 | 4, _) => Some(Class::MailboxUnavailable),
        (3, 4) => Some(Class::Message),
        // Non-ASCII addresses (5.6.7) or headers (5.6.9): RFC 6531 4.
        (6, 7 | 9) => Some(Class::Unsupported),
        (6, _) => Some(Class::Message),
        (7, _) => Some(Class::OurFault),
        (5, 1 | 2 | 4) => Some(Class::OurFault),
        _ => None,
    }
}

/// RFC 2034 4: the code is the first word, and its class agrees with the reply code.
fn enhanced(code: u16, text: &str) -> Option<Enhanced> {
    let word = text.split(' ').next()?;
    let mut parts = word.split('.').map(|part| part.parse::<u16>().ok().filter(|_| part.len() <= 3));
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && class == code / 100).then_some(Enhanced { subject, detail })
}

/// Words of servers that refuse more for now without an enhanced code.
const TOO_MUCH: &[&str] = &["too many", "rate limit", "throttl", "too fast", "slow down"];

/// Words of servers that know no such recipient and give no enhanced code.
const NO_SUCH_USER: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "no such mailbox",
    "no such recipient",
    "unknown recipient",
    "recipient unknown",
    "invalid recipient",
    "mailbox not found",
    "user not found",
    "does not exist",
    "doesn't exist",
];

/// Words of servers that refuse the sender and give no enhanced code.
const NOT_YOU: &[&str] = &[
    "not allowed", "not permitted", "denied", "relay", "authenticat", "policy", "blocked", "blacklist", "blocklist",
    "spam", "reputation", "spf", "dkim", "dmarc",
];

#[cfg(test)]
mod tests;
