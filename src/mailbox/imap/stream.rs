//! The bytes between us and an IMAP server: TCP with TLS, lines and literals.
//!
//! Takes an account; returns responses. Every wait and every length is bounded.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::mailbox::MAX_MESSAGE_BYTES;
use crate::mailbox::imap::Account;
use crate::mailbox::imap::response::Response;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A server may search a large folder for a while before it says anything.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// A line with the numbers of a million messages.
pub(super) const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// A connection to a server.
pub(super) struct Stream(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Stream {
    /// Connects to the first address that answers, and does the handshake.
    pub fn connect(account: &Account) -> anyhow::Result<Self> {
        let config = Arc::new(tls(account.extra_roots.as_deref())?);
        let name = ServerName::try_from(account.host.clone());
        let name = name.with_context(|| format!("no certificate can be valid for `{}`", account.host))?;
        let mut connection = ClientConnection::new(config, name)?;
        let mut tcp = tcp(account)?;
        tcp.set_read_timeout(Some(READ_TIMEOUT))?;
        tcp.set_write_timeout(Some(CONNECT_TIMEOUT))?;
        tcp.set_nodelay(true)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        Ok(Self(BufReader::new(StreamOwned::new(connection, tcp))))
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.0.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// The next response, with its literals.
    pub fn response(&mut self) -> io::Result<Response> {
        let mut response = Response::default();
        loop {
            let line = self.line()?;
            let Some((text, length)) = before_literal(&line) else {
                response.texts.push(line);
                return Ok(response);
            };
            // One response has one message; more, or a longer one, was not asked for.
            if length > MAX_MESSAGE_BYTES || response.literals.len() > 4 {
                return Err(invalid("the server sends more than was asked for"));
            }
            let mut literal = vec![0; length];
            self.0.read_exact(&mut literal)?;
            response.texts.push(text.to_owned());
            response.literals.push(literal);
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.0.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            let is_long = line.len() >= MAX_LINE_BYTES;
            return Err(if is_long { invalid("the server sends an endless line") } else { hung_up() });
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The text before the length of a literal at the end of a line, and the length.
fn before_literal(line: &str) -> Option<(&str, usize)> {
    let (text, length) = line.strip_suffix('}')?.rsplit_once('{')?;
    Some((text, length.parse().ok()?))
}

fn tcp(account: &Account) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("its name has no address");
    for address in (account.host.as_str(), account.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn tls(extra_roots: Option<&[u8]>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra_roots {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.context("failed to read the certificates of `inbox.tls_ca_file`")?;
        ensure!(!certificates.is_empty(), "`inbox.tls_ca_file` contains no PEM certificate");
        for certificate in certificates {
            roots.add(certificate).context("failed to trust a certificate of `inbox.tls_ca_file`")?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().context("failed to prepare TLS")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn hung_up() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")
}
