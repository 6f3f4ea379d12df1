//! HTTP client for GET requests and forms, with limits on time, size, redirects and reachable hosts.
//!
//! Takes an http or https URL; returns the length and a reader of the body, or the error. Hosts are allowed by the IP
//! address that is connected to, after every redirect, so that neither a name nor a redirect leads into a private network.
//! Interpreting the bytes is left to the caller.

use std::io::{self, Read};
use std::time::Duration;

use ureq::config::Config;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, BodyReader};
use url::Url;

use crate::http::address::PublicResolver;

mod address;

/// Sent with every request.
const USER_AGENT: &str = concat!("slugline/", env!("CARGO_PKG_VERSION"));

/// Limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the body, in bytes.
    pub bytes: u64,
    /// Time to connect.
    pub connect: Duration,
    /// Total time until the last byte of the body.
    pub total: Duration,
    /// Maximum number of redirects.
    pub redirects: u32,
}

/// Which hosts may be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Hosts on the public internet, without a proxy: for URLs from untrusted content.
    Public,
    /// Any host, through the proxy of the environment: for a URL that the user typed.
    Anywhere,
}

/// Why there is no complete response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither http nor https.
    #[error("it is not an http or https URL")]
    Scheme,
    /// The host, or the target of a redirect, has no public IP address.
    #[error("`{host}` is not on the public internet")]
    NotPublic {
        /// The host as written.
        host: String,
    },
    /// The host name does not resolve.
    #[error("there is no such host")]
    NoSuchHost,
    /// The status is not 200.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// More redirects than the limit.
    #[error("too many redirects")]
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
    /// The connection, TLS or HTTP failed.
    #[error("{0}")]
    Connection(String),
}

/// A client that enforces limits.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    limits: Limits,
}

/// A response with status 200, whose body is still to be read.
pub struct Response {
    /// Size of the body in bytes, if the server sends it.
    pub length: Option<u64>,
    body: BodyReader<'static>,
    read: u64,
    limit: u64,
}

impl Client {
    /// A client for the hosts within `reach`.
    pub fn new(limits: Limits, reach: Reach) -> Self {
        Self::with(limits, reach, address::is_public)
    }

    /// As `new`, for tests; `is_public` decides which addresses are public.
    pub(crate) fn with(limits: Limits, reach: Reach, is_public: address::IsPublic) -> Self {
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            // Compression would hide the size of the file.
            .accept_encoding("identity")
            .max_redirects(limits.redirects)
            .max_redirects_will_error(true)
            .http_status_as_error(false)
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.total));
        let agent = match reach {
            Reach::Anywhere => Agent::new_with_config(config.build()),
            // A proxy would resolve names where the addresses cannot be checked.
            Reach::Public => checked(config.proxy(None).build(), is_public),
        };
        Self { agent, limits }
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// If there is no response within the limits, or its status is not 200.
    pub fn get(&self, url: &Url) -> Result<Response, Error> {
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
        Ok(Response { length, body, read: 0, limit })
    }

    /// Sends a form with POST; returns the status of the response, whose body is not read.
    ///
    /// # Errors
    /// If there is no response within the limits.
    pub fn post_form(&self, url: &Url, form: &str) -> Result<u16, Error> {
        const TYPE: &str = "application/x-www-form-urlencoded";
        let response = self.agent.post(url.as_str()).content_type(TYPE).send(form).map_err(Error::of)?;
        Ok(response.status().as_u16())
    }
}

fn checked(config: Config, is_public: address::IsPublic) -> Agent {
    Agent::with_parts(config, DefaultConnector::default(), PublicResolver::new(is_public))
}

impl Response {
    /// Reads up to `step` bytes more into `into`. Returns whether there may be more.
    ///
    /// # Errors
    /// If the connection breaks, the time is up, or the body is larger than the limit.
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
