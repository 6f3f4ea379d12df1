//! Test sending: one issue to a few addresses, to see what subscribers will get. The ledger records nothing.
//!
//! Takes finished letters, sends each once, and returns the server's replies.

use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};

use crate::delivery::Route;
use crate::delivery::diagnostics;
use crate::delivery::outbox::Outbox;
use crate::email::EmailAddress;
use crate::issue::Slug;
use crate::letter::Letter;
use crate::smtp::failure::SessionError;
use crate::smtp::relay::Relay;
use crate::smtp::session::{Behind, Session};
use crate::store::{Store, StoreError};
use crate::subscriber::{NewSubscriber, Subscriber, SubscriberId};

/// The result of one test letter.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The recipient.
    pub to: EmailAddress,
    /// The reply that accepted it, or why it was not sent.
    pub result: Result<String, String>,
}

/// Sends each letter once over each server; an outbox gets them in the folder `test/SLUG`.
///
/// # Errors
/// A finding if no connection can be made or the outbox cannot be written.
pub fn send_tests(route: &Route, slug: &Slug, letters: &[Letter]) -> anyhow::Result<Vec<TestResult>> {
    match route {
        Route::Relays(relays) => match relays.as_slice() {
            [relay] => over_smtp(relay, letters),
            several => Ok(several.iter().flat_map(|relay| over_one_of_several(relay, letters)).collect()),
        },
        Route::Outbox { project, root, .. } => {
            let outbox = Outbox::new(project, &root.join("test"), slug);
            letters.iter().map(|letter| into_file(&outbox, letter)).collect()
        }
    }
}

/// The subscriber with this address, or a new one with the address only.
///
/// # Errors
/// When the store cannot be read.
pub fn test_recipient(store: &dyn Store, address: &EmailAddress, now: DateTime<Utc>) -> Result<Subscriber, StoreError> {
    let new = || NewSubscriber::new(address.clone(), "").into_subscriber(SubscriberId(0), now);
    Ok(store.subscriber(address)?.unwrap_or_else(new))
}

fn into_file(outbox: &Outbox<'_>, letter: &Letter) -> anyhow::Result<TestResult> {
    match outbox.write(letter) {
        Ok(path) => Ok(TestResult { to: letter.to.clone(), result: Ok(format!("written to {}", path.display())) }),
        Err(error) => Err(diagnostics::outbox(&error).into()),
    }
}

/// A problem with one server does not keep the others from being tried.
fn over_one_of_several(relay: &Relay, letters: &[Letter]) -> Vec<TestResult> {
    match over_smtp(relay, letters) {
        Ok(tried) => tried
            .into_iter()
            .map(|tried| TestResult { result: tried.result.map(|reply| format!("{reply} [{relay}]")), ..tried })
            .collect(),
        Err(error) => {
            letters.iter().map(|letter| TestResult { to: letter.to.clone(), result: Err(error.to_string()) }).collect()
        }
    }
}

fn over_smtp(relay: &Relay, letters: &[Letter]) -> anyhow::Result<Vec<TestResult>> {
    let stop = AtomicBool::new(false);
    let connect = || Session::connect(relay, &stop);
    let connect = || connect().map_err(|error| anyhow::Error::new(diagnostics::finding(relay, &error, None)));
    let mut session = connect()?;
    let mut results = Vec::new();
    for letter in letters {
        if !session.can_take(letter) {
            session = connect()?;
        }
        let result = send(&mut session, letter).map_err(|error| error.to_string());
        results.push(TestResult { to: letter.to.clone(), result });
    }
    session.quit();
    Ok(results)
}

fn send(session: &mut Session<'_>, letter: &Letter) -> Result<String, SessionError> {
    session.offer(letter)?;
    session.transmit(letter, Behind::Nothing).map(|reply| reply.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Project;
    use crate::smtp::peer::{Answer, Peer, Script};
    use crate::smtp::{Server, TlsMode};

    fn letter(to: &str) -> Letter {
        let content = "To: x\r\nSubject: [test] x\r\n\r\nx\r\n".into();
        Letter { from: "weekly@example.org".parse().unwrap(), to: to.parse().unwrap(), envelope_id: None, content }
    }

    #[test]
    fn each_address_has_its_reply() {
        let peer = Peer::start(vec![Script::new().always("RCPT TO:<b@", Answer::Say("550 5.1.1 Nobody"))]);
        let server = Server { host: "127.0.0.1".to_owned(), port: peer.port(), tls: TlsMode::None };
        let route = Route::Relays(vec![Relay::new(server, "example.org", None, None).unwrap()]);
        let letters = [letter("a@example.com"), letter("b@example.com"), letter("c@example.com")];
        let tried = send_tests(&route, &Slug::new("spring").unwrap(), &letters).unwrap();
        let results: Vec<_> = tried.into_iter().map(|tried| tried.result).collect();
        let accepted = Ok("250 2.0.0 Ok: queued".to_owned());
        let refused = "the server said `550 5.1.1 Nobody`, while naming the recipient (RCPT TO)";
        assert_eq!(results, [accepted.clone(), Err(refused.to_owned()), accepted]);
        assert_eq!(peer.recipients(), ["a@example.com", "c@example.com"]);
    }

    #[test]
    fn an_outbox_keeps_tests_apart() {
        let folder = tempfile::tempdir().unwrap();
        let route = Route::Outbox { project: Project::new(folder.path()), root: "outbox".into(), writers: 1 };
        let tried = send_tests(&route, &Slug::new("spring").unwrap(), &[letter("a@example.com")]).unwrap();
        assert_eq!(tried[0].result, Ok("written to outbox/test/spring/a@example.com.eml".to_owned()));
    }
}
