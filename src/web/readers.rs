//! Serves the pages of `slugline serve` to readers, behind a web server that has the certificate.
//!
//! Takes a bound listener and a function from a request to a response; returns when the process is asked to stop and the requests
//! in progress are answered. hyper is driven directly, because every connection has a time limit and there is a bound for all:
//! see `connections`. What a response says is up to `serve`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::serve::{Network, Options, Request, Response};
use crate::store::Store;
use crate::store::StoreError;
use crate::store::moving::Movable;
use crate::web::readers::connections::{Connections, Place};
use crate::web::readers::forwarded::Peer;
use crate::web::readers::listener::{Accepting, Stream};
use crate::web::readers::sending::{SendingThread, Waker};
use crate::web::readers::watched::Watched;
use crate::web::readers::workers::Workers;
use crate::web::stop::stopped;

pub use listener::Listener;

mod connections;
mod descriptors;
mod exchange;
mod forwarded;
mod host;
mod listener;
mod route;
mod security;
mod sending;
mod watched;
mod workers;

/// The pure function of `serve`.
pub type Respond = Arc<dyn Fn(&Request, &mut dyn Store, DateTime<Utc>) -> Response + Send + Sync>;

/// Opens the store, for one thread.
pub type OpenStore = Arc<dyn Fn() -> Result<Box<dyn Movable>, StoreError> + Send + Sync>;

/// Sends the messages that are queued, until none is due or the flag is set.
pub type SendQueued = Box<dyn FnMut(&AtomicBool) + Send>;

/// Takes what happened.
pub type Log = Arc<dyn Fn(Event) + Send + Sync>;

/// Returns the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What the pages are served with.
pub struct Face {
    /// The options of the project file.
    pub options: Options,
    /// Limits of connections.
    pub limits: Limits,
    /// Answers requests.
    pub respond: Respond,
    /// Opens a store.
    pub open_store: OpenStore,
    /// Sends what requests queued.
    pub send_queued: SendQueued,
    /// Takes what happened.
    pub log: Log,
    /// Returns the time.
    pub clock: Clock,
}

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Threads that answer requests.
    pub threads: usize,
    /// Size of a body, in bytes.
    pub body_bytes: usize,
    /// Time from the first byte of a request, or from the beginning of a connection, to the end of the header.
    pub header: Duration,
    /// Time from there to the end of the body.
    pub body: Duration,
    /// Time from there to the response.
    pub answer: Duration,
    /// Time between two requests.
    pub keep_alive: Duration,
    /// Time for the requests in progress when the process is asked to stop.
    pub drain: Duration,
    /// Time between two looks for queued messages.
    pub sending: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            threads: 8,
            body_bytes: 16 * 1024,
            header: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            // Longer than nginx and Caddy keep a connection: if it were closed here first, a request could get lost.
            keep_alive: Duration::from_secs(150),
            drain: Duration::from_secs(10),
            sending: Duration::from_secs(30),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A request was answered.
    Exchange(Exchange),
    /// Something needs attention.
    Problem(String),
}

/// A request and its response, without tokens, addresses and queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When it was answered.
    pub time: DateTime<Utc>,
    /// The method.
    pub method: &'static str,
    /// The pattern of the path.
    pub route: &'static str,
    /// The status of the response.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
    /// The network of the reader.
    pub network: Network,
    /// What came of it.
    pub what: &'static str,
}

/// What all connections share.
struct Server {
    url: Url,
    trusted_proxies: Vec<Network>,
    limits: Limits,
    respond: Respond,
    workers: Workers,
    waker: Waker,
    log: Log,
    clock: Clock,
}

/// Serves the pages until the process gets SIGINT or SIGTERM. `ready` is called once it accepts requests and signals.
///
/// # Errors
/// When the listener cannot be used, or `ready` fails.
pub fn serve(face: Face, listener: Listener, ready: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("failed to start the server")?;
    let ended = runtime.block_on(async { until(stopped()?, face, listener, ready).await });
    // A client that does not read its response must not delay the exit.
    runtime.shutdown_background();
    ended
}

