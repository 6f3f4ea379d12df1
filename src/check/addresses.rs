//! Rules for subscribers' addresses: what the mail server must support.
//!
//! Takes addresses one by one because there may be millions; returns one finding for all of them.

use crate::check::rule::Rule;
use crate::email::EmailAddress;
use crate::finding::Finding;

const ADDRESS_SMTPUTF8: Rule = Rule::warning(
    "address-smtputf8",
    "An address contains non-ASCII characters before the `@`",
    "mail servers without SMTPUTF8 reject that recipient, and no other; `slugline doctor` shows whether yours offers \
     it",
);

pub(super) const RULES: [&Rule; 1] = [&ADDRESS_SMTPUTF8];

/// Up to this many addresses are named.
const MAX_NAMED: usize = 3;

/// The addresses that only a mail server with SMTPUTF8 accepts (RFC 6531).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Smtputf8Addresses {
    count: u64,
    named: Vec<String>,
}

impl Smtputf8Addresses {
    /// Counts the address if it needs SMTPUTF8.
    pub fn add(&mut self, address: &EmailAddress) {
        if !address.needs_smtputf8() {
            return;
        }
        self.count += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(address.masked());
        }
    }

    /// Returns one finding for all of them, or `None` if there are none. `noun` says whose they are, such as `recipient`.
    pub fn finding(&self, noun: &str) -> Option<Finding> {
        let who = match self.count {
            0 => return None,
            1 => format!("1 {noun} has"),
            count => format!("{count} {noun}s have"),
        };
        let more = if self.count > MAX_NAMED as u64 { ", …" } else { "" };
        Some(ADDRESS_SMTPUTF8.found(format!(
            "{who} an address with non-ASCII characters before the `@`, which only mail servers with SMTPUTF8 (RFC 6531) \
             accept: {}{more}",
            self.named.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_and_a_few_are_named_masked() {
        let mut smtputf8 = Smtputf8Addresses::default();
        smtputf8.add(&"reader@xn--r8jz45g.jp".parse().unwrap());
        assert_eq!(smtputf8.finding("recipient"), None);
        smtputf8.add(&"用户@example.org".parse().unwrap());
        let message = |smtputf8: &Smtputf8Addresses| smtputf8.finding("recipient").unwrap().message;
        assert!(message(&smtputf8).starts_with("1 recipient has"), "{}", message(&smtputf8));
        (0..4).for_each(|number| smtputf8.add(&format!("é{number}@example.org").parse().unwrap()));
        let message = message(&smtputf8);
        assert!(message.starts_with("5 recipients have"), "{message}");
        assert!(message.ends_with(": 用...@example.org, é...@example.org, é...@example.org, …"), "{message}");
    }
}
