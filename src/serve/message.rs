//! A request and its response, without the network.

use std::net::IpAddr;

/// A request, as far as a response depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path below `serve.url`, with a slash in front, not decoded.
    pub path: String,
    /// What follows the question mark, not decoded.
    pub query: Option<String>,
    /// The header field Content-Type.
    pub content_type: Option<String>,
    /// The header field Origin.
    pub origin: Option<String>,
    /// The header field Referer.
    pub referer: Option<String>,
    /// The address of the reader: that of the connection, or the one that a trusted proxy names.
    pub from: IpAddr,
    /// The body, of at most 16 KiB.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, the security headers among them; not Content-Length and Date.
    pub headers: Vec<(&'static str, String)>,
    /// The body; a response to HEAD has that of GET, and `web` leaves it out.
    pub body: String,
    /// What happened, for the log: no address and no token.
    pub log: &'static str,
}
