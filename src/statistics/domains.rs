//! Recipients by domain: the largest, the rest as one, and those of the rest where most did not get it.
//!
//! Takes domains as A-labels; gives them as people write them. There may be as many domains as recipients, so the
//! smallest are given up when there are too many: then a domain may have a few more than is said, and how many is known.

use std::collections::HashMap;

use crate::statistics::{Outcome, Tally};

/// So many domains are shown by themselves.
const SHOWN: usize = 15;

/// Domains with fewer recipients are shown together with others: a page that anybody may read must not tell of single
/// persons.
const FEWEST: u64 = 5;

/// So many are shown besides for their failures.
const FAILING: usize = 10;

/// So many are kept apart while counting.
const MOST: usize = 100_000;

/// The recipients of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainTally {
    /// Its name, in the letters of its language.
    pub name: String,
    /// What became of their mail.
    pub tally: Tally,
}

#[derive(Debug, Default)]
pub(super) struct Domains {
    kept: HashMap<String, Tally>,
    given_up: Tally,
    given_up_count: u64,
    /// No domain that was given up had more than so many, summed up over all times that it happened.
    error: u64,
}

pub(super) struct Ranking {
    pub largest: Vec<DomainTally>,
    pub others: Tally,
    /// How many those are, at most: one that was given up may have come again.
    pub others_count: u64,
    pub failing: Vec<DomainTally>,
    pub error: u64,
}

impl Domains {
    pub fn add(&mut self, domain: &str, outcome: Outcome) {
        if let Some(tally) = self.kept.get_mut(domain) {
            return tally.add(outcome);
        }
        if self.kept.len() >= MOST {
            self.give_up_the_smallest();
        }
        self.kept.entry(domain.to_owned()).or_default().add(outcome);
    }

    /// Counts somebody whose domain is not known any more.
    pub fn add_to_others(&mut self, outcome: Outcome) {
        self.given_up.add(outcome);
    }

    /// Gives up one half of them at least.
    fn give_up_the_smallest(&mut self) {
        let mut sizes: Vec<u64> = self.kept.values().map(Tally::total).collect();
        let middle = sizes.len() / 2;
        let limit = *sizes.select_nth_unstable(middle).1;
        let (given_up, count) = (&mut self.given_up, &mut self.given_up_count);
        self.kept.retain(|_, tally| {
            let is_large = tally.total() > limit;
            if !is_large {
                given_up.add_all(tally);
                *count += 1;
            }
            is_large
        });
        self.error += limit;
    }

    pub fn close(self) -> Ranking {
        let mut all: Vec<(String, Tally)> = self.kept.into_iter().collect();
        // The largest first; the order of names makes it one and the same every time.
        all.sort_unstable_by(|(name, tally), (other, than)| {
            than.total().cmp(&tally.total()).then_with(|| name.cmp(other))
        });
        let large = all.iter().take_while(|(_, tally)| tally.total() >= FEWEST).count();
        let rest = all.split_off(large.min(SHOWN));
        let (mut others, mut others_count) = (self.given_up, self.given_up_count);
        for (_, tally) in &rest {
            others.add_all(tally);
            others_count += 1;
        }
        let mut failing: Vec<(String, Tally)> =
            rest.into_iter().filter(|(_, tally)| tally.total() >= FEWEST && tally.undelivered() > 0).collect();
        failing.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.undelivered()));
        failing.truncate(FAILING);
        let shown = |domains: Vec<(String, Tally)>| {
            domains.into_iter().map(|(name, tally)| DomainTally { name: unicode(&name), tally }).collect()
        };
        Ranking { largest: shown(all), others, others_count, failing: shown(failing), error: self.error }
    }
}

/// A domain in the letters of its language; as it is, where it is not what it seems to be.
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
    fn the_largest_are_shown_and_the_rest_is_one() {
        let mut domains = Domains::default();
        for number in 0..25 {
            let domain = format!("{}.example", (b'a' + number) as char);
            (0..=number).for_each(|_| domains.add(&domain, Outcome::Sent));
        }
        // Of single persons nothing is told, not even that their mail failed.
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
    fn domains_of_few_are_one_however_few_domains_there_are() {
        let mut domains = Domains::default();
        let names = |count: usize, name: &'static str| std::iter::repeat_n(name, count);
        names(5, "a.example").chain(names(4, "b.example")).for_each(|name| domains.add(name, Outcome::Sent));
        domains.add_to_others(Outcome::Sent);
        let ranking = domains.close();
        assert_eq!(ranking.largest.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(), ["a.example"]);
        assert_eq!((ranking.others.total(), ranking.others_count), (5, 1), "one domain, and somebody forgotten");
    }

    #[test]
    fn a_domain_is_shown_in_its_own_letters() {
        assert_eq!(unicode("xn--r8jz45g.jp"), "例え.jp");
        assert_eq!(unicode("xn--bad_.jp"), "xn--bad_.jp");
    }

    #[test]
    fn too_many_domains_are_counted_all_the_same() {
        let mut domains = Domains::default();
        for number in 0..MOST as u64 * 2 {
            domains.add(&format!("d{number}.example"), Outcome::Sent);
            if number % 2 == 0 {
                domains.add("large.example", Outcome::Sent);
            }
        }
        assert!(domains.kept.len() <= MOST);
        let ranking = domains.close();
        assert_eq!(
            (ranking.largest[0].name.as_str(), ranking.largest[0].tally.total()),
            ("large.example", MOST as u64)
        );
        let shown: u64 = ranking.largest.iter().map(|domain| domain.tally.total()).sum();
        assert_eq!(shown + ranking.others.total(), MOST as u64 * 3);
        assert_eq!(ranking.others_count + ranking.largest.len() as u64, MOST as u64 * 2 + 1);
        assert!(ranking.error > 0);
    }
}
