//! The certificate of a mail server: names, issuer, expiry, and whether it is trusted.
//!
//! The recorder wraps the verifier of a TLS handshake and keeps the certificate and the result. It never weakens the
//! result.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::smtp::tls::{Tls, provider};

/// A certificate that a server has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Host names and addresses it is valid for.
    pub names: Vec<String>,
    /// Its issuer: RFC 4514.
    pub issuer: String,
    /// Whether it is self-signed.
    pub is_self_signed: bool,
    /// When it expires.
    pub not_after: Option<DateTime<Utc>>,
    /// Why it is not trusted.
    pub problem: Option<CertificateProblem>,
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateProblem {
    /// Its issuer is not trusted.
    Issuer,
    /// It is not valid for this host.
    Name,
    /// It has expired, or is not valid yet.
    Time,
    /// It is a certificate authority's, not a server's.
    Authority,
    /// Anything else.
    Other(String),
}

/// Records the certificate that a handshake's verifier has seen, and its result.
#[derive(Debug)]
pub(super) struct CertificateRecorder {
    verifier: Arc<WebPkiServerVerifier>,
    certificate: Mutex<Option<Certificate>>,
}

impl CertificateRecorder {
    pub(super) fn new(verifier: Arc<WebPkiServerVerifier>) -> Self {
        Self { verifier, certificate: Mutex::new(None) }
    }

    /// The certificate that was shown last.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tls {
    /// The same settings, with a recorder for the certificate that the server shows next, trusted or not.
    pub(super) fn recording(&self) -> anyhow::Result<(Self, Arc<CertificateRecorder>)> {
        const FAILED: &str = "failed to prepare TLS";
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), provider());
        let recorder = Arc::new(CertificateRecorder::new(verifier.build().context(FAILED)?));
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().context(FAILED)?;
        // Not dangerous: the recorder returns the result of the same verifier that other connections use.
        let config = config.dangerous().with_custom_certificate_verifier(Arc::clone(&recorder) as _);
        let config = config.with_no_client_auth();
        let tls = Self { config: Arc::new(config), roots: Arc::clone(&self.roots), name: self.name.clone() };
        Ok((tls, recorder))
    }
}

impl ServerCertVerifier for CertificateRecorder {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self.verifier.verify_server_cert(certificate, chain, name, ocsp, now);
        let shown = read(certificate, result.as_ref().err().map(CertificateProblem::of));
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl CertificateProblem {
    fn of(error: &Error) -> Self {
        let Error::InvalidCertificate(why) = error else { return Self::Other(error.to_string()) };
        match why {
            // A different issuer with the same name has signed it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Issuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::Name,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Time,
            // rustls exposes only the error's name.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::Authority,
            other => Self::Other(other.to_string()),
        }
    }
}

fn read(der: &CertificateDer<'_>, problem: Option<CertificateProblem>) -> Certificate {
    let Ok(parsed) = Parsed::from_der(der) else {
        let issuer = "an unreadable issuer".to_owned();
        return Certificate { names: Vec::new(), issuer, is_self_signed: false, not_after: None, problem };
    };
    let certificate = parsed.tbs_certificate;
    let alternatives = certificate.get::<SubjectAltName>().ok().flatten();
    let names = alternatives.map(|(_, names)| names.0).unwrap_or_default();
    let until = certificate.validity.not_after.to_unix_duration().as_secs();
    Certificate {
        names: names.iter().filter_map(host).collect(),
        issuer: certificate.issuer.to_string(),
        is_self_signed: certificate.issuer == certificate.subject,
        not_after: i64::try_from(until).ok().and_then(|until| DateTime::from_timestamp(until, 0)),
        problem,
    }
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
