//! A scripted mail server: replies, hesitates or hangs up at any step of the dialogue, and records what it received and
//! accepted. Listens on a free loopback port; stops when dropped.

// Used by unit tests and integration tests, neither of which needs all of it.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use script::{Answer, Behind, Script, Tally, self_signed};

#[path = "smtp_peer/script.rs"]
mod script;

/// Timeout of every wait without progress. A machine under load is slow by seconds, not by minutes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A message the peer has accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The address of MAIL FROM.
    pub from: String,
    /// The address of RCPT TO.
    pub to: String,
    /// The message, without dot stuffing.
    pub content: String,
    /// The reply to it, sent or not, if it identifies the message.
    pub reply: Option<String>,
}

/// The running peer.
pub struct Peer {
    address: SocketAddr,
    record: Arc<Record>,
    accepting: Option<JoinHandle<()>>,
}

/// What a peer has received and accepted, for scripts of other peers.
#[derive(Default)]
pub struct Record {
    stopping: AtomicBool,
    /// The lines of each connection, in the order of connecting.
    heard: Mutex<Vec<Vec<String>>>,
    taken: Mutex<Vec<Taken>>,
    /// Number of open connections.
    serving: AtomicUsize,
    /// How often each step came, over all connections.
    steps: Mutex<HashMap<&'static str, usize>>,
}

impl Record {
    /// The peer's progress.
    pub fn tally(&self) -> Tally {
        let steps = self.steps.lock().unwrap().clone();
        Tally { taken: self.taken.lock().unwrap().len(), steps }
    }
}

