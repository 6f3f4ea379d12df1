//! Evaluates an SPF record as a receiver does (RFC 7208 sections 4.6 and 5), for several addresses at once and to the
//! end of the record, so that its cost is known for every sender.

use core::net::IpAddr;

use crate::authentication::spf::{Host, Mechanism, Qualifier, SpfRecord, is_in_network};
use crate::dns::{Dns, NoAnswer};

/// After this many lookups a receiver gives up: section 4.6.4.
pub(super) const MAX_LOOKUPS: usize = 10;

/// And after this many lookups without a result.
const MAX_VOID_LOOKUPS: usize = 2;

/// The evaluation stops here, because it may be in a loop.
const MAX_TOTAL_LOOKUPS: usize = 30;

/// The evaluation of a record and those it includes.
pub(super) struct Evaluation<'a> {
    dns: &'a Dns,
    addresses: &'a [IpAddr],
    visited: Vec<String>,
    /// Lookups so far.
    pub lookups: usize,
    void: usize,
    /// The records included so far, for verbose output.
    pub trail: Vec<String>,
}

/// Why a receiver treats the record as an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpfError {
    #[error("it takes {0} DNS lookups, and receivers make at most 10")]
    TooMany(usize),
    #[error("it includes itself, or takes more than {MAX_TOTAL_LOOKUPS} DNS lookups")]
    Endless,
    #[error("{0} of its names have no records, and receivers accept at most 2")]
    TooManyVoid(usize),
    #[error("it includes `{0}`, which has no SPF record")]
    Missing(String),
    #[error("it includes `{0}`, which has several SPF records")]
    Several(String),
    #[error("it includes `{0}`, which is invalid ({1})")]
    Wrong(String, String),
    #[error(transparent)]
    NoAnswer(NoAnswer),
}

impl SpfError {
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::TooMany(_) | Self::Endless => {
                "remove what you no longer send through, or move some of it to a subdomain for the envelope \
                 (`mail.bounce_address`) with a record of its own"
            }
            Self::TooManyVoid(_) => "remove the names that are gone",
            Self::Missing(_) | Self::Several(_) | Self::Wrong(..) => {
                "fix the name, or remove it; if it is your mail provider's, ask for the right one"
            }
            Self::NoAnswer(_) => "run it again",
        }
        .to_owned()
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(dns: &'a Dns, addresses: &'a [IpAddr]) -> Self {
        Self { dns, addresses, visited: Vec::new(), lookups: 0, void: 0, trail: Vec::new() }
    }

    /// The result of the record of `domain` for each address; `None` if nothing matches.
    pub(super) fn visit(&mut self, domain: &str, record: &SpfRecord) -> Result<Vec<Option<Qualifier>>, SpfError> {
        let verdicts = self.evaluate(domain, record)?;
        match (self.lookups, self.void) {
            (lookups @ MAX_LOOKUPS.., _) if lookups > MAX_LOOKUPS => Err(SpfError::TooMany(lookups)),
            (_, void) if void > MAX_VOID_LOOKUPS => Err(SpfError::TooManyVoid(void)),
            _ => Ok(verdicts),
        }
    }

    /// Whether the record of `domain` was included.
    pub(super) fn has_visited(&self, domain: &str) -> bool {
        self.visited.iter().any(|visited| visited.eq_ignore_ascii_case(domain))
    }

    fn evaluate(&mut self, domain: &str, record: &SpfRecord) -> Result<Vec<Option<Qualifier>>, SpfError> {
        let mut verdicts = vec![None; self.addresses.len()];
        for directive in &record.directives {
            let matches = self.matches(domain, &directive.mechanism)?;
            for (verdict, _) in verdicts.iter_mut().zip(matches).filter(|(_, matches)| *matches) {
                verdict.get_or_insert(directive.qualifier);
            }
        }
        if let Some(other) = record.redirect.as_ref().filter(|_| record.default_qualifier().is_none()) {
            self.lookup()?;
            let theirs = self.included(other)?;
            for (verdict, their) in verdicts.iter_mut().zip(theirs) {
                *verdict = verdict.or(their);
            }
        }
        Ok(verdicts)
    }

    /// Which of the addresses the mechanism matches. One with a macro depends on the message, and matches none here.
    fn matches(&mut self, domain: &str, mechanism: &Mechanism) -> Result<Vec<bool>, SpfError> {
        if mechanism.costs_lookup() {
            self.lookup()?;
        }
        let each = |test: &dyn Fn(IpAddr) -> bool| self.addresses.iter().map(|address| test(*address)).collect();
        Ok(match mechanism {
            Mechanism::All => each(&|_| true),
            Mechanism::Ip4(network, prefix) => each(&|address| is_in_network(address, (*network).into(), *prefix)),
            Mechanism::Ip6(network, prefix) => each(&|address| is_in_network(address, (*network).into(), *prefix)),
            Mechanism::A(host) => self.near(host, vec![host.domain.as_deref().unwrap_or(domain).to_owned()])?,
            Mechanism::Mx(host) => {
                let name = host.domain.as_deref().unwrap_or(domain);
                let exchangers = if name.contains('%') {
                    Vec::new()
                } else {
                    self.dns.exchangers(name).map_err(SpfError::NoAnswer)?
                };
                self.near(host, exchangers.into_iter().map(|exchanger| exchanger.host).take(MAX_LOOKUPS).collect())?
            }
            Mechanism::Include(other) => {
                let theirs = self.included(other)?;
                theirs.iter().map(|verdict| *verdict == Some(Qualifier::Pass)).collect()
            }
            Mechanism::Ptr(_) | Mechanism::Exists(_) => each(&|_| false),
        })
    }

    /// Which of the addresses are in the networks of one of these hosts.
    fn near(&mut self, host: &Host, names: Vec<String>) -> Result<Vec<bool>, SpfError> {
        if names.iter().any(|name| name.contains('%')) {
            return Ok(vec![false; self.addresses.len()]);
        }
        let mut found = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            found.extend(self.dns.addresses(name).map_err(SpfError::NoAnswer)?);
        }
        self.void += usize::from(found.is_empty());
        let is_near = |address: &IpAddr| found.iter().any(|of| host.is_near(*address, *of));
        Ok(self.addresses.iter().map(is_near).collect())
    }

    fn included(&mut self, domain: &str) -> Result<Vec<Option<Qualifier>>, SpfError> {
        if domain.contains('%') {
            return Ok(vec![None; self.addresses.len()]);
        }
        let mut records = self.dns.texts(domain).map_err(SpfError::NoAnswer)?;
        records.retain(|text| SpfRecord::is_one(text));
        let text = match records.as_slice() {
            [] => return Err(SpfError::Missing(domain.to_owned())),
            [text] => text,
            _ => return Err(SpfError::Several(domain.to_owned())),
        };
        self.visited.push(domain.to_owned());
        self.trail.push(format!("{domain}: {text}"));
        let record = SpfRecord::parse(text).map_err(|why| SpfError::Wrong(domain.to_owned(), why))?;
        self.evaluate(domain, &record)
    }

    fn lookup(&mut self) -> Result<(), SpfError> {
        self.lookups += 1;
        if self.lookups > MAX_TOTAL_LOOKUPS { Err(SpfError::Endless) } else { Ok(()) }
    }
}
