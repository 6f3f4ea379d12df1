//! What stores promise about mail servers: what was learned of them is kept.

use super::*;

pub(super) fn what_was_learned_of_servers_is_kept(open: Open<'_>) {
    let pipelining = |place, greeting: &str| open().pipelining(place, greeting).unwrap();
    let note = |place, greeting: &str, takes, seconds| {
        open().note_pipelining(place, greeting, takes, now() + TimeDelta::seconds(seconds)).unwrap();
    };
    assert_eq!(pipelining("a:25", "one"), None);
    note("a:25", "one", true, 0);
    note("a:25", "two", false, 1);
    note("b:25", "one", false, 0);
    assert_eq!(
        (pipelining("a:25", "one"), pipelining("a:25", "two"), pipelining("b:25", "one")),
        (Some(true), Some(false), Some(false))
    );
    note("a:25", "one", false, 2);
    assert_eq!(pipelining("a:25", "one"), Some(false));
    (3..22).for_each(|number| note("a:25", &number.to_string(), true, number));
    assert_eq!(
        (pipelining("a:25", "two"), pipelining("a:25", "one"), pipelining("a:25", "21")),
        (None, Some(false), Some(true))
    );
    assert_eq!(pipelining("b:25", "one"), Some(false), "at another place");
}
