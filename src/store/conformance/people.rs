//! What the contract promises of single persons: that a token finds them.

use super::*;
use crate::token::{Claimed, Purpose, Secrets};

/// Whom the token of an address finds, with secrets that each is as if repeated to be long.
fn found(store: &mut dyn Store, secrets: &[&str], number: usize) -> Option<EmailAddress> {
    let secrets: Vec<String> = secrets.iter().map(|secret| secret.repeat(32)).collect();
    let made_by = Secrets::parse(secrets.last().unwrap()).unwrap();
    let token = made_by.token(Purpose::Leave, &address(number));
    let secrets = Secrets::parse(&secrets.join("\n")).unwrap();
    let Some(Claimed::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Leave) else { panic!("it is no tag") };
    store.subscriber_tagged(secret, tag).unwrap().map(|subscriber| subscriber.address)
}

pub(super) fn a_tag_finds_its_subscriber(open: Open<'_>) {
    let mut store = open();
    assert_eq!(found(&mut *store, &["a"], 0), None, "nobody is there");
    add(&mut *store, 2);
    assert_eq!(found(&mut *store, &["a"], 1), Some(address(1)));
    add(&mut *store, 3);
    store.set_status(&address(2), Status::Unsubscribed, now()).unwrap();
    let mut store = open();
    assert_eq!(found(&mut *store, &["a"], 2), Some(address(2)), "whoever joined later, or left");
    assert_eq!(found(&mut *store, &["a"], 3), None);
    for number in 0..3 {
        assert_eq!(found(&mut *store, &["b", "a"], number), Some(address(number)), "after a change of the secret");
        assert_eq!(found(&mut *store, &["a", "b"], number), Some(address(number)));
    }
}
