//! Findings about mail servers and the outbox for the person who must fix the problem: server, reply, remedy.
//!
//! Only about problems of the run; those of one recipient are an `AttemptOutcome`.

use crate::finding::Finding;
use crate::letter::Letter;
use crate::reply::{Phase, ReplyClass};
use crate::smtp::TlsMode;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::relay::Relay;

/// The finding about a problem with `relay`. The recipient of `letter`, if given, is masked in the reply.
pub(super) fn finding(relay: &Relay, error: &SessionError, letter: Option<&Letter>) -> Finding {
    let (rule, what, help) = match (error.phase, &error.cause) {
        (_, Cause::Unencrypted) => UNENCRYPTED_LOGIN,
        (_, Cause::TooLarge { .. }) => MESSAGE,
        (Phase::Auth, Cause::MissingExtension(_)) if relay.server.tls == TlsMode::None => NO_LOGIN_WITHOUT_TLS,
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

/// Whether the reply by itself blames the recipient.
fn is_about_recipient(class: ReplyClass) -> bool {
    matches!(class, ReplyClass::AddressBad | ReplyClass::MailboxUnavailable | ReplyClass::Unsupported)
}

/// The finding about a server that accepts no further connection, or offers less on it than before.
pub(super) fn too_many_connections(relay: &Relay, error: &SessionError) -> Finding {
    let (rule, what, help) = BUSY;
    Finding::error(rule, format!("the mail server `{relay}` {what}: {error}")).help(help)
}

/// The finding that ends a run when no server is usable. `reasons`: of each server, at least one.
pub(super) fn no_server(reasons: &[&Finding]) -> Finding {
    if let [one] = reasons {
        return (*one).clone();
    }
    let all = |part: fn(&Finding) -> &str| {
        let mut parts: Vec<&str> =
            reasons.iter().map(|finding| part(finding)).filter(|part| !part.is_empty()).collect();
        parts.dedup();
        parts.join("; ")
    };
    let message = format!("no mail server is usable: {}", all(|finding| &finding.message));
    Finding::error("smtp-no-server", message).help(all(|finding| finding.help.as_deref().unwrap_or_default()))
}

/// The warning about a server that was suspended for this reason while others worked.
pub(super) fn server_suspended(reason: &Finding) -> Finding {
    let message = format!("{}; it was suspended for a while, and other servers took its mail", reason.message);
    Finding { help: reason.help.clone(), ..Finding::warning("smtp-server-out", message) }
}

/// The finding that ends a run when the outbox cannot be written.
pub(super) fn outbox(error: &anyhow::Error) -> Finding {
    Finding::error("outbox-write", format!("{error:#}"))
        .help("free disk space, or make the folder in `mail.via` writable, and run this again")
}

/// The finding about a server that takes messages and sends no reply.
pub(super) fn missing_replies(relay: &Relay) -> Finding {
    let message = format!(
        "the mail server `{relay}` closed the connection several times in a row after a message, so that it is unknown \
         whether those recipients got it"
    );
    Finding::error("smtp-no-verdict", message).help(
        "check the server's log; `slugline status --state unknown` lists the recipients, and `slugline resolve` settles them",
    )
}

type Advice = (&'static str, &'static str, &'static str);

const LOST: Advice = (
    "smtp-unreachable",
    "cannot be reached",
    "check host and port in `mail.via` (a port with TLS from the first byte, usually 465, needs `smtps://`), and that the \
     server is running and reachable from here; then run this again: recipients not mailed are still queued",
);
const UNWELCOME: Advice = (
    "smtp-unwelcome",
    "refuses connections from this machine",
    "ask its operator, or set `mail.via` to another server",
);
const BUSY: Advice = (
    "smtp-busy",
    "accepts no more mail for now",
    "run this again later: recipients not mailed are still queued; fewer `mail.connections` may help",
);
const NO_STARTTLS: Advice = (
    "smtp-no-starttls",
    "cannot be used securely",
    "if its port uses TLS from the first byte (usually 465), write `smtps://` in `mail.via`; if it offers no TLS at all, \
     `smtp+plain://` sends unencrypted",
);
const TLS: Advice = (
    "smtp-tls",
    "cannot be trusted",
    "use the host name of its certificate in `mail.via`; for a self-signed certificate, set `mail.tls_ca_file` to its PEM \
     file; if the port starts without TLS (usually 587), write `smtp://`",
);
const UNENCRYPTED_LOGIN: Advice = (
    "smtp-unencrypted-login",
    "would get the password unencrypted",
    "use `smtp://` or `smtps://` in `mail.via`, or remove `mail.user`",
);
const NO_LOGIN: Advice = (
    "smtp-no-login",
    "offers no login method that slugline supports",
    "remove `mail.user` if no login is needed; otherwise check whether another port offers AUTH",
);
/// Many servers accept no login before STARTTLS, even from the same machine, where it is not used by default.
const NO_LOGIN_WITHOUT_TLS: Advice = (
    "smtp-no-login",
    "offers no login without TLS",
    "write `smtp+starttls://` in `mail.via`, or remove `mail.user` if no login is needed",
);
const LOGIN: Advice = (
    "smtp-login",
    "refuses the login",
    "check `mail.user`, and SLUGLINE_SMTP_PASSWORD or `mail.password_file`; some providers require an app password",
);
const SENDER: Advice = (
    "smtp-sender",
    "refuses the sender",
    "set `mail.from` or `mail.bounce_address` to an address this server may send for; it may also require a login in \
     `mail.user`",
);
const POLICY: Advice = (
    "smtp-refused",
    "refuses our mail",
    "read its reply: it may require a login (`mail.user`), or SPF, DKIM and DMARC records for the sender's domain. No one \
     was removed from the list, and recipients not mailed are still queued",
);
/// Servers that refuse to relay have many replies; OpenSMTPD: `550 Invalid recipient`.
const REFUSES_ALL: Advice = (
    "smtp-refuses-all",
    "refuses every recipient",
    "it may not be set up to relay your mail to other domains, or require a login (`mail.user`): read its reply and its \
     log. No one was removed from the list, and recipients not mailed are still queued",
);
const MESSAGE: Advice = (
    "smtp-message",
    "refuses this message",
    "make the issue smaller, or change what its filter objects to; recipients not mailed are still queued",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reply;
    use crate::smtp::Server;

    #[test]
    fn every_problem_has_its_remedy() {
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
    fn a_login_that_needs_tls_on_the_same_machine_is_told_to_use_starttls() {
        let server = Server { host: "127.0.0.1".to_owned(), port: 25, tls: TlsMode::None };
        let relay = Relay::new(server, "example.org", None, None).unwrap();
        let error = SessionError { phase: Phase::Auth, cause: Cause::MissingExtension("AUTH PLAIN or LOGIN") };
        let help = finding(&relay, &error, None).help.unwrap();
        assert!(help.contains("`smtp+starttls://`"), "{help}");
    }
}
