//! The web, read only: one GET with limits on time, size and redirects, and on who may be asked.
//!
//! Takes an http or https address; gives the answer's length and a reader of its body, or why there is none. Which
//! hosts may be asked is decided on the addresses that are connected to, after every redirect, so that neither a name
//! nor a redirect leads into a private network. What the bytes mean is left to the caller.

use std::io::{self, Read};
use std::time::Duration;

use ureq::config::Config;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, BodyReader};
use url::Url;

use crate::http::address::Checked;

mod address;

/// Said of itself in every request.
const USER_AGENT: &str = concat!("slugline/", env!("CARGO_PKG_VERSION"));

/// How much a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub bytes: u64,
    /// Time until a connection stands.
    pub connect: Duration,
    /// Time until the last byte of the body.
    pub total: Duration,
    /// Redirects that are followed.
    pub redirects: u32,
}

/// Who may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Hosts on the public internet, and no proxy: for addresses that others wrote.
    Public,
    /// Every host, through the proxy of the environment: for an address that the user typed.
    Anywhere,
}

/// Why there is no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither http nor https.
    #[error("it is neither an http nor an https address")]
    Scheme,
    /// The host, or the one it redirects to, has an address that is not of the public internet.
    #[error("`{host}` is not on the public internet")]
    NotPublic {
        /// The host as it was written.
        host: String,
    },
    /// The name of the host leads nowhere.
    #[error("there is no such host")]
    NoSuchHost,
    /// The server answered with another status than 200.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// It redirects more often than the limit.
    #[error("it redirects too often")]
    TooManyRedirects,
    /// The body is larger than the limit.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It took longer than the limit.
    #[error("the server took too long")]
    Timeout,
    /// No connection, no TLS, no HTTP.
    #[error("{0}")]
    Connection(String),
}

/// Asks, within limits.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    limits: Limits,
}

/// What a server answered: status 200, and a body still to be read.
pub struct Answer {
    /// Size of the whole body in bytes, where the server says so.
    pub length: Option<u64>,
    body: BodyReader<'static>,
    read: u64,
    limit: u64,
}

impl Client {
    /// A client that asks only those within `reach`.
    pub fn new(limits: Limits, reach: Reach) -> Self {
        Self::with(limits, reach, address::is_public)
    }

    /// As `new`, for tests; `is_public` tells which addresses are of the public internet.
    pub(crate) fn with(limits: Limits, reach: Reach, is_public: address::IsPublic) -> Self {
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            // A compressed body would hide how large the file is.
            .accept_encoding("identity")
            .max_redirects(limits.redirects)
            .max_redirects_will_error(true)
            .http_status_as_error(false)
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.total));
        let agent = match reach {
            Reach::Anywhere => Agent::new_with_config(config.build()),
            // A proxy would look names up where nobody can check what they lead to.
            Reach::Public => checked(config.proxy(None).build(), is_public),
        };
        Self { agent, limits }
    }

    /// Asks for what is at an address.
    ///
    /// # Errors
    /// When there is no answer within the limits, or one with another status than 200.
    pub fn get(&self, url: &Url) -> Result<Answer, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Scheme);
        }
        let response = self.agent.get(url.as_str()).call().map_err(Error::of)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Error::Status(status));
        }
        let length = response.body().content_length();
        let limit = self.limits.bytes;
        if length.is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { limit });
        }
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Answer { length, body, read: 0, limit })
    }
}

fn checked(config: Config, is_public: address::IsPublic) -> Agent {
    Agent::with_parts(config, DefaultConnector::default(), Checked::new(is_public))
}

impl Answer {
    /// Reads on until the end, or until `into` has grown by `step` bytes. Gives whether there may be more.
    ///
    /// # Errors
    /// When the connection breaks, time is up, or the body is larger than the limit.
    pub fn read_on(&mut self, into: &mut Vec<u8>, step: u64) -> Result<bool, Error> {
        let read = self.body.by_ref().take(step).read_to_end(into).map_err(Error::of_reading)? as u64;
        self.read += read;
        if self.read > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        Ok(read == step)
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// As `read_on`.
    pub fn rest(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // One byte past the limit is enough to know that it is too large.
        self.read_on(&mut bytes, self.limit.saturating_add(1))?;
        Ok(bytes)
    }
}

impl Error {
    fn of(error: ureq::Error) -> Self {
        match error {
            ureq::Error::HostNotFound => Self::NoSuchHost,
            ureq::Error::TooManyRedirects => Self::TooManyRedirects,
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::BadUri(_) => Self::Scheme,
            ureq::Error::Other(other) => match other.downcast::<address::NotPublic>() {
                Ok(refused) => Self::NotPublic { host: refused.host },
                Err(other) => Self::Connection(other.to_string()),
            },
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::Timeout,
            ureq::Error::Io(error) => Self::Connection(error.to_string()),
            other => Self::Connection(other.to_string()),
        }
    }

    fn of_reading(error: io::Error) -> Self {
        Self::of(ureq::Error::from(error))
    }
}

#[cfg(test)]
mod tests;
