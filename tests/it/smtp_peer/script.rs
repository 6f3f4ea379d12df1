//! What the peer does and when: the script of one connection.

use std::collections::HashMap;
use std::sync::Arc;

/// An action at a step.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Replies this; line ends are added.
    Say(&'static str),
    /// Replies this and hangs up.
    SayAndDrop(&'static str),
    /// Replies this in two packets, so that a line arrives split.
    InPieces(&'static str, &'static str),
    /// Is silent until the client gives up.
    Silence,
    /// Hangs up without a reply.
    Drop,
    /// At `DOT`: accepts the message and hangs up without a reply.
    TakeAndDrop,
}

impl Answer {
    /// Whether the command succeeds, which the client may never learn.
    pub(super) fn is_yes(&self) -> bool {
        match self {
            Answer::Say(text) | Answer::SayAndDrop(text) | Answer::InPieces(text, _) => text.starts_with(['2', '3']),
            Answer::TakeAndDrop => true,
            Answer::Silence | Answer::Drop => false,
        }
    }

    /// Whether the command is refused.
    pub(super) fn is_no(&self) -> bool {
        matches!(self, Answer::Say(text) if text.starts_with(['4', '5']))
    }
}

/// The progress of a peer, over all connections.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Number of messages accepted.
    pub taken: usize,
    pub(super) steps: HashMap<&'static str, usize>,
}

impl Tally {
    /// How often each step came for which the script has a rule.
    pub fn came(&self, step: &str) -> usize {
        self.steps.get(step).copied().unwrap_or_default()
    }
}

type Condition = Arc<dyn Fn(&Tally) -> bool + Send + Sync>;

/// The behaviour on one connection. Steps are named by the beginning of a line (`MAIL`, `RCPT TO:<a@`), or `GREETING`,
/// `CONTENT` (after the first bytes of a message) and `DOT`.
#[derive(Clone, Default)]
pub struct Script {
    rules: Vec<(&'static str, usize, Answer)>,
    holds: Vec<(&'static str, Condition)>,
    pub(super) tls: Option<(Arc<rustls::ServerConfig>, bool)>,
    pub(super) capabilities: Vec<&'static str>,
    /// After this many messages on a connection, at MAIL.
    pub(super) end: Option<(usize, Answer)>,
    pub(super) numbers: bool,
    pub(super) forgets: bool,
    pub(super) behind: Behind,
}

/// What happens to commands behind the final dot of a message, before its reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Behind {
    /// They are read.
    #[default]
    Read,
    /// They are lost, as by Courier and chasquid.
    Lost,
    /// MAIL alone is refused, and RCPT ends the connection although the message is accepted, as in Dovecot's submission
    /// service.
    Crash,
}

impl Script {
    /// A server that accepts everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// At the first step called `step`: `answer`.
    pub fn on(self, step: &'static str, answer: Answer) -> Self {
        self.on_nth(step, 1, answer)
    }

    /// At the `nth` step called `step`, the first being 1: `answer`.
    pub fn on_nth(mut self, step: &'static str, nth: usize, answer: Answer) -> Self {
        self.rules.push((step, nth, answer));
        self
    }

    /// At every step called `step`: `answer`.
    pub fn always(self, step: &'static str, answer: Answer) -> Self {
        self.on_nth(step, 0, answer)
    }

    /// Answers steps named `step` only while `until` is true of this peer's progress: one side of a race waits for the
    /// other.
    pub fn holding(mut self, step: &'static str, until: impl Fn(&Tally) -> bool + Send + Sync + 'static) -> Self {
        self.holds.push((step, Arc::new(until)));
        self
    }

    /// Offers another extension in the reply to EHLO.
    pub fn offering(mut self, capability: &'static str) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// After this many messages on a connection, at the next MAIL: `answer`.
    pub fn ending_after(mut self, messages: usize, answer: Answer) -> Self {
        self.end = Some((messages, answer));
        self
    }

    /// Numbers the messages in the replies, as real servers do.
    pub fn numbering(mut self) -> Self {
        self.numbers = true;
        self
    }

    /// Does not keep the content of messages: there are too many.
    pub fn forgetting_contents(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// Treats commands behind the final dot this way.
    pub fn behind(mut self, behind: Behind) -> Self {
        self.behind = behind;
        self
    }

    /// Whether commands behind the final dot are lost, so that they are never answered.
    pub fn loses_what_is_behind(&self) -> bool {
        self.behind == Behind::Lost
    }

    /// Uses TLS after STARTTLS, or from the first byte if `implicit`.
    pub fn tls(mut self, config: Arc<rustls::ServerConfig>, implicit: bool) -> Self {
        self.tls = Some((config, implicit));
        self
    }

    pub(super) fn has_rule(&self, step: &str) -> bool {
        self.rules.iter().any(|(name, ..)| step.starts_with(name))
    }

    /// Whether `step` may be answered yet.
    pub(super) fn lets_pass(&self, step: &str, tally: &Tally) -> bool {
        self.holds.iter().filter(|(name, _)| step.starts_with(name)).all(|(_, until)| until(tally))
    }

    /// The action at `step`, counted in `steps`; `None` for the usual one.
    pub(super) fn answer(&self, step: &str, steps: &mut HashMap<&'static str, usize>) -> Option<Answer> {
        let mut answer = None;
        for (at, (name, nth, wanted)) in self.rules.iter().enumerate() {
            if !step.starts_with(name) {
                continue;
            }
            // Two rules for one step count it once.
            if !self.rules[..at].iter().any(|(other, ..)| other == name) {
                *steps.entry(name).or_default() += 1;
            }
            if *nth == 0 || steps.get(name) == Some(nth) {
                answer.get_or_insert_with(|| wanted.clone());
            }
        }
        answer
    }
}

/// A server's TLS settings with a fresh certificate for `localhost` and 127.0.0.1, and the certificate as PEM.
pub fn self_signed() -> (Arc<rustls::ServerConfig>, String) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), cert.pem())
}
