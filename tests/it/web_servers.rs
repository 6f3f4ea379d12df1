//! `slugline serve` behind nginx and Caddy, with the configurations of `docs/serving.md`: only addresses, files and the name of
//! the socket are replaced.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::documents::blocks;
use crate::preview::TIMEOUT;
use crate::program::slugline;
use crate::serving::{Serving, UNKNOWN, one_click, project};
use crate::skipped::skip;

const HOST: &str = "news.example.org";

/// A web server in front of the program.
struct WebServer {
    program: Child,
    port: u16,
    client: Arc<ClientConfig>,
}

impl WebServer {
    /// Starts a server with a configuration that names its port, and waits until it listens.
    fn start(mut command: Command, port: u16, client: Arc<ClientConfig>) -> Self {
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut server = Self { program, port, client };
        let deadline = Instant::now() + TIMEOUT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(server.program.try_wait().unwrap(), None, "the web server has ended");
            assert!(Instant::now() < deadline, "the web server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Sends a request over TLS and returns what is answered until the connection is closed.
    fn ask(&self, request: &str) -> String {
        let name = ServerName::try_from(HOST).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // Not every server closes TLS before it closes the connection.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.program.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()) || thread::panicking());
        let _ = self.program.wait();
    }
}

/// A certificate for the host: its file, that of its key, and a client that trusts it.
fn certificate(folder: &Path) -> (PathBuf, PathBuf, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let (file, key) = (folder.join("certificate.pem"), folder.join("certificate.key"));
    fs::write(&file, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (file, key, Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

/// A configuration of the document, with each of these replaced once.
fn configuration(language: &str, replacements: &[(&str, &str)]) -> String {
    let block = blocks("docs/serving.md").into_iter().find(|block| block.language == language);
    let mut text = block.expect("the document has such a configuration").text;
    for (old, new) in replacements {
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {text}");
        text = text.replace(old, new);
    }
    text
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn nginx(folder: &Path, upstream: &str) -> WebServer {
    let port = free_port();
    let (file, key, client) = certificate(folder);
    let server = configuration(
        "nginx",
        &[
            ("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;")),
            ("/etc/ssl/news.example.org.pem", &file.to_string_lossy()),
            ("/etc/ssl/private/news.example.org.key", &key.to_string_lossy()),
            ("/srv/tides/public", &folder.join("public").to_string_lossy()),
            ("http://127.0.0.1:8420", upstream),
        ],
    );
    // As root, the workers would be another user, who may not enter the folder.
    let user = if is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};\n", folder.join(format!("nginx-{name}")).display()))
        .concat();
    let main = format!(
        "daemon off; {user} pid {}; error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n",
        folder.join("nginx.pid").display()
    );
    fs::write(folder.join("nginx.conf"), main).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
    WebServer::start(command, port, client)
}

fn caddy(folder: &Path, upstream: &str) -> WebServer {
    let port = free_port();
    let (file, key, client) = certificate(folder);
    let site = configuration(
        "caddyfile",
        &[
            ("news.example.org {", &format!("https://{HOST}:{port} {{\n    tls {} {}", file.display(), key.display())),
            ("/srv/tides/public", &folder.join("public").to_string_lossy()),
            ("reverse_proxy 127.0.0.1:8420", &format!("reverse_proxy {upstream}")),
        ],
    );
    let global = "{\n    admin off\n    auto_https off\n}\n";
    fs::write(folder.join("Caddyfile"), format!("{global}{site}")).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder).stderr(Stdio::null());
    WebServer::start(command, port, client)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    let is_there = Command::new(program).args(arguments).stderr(Stdio::null()).output().is_ok();
    if !is_there {
        skip(&format!("there is no {program}; `tests/run` installs it"));
    }
    is_there
}

/// Readers and feeds behind a web server that reaches the program at `upstream`. `network` is the one of the reader, who claims
/// to come from 198.51.100.77.
fn works(listen: &str, network: &str, start: impl Fn(&Path, &str) -> WebServer, upstream: impl Fn(&str) -> String) {
    let project = project();
    let folder = project.path();
    // The reader of this test is on this machine, too. Over a Unix socket nobody else needs to be trusted.
    let text = fs::read_to_string(folder.join("slugline.yaml")).unwrap();
    let trusted = if listen.starts_with("unix:") { "192.0.2.1" } else { "127.0.0.0/8" };
    let url = "url: https://news.example.org/";
    fs::write(folder.join("slugline.yaml"), text.replace(url, &format!("{url}, trusted_proxies: {trusted}"))).unwrap();
    fs::create_dir(folder.join("content")).unwrap();
    fs::write(folder.join("content/neap.md"), "---\ntitle: Neap\ndate: 2026-11-20\n---\n\nIt rests.\n").unwrap();
    assert!(slugline(folder).args(["--now", "2026-11-21T00:00:00Z", "build"]).output().unwrap().status.success());

    let listen = listen.replace("unix:", &format!("unix:{}/", folder.display()));
    let serving = Serving::start(folder, &["--listen", &listen, "--log", "json"]);
    let server = start(folder, &upstream(&serving.address));
    let forged = "X-Forwarded-For: 198.51.100.77\r\nConnection: close";
    let answer = server.ask(&one_click(UNKNOWN).replace("Connection: close", forged));
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && !head.to_lowercase().contains("\nlocation:"), "{head}");
    assert!(head.to_lowercase().contains("strict-transport-security: max-age=31536000"), "{head}");
    let feed = server.ask(&format!("GET /feed.xml HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"));
    let (_, body) = feed.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, fs::read_to_string(folder.join("public/feed.xml")).unwrap());
    let large = one_click(UNKNOWN).replace("Content-Length: 26", "Content-Length: 99999");
    let refused = server.ask(&format!("{large}{}", "a".repeat(99_999 - 26)));
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    drop(server);
    assert_eq!(serving.end().code(), Some(0));

    let log = fs::read_to_string(folder.join("log")).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let first = lines.into_iter().find(|line| line["route"] == "/leave/{token}").unwrap();
    assert_eq!((&first["status"], &first["network"]), (&200.into(), &network.into()), "{log}");
}

#[test]
fn nginx_passes_readers_on() {
    if is_there("/usr/sbin/nginx", &["-v"]) {
        works("unix:socket", "127.0.0.0/24", nginx, |address| format!("http://{address}"));
        // Here a reader on this machine may be a proxy, and is believed.
        works("127.0.0.1:0", "198.51.100.0/24", nginx, |address| format!("http://{address}"));
    }
}

#[test]
fn caddy_passes_readers_on() {
    if is_there("caddy", &["version"]) {
        works("127.0.0.1:0", "127.0.0.0/24", caddy, str::to_owned);
        works("unix:socket", "127.0.0.0/24", caddy, |address| address.replacen("unix:", "unix/", 1));
    }
}
