//! TLS to a mail server: trusted certificates, and the name that the server's certificate must have.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::crypto::{self, CryptoProvider};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

/// TLS settings, shared by all connections so that they can resume each other's sessions.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    /// Settings for the server `host`. `extra_roots` is PEM text of certificates to trust besides the public
    /// authorities.
    ///
    /// # Errors
    /// If that text contains no certificate, or no certificate can be valid for the name.
    pub(super) fn new(host: &str, extra_roots: Option<&[u8]>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = extra_roots {
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let certificates = certificates.context("failed to read the certificates of `mail.tls_ca_file`")?;
            ensure!(!certificates.is_empty(), "`mail.tls_ca_file` contains no PEM certificate");
            for certificate in certificates {
                roots.add(certificate).context("failed to trust a certificate of `mail.tls_ca_file`")?;
            }
        }
        let name = ServerName::try_from(host.to_owned());
        let name = name.with_context(|| format!("no certificate can be valid for `{host}`"))?;
        let roots = Arc::new(roots);
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().context("failed to prepare TLS")?;
        let config = config.with_root_certificates(Arc::clone(&roots)).with_no_client_auth();
        Ok(Self { config: Arc::new(config), roots, name })
    }

    /// A connection before its handshake.
    pub(super) fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(crypto::ring::default_provider())
}
