//! The record of a domain's policy, at `_dmarc.DOMAIN`: RFC 7489 section 6.3.

use crate::authentication::tags::Tags;

/// A domain's DMARC policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmarcPolicy {
    /// What to do with the domain's unauthenticated mail (`p=`).
    pub action: DmarcAction,
    /// The same for its subdomains (`sp=`).
    pub subdomains: DmarcAction,
    /// Whether SPF must authenticate the exact domain of the From header (`aspf=s`).
    pub is_spf_strict: bool,
    /// Whether DKIM must (`adkim=s`).
    pub is_dkim_strict: bool,
    /// Where reports go (`rua=`).
    pub reports: Vec<String>,
}

/// What a receiver should do with unauthenticated mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DmarcAction {
    /// Deliver it, but report it.
    None,
    /// Treat it as suspicious.
    Quarantine,
    /// Reject it.
    Reject,
}

impl DmarcPolicy {
    /// Whether a TXT record is a DMARC record at all; others are ignored (section 6.6.3).
    pub fn is_one(record: &str) -> bool {
        let version = record.split(';').next().unwrap_or_default();
        version.split_once('=').is_some_and(|(name, value)| name.trim() == "v" && value.trim() == "DMARC1")
    }

    /// Parses a record.
    ///
    /// # Errors
    /// What is wrong with it. Unknown tags are ignored, and an invalid policy means `none` if reports are requested
    /// (section 6.6.3).
    pub fn parse(record: &str) -> Result<Self, String> {
        let tags = Tags::parse(record)?;
        let action =
            |name: &str| tags.value(name).map(|value| DmarcAction::parse(value).ok_or((name.to_owned(), value)));
        let unknown =
            |(name, value): (String, &str)| format!("`{name}={value}` is neither none, quarantine nor reject");
        let reports: Vec<String> =
            tags.value("rua").into_iter().flat_map(|list| list.split(',')).map(|uri| uri.trim().to_owned()).collect();
        let action_of_domain = match action("p") {
            Some(Err(_)) | None if !reports.is_empty() => DmarcAction::None,
            Some(action) => action.map_err(unknown)?,
            None => return Err("it contains no policy (`p=`)".to_owned()),
        };
        Ok(Self {
            action: action_of_domain,
            subdomains: action("sp").transpose().map_err(unknown)?.unwrap_or(action_of_domain),
            is_spf_strict: tags.value("aspf") == Some("s"),
            is_dkim_strict: tags.value("adkim") == Some("s"),
            reports,
        })
    }
}

impl DmarcAction {
    fn parse(value: &str) -> Option<Self> {
        [Self::None, Self::Quarantine, Self::Reject]
            .into_iter()
            .find(|action| action.name().eq_ignore_ascii_case(value))
    }

    /// Its word in the record.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// The domains that may have the policy of `domain`: itself, then its parents down to two labels.
///
/// RFC 7489 section 3.2 uses the list of public suffixes to find the organisational domain; in practice it is the one
/// that has a record.
pub fn policy_domains(domain: &str) -> Vec<&str> {
    let parents = domain.match_indices('.').map(|(at, _)| &domain[at + 1..]);
    std::iter::once(domain).chain(parents.filter(|parent| parent.contains('.'))).collect()
}

/// Whether `proved` aligns with mail from `from`: it is the same domain or, unless strict, one of the same
/// `organisation` (section 3.1).
pub fn is_aligned(proved: &str, from: &str, organisation: &str, is_strict: bool) -> bool {
    proved == from || !is_strict && is_within(proved, organisation) && is_within(from, organisation)
}

/// Whether `domain` is `other` or below it.
fn is_within(domain: &str, other: &str) -> bool {
    domain.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_policy_is_read() {
        let policy =
            DmarcPolicy::parse("v=DMARC1; p=Quarantine; sp=reject; adkim=s; rua=mailto:a@x.org , mailto:b@x.org; x=1");
        let reports = vec!["mailto:a@x.org".to_owned(), "mailto:b@x.org".to_owned()];
        let expected = DmarcPolicy {
            action: DmarcAction::Quarantine,
            subdomains: DmarcAction::Reject,
            is_spf_strict: false,
            is_dkim_strict: true,
            reports,
        };
        assert_eq!(policy, Ok(expected));
        assert_eq!(DmarcPolicy::parse("v=DMARC1;p=none").map(|policy| policy.subdomains), Ok(DmarcAction::None));
        assert_eq!(
            DmarcPolicy::parse("v=DMARC1; p=; rua=mailto:a@x.org").map(|policy| policy.action),
            Ok(DmarcAction::None)
        );
    }

    #[test]
    fn an_invalid_policy_says_why() {
        assert!(DmarcPolicy::parse("v=DMARC1").unwrap_err().contains("`p=`"));
        assert!(DmarcPolicy::parse("v=DMARC1; p=refuse").unwrap_err().contains("`p=refuse`"));
        assert!(DmarcPolicy::parse("v=DMARC1; p=none; sp=all").unwrap_err().contains("`sp=all`"));
    }

    #[test]
    fn other_records_are_ignored() {
        assert!(DmarcPolicy::is_one("v = DMARC1 ; p=none") && DmarcPolicy::is_one("v=DMARC1"));
        assert!(
            !DmarcPolicy::is_one("v=DMARC10; p=none")
                && !DmarcPolicy::is_one("p=none; v=DMARC1")
                && !DmarcPolicy::is_one("")
        );
    }

    #[test]
    fn the_organisation_is_above() {
        assert_eq!(policy_domains("a.b.example.org"), ["a.b.example.org", "b.example.org", "example.org"]);
        assert_eq!(policy_domains("example.org"), ["example.org"]);
    }

    #[test]
    fn domains_of_one_organisation_align_unless_strict() {
        let relaxed = |proved: &str| is_aligned(proved, "news.example.org", "example.org", false);
        assert!(relaxed("bounce.example.org") && relaxed("example.org") && relaxed("news.example.org"));
        assert!(!relaxed("example.com") && !relaxed("badexample.org"));
        assert!(!is_aligned("example.org", "news.example.org", "example.org", true));
    }

    proptest! {
        #[test]
        fn any_record_is_a_policy_or_none(text in "v=DMARC1;[ -~]{0,60}") {
            if let Ok(policy) = DmarcPolicy::parse(&text) {
                prop_assert!(DmarcPolicy::is_one(&text));
                let _ = policy.action.name();
            }
        }
    }
}
