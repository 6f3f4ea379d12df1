//! The number of connections to a server: halved when it wants less, and raised again slowly.

/// Additive increase, multiplicative decrease, as in TCP congestion control.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConcurrencyLimit {
    current: f64,
    max: f64,
}

/// Messages accepted per connection before there is one more.
const MESSAGES_PER_STEP: f64 = 20.0;

impl ConcurrencyLimit {
    /// Starts with all `max` connections.
    pub(super) fn new(max: usize) -> Self {
        let max = max.max(1) as f64;
        Self { current: max, max }
    }

    /// Whether the connection with this index may be used.
    pub(super) fn admits(&self, connection: usize) -> bool {
        connection < self.connections() as usize
    }

    /// Number of connections that may be used.
    pub(super) fn connections(&self) -> u32 {
        self.current as u32
    }

    /// A message was accepted.
    pub(super) fn raise(&mut self) {
        self.current = (self.current + 1.0 / (MESSAGES_PER_STEP * self.current)).min(self.max);
    }

    /// The server wants less.
    pub(super) fn lower(&mut self) {
        self.current = (self.current / 2.0).max(1.0);
    }

    /// The server accepts no further connection: wants less, and at most one fewer from now on.
    pub(super) fn cut(&mut self) {
        self.max = (self.max - 1.0).max(1.0);
        self.lower();
    }

    /// Whether it can be lowered.
    pub(super) fn can_lower(&self) -> bool {
        self.current >= 2.0
    }

    /// Starts again with one connection.
    pub(super) fn reset(&mut self) {
        self.current = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(limit: &ConcurrencyLimit) -> usize {
        (0..100).filter(|connection| limit.admits(*connection)).count()
    }

    #[test]
    fn it_halves_at_once_and_rises_slowly() {
        let mut limit = ConcurrencyLimit::new(8);
        assert_eq!(open(&limit), 8);
        let mut lowered = Vec::new();
        for _ in 0..5 {
            limit.lower();
            lowered.push(open(&limit));
        }
        assert_eq!(lowered, [4, 2, 1, 1, 1]);
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