/// Serves the pages until `stopped` resolves.
async fn until(
    stopped: impl Future<Output = ()>,
    face: Face,
    listener: Listener,
    ready: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let listener = Accepting::new(listener).context("failed to listen")?;
    let Face { options, mut limits, respond, open_store, send_queued, log, clock } = face;
    limits.connections = descriptors::connections(limits.connections);
    let workers = Workers::start(limits.threads, &open_store)?;
    let sending = SendingThread::start(send_queued, limits.sending, Arc::clone(&log))?;
    let Options { url, trusted_proxies, .. } = options;
    let waker = sending.waker();
    let server = Arc::new(Server { url, trusted_proxies, limits, respond, workers, waker, log, clock });
    let connections = Arc::new(Connections::new(limits));
    let (stop, stopping) = watch::channel(());
    ready()?;
    {
        let accepting = pin!(accept(&listener, &server, &connections, &stopping));
        let closing = pin!(close_overdue(&connections, limits));
        select(pin!(stopped), select(accepting, closing)).await;
    }
    drop(listener);
    let begun = Instant::now();
    drain(&server, &connections, stop).await;
    sending.stop(limits.drain.saturating_sub(begun.elapsed()));
    Ok(())
}

/// Accepts connections, for ever.
async fn accept(
    listener: &Accepting,
    server: &Arc<Server>,
    connections: &Arc<Connections>,
    stopping: &watch::Receiver<()>,
) {
    let mut is_failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                is_failing = false;
                let place = connections.place().await;
                let number = place.number();
                let task = tokio::spawn(connection(Arc::clone(server), stream, peer, place, stopping.clone()));
                connections.started(number, task.abort_handle());
            }
            Err(error) if listener::is_of_connection(&error) => {}
            Err(error) => {
                // Too many open files, most likely: a place is made, and the next attempt waits until it is free.
                if !is_failing {
                    (server.log)(Event::Problem(format!("failed to accept a connection: {error}")));
                }
                is_failing = true;
                connections.close_slowest();
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Closes connections that take too long, for ever.
async fn close_overdue(connections: &Connections, limits: Limits) {
    let pause = (limits.header.min(limits.keep_alive) / 20).clamp(Duration::from_millis(5), Duration::from_millis(500));
    loop {
        sleep(pause).await;
        connections.close_overdue(Instant::now());
    }
}

/// Serves one connection. After `stopping` it ends with the request in progress.
async fn connection(
    server: Arc<Server>,
    stream: Box<dyn Stream>,
    peer: Peer,
    place: Place,
    mut stopping: watch::Receiver<()>,
) {
    let (head_bytes, progress) = (16 * 1024, Arc::clone(&place.progress));
    let io = TokioIo::new(Watched { stream, progress: Arc::clone(&progress) });
    let service =
        service_fn(move |request| exchange::exchange(Arc::clone(&server), peer, Arc::clone(&progress), request));
    // The time limits are those of `connections`.
    let serving =
        http1::Builder::new().header_read_timeout(None).max_buf_size(head_bytes).serve_connection(io, service);
    let mut serving = pin!(serving);
    // An error is one of the client: it went away, or does not speak HTTP, and has got its 400.
    if let Either::Right(_) = select(serving.as_mut(), pin!(stopping.changed())).await {
        serving.as_mut().graceful_shutdown();
        let _ = serving.await;
    }
}

/// Lets the requests in progress end.
async fn drain(server: &Arc<Server>, connections: &Connections, stop: watch::Sender<()>) {
    let most = server.limits.drain;
    // Dropping it tells the connections, too.
    drop(stop);
    connections.close_idle();
    if timeout(most, connections.all_ended()).await.is_err() {
        let left = connections.count();
        (server.log)(Event::Problem(format!("{left} requests were still incomplete after {} s", most.as_secs())));
    }
}

#[cfg(test)]
mod tests;
