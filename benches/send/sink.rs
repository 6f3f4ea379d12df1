//! A server that takes everything and keeps nothing.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A running sink; one that was started here is ended when dropped.
pub struct Sink {
    process: Option<Child>,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Sink {
    /// The one at that address, else `smtp-sink` on a free port; `None` when that is not installed.
    pub fn of(address: Option<&str>) -> Result<Option<Self>, Box<dyn Error>> {
        if let Some(address) = address {
            let port = address.rsplit(':').next().unwrap_or(address).parse()?;
            return Ok(Some(Self { process: None, port }));
        }
        let program = Path::new("/usr/sbin/smtp-sink");
        if !program.is_file() {
            return Ok(None);
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(program);
        // As root it wants to become somebody else.
        command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "1000"]).stderr(Stdio::null());
        let sink = Self { process: Some(command.spawn()?), port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(sink));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("smtp-sink does not answer".into())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
