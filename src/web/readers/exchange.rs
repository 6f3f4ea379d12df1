//! One request and its response: what the network adds to the pure function of `serve`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, REFERER, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;

use crate::serve;
use crate::web::readers::connections::{Phase, Progress};
use crate::web::readers::forwarded::{self, Peer};
use crate::web::readers::route::Target;
use crate::web::readers::workers::{Afterwards, Failure};
use crate::web::readers::{Event, Exchange, Server, host, security};

type Answer = Response<Full<Bytes>>;

/// Seconds after which a client may try again what the store did not take.
const RETRY_SECONDS: &str = "30";

/// A body beyond the limit is read on to here, because a client that is still sending would not read the refusal.
const MOST_DISCARDED: usize = 256 * 1024;

/// Answers one request.
pub(super) async fn exchange(
    server: Arc<Server>,
    peer: Peer,
    progress: Arc<Progress>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let begun = Instant::now();
    progress.enter(Phase::Body);
    let (parts, body) = request.into_parts();
    let target = Target::of(parts.uri.path(), &server.url);
    let from = reader(&server, peer, &parts);
    let body = read(&server, body).await;
    progress.enter(Phase::Working);
    let (mut response, what) = match body {
        Ok(body) => respond(&server, target, &parts, from, body).await,
        Err(refusal) => refusal.answer(),
    };
    security::add(response.headers_mut());
    (server.log)(Event::Exchange(Exchange {
        time: (server.clock)(),
        method: method_name(&parts.method),
        route: target.pattern(),
        status: response.status().as_u16(),
        duration: begun.elapsed(),
        network: serve::Network::masking(from),
        what,
    }));
    progress.enter(Phase::Idle);
    Ok(response)
}

fn reader(server: &Server, peer: Peer, parts: &Parts) -> std::net::IpAddr {
    let lines: Vec<&[u8]> = parts.headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    forwarded::reader(peer, lines.into_iter(), &server.trusted_proxies)
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    TooSlow,
    Incomplete,
    TooLarge,
}

impl Refusal {
    fn answer(self) -> (Answer, &'static str) {
        let (status, text, what) = match self {
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The request took too long.\n", "too slow"),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "The request is incomplete.\n", "incomplete"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n", "too large"),
        };
        let mut answer = plain(status, text);
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        (answer, what)
    }
}

async fn read(server: &Server, mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    let (limit, mut size, mut read) = (server.limits.body_bytes, 0, Vec::new());
    let all = async {
        while size < MOST_DISCARDED && !body.is_end_stream() {
            let Some(frame) = body.frame().await else { break };
            let Ok(bytes) = frame?.into_data() else { continue };
            size += bytes.len();
            if size <= limit {
                read.extend_from_slice(&bytes);
            }
        }
        Ok::<_, hyper::Error>(())
    };
    match timeout(server.limits.body, all).await {
        Err(_) => Err(Refusal::TooSlow),
        Ok(Err(_)) => Err(Refusal::Incomplete),
        Ok(Ok(())) if size > limit => Err(Refusal::TooLarge),
        Ok(Ok(())) => Ok(read),
    }
}

async fn respond(
    server: &Arc<Server>,
    target: Target<'_>,
    parts: &Parts,
    from: std::net::IpAddr,
    body: Vec<u8>,
) -> (Answer, &'static str) {
    match target {
        Target::Health | Target::Readiness if !matches!(parts.method, Method::GET | Method::HEAD) => {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "Use GET.\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            (answer, "method not allowed")
        }
        Target::Health => (plain(StatusCode::OK, "ok\n"), "running"),
        Target::Readiness => ready(server).await,
        Target::Page(_) | Target::Elsewhere
            if let Err(status) = host::check(&parts.uri, &parts.headers, &server.url) =>
        {
            (plain(status, "There is no such host here.\n"), "foreign host")
        }
        Target::Page(path) => page(server, request(parts, path, from, body)).await,
        Target::Elsewhere => (plain(StatusCode::NOT_FOUND, "There is no such page.\n"), "no such page"),
    }
}

