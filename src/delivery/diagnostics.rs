//! Why a run stopped, in words for the person who has to mend it: server, reply, remedy.
//!
//! Only for what concerns the whole run; what concerns one recipient is an `AttemptOutcome`.

use crate::finding::Finding;
use crate::letter::Letter;
use crate::smtp::TlsMode;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::ReplyClass;

/// The finding about trouble with `relay`. `letter` is the one at hand; its recipient is masked in the reply.
pub(super) fn finding(relay: &Relay, error: &SessionError, letter: Option<&Letter>) -> Finding {
    let (rule, what, help) = match (error.phase, &error.cause) {
        (_, Cause::Unencrypted) => LOGIN_IN_THE_OPEN,
        (_, Cause::TooLarge { .. }) => MESSAGE,
        (Phase::Auth, Cause::MissingExtension(_)) if relay.server.tls == TlsMode::None => NO_LOGIN_IN_THE_OPEN,
        (Phase::Auth, Cause::MissingExtension(_)) => NO_LOGIN,
        (Phase::Tls, Cause::MissingExtension(_)) => NO_STARTTLS,
        (phase, Cause::Refused(reply)) if reply.class(phase) == ReplyClass::BackOff => BUSY,
        (Phase::Auth, _) => LOGIN,
        (Phase::Tls, _) => TLS,
        (Phase::Connect, Cause::Refused(_)) => UNWELCOME,
        (phase, Cause::Refused(reply)) if reply.class(phase) == ReplyClass::Message => MESSAGE,
        (Phase::Mail, Cause::Refused(_)) => SENDER,
        (phase, Cause::Refused(reply)) if is_about_recipient(reply.class(phase)) => REFUSES_ALL,
        (_, Cause::Refused(_)) => POLICY,
        (_, Cause::Lost(_) | Cause::MissingExtension(_)) => LOST,
    };
    let mut message = format!("the mail server `{relay}` {what}: {error}");
    if let Some(letter) = letter {
        message = message.replace(letter.to.as_str(), &letter.to.masked());
    }
    Finding::error(rule, message).help(help)
}

/// Whether the words alone are about a recipient.
fn is_about_recipient(class: ReplyClass) -> bool {
    matches!(class, ReplyClass::AddressBad | ReplyClass::MailboxUnavailable | ReplyClass::Unsupported)
}

/// The finding about a server that takes no further connection now, or offers less on it than before.
pub(super) fn too_many_connections(relay: &Relay, error: &SessionError) -> Finding {
    let (rule, what, help) = BUSY;
    Finding::error(rule, format!("the mail server `{relay}` {what}: {error}")).help(help)
}

/// The finding that ends a run when no server is left; `why` says it of each, one at least.
pub(super) fn no_server(why: &[&Finding]) -> Finding {
    if let [one] = why {
        return (*one).clone();
    }
    let all = |part: fn(&Finding) -> &str| {
        let mut parts: Vec<&str> = why.iter().map(|finding| part(finding)).filter(|part| !part.is_empty()).collect();
        parts.dedup();
        parts.join("; ")
    };
    let message = format!("no mail server is left: {}", all(|finding| &finding.message));
    Finding::error("smtp-no-server", message).help(all(|finding| finding.help.as_deref().unwrap_or_default()))
}

/// What the report says of a server among others that was out, as `why` says.
pub(super) fn server_suspended(why: &Finding) -> Finding {
    let message = format!("{}; it was left alone for a while, and others took its letters", why.message);
    Finding { help: why.help.clone(), ..Finding::warning("smtp-server-out", message) }
}

/// The finding that ends a run into an outbox.
pub(super) fn outbox(error: &anyhow::Error) -> Finding {
    Finding::error("outbox-write", format!("{error:#}"))
        .help("make room, or make the folder of `mail.via` writable, and run this again")
}

/// The finding about a server that takes messages and does not say what became of them.
pub(super) fn missing_replies(relay: &Relay) -> Finding {
    let message = format!(
        "the mail server `{relay}` broke off several times in a row after it was given a message, so that nobody can know \
         whether those recipients got it"
    );
    Finding::error("smtp-no-verdict", message).help(
        "look into the server's log; `slugline status --state unknown` names the recipients, `slugline resolve` decides",
    )
}

