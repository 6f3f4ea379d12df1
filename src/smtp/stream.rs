//! The bytes of one connection: TCP, with TLS over it from the start or from STARTTLS on (rustls).
//!
//! Takes parts to write and gives lines as they were sent. Knows how much of a write was handed over, for on that depends
//! whether a message may have been accepted. What the lines mean is `dialogue`'s.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use memchr::memchr;
use rustls::{ClientConnection, ProtocolVersion, StreamOwned};

use crate::fault;
use crate::smtp::tls::Tls;

/// The longest line a server may send. RFC 5321 4.5.3.1.5 has 512 bytes; some send more.
const MAX_LINE_BYTES: usize = 4096;

/// A connection.
pub(super) struct Stream {
    transport: Transport,
    input: Vec<u8>,
    /// So many bytes of it were consumed already.
    consumed: usize,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Broken in the middle of a handshake.
    Broken,
}

/// What a handshake has agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The cipher suite, by its name in the standard.
    pub cipher: String,
}

/// A write that failed.
#[derive(Debug)]
pub(super) struct WriteError {
    /// So many bytes were handed over before.
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl Stream {
    /// The addresses of `host`, in the order in which they are tried.
    pub(super) fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }

    /// Connects to the first address of `host` that answers, waiting so long for each.
    pub(super) fn connect(host: &str, port: u16, patience: Duration) -> io::Result<Self> {
        let mut failure = io::Error::other("its name has no address");
        for address in Self::addresses(host, port)? {
            match Self::to(address, patience) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Connects to an address.
    pub(super) fn to(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, patience)?;
        // Every write here is whole: nothing is gained by waiting for more (Nagle), and 40 ms may be lost.
        tcp.set_nodelay(true)?;
        Ok(Self { transport: Transport::Plain(tcp), input: Vec::with_capacity(MAX_LINE_BYTES), consumed: 0 })
    }

    /// Begins TLS, up to the end of the handshake.
    pub(super) fn start_tls(&mut self, tls: &Tls) -> io::Result<()> {
        // What came in the clear before the handshake could be anybody's (CVE-2011-0411).
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

    /// Whether nobody can listen on the way.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// The version of TLS and how it encrypts; `None` in the clear.
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

    /// How long a single read waits; `read_line` then gives the error `WouldBlock` or `TimedOut`, and can go on.
    pub(super) fn set_read_timeout(&self, patience: Duration) -> io::Result<()> {
        self.tcp()?.set_read_timeout(Some(patience))
    }

    /// How long a single write waits for the server to take anything at all.
    pub(super) fn set_write_timeout(&self, patience: Duration) -> io::Result<()> {
        self.tcp()?.set_write_timeout(Some(patience))
    }

    /// Writes the parts, one after the other, in as few packets as there can be.
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

    /// Reads until the next line is there, and gives its length, end included. A timeout loses nothing of it.
    pub(super) fn await_line(&mut self) -> io::Result<usize> {
        let mut searched = self.consumed;
        loop {
            if let Some(end) = memchr(b'\n', &self.input[searched..]) {
                return Ok(searched + end + 1 - self.consumed);
            }
            self.input.drain(..self.consumed);
            (self.consumed, searched) = (0, self.input.len());
            if searched > MAX_LINE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server sent a line without end"));
            }
            let mut block = [0; 4096];
            match self.read(&mut block)? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")),
                bytes => self.input.extend_from_slice(&block[..bytes]),
            }
        }
    }

    /// Takes a line of that length.
    pub(super) fn take_line(&mut self, length: usize) -> &[u8] {
        let line = &self.input[self.consumed..self.consumed + length];
        self.consumed += length;
        line
    }

    /// Whether the server has said something that nobody has read.
    pub(super) fn has_unread(&self) -> bool {
        if self.consumed < self.input.len() {
            return true;
        }
        // Under TLS there may be unread records that say nothing, such as session tickets.
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
