//! A web site on the loopback interface that serves a folder to a browser until dropped.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Serves the files below a folder.
pub struct Site {
    /// The address it listens on.
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Site {
    /// Starts serving.
    pub fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (folder, ends) = (folder.to_owned(), over.clone());
        let server = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                // Browsers open connections that they may never use: none may block the next one.
                let folder = folder.clone();
                thread::spawn(move || answer(&folder, connection));
            }
        });
        Self { address, over, server: Some(server) }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.server.take().map(JoinHandle::join);
    }
}

/// Answers one request. Broken connections are ignored.
fn answer(folder: &Path, mut connection: TcpStream) -> Option<()> {
    connection.set_read_timeout(Some(Duration::from_secs(300))).ok()?;
    let mut lines = BufReader::new(connection.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    let path: PathBuf = folder.join(request.split(' ').nth(1)?.trim_start_matches('/'));
    let (status, body) = fs::read(&path).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("css") => "text/css",
        Some("html") => "text/html; charset=utf-8",
        // Not `application/rss+xml`, which Chromium offers to save: most servers determine the type by file extension.
        Some("xml") => "text/xml",
        _ => "application/octet-stream",
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).ok()?;
    connection.write_all(&body).ok()
}
