//! A DNS server with a handful of records: UDP, loopback only, on a free port; stops when dropped.
//!
//! A known name without the requested type yields an empty answer, an unknown name NXDOMAIN, and a name of type
//! `SERVFAIL` or `REFUSED` that error.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// The running server.
pub struct DnsPeer {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    answering: Option<JoinHandle<()>>,
}

/// Name, type (`A`, `AAAA`, `MX`, `PTR`, `TXT`) and content of a record.
type Record = (String, String, String);

impl DnsPeer {
    /// Starts a server with these records.
    pub fn start(records: &[(&str, &str, &str)]) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let owned = |(name, kind, data): &(&str, &str, &str)| ((*name).into(), (*kind).into(), (*data).into());
        let zone: Vec<Record> = records.iter().map(owned).collect();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let answering = thread::spawn(move || serve(&socket, &zone, &stop));
        Self { address, stopping, answering: Some(answering) }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for DnsPeer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a question.
        let _ = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[], self.address));
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
    }
}

fn serve(socket: &UdpSocket, zone: &[Record], stopping: &AtomicBool) {
    let mut question = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut question) {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        if let Some(answer) = answer(&question[..length], zone) {
            let _ = socket.send_to(&answer, from);
        }
    }
}

/// RFC 1035 section 4.1: header, question and answers.
fn answer(question: &[u8], zone: &[Record]) -> Option<Vec<u8>> {
    let (name, end) = name(question.get(12..)?)?;
    let kind = match u16::from_be_bytes(question.get(12 + end..14 + end)?.try_into().ok()?) {
        1 => "A",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        _ => "other",
    };
    let of_name: Vec<&Record> = zone.iter().filter(|(known, ..)| known.eq_ignore_ascii_case(&name)).collect();
    let error: u16 = match of_name.first() {
        None => 3,
        Some((_, kind, _)) if kind == "SERVFAIL" => 2,
        Some((_, kind, _)) if kind == "REFUSED" => 5,
        Some(_) => 0,
    };
    let answers: Vec<&&Record> = of_name.iter().filter(|(_, known, _)| known == kind).collect();
    let mut reply = question[..2].to_vec();
    for word in [0x8180 | error, 1, answers.len() as u16, 0, 0] {
        reply.extend(word.to_be_bytes());
    }
    reply.extend(&question[12..16 + end]);
    for (_, _, data) in answers {
        let data = encoded(kind, data);
        // The name of the question, its type, class IN, an hour.
        reply.extend([0xc0, 12]);
        reply.extend(&question[12 + end..14 + end]);
        reply.extend([0, 1, 0, 0, 14, 16]);
        reply.extend((data.len() as u16).to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

/// The name at the beginning, and its length in bytes.
fn name(bytes: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 0;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn encoded(kind: &str, data: &str) -> Vec<u8> {
    match kind {
        "A" => data.parse::<Ipv4Addr>().unwrap().octets().to_vec(),
        "AAAA" => data.parse::<Ipv6Addr>().unwrap().octets().to_vec(),
        "MX" => {
            let (preference, host) = data.split_once(' ').unwrap();
            [preference.parse::<u16>().unwrap().to_be_bytes().to_vec(), labels(host)].concat()
        }
        "PTR" => labels(data),
        _ => {
            let strings = data.as_bytes().chunks(255);
            strings.flat_map(|string| [&[string.len() as u8], string].concat()).collect()
        }
    }
}

/// Encodes a name: each label after its length, and the root at the end.
fn labels(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}
