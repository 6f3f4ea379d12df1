//! The certificate that the server shows, and whether it is trusted.

use chrono::{DateTime, Days, Utc};

use crate::diagnosis::Step;
use crate::diagnosis::server::url;
use crate::smtp::certificate::{Certificate, CertificateProblem};
use crate::smtp::probe::ProbeReport;
use crate::smtp::relay::Relay;

const NAME: &str = "certificate";

/// A certificate that ends sooner should have been renewed: those of ninety days are at thirty.
const EXPIRY_WARNING: Days = Days::new(14);

pub(super) fn step(relay: &Relay, report: &ProbeReport, now: DateTime<Utc>) -> Option<Step> {
    let certificate = report.certificate.as_ref()?;
    let names = if certificate.names.is_empty() { "nobody".to_owned() } else { certificate.names.join(", ") };
    let until = certificate.not_after.map_or_else(String::new, |until| format!(", until {}", until.format("%Y-%m-%d")));
    let signer = match certificate.is_self_signed {
        true => "itself".to_owned(),
        false => certificate.issuer.clone(),
    };
    let all = format!("for {names}; signed by {signer}{until}");
    Some(match &certificate.problem {
        Some(problem) => untrusted(relay, certificate, problem, &all),
        None if certificate.not_after.is_some_and(|until| until < now + EXPIRY_WARNING) => {
            Step::warning(NAME, all, "renew it: it ends soon, and no mail leaves after that")
        }
        None => Step::ok(NAME, all),
    })
}

fn untrusted(relay: &Relay, certificate: &Certificate, problem: &CertificateProblem, all: &str) -> Step {
    let host = &relay.server.host;
    let (why, remedy) = match problem {
        CertificateProblem::Issuer => {
            let remedy = "if the server is yours, put the certificate of whoever signed its own into a PEM file, and name that \
                          file as `mail.tls_ca_file`; if it is not, do not trust it";
            ("nobody who is trusted has signed it".to_owned(), remedy.to_owned())
        }
        CertificateProblem::Name => {
            let name = certificate.names.iter().find(|name| !name.contains('*'));
            let other = name.map_or_else(String::new, |name| {
                format!(": {}", url(relay, relay.server.tls).replacen(&**host, name, 1))
            });
            let remedy = format!("write a name into `mail.via` that the certificate is for{other}");
            (format!("it is not for `{host}`"), remedy)
        }
        CertificateProblem::Time => {
            ("it has ended, or not begun".to_owned(), "renew it, or mend the clock of this machine".to_owned())
        }
        CertificateProblem::Authority => {
            let remedy = "make one with `basicConstraints = CA:FALSE`, signed by this one or by itself";
            ("it says of itself that it is an authority's, which no server's may be".to_owned(), remedy.to_owned())
        }
        CertificateProblem::Other(why) => (why.clone(), "let the server show another".to_owned()),
    };
    Step::error(NAME, format!("{why}: it is {all}"), remedy)
}