/// Whether the store can be read, and is the one to use.
async fn ready(server: &Server) -> (Answer, &'static str) {
    let readable = |store: &mut dyn crate::store::moving::Movable| match store.moved().and_then(|moved| {
        store.id()?;
        Ok(moved.is_some())
    }) {
        Ok(true) => (Err("the store was moved".to_owned()), Afterwards::Reopen),
        Ok(false) => (Ok(()), Afterwards::Keep),
        Err(error) => (Err(format!("{:#}", anyhow::Error::new(error))), Afterwards::Reopen),
    };
    let why = match timeout(server.limits.answer, server.workers.with_store(readable)).await {
        Ok(Ok(Ok(()))) => return (plain(StatusCode::OK, "ready\n"), "ready"),
        Ok(Ok(Err(why)) | Err(Failure::NoStore(why))) => why,
        Ok(Err(Failure::Panicked)) => return panicked(server),
        Err(_) => "all threads are busy".to_owned(),
    };
    (server.log)(Event::Problem(format!("not ready: {why}")));
    (unavailable(), "not ready")
}

async fn page(server: &Arc<Server>, request: serve::Request) -> (Answer, &'static str) {
    let (respond, now) = (Arc::clone(&server.respond), (server.clock)());
    let work = move |store: &mut dyn crate::store::moving::Movable| {
        if let Some(why) = refusal(&request, store) {
            return (Err(why), Afterwards::Reopen);
        }
        let response = respond(&request, store, now);
        let afterwards = if response.failure.is_some() { Afterwards::Reopen } else { Afterwards::Keep };
        (Ok(response), afterwards)
    };
    let why = match timeout(server.limits.answer, server.workers.with_store(work)).await {
        Ok(Ok(Ok(response))) => return written(server, response),
        Ok(Err(Failure::Panicked)) => return panicked(server),
        Ok(Ok(Err(why)) | Err(Failure::NoStore(why))) => why,
        Err(_) => "all threads are busy".to_owned(),
    };
    (server.log)(Event::Problem(format!("a request could not be answered: {why}")));
    (unavailable(), "store unavailable")
}

/// Why a request that may change something cannot be answered: the store was moved, and no longer knows who is subscribed. A mail
/// program that were told otherwise would not try again.
fn refusal(request: &serve::Request, store: &dyn crate::store::moving::Movable) -> Option<String> {
    if request.method != "POST" {
        return None;
    }
    match store.moved() {
        Ok(moved) => moved.map(|_| "the store was moved".to_owned()),
        Err(error) => Some(format!("{:#}", anyhow::Error::new(error))),
    }
}

/// The request without the network.
fn request(parts: &Parts, path: &str, from: std::net::IpAddr, body: Vec<u8>) -> serve::Request {
    let field = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    serve::Request {
        method: parts.method.as_str().to_owned(),
        path: path.to_owned(),
        query: parts.uri.query().map(str::to_owned),
        content_type: field(CONTENT_TYPE),
        origin: field(ORIGIN),
        referer: field(REFERER),
        from,
        body,
    }
}

/// The response of the pure function, for the network.
fn written(server: &Server, response: serve::Response) -> (Answer, &'static str) {
    let serve::Response { status, headers, body, log: what, queued, failure } = response;
    if queued {
        server.waker.wake();
    }
    let is_failure = failure.is_some();
    if let Some(why) = failure {
        (server.log)(Event::Problem(format!("a request could not be answered: {why}")));
    }
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let Ok(mut answer) = builder.body(Full::new(Bytes::from(body))) else {
        (server.log)(Event::Problem("a response is not valid HTTP, which is a fault of slugline".to_owned()));
        return (broken(), "invalid response");
    };
    if is_failure {
        answer.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from_static(RETRY_SECONDS));
    }
    (answer, what)
}

fn panicked(server: &Server) -> (Answer, &'static str) {
    (server.log)(Event::Problem("a request ended in a panic, which is a fault of slugline".to_owned()));
    (broken(), "panic")
}

fn broken() -> Answer {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here. Please try again later.\n")
}

fn unavailable() -> Answer {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "This does not work right now. Please try again soon.\n");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    answer
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// A method for the log: what a client invents is not repeated.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}
