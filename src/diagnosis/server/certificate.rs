//! The certificate that the server shows, and whether it is trusted.

use chrono::{DateTime, Days, Utc};

use crate::diagnosis::Step;
use crate::diagnosis::server::url;
use crate::smtp::certificate::{Certificate, CertificateProblem};
use crate::smtp::probe::ProbeReport;
use crate::smtp::relay::Relay;

const NAME: &str = "certificate";

/// Certificates of ninety days are renewed thirty days before they expire; one with less time left is overdue.
const EXPIRY_WARNING: Days = Days::new(14);

pub(super) fn step(relay: &Relay, report: &ProbeReport, now: DateTime<Utc>) -> Option<Step> {
    let certificate = report.certificate.as_ref()?;
    let names = if certificate.names.is_empty() { "no name".to_owned() } else { certificate.names.join(", ") };
    let until = certificate.not_after.map_or_else(String::new, |until| format!(", until {}", until.format("%Y-%m-%d")));
    let signer = match certificate.is_self_signed {
        true => "itself".to_owned(),
        false => certificate.issuer.clone(),
    };
    let all = format!("for {names}; signed by {signer}{until}");
    Some(match &certificate.problem {
        Some(problem) => untrusted(relay, certificate, problem, &all),
        None if certificate.not_after.is_some_and(|until| until < now + EXPIRY_WARNING) => {
            Step::warning(NAME, all, "renew it: it expires soon, and no mail leaves after that")
        }
        None => Step::ok(NAME, all),
    })
}

fn untrusted(relay: &Relay, certificate: &Certificate, problem: &CertificateProblem, all: &str) -> Step {
    let host = &relay.server.host;
    let (why, remedy) = match problem {
        CertificateProblem::Issuer => {
            let remedy = "if the server is yours, put the certificate of its issuer in a PEM file, and name that \
                          file as `mail.tls_ca_file`; if it is not, do not trust it";
            ("its issuer is not trusted".to_owned(), remedy.to_owned())
        }
        CertificateProblem::Name => {
            let name = certificate.names.iter().find(|name| !name.contains('*'));
            let other = name.map_or_else(String::new, |name| {
                format!(": {}", url(relay, relay.server.tls).replacen(&**host, name, 1))
            });
            let remedy = format!("use a name in `mail.via` that the certificate is for{other}");
            (format!("it is not for `{host}`"), remedy)
        }
        CertificateProblem::Time => {
            ("it has expired, or is not valid yet".to_owned(), "renew it, or set this machine's clock".to_owned())
        }
        CertificateProblem::Authority => {
            let remedy = "make one with `basicConstraints = CA:FALSE`, signed by this one or self-signed";
            ("it is a certificate authority's, which a server must not use".to_owned(), remedy.to_owned())
        }
        CertificateProblem::Other(why) => (why.clone(), "make the server use another certificate".to_owned()),
    };
    Step::error(NAME, format!("{why}: it is {all}"), remedy)
}