type Advice = (&'static str, &'static str, &'static str);

const LOST: Advice = (
    "smtp-unreachable",
    "cannot be reached",
    "check host and port in `mail.via` (a port that speaks TLS from the first byte, usually 465, needs `smtps://`), and \
     that the server runs and can be reached from here; then run this again: whoever was not mailed is still queued",
);
const UNWELCOME: Advice = (
    "smtp-unwelcome",
    "does not want to talk to this machine",
    "ask its operator, or send through another server in `mail.via`",
);
const BUSY: Advice = (
    "smtp-busy",
    "takes no more for now",
    "run this again later: whoever was not mailed is still queued; fewer `mail.connections` may help",
);
const NO_STARTTLS: Advice = (
    "smtp-no-starttls",
    "cannot be used safely",
    "if its port speaks TLS from the first byte (usually 465), write `smtps://` in `mail.via`; if it offers no TLS at \
     all, `smtp+plain://` sends without",
);
const TLS: Advice = (
    "smtp-tls",
    "cannot be trusted",
    "name the host in `mail.via` as its certificate does; for a certificate of your own, put the PEM file into \
     `mail.tls_ca_file`; if the port starts without TLS (usually 587), write `smtp://`",
);
const LOGIN_IN_THE_OPEN: Advice = (
    "smtp-unencrypted-login",
    "would see the password unencrypted",
    "use `smtp://` or `smtps://` in `mail.via`, or remove `mail.user`",
);
const NO_LOGIN: Advice = (
    "smtp-no-login",
    "offers no login that this program knows",
    "remove `mail.user` if none is needed; else see whether another port offers AUTH",
);
/// Many servers let nobody log in before STARTTLS, on the same machine too, where it is not asked for by itself.
const NO_LOGIN_IN_THE_OPEN: Advice = (
    "smtp-no-login",
    "offers no login without TLS",
    "write `smtp+starttls://` in `mail.via`, or remove `mail.user` if no login is needed",
);
const LOGIN: Advice = (
    "smtp-login",
    "refuses the login",
    "check `mail.user`, and SLUGLINE_SMTP_PASSWORD or `mail.password_file`; some providers want a password made for \
     programs",
);
const SENDER: Advice = (
    "smtp-sender",
    "refuses the sender",
    "use an address this server may send for, in `mail.from` or `mail.bounce_address`; it may also want a login in \
     `mail.user`",
);
const POLICY: Advice = (
    "smtp-refused",
    "refuses our mail",
    "read its reply: it may want a login (`mail.user`), or SPF, DKIM and DMARC records for the sender's domain. Nobody \
     was removed from the list, and whoever was not mailed is still queued",
);
/// Servers that relay for nobody say so in many ways; OpenSMTPD: `550 Invalid recipient`.
const REFUSES_ALL: Advice = (
    "smtp-refuses-all",
    "refuses every recipient",
    "it may not be set up to send mail for you to other places (to relay), or want a login (`mail.user`): read its reply \
     and its log. Nobody was removed from the list, and whoever was not mailed is still queued",
);
const MESSAGE: Advice = (
    "smtp-message",
    "refuses this message",
    "make the issue smaller, or change what its filter dislikes; whoever was not mailed is still queued",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Server;
    use crate::smtp::reply::Reply;

    #[test]
    fn every_trouble_has_its_remedy() {
        let server = Server { host: "mail.example.org".to_owned(), port: 587, tls: TlsMode::StartTls };
        let relay = Relay::new(server, "example.org", None, None).unwrap();
        let refused = |code, text| Cause::Refused(Reply::new(code, text));
        let lost = || Cause::Lost("reset".to_owned());
        for (phase, cause, rule) in [
            (Phase::Connect, lost(), "smtp-unreachable"),
            (Phase::Connect, refused(554, "5.3.2 No"), "smtp-unwelcome"),
            (Phase::Connect, refused(421, "4.3.2 Later"), "smtp-busy"),
            (Phase::Tls, lost(), "smtp-tls"),
            (Phase::Tls, Cause::MissingExtension("STARTTLS"), "smtp-no-starttls"),
            (Phase::Auth, Cause::Unencrypted, "smtp-unencrypted-login"),
            (Phase::Auth, Cause::MissingExtension("AUTH PLAIN"), "smtp-no-login"),
            (Phase::Auth, refused(535, "5.7.8 No"), "smtp-login"),
            (Phase::Auth, refused(454, "4.7.0 Later"), "smtp-busy"),
            (Phase::Mail, refused(553, "5.7.1 Not yours"), "smtp-sender"),
            (Phase::Mail, refused(552, "5.3.4 Too big"), "smtp-message"),
            (Phase::Rcpt, refused(554, "5.7.1 No relay"), "smtp-refused"),
            (Phase::FinalDot, refused(554, "5.6.0 Virus"), "smtp-message"),
            (Phase::Rcpt, refused(550, "Invalid recipient"), "smtp-refuses-all"),
            (Phase::Rcpt, refused(421, "4.7.0 Later"), "smtp-busy"),
            (Phase::Rcpt, lost(), "smtp-unreachable"),
            (Phase::Mail, Cause::TooLarge { bytes: 2, max: 1 }, "smtp-message"),
        ] {
            let error = SessionError { phase, cause };
            let finding = finding(&relay, &error, None);
            assert_eq!(finding.rule, rule, "{error}");
            assert!(finding.message.starts_with("the mail server `mail.example.org:587` "), "{finding}");
            assert!(finding.message.ends_with(&error.to_string()) && finding.help.is_some(), "{finding}");
        }
    }

    #[test]
    fn a_login_that_needs_tls_on_the_same_machine_is_told_how_to_get_it() {
        let server = Server { host: "127.0.0.1".to_owned(), port: 25, tls: TlsMode::None };
        let relay = Relay::new(server, "example.org", None, None).unwrap();
        let error = SessionError { phase: Phase::Auth, cause: Cause::MissingExtension("AUTH PLAIN or LOGIN") };
        let help = finding(&relay, &error, None).help.unwrap();
        assert!(help.contains("`smtp+starttls://`"), "{help}");
    }
}
