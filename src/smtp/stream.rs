//! The bytes of one connection: TCP, with TLS (rustls) from the start or after STARTTLS.
//!
//! Writes parts and returns lines unchanged. Reports how much of a write was handed over, because that decides whether
//! a message may have been accepted. The meaning of lines is left to `dialogue`.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use memchr::memchr;
use rustls::{ClientConnection, ProtocolVersion, StreamOwned};

use crate::fault;
use crate::smtp::tls::Tls;

/// The longest line accepted. RFC 5321 4.5.3.1.5 allows 512 bytes; some servers send more.
const MAX_LINE_BYTES: usize = 4096;

/// A connection.
pub(super) struct Stream {
    transport: Transport,
    input: Vec<u8>,
    /// How many bytes of `input` were consumed.
    consumed: usize,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Broken during a handshake.
    Broken,
}

/// What a handshake has negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The cipher suite's standard name.
    pub cipher: String,
}

/// A write that failed.
#[derive(Debug)]
pub(super) struct WriteError {
    /// How many bytes were handed over before.
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl Stream {
    /// The addresses of `host`, in the order they are tried.
    pub(super) fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }

    /// Connects to the first address of `host` that answers, waiting up to `timeout` for each.
    pub(super) fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let mut failure = io::Error::other("its name has no address");
        for address in Self::addresses(host, port)? {
            match Self::to(address, timeout) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Connects to an address.
    pub(super) fn to(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, timeout)?;
        // Every write is complete, so waiting for more (Nagle) gains nothing and may cost 40 ms.
        tcp.set_nodelay(true)?;
        Ok(Self { transport: Transport::Plain(tcp), input: Vec::with_capacity(MAX_LINE_BYTES), consumed: 0 })
    }

    /// Performs the TLS handshake.
    pub(super) fn start_tls(&mut self, tls: &Tls) -> io::Result<()> {
        // Anyone could have injected what came before the handshake (CVE-2011-0411).
        if self.consumed < self.input.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the server spoke before TLS began"));
        }
        let Transport::Plain(mut tcp) = std::mem::replace(&mut self.transport, Transport::Broken) else {
            return Err(io::Error::other("TLS has begun already"));
        };
        let mut connection = tls.connection().map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        self.transport = Transport::Tls(Box::new(StreamOwned::new(connection, tcp)));
        Ok(())
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// TLS version and cipher, or `None` without TLS.
    pub(super) fn encryption(&self) -> Option<Encryption> {
        let Transport::Tls(tls) = &self.transport else { return None };
        let version = match tls.conn.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLS 1.2",
            ProtocolVersion::TLSv1_3 => "TLS 1.3",
            _ => "TLS",
        };
        let suite = tls.conn.negotiated_cipher_suite()?.suite();
        let name = suite.as_str().unwrap_or("an unknown cipher");
        // RFC 8446 B.4 calls them TLS_…, rustls TLS13_….
        Some(Encryption { version, cipher: name.replace("TLS13_", "TLS_") })
    }

    /// How long a single read waits; `await_line` then returns the error `WouldBlock` or `TimedOut`, and can be called
    /// again.
    pub(super) fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.tcp()?.set_read_timeout(Some(timeout))
    }

    /// How long a single write waits for the server to accept any byte.
    pub(super) fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.tcp()?.set_write_timeout(Some(timeout))
    }

    /// Writes the parts in order, in as few packets as possible.
    pub(super) fn write<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Result<(), WriteError> {
        let mut parts: Vec<IoSlice<'_>> = parts.into_iter().map(IoSlice::new).collect();
        let mut written = 0;
        let done = match &mut self.transport {
            Transport::Plain(tcp) => write_all(tcp, &mut parts, &mut written),
            Transport::Tls(tls) => write_all(tls, &mut parts, &mut written).and_then(|()| tls.flush()),
            Transport::Broken => Err(io::ErrorKind::NotConnected.into()),
        };
        done.map_err(|error| WriteError { written, error })
    }

    /// Reads until the next line is complete, and returns its length, end included. A timeout loses nothing.
    pub(super) fn await_line(&mut self) -> io::Result<usize> {
        let mut searched = self.consumed;
        loop {
            if let Some(end) = memchr(b'\n', &self.input[searched..]) {
                return Ok(searched + end + 1 - self.consumed);
            }
            self.input.drain(..self.consumed);
            (self.consumed, searched) = (0, self.input.len());
            if searched > MAX_LINE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server sent an endless line"));
            }
            let mut block = [0; 4096];
            match self.read(&mut block)? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")),
                bytes => self.input.extend_from_slice(&block[..bytes]),
            }
        }
    }

    /// Consumes a line of this length.
    pub(super) fn take_line(&mut self, length: usize) -> &[u8] {
        let line = &self.input[self.consumed..self.consumed + length];
        self.consumed += length;
        line
    }

    /// Whether the server has sent something unread.
    pub(super) fn has_unread(&self) -> bool {
        if self.consumed < self.input.len() {
            return true;
        }
        // Under TLS, unread records may carry no reply, such as session tickets.
        let Transport::Plain(tcp) = &self.transport else { return false };
        if tcp.set_nonblocking(true).is_err() {
            return true;
        }
        let waiting = tcp.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
        tcp.set_nonblocking(false).is_err() || waiting
    }

    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.transport {
                Transport::Plain(tcp) => tcp.read(block),
                Transport::Tls(tls) => tls.read(block),
                Transport::Broken => Err(io::ErrorKind::NotConnected.into()),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn tcp(&self) -> io::Result<&TcpStream> {
        match &self.transport {
            Transport::Plain(tcp) => Ok(tcp),
            Transport::Tls(tls) => Ok(&tls.sock),
            Transport::Broken => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

fn write_all(out: &mut impl io::Write, parts: &mut [IoSlice<'_>], written: &mut usize) -> io::Result<()> {
    let mut left = parts;
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match out.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => {
                *written += bytes;
                IoSlice::advance_slices(&mut left, bytes);
                if !left.is_empty() {
                    fault::step("message", "written in part");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
