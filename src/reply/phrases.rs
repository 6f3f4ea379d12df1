//! What the words of a reply say where its codes do not.
//!
//! Takes the text of a reply and returns a class, or none if no known phrase is in it. The phrases are those of mail servers
//! and large providers, in English, Chinese, Japanese and Korean; all are lower case. The phase and the codes are left to
//! `Reply`.

use crate::reply::ReplyClass;

/// The text of a reply, ready for a search: lower case, without addresses and host names, whose letters say nothing.
pub struct Phrases(String);

impl Phrases {
    /// Takes the text of a reply or a report.
    pub fn of(text: &str) -> Self {
        let text = without_brackets(text).to_lowercase();
        let is_name = |word: &str| word.contains('@') || is_host(word);
        let words: Vec<&str> = text.split_whitespace().filter(|word| !is_name(word)).collect();
        Self(words.join(" "))
    }

    /// Whether one of the phrases is in it.
    pub fn contain(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.0.contains(phrase))
    }

    /// What the words mean: of the sender, the message, the mailbox and the address, the first counts, so that an address is
    /// never blamed where anything else may be.
    pub fn class(&self) -> Option<ReplyClass> {
        if self.contain(LOOPS) {
            return Some(ReplyClass::MailboxUnavailable);
        }
        if self.contain(AGAINST_US) || is_of_netease(&self.0) {
            return Some(ReplyClass::OurFault);
        }
        if self.contain(ABOUT_MESSAGE) {
            return Some(ReplyClass::Message);
        }
        if self.contain(MAILBOX) {
            return Some(ReplyClass::MailboxUnavailable);
        }
        let has_no_host = self.contain(NO_SUCH_HOST) && !self.contain(&["try again"]);
        (has_no_host || self.contain(NO_SUCH_USER)).then_some(ReplyClass::AddressBad)
    }

    /// `OurFault` for words that mean a refusal of the sender where nothing names the recipient.
    pub fn class_of_refusal(&self) -> Option<ReplyClass> {
        self.contain(REFUSED).then_some(ReplyClass::OurFault)
    }

    /// Whether the domain of the recipient does not exist.
    pub fn name_no_host(&self) -> bool {
        self.class() == Some(ReplyClass::AddressBad) && self.contain(NO_SUCH_HOST)
    }

    /// Whether the time to deliver ran out.
    pub fn say_expired(&self) -> bool {
        self.contain(EXPIRED)
    }
}

