//! How many connections a server is given: fewer at once when it says that we are too much, more again little by little.

/// Additive increase, multiplicative decrease, as TCP shares a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    open: f64,
    most: f64,
}

/// After so many messages per open connection without a complaint there is one more.
const PATIENCE: f64 = 20.0;

impl Window {
    /// Begins with all `most` connections.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { open: most, most }
    }

    /// Whether the connection of that number, from 0, may be used.
    pub(super) fn admits(&self, connection: usize) -> bool {
        (connection as f64) < self.open.floor()
    }

    /// A message was taken.
    pub(super) fn widen(&mut self) {
        self.open = (self.open + 1.0 / (PATIENCE * self.open)).min(self.most);
    }

    /// The server wants less.
    pub(super) fn narrow(&mut self) {
        self.open = (self.open / 2.0).max(1.0);
    }

    /// Whether it can be given less.
    pub(super) fn can_narrow(&self) -> bool {
        self.open >= 2.0
    }

    /// Begins again with one connection.
    pub(super) fn close(&mut self) {
        self.open = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(window: &Window) -> usize {
        (0..100).filter(|connection| window.admits(*connection)).count()
    }

    #[test]
    fn it_halves_at_once_and_opens_little_by_little() {
        let mut window = Window::new(8);
        assert_eq!(open(&window), 8);
        let mut seen = Vec::new();
        for _ in 0..5 {
            window.narrow();
            seen.push(open(&window));
        }
        assert_eq!(seen, [4, 2, 1, 1, 1]);
        let messages_until = |window: &mut Window, connections| {
            let mut messages = 0;
            while open(window) < connections {
                window.widen();
                messages += 1;
            }
            messages
        };
        assert!((20..=40).contains(&messages_until(&mut window, 2)));
        assert!((300..=700).contains(&messages_until(&mut window, 8)));
        window.widen();
        assert_eq!(open(&window), 8);
    }
}
