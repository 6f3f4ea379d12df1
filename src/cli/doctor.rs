//! `slugline doctor`: whether mail will arrive, how fast, and what to change.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::cli::doctor::output::{DoctorOutput, Part};
use crate::cli::{Context, Exit};
use crate::compose;
use crate::config::{MailConfig, MailServer, Via};
use crate::diagnosis::receiving::Receiving;
use crate::diagnosis::sender::{self, Sender};
use crate::diagnosis::server::{self, SendingTerms};
use crate::diagnosis::{Step, StepOutcome};
use crate::dkim::{Key, KeyFile, PublicKey};
use crate::dns::Dns;
use crate::smtp::probe::Envelope;
use crate::smtp::timeouts::Timeouts;
use crate::transport;

mod output;
mod pages;
mod project;

/// Check whether mail will arrive, how fast, and what to change
///
/// Connects to the mail server step by step, up to the recipient and no further: nothing is sent. Queries the DNS as
/// receivers do for the sender's domain (SPF, DKIM, DMARC, reverse DNS, MX), and prints the records that are missing, and with
/// `inbox` and `--verbose` what Postfix needs to pass mail on. With `serve.url`, tries the one-click button of mail programs with a token that no one has. The exit code is 1 if something has
/// to change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline doctor\n  slugline doctor --dns 9.9.9.9 --verbose")]
pub(super) struct Args {
    /// DNS server to ask, such as that of your domain before its records have spread [default: the system's]
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = dns_server)]
    dns: Option<SocketAddr>,
}

/// A person waits for the answer: a server that is slower is not worth using.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// Shows every part as soon as it is known.
pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mail = compose::mail_config(&config)?;
    let (store, subscribers) = project::store(context, &config);
    let mut output = DoctorOutput::new(&context.report);
    let servers = match &mail.via {
        Via::Smtp(servers) => servers.as_slice(),
        Via::Outbox(folder) => {
            let seen = "mail is written into this folder, and no server is used (`mail.via`)";
            output.part(Part::Outbox, &folder.to_string_lossy(), &[Step::ok("outbox", seen)])?;
            &[]
        }
    };
    for server in servers {
        let steps = examine(context, mail, server, subscribers);
        output.part(Part::Server, &server.server.to_string(), &steps)?;
    }
    let sender = Sender {
        mail,
        keys: mail.dkim.iter().map(|key| (key, public(context, key))).collect(),
        hosts: servers.iter().map(|server| server.server.host.clone()).collect(),
        receiving: config.inbox.as_ref().map(|options| Receiving { options, folder: folder(context) }),
    };
    let steps = match Dns::new(args.dns) {
        Ok(dns) => sender::examine(&dns, &sender),
        Err(error) => {
            vec![Step::error("DNS", error.to_string(), "name a server that can be asked, such as `--dns 9.9.9.9`")]
        }
    };
    output.part(Part::Dns, mail.edition.from.address.domain(), &steps)?;
    if let Some((url, steps)) = pages::steps(context, &config, mail) {
        output.part(Part::Pages, &url, &steps)?;
    }
    let steps = project::steps(context, &config, mail, store);
    output.part(Part::Project, &context.config_file, &steps)?;
    Ok(if output.end()? == StepOutcome::Error { Exit::Attention } else { Exit::Done })
}

/// The project folder, as another program has to name it.
fn folder(context: &Context) -> String {
    let folder = context.project.real_path(".").unwrap_or_else(|| context.project.folder().to_owned());
    folder.display().to_string()
}

/// Examines one server.
fn examine(context: &Context, mail: &MailConfig, server: &MailServer, subscribers: Option<u64>) -> Vec<Step> {
    let login = transport::login(&context.project, mail, server);
    let no_password = login.as_ref().err().map(|error| format!("{error:#}"));
    let mut relay = match transport::relay_with(&context.project, mail, server, login.ok().flatten()) {
        Ok(relay) => relay,
        Err(error) => {
            return vec![Step::error("settings", format!("{error:#}"), "fix `mail.via` or `mail.tls_ca_file`")];
        }
    };
    relay.timeouts = Timeouts { connect: PROBE_TIMEOUT, envelope: PROBE_TIMEOUT, ..relay.timeouts };
    let from = mail.envelope_sender();
    let terms = SendingTerms {
        envelope: Envelope { from, to: &mail.edition.from.address },
        no_password,
        connections: server.connections,
        rate: mail.policy.rate.iter().chain(&server.rate).max_by_key(|rate| rate.interval()),
        subscribers,
        now: context.clock.now(),
    };
    server::examine(&relay, &terms)
}

/// The public key of a key file of the project, or why there is none.
fn public(context: &Context, named: &KeyFile) -> Result<PublicKey, String> {
    let file = named.key_file.display();
    let pem = context.project.bytes(&named.key_file).map_err(|error| format!("{error:#}"))?;
    let key = Key::from_pem(&pem).map(|key| key.public());
    key.map_err(|error| format!("the key file `{file}` cannot be used: {error:#}"))
}

/// An address with or without a port; the default is 53.
fn dns_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>();
    let address = || text.trim_matches(['[', ']']).parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    with_port
        .or_else(|_| address())
        .map_err(|_| "write an IP address, such as `9.9.9.9` or `127.0.0.1:5353`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_server_is_an_address() {
        let read = |text: &str| dns_server(text).map(|address| address.to_string());
        assert_eq!(read("9.9.9.9"), Ok("9.9.9.9:53".to_owned()));
        assert_eq!(read("127.0.0.1:5353"), Ok("127.0.0.1:5353".to_owned()));
        assert_eq!(read("::1"), Ok("[::1]:53".to_owned()));
        assert_eq!(read("[::1]:5353"), Ok("[::1]:5353".to_owned()));
        assert!(read("dns.example.org").is_err());
    }
}