impl Peer {
    /// Starts a peer; the first connection gets the first script, and the last script serves all further ones.
    pub fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Record::default());
        let shared = Arc::clone(&record);
        let accepting = thread::spawn(move || accept(&listener, &scripts, &shared));
        Self { address, record, accepting: Some(accepting) }
    }

    /// A port without a listener.
    pub fn closed_port() -> u16 {
        TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
    }

    /// The port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The lines of each connection so far, without passwords and content.
    pub fn heard(&self) -> Vec<Vec<String>> {
        self.record.heard.lock().unwrap().clone()
    }

    /// The messages accepted so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.record.taken.lock().unwrap().clone()
    }

    /// The number of messages accepted so far.
    pub fn count(&self) -> usize {
        self.record.taken.lock().unwrap().len()
    }

    /// The record, which outlives the peer.
    pub fn record(&self) -> Arc<Record> {
        Arc::clone(&self.record)
    }

    /// The peer's progress.
    pub fn tally(&self) -> Tally {
        self.record.tally()
    }

    /// Waits until this many messages were accepted, as long as there is progress.
    pub fn wait_for(&self, count: usize) {
        let (mut deadline, mut before) = (Instant::now() + TIMEOUT, 0);
        while self.count() < count {
            if self.count() > before {
                (deadline, before) = (Instant::now() + TIMEOUT, self.count());
            }
            assert!(Instant::now() < deadline, "{} of {count} messages came", self.count());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a step for which the script has a rule came `count` times.
    pub fn wait_for_step(&self, step: &'static str, count: usize) {
        let deadline = Instant::now() + TIMEOUT;
        while self.tally().came(step) < count {
            assert!(Instant::now() < deadline, "{step} never came {count} times");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until every connection has ended, and with it everything in flight.
    pub fn settle(&self) {
        let deadline = Instant::now() + TIMEOUT;
        while self.record.serving.load(Ordering::SeqCst) > 0 {
            assert!(Instant::now() < deadline, "somebody is still connected");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The recipients of the messages accepted so far, sorted.
    pub fn recipients(&self) -> Vec<String> {
        let mut recipients: Vec<String> = self.taken().into_iter().map(|message| message.to).collect();
        recipients.sort();
        recipients
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.record.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, scripts: &[Script], record: &Arc<Record>) {
    let mut served = Vec::new();
    for (number, stream) in listener.incoming().enumerate() {
        if record.stopping.load(Ordering::SeqCst) {
            break;
        }
        let (Ok(stream), Some(script)) = (stream, scripts.get(number).or(scripts.last()).cloned()) else { break };
        record.heard.lock().unwrap().push(Vec::new());
        let record = Arc::clone(record);
        record.serving.fetch_add(1, Ordering::SeqCst);
        served.push(thread::spawn(move || {
            let dialogue = Dialogue::begin(stream, script, Arc::clone(&record), number);
            let _ = dialogue.and_then(|mut dialogue| dialogue.serve());
            record.serving.fetch_sub(1, Ordering::SeqCst);
        }));
    }
    for thread in served {
        let _ = thread.join();
    }
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

struct Dialogue {
    /// A handle on the socket, which TLS may hide.
    socket: TcpStream,
    wire: Box<dyn Wire>,
    unread: Vec<u8>,
    script: Script,
    record: Arc<Record>,
    number: usize,
    encrypted: bool,
    /// Whether a message is still being handled when the next command is read.
    is_busy: bool,
    /// Number of messages accepted on this connection.
    messages: usize,
}

impl Dialogue {
    fn begin(stream: TcpStream, script: Script, record: Arc<Record>, number: usize) -> io::Result<Self> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let socket = stream.try_clone()?;
        let wire = Box::new(stream);
        let (unread, encrypted, is_busy, messages) = (Vec::new(), false, false, 0);
        let mut dialogue = Self { socket, wire, unread, script, record, number, encrypted, is_busy, messages };
        if dialogue.script.tls.as_ref().is_some_and(|(_, implicit)| *implicit) {
            dialogue.encrypt()?;
        }
        Ok(dialogue)
    }

    fn serve(&mut self) -> io::Result<()> {
        self.answer("GREETING", "220 peer.example ESMTP")?;
        let (mut from, mut to) = (String::new(), String::new());
        let mut valid = false;
        loop {
            let line = self.line()?;
            self.hear(&line);
            let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let capabilities = self.capabilities();
                    self.answer(&line, &capabilities)?;
                }
                "STARTTLS" => {
                    self.answer(&line, "220 2.0.0 Go ahead")?;
                    self.encrypt()?;
                }
                "AUTH" => self.log_in(&line)?,
                "MAIL" if std::mem::take(&mut self.is_busy) => {
                    self.write("503 5.5.0 MAIL already given\r\n")?;
                }
                "MAIL" => {
                    from = address(&line);
                    let end = self.script.end.clone().filter(|(messages, _)| self.messages >= *messages);
                    valid = match end {
                        Some((_, answer)) => self.act(Some(answer), "")?,
                        None => self.answer(&line, "250 2.1.0 Ok")?,
                    };
                }
                "RCPT" => {
                    to = address(&line);
                    valid &= self.answer(&line, "250 2.1.5 Ok")?;
                }
                "DATA" => {
                    let usual = if valid { "354 End with a dot" } else { "554 5.5.1 No valid recipients" };
                    if self.answer(&line, usual)? {
                        self.take(&from, &to)?;
                    }
                }
                "QUIT" => return self.answer(&line, "221 2.0.0 Bye").map(|_| ()),
                _ => self.answer(&line, "250 2.0.0 Ok").map(|_| ())?,
            }
        }
    }

    fn capabilities(&self) -> String {
        let mut lines = vec!["peer.example".to_owned()];
        if self.script.tls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        lines.extend(self.script.capabilities.iter().map(|line| (*line).to_owned()));
        let last = lines.len() - 1;
        let replies = lines.iter().enumerate();
        replies
            .map(|(at, line)| format!("250{}{line}", if at == last { " " } else { "-" }))
            .collect::<Vec<_>>()
            .join("\r\n")
    }

    /// AUTH PLAIN in one line, or AUTH LOGIN with its two prompts.
    fn log_in(&mut self, line: &str) -> io::Result<()> {
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.write(&format!("{question}\r\n"))?;
                let answer = self.line()?;
                self.hear(&format!("LOGIN {answer}"));
            }
        }
        self.answer("AUTH", "235 2.7.0 Authentication successful").map(|_| ())
    }

    /// Reads a message up to its final dot.
    fn take(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut early = None;
        if self.script.has_rule("CONTENT") {
            self.more()?;
            early = self.scripted("CONTENT");
            self.act(early.clone(), "")?;
        }
        let mut content = String::new();
        loop {
            let line = self.line()?;
            if line == "." {
                break;
            }
            if self.script.forgets {
                continue;
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
        }
        if early.as_ref().is_some_and(Answer::is_no) {
            // That was the reply.
            return Ok(());
        }
        let scripted = self.scripted("DOT");
        let mut usual = "250 2.0.0 Ok: queued".to_owned();
        // Recorded before it is sent, so that the message is here once the reply is there.
        if scripted.as_ref().is_none_or(Answer::is_yes) {
            self.messages += 1;
            let mut taken = self.record.taken.lock().unwrap();
            if self.script.numbers {
                usual.push_str(&format!(" as {}", taken.len()));
            }
            let reply = self.script.numbers.then(|| usual.clone());
            taken.push(Taken { from: from.to_owned(), to: to.to_owned(), content, reply });
        }
        match self.script.behind {
            Behind::Lost => self.unread.clear(),
            Behind::Crash if self.has_unread("RCPT") => return Err(io::ErrorKind::ConnectionAborted.into()),
            Behind::Read | Behind::Crash => {}
        }
        self.is_busy = self.script.behind == Behind::Crash && self.has_unread("MAIL");
        self.act(scripted, &usual).map(|_| ())
    }

    /// Whether a line with this prefix has come and was not read yet.
    fn has_unread(&self, verb: &str) -> bool {
        String::from_utf8_lossy(&self.unread).lines().any(|line| line.starts_with(verb))
    }

    /// Replies to the step by the script, or else with `usual`; returns whether the reply was positive. An error ends the
    /// connection.
    fn answer(&mut self, step: &str, usual: &str) -> io::Result<bool> {
        let scripted = self.scripted(step);
        self.act(scripted, usual)
    }

    fn act(&mut self, answer: Option<Answer>, usual: &str) -> io::Result<bool> {
        let (said, more, drop) = match answer {
            None => (usual, "", false),
            Some(Answer::Say(text)) => (text, "", false),
            Some(Answer::SayAndDrop(text)) => (text, "", true),
            Some(Answer::InPieces(first, second)) => (first, second, false),
            Some(Answer::Drop | Answer::TakeAndDrop) => ("", "", true),
            Some(Answer::Silence) => {
                // Ends when the client hangs up.
                while self.more().is_ok() {}
                ("", "", true)
            }
        };
        if !said.is_empty() {
            let end = if more.is_empty() { "\r\n" } else { "" };
            self.write(&format!("{said}{end}"))?;
        }
        if !more.is_empty() {
            // In a packet of its own; how the client reads it does not matter for the outcome.
            thread::sleep(Duration::from_millis(5));
            self.write(&format!("{more}\r\n"))?;
        }
        if drop {
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        Ok(said.starts_with(['2', '3']))
    }

    /// The script's answer to a step, which counts from now on, once the script lets it be answered.
    fn scripted(&self, step: &str) -> Option<Answer> {
        let answer = self.script.answer(step, &mut self.record.steps.lock().unwrap());
        let deadline = Instant::now() + TIMEOUT;
        while !self.script.lets_pass(step, &self.record.tally()) {
            // The test is over, or will notice what has not come.
            if self.record.stopping.load(Ordering::SeqCst) || Instant::now() >= deadline {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        answer
    }

    fn hear(&self, line: &str) {
        self.record.heard.lock().unwrap()[self.number].push(line.to_owned());
    }

    fn encrypt(&mut self) -> io::Result<()> {
        let (config, _) = self.script.tls.clone().ok_or(io::ErrorKind::Unsupported)?;
        let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
        self.wire = Box::new(rustls::StreamOwned::new(connection, self.socket.try_clone()?));
        self.encrypted = true;
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.wire.write_all(text.as_bytes())?;
        self.wire.flush()
    }

    fn more(&mut self) -> io::Result<()> {
        let mut block = [0; 16 * 1024];
        let length = self.wire.read(&mut block)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.unread.extend_from_slice(&block[..length]);
        Ok(())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
                self.unread.drain(..end + 2);
                return Ok(line);
            }
            self.more()?;
        }
    }
}

/// The text between `<` and `>`.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
