//! Rules for the sender: what providers require of bulk senders (Gmail and Yahoo since 2024).

use crate::check::rule::Rule;
use crate::finding::{Finding, Place};

const UNSUBSCRIBE_RECOMMENDED: Rule = Rule::warning(
    "unsubscribe-recommended",
    "Mail has no unsubscribe link",
    "recipients report such mail as spam, and many countries require a link by law; set `unsubscribe_mailto`, and \
     `unsubscribe_url` if you have a page",
);
const UNSUBSCRIBE_MISSING: Rule = Rule::error(
    "unsubscribe-missing",
    "Mail over SMTP has no unsubscribe link, so nothing is sent",
    "set `mail.unsubscribe_mailto`, or `mail.unsubscribe_url` if you have a page; if your provider adds a link to \
     every message, set `unsubscribe: none`",
);
const POSTAL_ADDRESS_MISSING: Rule = Rule::warning(
    "postal-address-missing",
    "Mail does not contain the sender's postal address",
    "many countries require one in every newsletter (among them the US: CAN-SPAM, 15 U.S.C. 7704(a)(5)); set \
     `mail.postal_address`",
);
const ONE_CLICK_MISSING: Rule = Rule::warning(
    "one-click-missing",
    "Subscribers cannot unsubscribe with one click",
    "Gmail and Yahoo require it of senders of more than 5,000 messages a day (RFC 8058); set an `unsubscribe_url` \
     that contains `{token}`",
);
const UNSUBSCRIBE_ADDRESS: Rule = Rule::warning(
    "unsubscribe-address",
    "The unsubscribe link contains the address of the recipient",
    "it ends up in the logs of servers and in forwarded emails, and anyone can unsubscribe someone else with it; write \
     `{token}` instead of `{address}`",
);
const UNSUBSCRIBE_ELSEWHERE: Rule = Rule::warning(
    "unsubscribe-elsewhere",
    "`serve.url` is set, but the unsubscribe link of mail leads elsewhere",
    "who leaves elsewhere stays on the list here until `slugline subscribers remove` is told; remove `unsubscribe_url` or \
     `unsubscribe: none`, and mail links to the page below `serve.url`",
);
const LIST_ID_MISSING: Rule = Rule::warning(
    "list-id-missing",
    "Mail has no List-Id",
    "mail programs sort by it (RFC 2919), and spam filters expect it; write `list_id: My Weekly <weekly.example.org>`",
);
const FROM_FREEMAIL: Rule = Rule::error(
    "from-freemail",
    "The sender's address belongs to a freemail provider whose servers do not send the mail",
    "receivers reject it because only the provider may sign for its domain (DMARC); use an address at your own domain",
);
const DKIM_UNALIGNED: Rule = Rule::error(
    "dkim-unaligned",
    "No DKIM signature matches the sender's domain",
    "receivers count only signatures of the domain in `from` or a parent of it (DMARC, RFC 7489 section 3.1.1); add a \
     key for that domain",
);

pub(in crate::check) const RULES: [&Rule; 9] = [
    &UNSUBSCRIBE_RECOMMENDED,
    &UNSUBSCRIBE_MISSING,
    &ONE_CLICK_MISSING,
    &UNSUBSCRIBE_ADDRESS,
    &UNSUBSCRIBE_ELSEWHERE,
    &LIST_ID_MISSING,
    &POSTAL_ADDRESS_MISSING,
    &FROM_FREEMAIL,
    &DKIM_UNALIGNED,
];

/// The finding that prevents sending to a list over SMTP.
pub fn unsubscribe_missing() -> Finding {
    UNSUBSCRIBE_MISSING.found("there is no unsubscribe link, and nothing is mailed to a list without one")
}

/// Freemail providers whose DMARC policy makes receivers reject mail sent elsewhere, with the domains of their servers.
const FREEMAIL: [(&str, &str); 14] = [
    ("gmail.com", "google.com gmail.com"),
    ("googlemail.com", "google.com gmail.com"),
    ("yahoo.com", "yahoo.com"),
    ("outlook.com", "outlook.com office365.com"),
    ("hotmail.com", "outlook.com office365.com"),
    ("live.com", "outlook.com office365.com"),
    ("icloud.com", "me.com icloud.com"),
    ("aol.com", "aol.com"),
    ("gmx.net", "gmx.net"),
    ("qq.com", "qq.com"),
    ("foxmail.com", "qq.com"),
    ("163.com", "163.com"),
    ("126.com", "126.com"),
    ("sina.com", "sina.com sina.cn"),
];

