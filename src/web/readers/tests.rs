//! A server in this process, with short limits, and clients that behave badly.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::serve::Listen;
use crate::store::sqlite::Sqlite;

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(50);

/// Limits that no test reaches; each test shortens those that it is about.
fn limits() -> Limits {
    Limits { header: HOUR, body: HOUR, answer: HOUR, keep_alive: HOUR, drain: HOUR, sending: HOUR, ..Limits::default() }
}

/// A gate that requests to `/wait` stand before.
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, is_open)| !*is_open).unwrap());
    }

    /// Waits until so many requests are being answered.
    fn wait_for(&self, number: usize) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |(waiting, _)| *waiting < number).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

struct Running {
    _folder: TempDir,
    address: SocketAddr,
    gate: Arc<Gate>,
    stop: Option<oneshot::Sender<()>>,
    events: Receiver<Event>,
    sent: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Answers with what it is asked to do.
fn respond(request: &Request, gate: &Gate) -> Response {
    let mut response = Response {
        status: 200,
        headers: vec![("Content-Type", "text/plain".to_owned())],
        body: format!("{} {} {} bytes from {}\n", request.method, request.path, request.body.len(), request.from),
        log: "answered",
        queued: request.path == "/queue",
        failure: None,
    };
    match request.path.as_str() {
        "/wait" => gate.pass(),
        "/panic" => panic!("as this test wants it"),
        "/fail" => {
            response.status = 503;
            response.failure = Some("the disk is full".to_owned());
        }
        "/invalid" => response.headers.push(("X-A", "a\nb".to_owned())),
        "/policy" => response.headers.push(("content-security-policy", "default-src 'self'".to_owned())),
        _ => {}
    }
    response
}

impl Running {
    fn start(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        Self::with_store(limits, folder, Arc::new(move || Ok(Box::new(Sqlite::open(&path)?))))
    }

    fn with_store(limits: Limits, folder: TempDir, open_store: OpenStore) -> Self {
        let listener = Listener::bind(&Listen::Tcp(([127, 0, 0, 1], 0).into()), |path| path.to_owned()).unwrap();
        let Listen::Tcp(address) = listener.address().unwrap() else { unreachable!() };
        let (gate, (stop, stopped)) = (Arc::new(Gate::default()), oneshot::channel::<()>());
        let (logged, events): (Sender<Event>, _) = mpsc::channel();
        let (count, sent) = mpsc::channel();
        let (logged, shared_gate) = (Mutex::new(logged), Arc::clone(&gate));
        let face = Face {
            options: Options {
                url: Url::parse("https://news.example.org/").unwrap(),
                listen: Listen::Tcp(address),
                trusted_proxies: Network::LOOPBACK.to_vec(),
                thanks: Vec::new(),
                subscribe: true,
                keep_ip: None,
            },
            limits,
            respond: Arc::new(move |request, _, _| respond(request, &shared_gate)),
            open_store,
            send_queued: Box::new(move |_| {
                let _ = count.send(());
            }),
            log: Arc::new(move |event| drop(logged.lock().unwrap().send(event))),
            clock: Arc::new(|| DateTime::UNIX_EPOCH),
        };
        let run = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let stopped = async { drop(stopped.await) };
            runtime.block_on(until(stopped, face, listener, || Ok(()))).unwrap();
            runtime.shutdown_background();
        };
        let (stop, thread) = (Some(stop), Some(thread::spawn(run)));
        Self { _folder: folder, address, gate, stop, events, sent, thread }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Sends this and returns what is answered until the connection is closed.
    fn ask(&self, request: &str) -> String {
        ask(self.address, request)
    }

    /// The next event, without its duration.
    fn event(&self) -> Event {
        match self.events.recv().unwrap() {
            Event::Exchange(exchange) => Event::Exchange(Exchange { duration: Duration::ZERO, ..exchange }),
            problem => problem,
        }
    }

    /// The next problem.
    fn problem(&self) -> String {
        loop {
            if let Event::Problem(problem) = self.event() {
                return problem;
            }
        }
    }

    fn stop(&mut self) {
        drop(self.stop.take());
    }

