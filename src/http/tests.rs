use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use super::*;

const LIMITS: Limits =
    Limits { bytes: 1000, connect: Duration::from_secs(60), total: Duration::from_secs(300), redirects: 2 };

/// A server on a free port of this machine that returns each of these answers to one request, then stops. Returns its
/// address and the requests it saw.
fn server(answers: Vec<String>) -> (Url, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let answer = move || answers.iter().map(|answer| exchange(&listener.accept().unwrap().0, answer)).collect();
    (url, thread::spawn(answer))
}

/// Reads one request and answers it; returns its head.
fn exchange(mut stream: &TcpStream, answer: &str) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    // A client that has read enough hangs up.
    let _ = stream.write_all(answer.as_bytes());
    head.join("\n")
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}")
}

/// A client to which this machine is the public internet.
fn client() -> Client {
    Client::with(LIMITS, Reach::Public, |address| address.is_loopback())
}

fn error(answers: Vec<String>) -> String {
    let (url, server) = server(answers);
    let got = client().get(&url).and_then(Response::rest);
    server.join().unwrap();
    got.unwrap_err().to_string()
}

#[test]
fn gives_length_and_body_and_says_who_asks() {
    let (url, server) = server(vec![answer("200 OK", "content-length: 5\r\n", "a kit")]);
    let answer = client().get(&url).unwrap();
    assert_eq!(answer.length, Some(5));
    assert_eq!(answer.rest().unwrap(), b"a kit");
    let requests = server.join().unwrap();
    assert!(requests[0].contains(&format!("user-agent: {USER_AGENT}")), "{requests:?}");
    assert!(requests[0].contains("accept-encoding: identity"), "{requests:?}");
}

#[test]
fn reads_bit_by_bit_where_there_is_no_length() {
    let (url, server) = server(vec![answer("200 OK", "", "0123456789")]);
    let mut answer = client().get(&url).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(answer.length, None);
    assert!(answer.read_on(&mut bytes, 4).unwrap());
    assert_eq!(bytes, b"0123");
    assert!(!answer.read_on(&mut bytes, 40).unwrap());
    assert_eq!(bytes, b"0123456789");
    server.join().unwrap();
}

#[test]
fn what_is_too_large_missing_or_moves_too_often_is_an_error() {
    let large = "x".repeat(1001);
    let moved = || answer("302 Found", "location: /next\r\ncontent-length: 0\r\n", "");
    assert_eq!(error(vec![answer("200 OK", "content-length: 1001\r\n", &large)]), "it is larger than 1000 bytes");
    assert_eq!(error(vec![answer("200 OK", "", &large)]), "it is larger than 1000 bytes");
    assert_eq!(
        error(vec![answer("404 Not Found", "content-length: 0\r\n", "")]),
        "the server answered with status 404"
    );
    assert_eq!(error(vec![moved(), moved(), moved()]), "too many redirects");
    assert_eq!(error(vec![answer("302 Found", "location: ftp://127.0.0.1/a\r\n", "")]), Error::Scheme.to_string());
}

#[test]
fn a_silent_server_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let hurried = Limits { total: Duration::from_millis(50), ..LIMITS };
    let got = Client::with(hurried, Reach::Public, |_| true).get(&url);
    assert!(matches!(got.err(), Some(Error::Timeout)));
}

#[test]
fn this_machine_is_not_public_however_it_is_written() {
    let client = Client::new(LIMITS, Reach::Public);
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"] {
        let got = client.get(&Url::parse(&format!("http://{host}:9/")).unwrap());
        assert!(matches!(got.err(), Some(Error::NotPublic { .. })), "{host}");
    }
    let file = client.get(&Url::parse("file:///etc/passwd").unwrap());
    assert!(matches!(file.err(), Some(Error::Scheme)));
}

/// The second host is checked as the first was.
#[test]
fn a_redirect_to_a_private_host_is_refused() {
    let (url, server) = server(vec![answer("302 Found", "location: http://127.0.0.2:9/\r\ncontent-length: 0\r\n", "")]);
    let only_one = Client::with(LIMITS, Reach::Public, |address| address == IpAddr::from([127, 0, 0, 1]));
    let got = only_one.get(&url);
    server.join().unwrap();
    assert!(matches!(got.err(), Some(Error::NotPublic { host }) if host == "127.0.0.2"));
}

#[test]
fn https_wants_tls() {
    let (url, server) = server(vec![answer("200 OK", "content-length: 5\r\n", "a kit")]);
    let secure = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
    let got = client().get(&secure);
    server.join().unwrap();
    assert!(matches!(got.err(), Some(Error::Connection(_))));
}

#[test]
fn a_form_is_sent_once_and_no_redirect_is_followed() {
    let client = Client::with(Limits { redirects: 0, ..LIMITS }, Reach::Anywhere, |_| true);
    for (status, headers) in [("200 OK", ""), ("301 Moved", "location: /next\r\n"), ("503 Busy", "retry-after: 1\r\n")]
    {
        let (url, server) = server(vec![answer(status, &format!("content-length: 0\r\n{headers}"), "")]);
        assert_eq!(client.post_form(&url, "a=b").unwrap().to_string(), status[..3]);
        let request = &server.join().unwrap()[0];
        assert!(request.starts_with("POST / HTTP/1.1"), "{request}");
        assert!(request.contains("content-type: application/x-www-form-urlencoded"), "{request}");
    }
}
