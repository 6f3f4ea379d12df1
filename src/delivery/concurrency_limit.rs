//! How many connections a server is given: fewer at once when it says that we are too much, more again little by little.

/// Additive increase, multiplicative decrease, as TCP shares a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConcurrencyLimit {
    now: f64,
    most: f64,
}

/// After this many messages per connection without a complaint there is one more.
const MESSAGES_PER_STEP: f64 = 20.0;

impl ConcurrencyLimit {
    /// Begins with all `most` connections.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { now: most, most }
    }

    /// Whether the connection of that number, from 0, may be used.
    pub(super) fn admits(&self, connection: usize) -> bool {
        connection < self.connections() as usize
    }

    /// How many connections may be used.
    pub(super) fn connections(&self) -> u32 {
        self.now as u32
    }

    /// A message was taken.
    pub(super) fn raise(&mut self) {
        self.now = (self.now + 1.0 / (MESSAGES_PER_STEP * self.now)).min(self.most);
    }

    /// The server wants less.
    pub(super) fn lower(&mut self) {
        self.now = (self.now / 2.0).max(1.0);
    }

    /// The server takes no more connections than there are: fewer, and one fewer at most from now on.
    pub(super) fn cut(&mut self) {
        self.most = (self.most - 1.0).max(1.0);
        self.lower();
    }

    /// Whether it can be given less.
    pub(super) fn can_lower(&self) -> bool {
        self.now >= 2.0
    }

    /// Begins again with one connection.
    pub(super) fn reset(&mut self) {
        self.now = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(limit: &ConcurrencyLimit) -> usize {
        (0..100).filter(|connection| limit.admits(*connection)).count()
    }

    #[test]
    fn it_halves_at_once_and_opens_little_by_little() {
        let mut limit = ConcurrencyLimit::new(8);
        assert_eq!(open(&limit), 8);
        let mut seen = Vec::new();
        for _ in 0..5 {
            limit.lower();
            seen.push(open(&limit));
        }
        assert_eq!(seen, [4, 2, 1, 1, 1]);
        let messages_until = |limit: &mut ConcurrencyLimit, connections| {
            let mut messages = 0;
            while open(limit) < connections {
                limit.raise();
                messages += 1;
            }
            messages
        };
        assert!((20..=40).contains(&messages_until(&mut limit, 2)));
        assert!((300..=700).contains(&messages_until(&mut limit, 8)));
        limit.raise();
        assert_eq!(open(&limit), 8);
    }
}