    fn end(mut self) {
        self.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    rest(stream)
}

/// Whatever comes until the connection is closed, by an error too.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: news.example.org\r\nConnection: close\r\n\r\n")
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn a_header_that_does_not_end_is_not_waited_for() {
    let running = Running::start(Limits { header: SOON, ..limits() });
    assert_eq!(running.ask("GET /leave/a HTTP/1.1\r\nHost: news"), "");
    assert_eq!(rest(running.connect()), "", "nothing was sent");
    // Byte for byte it is no better.
    let mut stream = running.connect();
    while stream.write_all(b"X").is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    running.end();
}

#[test]
fn a_body_that_does_not_end_is_not_waited_for() {
    let running = Running::start(Limits { body: SOON, ..limits() });
    let head = "POST /leave/a HTTP/1.1\r\nHost: news.example.org\r\nContent-Length: 9\r\n\r\n";
    let answer = running.ask(&format!("{head}List"));
    assert_eq!((status(&answer), body(&answer)), ("408", "The request took too long.\n"));
    assert!(answer.contains("connection: close"), "{answer}");
    // One that is cut off is none.
    let mut stream = running.connect();
    stream.write_all(format!("{head}List").as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_ne!(status(&rest(stream)), "200");
    running.end();
}

#[test]
fn a_connection_without_a_request_is_closed_after_a_while() {
    let running = Running::start(Limits { keep_alive: SOON, ..limits() });
    let answer = running.ask("GET / HTTP/1.1\r\nHost: news.example.org\r\n\r\n");
    assert_eq!(status(&answer), "200");
    running.end();
}

#[test]
fn a_body_has_a_limit() {
    let running = Running::start(limits());
    let of_bytes = |length: usize| {
        let head = "POST / HTTP/1.1\r\nHost: news.example.org\r\nConnection: close\r\n";
        running.ask(&format!("{head}Content-Length: {length}\r\n\r\n{}", "a".repeat(length)))
    };
    assert_eq!(body(&of_bytes(16 * 1024)), "POST / 16384 bytes from 127.0.0.1\n");
    assert_eq!(status(&of_bytes(16 * 1024 + 1)), "413");
    assert_eq!(status(&of_bytes(200 * 1024)), "413");
    let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    let head = "POST / HTTP/1.1\r\nHost: news.example.org\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&running.ask(&format!("{head}{chunk}0\r\n\r\n"))), "200");
    assert_eq!(status(&running.ask(&format!("{head}{chunk}1\r\na\r\n0\r\n\r\n"))), "413");
    let long = format!("GET /{} HTTP/1.1\r\nHost: news.example.org\r\n\r\n", "a".repeat(20_000));
    assert!(["431", "414"].contains(&status(&running.ask(&long))));
    running.end();
}

#[test]
fn at_the_bound_the_slowest_connection_without_a_request_is_closed() {
    let running = Running::start(Limits { connections: 3, ..limits() });
    let half = |running: &Running| {
        let mut stream = running.connect();
        stream.write_all(b"POST /leave/a HTTP/1.1\r\nHost: news").unwrap();
        stream
    };
    let slow: Vec<TcpStream> = (0..40).map(|_| half(&running)).collect();
    assert_eq!(status(&running.ask(&get("/leave/b"))), "200");
    for stream in slow.into_iter().take(37) {
        assert_eq!(rest(stream), "");
    }
    running.end();
}

#[test]
fn a_connection_that_is_being_answered_is_not_closed_for_another() {
    let running = Running::start(Limits { connections: 2, threads: 2, ..limits() });
    let address = running.address;
    let asking = |path: &'static str| thread::spawn(move || ask(address, &get(path)));
    let waiting = [asking("/wait"), asking("/wait")];
    running.gate.wait_for(2);
    let third = asking("/third");
    running.gate.open();
    for answer in waiting.into_iter().chain([third]) {
        assert_eq!(status(&answer.join().unwrap()), "200");
    }
    running.end();
}

#[test]
fn requests_may_follow_each_other_without_waiting() {
    let running = Running::start(limits());
    let first = "POST /a HTTP/1.1\r\nHost: news.example.org\r\nContent-Length: 2\r\n\r\nab";
    let answers = running.ask(&format!("{first}{first}{}", get("/b")));
    let lines: Vec<&str> = answers.lines().filter(|line| line.contains(" bytes ")).collect();
    let posted = "POST /a 2 bytes from 127.0.0.1";
    assert_eq!(lines, [posted, posted, "GET /b 0 bytes from 127.0.0.1"]);
    running.end();
}

#[test]
fn a_response_keeps_to_itself() {
    let running = Running::start(limits());
    let answer = running.ask(&get("/"));
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    let fields: Vec<&str> = head.lines().skip(1).filter(|line| !line.starts_with("date:")).collect();
    assert_eq!(
        fields,
        [
            "content-type: text/plain",
            "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "x-robots-tag: noindex",
            "cross-origin-resource-policy: same-origin",
            "connection: close",
            "content-length: 29",
        ]
    );
    let own = running.ask(&get("/policy")).to_lowercase();
    assert!(own.contains("content-security-policy: default-src 'self'") && !own.contains("'none'"), "{own}");
    let refused = running.ask("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(status(&refused) == "421" && refused.contains("x-content-type-options: nosniff"), "{refused}");
    let head = running.ask(&get("/").replace("GET", "HEAD"));
    assert!(head.contains("content-length: 30") && body(&head).is_empty(), "{head}");
    running.end();
}

#[test]
fn what_goes_wrong_is_answered_and_told() {
    let running = Running::start(limits());
    for (path, expected, problem) in [
        ("/panic", "500", "a request ended in a panic, which is a fault of slugline"),
        ("/invalid", "500", "a response is not valid HTTP, which is a fault of slugline"),
        ("/fail", "503", "a request could not be answered: the disk is full"),
    ] {
        let answer = running.ask(&get(path));
        assert_eq!(status(&answer), expected, "{path}");
        assert_eq!(running.problem(), problem);
        assert_eq!(answer.contains("retry-after: 30"), expected == "503", "{answer}");
        assert_eq!(status(&running.ask(&get("/after"))), "200", "it goes on");
    }
    running.end();
    let closed = Err(StoreError::Locked);
    let closed = Mutex::new(Some(closed));
    let open: OpenStore = Arc::new(move || closed.lock().unwrap().take().unwrap_or(Err(StoreError::Full)));
    let running = Running::with_store(Limits { threads: 1, ..limits() }, tempfile::tempdir().unwrap(), open);
    for (path, problem) in [
        ("/leave/a", "a request could not be answered: the store is locked by another process"),
        ("/readyz", "not ready: the disk is full: the store cannot write"),
    ] {
        let answer = running.ask(&get(path));
        assert!(status(&answer) == "503" && answer.contains("retry-after: 30"), "{answer}");
        assert_eq!(running.problem(), problem);
    }
    assert_eq!(status(&running.ask(&get("/healthz"))), "200");
    running.end();
}

#[test]
fn the_log_has_neither_token_nor_address() {
    let running = Running::start(limits());
    let head = "Host: news.example.org\r\nX-Forwarded-For: 203.0.113.77\r\nConnection: close\r\n\r\n";
    running.ask(&format!("QUERY /leave/23token?email=reader@example.org HTTP/1.1\r\n{head}"));
    let expected = Exchange {
        time: DateTime::UNIX_EPOCH,
        method: "other",
        route: "/leave/{token}",
        status: 200,
        duration: Duration::ZERO,
        network: "203.0.113.0/24".parse().unwrap(),
        what: "answered",
    };
    assert_eq!(running.event(), Event::Exchange(expected));
    running.end();
}

#[test]
fn what_a_request_queues_is_sent_at_once() {
    let running = Running::start(limits());
    running.sent.recv().unwrap();
    running.ask(&get("/nothing"));
    assert!(running.sent.try_recv().is_err());
    running.ask(&get("/queue"));
    running.sent.recv().unwrap();
    running.end();
}

#[test]
fn a_stop_waits_for_requests_and_for_nothing_else() {
    let mut running = Running::start(Limits { threads: 2, ..limits() });
    let mut idle = running.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: news.example.org\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    let silent = running.connect();
    let (address, gate) = (running.address, Arc::clone(&running.gate));
    let waiting = thread::spawn(move || ask(address, &get("/wait")));
    gate.wait_for(1);
    running.stop();
    // Both are closed while the request is still being answered.
    rest(idle);
    assert_eq!(rest(silent), "");
    assert!(TcpStream::connect(address).is_err(), "it accepts no more");
    gate.open();
    assert_eq!(status(&waiting.join().unwrap()), "200");
    running.end();
}

#[test]
fn a_stop_waits_only_so_long() {
    let mut running = Running::start(Limits { drain: SOON, ..limits() });
    let mut waiting = running.connect();
    waiting.write_all(get("/wait").as_bytes()).unwrap();
    running.gate.wait_for(1);
    running.stop();
    assert_eq!(running.problem(), "1 requests were still incomplete after 0 s");
    running.gate.open();
    running.end();
}