/// The text without what is in angle brackets: Courier says `User <reader@example.org> unknown`.
fn without_brackets(text: &str) -> String {
    let (mut words, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('<')
        && let Some((_, after)) = after.split_once('>')
    {
        words.push_str(before.trim_end());
        words.push(' ');
        rest = after;
    }
    words.push_str(rest);
    words
}

/// A name with two dots: `mx.spam.example`. With one it may be the end of a sentence without a space.
fn is_host(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    word.split('.').count() > 2
        && word.split('.').all(is_label)
        && word.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// NetEase (163.com, 126.com, yeah.net) begins each refusal of a sender with a family and a reason: `DT:SPM`, `MI:SPF`.
fn is_of_netease(text: &str) -> bool {
    const FAMILIES: [&str; 4] = ["dt:", "hl:", "mi:", "rp:"];
    text.split(' ').take(3).any(|word| FAMILIES.iter().any(|family| word.starts_with(family)))
}

/// Phrases of servers that throttle without an enhanced code.
pub const THROTTLED: &[&str] = &["too many", "rate limit", "throttl", "too fast", "slow down", "frequency limited"];

/// Words of mail that goes round in a circle at the recipient's side.
const LOOPS: &[&str] = &["too many hops", "hop count", "loops back", "mail loop", "looping"];

/// Words of policy, reputation, rate and sender: whatever else is said, no recipient is to blame.
const AGAINST_US: &[&str] = &[
    "spam",
    "blocked",
    "block list",
    "blocklist",
    "blacklist",
    "black list",
    "reputation",
    "policy",
    "policies",
    "rate limit",
    "ratelimit",
    "throttl",
    "too many",
    "too fast",
    "frequency limited",
    "sender",
    "spf",
    "dkim",
    "dmarc",
    "rbl",
    "dnsbl",
    "your ip",
    "the ip address",
    "this ip",
    "ptr record",
    "reverse dns",
    "client host",
    "relaying",
    "relay access",
    "relay not permitted",
    "authenticat",
    "not allowed",
    "not permitted",
    "not authorized",
    "unsolicited",
    "complaint",
    "suspicious",
    "greylist",
    "banned",
    // ISO-8859-1, GB18030, Big5, Shift_JIS and EUC-KR are decoded before.
    "垃圾邮件",
    "垃圾郵件",
    "拒收",
    "黑名单",
    "黑名單",
    "频率",
    "頻率",
    "发件人",
    "發件人",
    "發信人",
    "迷惑メール",
    "拒否",
    "스팸",
    "차단",
];

/// Words of what is in the message.
const ABOUT_MESSAGE: &[&str] = &[
    "too large", "too big", "message size", "maximum size", "exceeds size", "virus", "邮件过大", "邮件太大", "郵件過大",
];

/// Words of a mailbox that exists.
const MAILBOX: &[&str] = &[
    " full", "quota", "storage", "disk space", "exceed", "disabled", "suspended", "inactive", "deactivated",
    "not active", "locked", "frozen", "temporarily", "over limit", "已满", "已滿", "空间不足", "空間不足", "停用",
    "冻结", "凍結", "容量", "一杯", "용량",
];

/// Phrases of servers that do not know the recipient.
const NO_SUCH_USER: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "no such mailbox",
    "no such recipient",
    "no such account",
    "no such address",
    "no such person",
    "unknown recipient",
    "recipient unknown",
    "addressee unknown",
    "unknown local",
    "unknown or illegal",
    "unknown account",
    "unknown mailbox",
    "mailbox unknown",
    "unknown email address",
    "account unknown",
    "account that you tried to reach is unknown",
    "invalid recipient",
    "invalid mailbox",
    "invalid user",
    "invalid final delivery userid",
    "mailbox not found",
    "mailbox was not found",
    "user not found",
    "recipient not found",
    "account not found",
    "address not found",
    "wasn't found at",
    "couldn't be found",
    "recipnotfound",
    "recipientnotfound",
    "not found by smtp address lookup",
    "does not exist",
    "doesn't exist",
    "not exist",
    "no longer exist",
    "no mailbox here by that name",
    "no mailbox by that name",
    "no account by that name",
    "no mailbox found",
    "mail-box not found",
    "no longer on server",
    "no user by that name",
    "not a valid user",
    "not a valid mailbox",
    "not a valid recipient",
    "not a known user",
    "not a user here",
    "not our customer",
    "not our user",
    "not listed in",
    "name is not recognized",
    "doesn't have a",
    "does not have a",
    "bad destination mailbox",
    "undeliverable address",
    // Exim's default text.
    "unrouteable address",
    "用户不存在",
    "用戶不存在",
    "邮箱不存在",
    "郵箱不存在",
    "地址不存在",
    "收件人不存在",
    "帐号不存在",
    "账号不存在",
    "查无此",
    "查無此",
    "存在しません",
    "存在しない",
    "見つかりません",
    "宛先不明",
    "존재하지 않",
    "없는 사용자",
];

/// Phrases of servers that do not find the domain of the recipient.
const NO_SUCH_HOST: &[&str] = &[
    "host not found",
    "host unknown",
    "unknown host",
    "hostname unknown",
    "domain not found",
    "domain name not found",
    "no such domain",
    "invalid domain",
    "no mx record",
    "couldn't find a mail exchanger",
    "unknown domain",
    "domain does not exist",
    "nxdomain",
    "couldn't find any host named",
    "name or service not known",
    "non-existent hosts",
    "null mx",
];

/// Phrases of servers that refuse the sender and send no enhanced code.
const REFUSED: &[&str] = &["denied", "relay"];

/// Phrases of servers that gave up.
const EXPIRED: &[&str] = &[
    "expired",
    "retry timeout",
    "retry time not reached",
    "timed out",
    "timeout",
    "time out",
    "in the queue too long",
    "been in the queue",
    "could not be delivered for",
    "cannot send message for",
    "within the allowed queue period",
    "not responding",
    "failing for a long time",
    "not respond",
    "could not deliver for",
    "requests to connect",
    "no response",
    "connection refused",
    "too long",
    "no smtp connection",
    "wasn't able to establish an smtp connection",
    "unable to connect",
    "try again later",
];
