//! How mail for the program reaches it: where it arrives, and what the mail server there has to do with it.
//!
//! Takes the addresses and the mailbox of the project file; returns a step for each domain, with the lines that Postfix needs.

use crate::config::MailConfig;
use crate::diagnosis::Step;
use crate::dns::{Dns, NoAnswer};
use crate::inbox::{Account, Options, Source};
use crate::token::bounce_address::BounceAddress;

const NAME: &str = "inbox";

/// The part of an address that is replaced by a token.
const TOKEN: &str = "{token}";

/// What is known about the mail that comes in.
pub struct Receiving<'a> {
    /// The keys below `inbox`.
    pub options: &'a Options,
    /// The project folder, as the mail server has to name it.
    pub folder: String,
}

/// An address of the project file.
struct Address<'a> {
    /// The part before the `@`, without what a delimiter and a token add to it.
    user: &'a str,
    /// Whether a token follows a delimiter.
    has_extension: bool,
    domain: &'a str,
}

impl Receiving<'_> {
    /// A step for each domain at which mail for the program arrives.
    pub(super) fn steps(&self, dns: &Dns, mail: &MailConfig) -> Vec<Step> {
        let bounces = mail.bounce_address.as_ref().map(BounceAddress::template);
        let subscribe = self.options.subscribe.as_ref().map(|address| address.as_str().to_owned());
        let leave = mail.edition.unsubscribe_mailto.clone();
        let texts: Vec<String> =
            [bounces, leave, self.options.confirm.clone(), subscribe].into_iter().flatten().collect();
        let addresses: Vec<Address<'_>> = texts.iter().filter_map(|text| Address::new(text)).collect();
        let mut domains: Vec<&str> = addresses.iter().map(|address| address.domain).collect();
        domains.sort_unstable();
        domains.dedup();
        let step = |domain: &str| {
            let addresses: Vec<&Address<'_>> = addresses.iter().filter(|address| address.domain == domain).collect();
            Step::or_no_answer(NAME, self.step(dns, domain, &addresses))
        };
        domains.into_iter().map(step).collect()
    }

    fn step(&self, dns: &Dns, domain: &str, addresses: &[&Address<'_>]) -> Result<Step, NoAnswer> {
        let mut users: Vec<&str> = addresses.iter().map(|address| address.user).collect();
        users.sort_unstable();
        users.dedup();
        let names = users.iter().map(|user| format!("`{user}`")).collect::<Vec<_>>().join(", ");
        let exchangers = dns.exchangers(domain)?;
        let host = exchangers.first().map_or(domain, |exchanger| exchanger.host.as_str());
        let seen = format!("{names} at `{domain}` arrive at `{host}`; `--verbose` shows what Postfix needs there");
        let mut lines = Vec::new();
        if addresses.iter().any(|address| address.has_extension) {
            lines.push("main.cf: recipient_delimiter = +".to_owned());
        }
        lines.extend(users.iter().map(|user| format!("aliases: {user}: {}", self.target())));
        if self.options.source.is_none() {
            lines.extend(
                users.iter().map(|user| format!("or, as a user of its own, transport: {user}@{domain} slugline:")),
            );
            let command = self.command();
            lines.push(format!("with master.cf: slugline unix - n n - 1 pipe flags=DRX user=slugline argv={command}"));
        }
        Ok(Step::ok(NAME, seen).details(lines))
    }

    /// Where an alias leads.
    fn target(&self) -> String {
        match &self.options.source {
            None => format!("\"|{}\"", self.command()),
            Some(Source::Path(path)) => format!("{}/", path.display()),
            Some(Source::Imap(Account { user, .. })) => user.clone(),
        }
    }

    fn command(&self) -> String {
        format!("slugline --dir {} inbox -", self.folder)
    }
}

impl<'a> Address<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let (user, has_extension) = match local.split_once(TOKEN) {
            Some((before, _)) => (before.trim_end_matches(['+', '-']), true),
            None => (local, false),
        };
        Some(Self { user, has_extension, domain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::dns::peer::DnsPeer;

    /// What the step for the only domain says, and its details.
    fn step(inbox: &str) -> (String, Vec<String>) {
        let text = format!(
            "title: T\nbase_url: https://example.org\nmail:\n  from: notes@tides.example.org\n  \
             unsubscribe_mailto: leave+{{token}}@tides.example.org\ninbox:\n{inbox}"
        );
        let config = Config::parse("slugline.yaml", &text).unwrap();
        let peer = DnsPeer::start(&[("tides.example.org", "MX", "10 mail.example.org")]);
        let dns = Dns::new(Some(peer.address())).unwrap();
        let receiving = Receiving { options: config.inbox.as_ref().unwrap(), folder: "/srv/tides".to_owned() };
        let mut steps = receiving.steps(&dns, config.mail.as_ref().unwrap());
        assert_eq!(steps.len(), 1, "{steps:?}");
        let step = steps.remove(0);
        (step.seen, step.details)
    }

    #[test]
    fn without_a_mailbox_the_mail_server_calls_the_program() {
        let keys = "  subscribe: subscribe@tides.example.org\n  confirm: confirm+{token}@tides.example.org\n";
        let (seen, details) = step(keys);
        assert_eq!(
            seen,
            "`confirm`, `leave`, `subscribe` at `tides.example.org` arrive at `mail.example.org`; `--verbose` shows what Postfix \
             needs there"
        );
        assert_eq!(
            details,
            [
                "main.cf: recipient_delimiter = +",
                "aliases: confirm: \"|slugline --dir /srv/tides inbox -\"",
                "aliases: leave: \"|slugline --dir /srv/tides inbox -\"",
                "aliases: subscribe: \"|slugline --dir /srv/tides inbox -\"",
                "or, as a user of its own, transport: confirm@tides.example.org slugline:",
                "or, as a user of its own, transport: leave@tides.example.org slugline:",
                "or, as a user of its own, transport: subscribe@tides.example.org slugline:",
                "with master.cf: slugline unix - n n - 1 pipe flags=DRX user=slugline argv=slugline --dir /srv/tides inbox -",
            ]
        );
    }

    #[test]
    fn a_mailbox_is_where_aliases_lead() {
        let lines = |keys: &str| step(keys).1;
        let delimiter = "main.cf: recipient_delimiter = +";
        assert_eq!(lines("  path: /var/mail/tides\n"), [delimiter, "aliases: leave: /var/mail/tides/"]);
        assert_eq!(lines("  imap: imaps://mail.example.org\n  user: tides\n"), [delimiter, "aliases: leave: tides"]);
    }
}
