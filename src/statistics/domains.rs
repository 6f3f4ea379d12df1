//! Recipients by domain: the largest domains, the others together, and those of the others with the most undelivered
//! recipients.
//!
//! Takes domains as A-labels; returns them as U-labels. There may be as many domains as recipients, so the smallest are
//! merged if there are too many. A domain may then have a few more recipients than shown; the maximum error is known.

use std::collections::HashMap;

use crate::statistics::{Outcome, Tally};

/// Number of domains shown separately.
const MAX_SHOWN: usize = 15;

/// Domains with fewer recipients are merged with others: a public page must not show facts about individuals.
const MIN_RECIPIENTS: u64 = 5;

/// Number of other domains shown because of failures.
const MAX_FAILING_SHOWN: usize = 10;

/// Number of domains counted separately.
const MAX_COUNTED: usize = 100_000;

/// The recipients of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainTally {
    /// Its name, in Unicode.
    pub name: String,
    /// Outcomes of its recipients.
    pub tally: Tally,
}

#[derive(Debug, Default)]
pub(super) struct Domains {
    counted: HashMap<String, Tally>,
    merged: Tally,
    merged_count: u64,
    /// Sum, over all merges, of the number of recipients of the largest domain merged.
    error: u64,
}

pub(super) struct Ranking {
    pub largest: Vec<DomainTally>,
    pub others: Tally,
    /// At most this many: a merged domain may have occurred again.
    pub others_count: u64,
    pub failing: Vec<DomainTally>,
    pub error: u64,
}

impl Domains {
    pub fn add(&mut self, domain: &str, outcome: Outcome) {
        if let Some(tally) = self.counted.get_mut(domain) {
            return tally.add(outcome);
        }
        if self.counted.len() >= MAX_COUNTED {
            self.merge_smallest();
        }
        self.counted.entry(domain.to_owned()).or_default().add(outcome);
    }

    /// Counts a recipient whose domain is no longer known.
    pub fn add_to_others(&mut self, outcome: Outcome) {
        self.merged.add(outcome);
    }

    /// Merges at least half of the domains.
    fn merge_smallest(&mut self) {
        let mut sizes: Vec<u64> = self.counted.values().map(Tally::total).collect();
        let middle = sizes.len() / 2;
        let limit = *sizes.select_nth_unstable(middle).1;
        let (merged, count) = (&mut self.merged, &mut self.merged_count);
        self.counted.retain(|_, tally| {
            let is_large = tally.total() > limit;
            if !is_large {
                merged.add_all(tally);
                *count += 1;
            }
            is_large
        });
        self.error += limit;
    }

    pub fn close(self) -> Ranking {
        let mut all: Vec<(String, Tally)> = self.counted.into_iter().collect();
        // Largest first; sorting by name too makes the order deterministic.
        all.sort_unstable_by(|(name, tally), (other, than)| {
            than.total().cmp(&tally.total()).then_with(|| name.cmp(other))
        });
        let large = all.iter().take_while(|(_, tally)| tally.total() >= MIN_RECIPIENTS).count();
        let rest = all.split_off(large.min(MAX_SHOWN));
        let (mut others, mut others_count) = (self.merged, self.merged_count);
        for (_, tally) in &rest {
            others.add_all(tally);
            others_count += 1;
        }
        let mut failing: Vec<(String, Tally)> =
            rest.into_iter().filter(|(_, tally)| tally.total() >= MIN_RECIPIENTS && tally.undelivered() > 0).collect();
        failing.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.undelivered()));
        failing.truncate(MAX_FAILING_SHOWN);
        let named = |domains: Vec<(String, Tally)>| {
            domains.into_iter().map(|(name, tally)| DomainTally { name: unicode(&name), tally }).collect()
        };
        Ranking { largest: named(all), others, others_count, failing: named(failing), error: self.error }
    }
}

/// The domain in Unicode; unchanged if it is not valid IDNA.
fn unicode(domain: &str) -> String {
    match idna::domain_to_unicode(domain) {
        (name, Ok(())) => name,
        (_, Err(_)) => domain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_domains_are_shown_and_the_others_merged() {
        let mut domains = Domains::default();
        for number in 0..25 {
            let domain = format!("{}.example", (b'a' + number) as char);
            (0..=number).for_each(|_| domains.add(&domain, Outcome::Sent));
        }
        // Nothing is shown about individuals, not even that their mail failed.
        domains.add("b.example", Outcome::Failed);
        domains.add("g.example", Outcome::Failed);
        domains.add("xn--r8jz45g.jp", Outcome::Sent);
        domains.add("xn--bad_.jp", Outcome::Sent);
        let ranking = domains.close();
        let names: Vec<&str> = ranking.largest.iter().map(|domain| domain.name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[14]), (15, "y.example", "k.example"));
        assert_eq!((ranking.others.total(), ranking.others_count), (55 + 2 + 2, 12));
        assert_eq!(ranking.failing.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(), ["g.example"]);
        assert_eq!(ranking.error, 0);
    }

    #[test]
    fn domains_with_few_recipients_are_merged_even_if_there_are_few_domains() {
        let mut domains = Domains::default();
        let names = |count: usize, name: &'static str| std::iter::repeat_n(name, count);
        names(5, "a.example").chain(names(4, "b.example")).for_each(|name| domains.add(name, Outcome::Sent));
        domains.add_to_others(Outcome::Sent);
        let ranking = domains.close();
        assert_eq!(ranking.largest.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(), ["a.example"]);
        assert_eq!((ranking.others.total(), ranking.others_count), (5, 1), "one domain, and a forgotten recipient");
    }

    #[test]
    fn a_domain_is_shown_in_its_own_script() {
        assert_eq!(unicode("xn--r8jz45g.jp"), "例え.jp");
        assert_eq!(unicode("xn--bad_.jp"), "xn--bad_.jp");
    }

    #[test]
    fn recipients_of_too_many_domains_are_all_counted() {
        let mut domains = Domains::default();
        for number in 0..MAX_COUNTED as u64 * 2 {
            domains.add(&format!("d{number}.example"), Outcome::Sent);
            if number % 2 == 0 {
                domains.add("large.example", Outcome::Sent);
            }
        }
        assert!(domains.counted.len() <= MAX_COUNTED);
        let ranking = domains.close();
        assert_eq!(
            (ranking.largest[0].name.as_str(), ranking.largest[0].tally.total()),
            ("large.example", MAX_COUNTED as u64)
        );
        let shown: u64 = ranking.largest.iter().map(|domain| domain.tally.total()).sum();
        assert_eq!(shown + ranking.others.total(), MAX_COUNTED as u64 * 3);
        assert_eq!(ranking.others_count + ranking.largest.len() as u64, MAX_COUNTED as u64 * 2 + 1);
        assert!(ranking.error > 0);
    }
}