/// The sender as configured in the project file.
#[derive(Debug, Clone, Default)]
pub struct Sender<'a> {
    /// Domain of From.
    pub domain: &'a str,
    /// Host of the relay, if mail leaves over SMTP.
    pub server: Option<&'a str>,
    /// `unsubscribe_url`.
    pub unsubscribe_url: Option<&'a str>,
    /// `unsubscribe_mailto`.
    pub unsubscribe_mailto: Option<&'a str>,
    /// The link to the page below `serve.url`, if readers are served.
    pub leave_page: Option<&'a str>,
    /// Whether a provider adds the unsubscribe link.
    pub unsubscribe_by_provider: bool,
    /// Whether `list_id` is set.
    pub has_list_id: bool,
    /// Whether `postal_address` is set.
    pub has_postal_address: bool,
    /// The domains of the DKIM keys.
    pub signs_for: Vec<&'a str>,
}

/// Returns the findings about the sender; `path` and `text` are those of the project file.
pub fn check(sender: &Sender<'_>, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |finding: Finding, keys: &[&str]| findings.push(finding.at(Place::of_value(path, text, keys)));
    let is_personal = |url: &str| url.contains("{token}") || url.contains("{address}");
    match (sender.unsubscribe_url, sender.unsubscribe_mailto) {
        (None, None) if sender.unsubscribe_by_provider => {}
        (None, None) if sender.server.is_some() => found(unsubscribe_missing(), &["mail"]),
        (None, None) => found(UNSUBSCRIBE_RECOMMENDED.found("there is no unsubscribe link"), &["mail"]),
        (Some(url), _) if is_personal(url) => {}
        _ => found(ONE_CLICK_MISSING.found("no page supports one-click unsubscribe"), &["mail"]),
    }
    if sender.unsubscribe_url.is_some_and(|url| url.contains("{address}")) {
        found(UNSUBSCRIBE_ADDRESS.found("the unsubscribe link contains `{address}`"), &["mail", "unsubscribe_url"]);
    }
    if let Some((finding, key)) = elsewhere(sender) {
        found(finding, &["mail", key]);
    }
    if !sender.has_list_id {
        found(LIST_ID_MISSING.found("`list_id` is not set"), &["mail"]);
    }
    if sender.server.is_some() && !sender.has_postal_address {
        found(POSTAL_ADDRESS_MISSING.found("`postal_address` is not set"), &["mail"]);
    }
    let from = sender.domain;
    let provider = FREEMAIL.iter().find(|(domain, _)| *domain == from);
    if let (Some((domain, servers)), Some(server)) = (provider, sender.server)
        && !servers.split(' ').any(|end| server.ends_with(end))
    {
        found(FROM_FREEMAIL.found(format!("`{domain}` does not let `{server}` send for it")), &["mail", "from"]);
    }
    let is_aligned = |domain: &&str| from == *domain || from.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
    if !sender.signs_for.is_empty() && !sender.signs_for.iter().any(is_aligned) {
        found(DKIM_UNALIGNED.found(format!("no DKIM key signs for `{from}`")), &["mail", "dkim"]);
    }
    findings
}

/// The finding that mail does not link to the pages for readers, and the key that is the reason.
fn elsewhere(sender: &Sender<'_>) -> Option<(Finding, &'static str)> {
    let own = sender.leave_page?;
    match sender.unsubscribe_url {
        Some(url) if !url.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('?')) => {
            Some((UNSUBSCRIBE_ELSEWHERE.found(format!("the unsubscribe link is not `{own}`")), "unsubscribe_url"))
        }
        None if sender.unsubscribe_by_provider => {
            let message = "the unsubscribe link is left to the provider, though readers can leave below `serve.url`";
            Some((UNSUBSCRIBE_ELSEWHERE.found(message), "unsubscribe"))
        }
        _ => None,
    }
}
