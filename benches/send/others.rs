//! What others reach: Postfix's own load generator, which sends the same bytes again and again, and stock lettre, which
//! builds and sends a message at a time over a pool of connections. Neither keeps a ledger.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Message, SmtpTransport, Transport as _};

use crate::letters::Letters;
use crate::{Load, Reached, timed};

/// `smtp-source -d`, which keeps its connections. Nothing where it is not installed.
pub fn smtp_source(load: &Load, bytes: usize) -> Result<Option<Reached>, Box<dyn Error>> {
    let program = Path::new("/usr/sbin/smtp-source");
    if !program.is_file() {
        return Ok(None);
    }
    let begun = Instant::now();
    let number = |flag: &str, number: usize| [flag.to_owned(), number.to_string()];
    let status = Command::new(program)
        .arg("-d")
        .args(number("-s", load.connections))
        .args(number("-m", load.messages))
        .args(number("-l", bytes))
        .args(["-f", "weekly@example.org", "-t", "reader@example.com"])
        .arg(format!("127.0.0.1:{}", load.port))
        .status()?;
    if !status.success() {
        return Err(format!("smtp-source: {status}").into());
    }
    Ok(Some(Reached { messages: load.messages, seconds: begun.elapsed().as_secs_f64(), cpu_seconds: None }))
}

/// Stock lettre: one transport with a pool, a thread for each connection, a message at a time. Fewer messages, for it
/// takes its time.
pub fn lettre(load: &Load, letters: &Letters) -> Result<Option<Reached>, Box<dyn Error>> {
    let (html, text) = letters.parts()?;
    let pool = PoolConfig::new().max_size(u32::try_from(load.connections)?);
    let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(load.port).pool_config(pool).build();
    let messages = load.messages / 10;
    let taken = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    timed(|| {
        thread::scope(|scope| {
            for _ in 0..load.connections {
                scope.spawn(|| {
                    loop {
                        let number = taken.fetch_add(1, Ordering::Relaxed);
                        if number >= messages {
                            break;
                        }
                        let message = message(number, &html, &text);
                        if message.map(|message| transport.send(&message)).is_err() {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        match failed.load(Ordering::Relaxed) {
            0 => Ok(messages),
            failed => Err(format!("lettre failed {failed} times").into()),
        }
    })
}

fn message(number: usize, html: &str, text: &str) -> Result<Message, Box<dyn Error>> {
    let address = |address: &str| -> Result<Mailbox, Box<dyn Error>> { Ok(address.parse()?) };
    let name = format!("林汐 {number}");
    let parts = MultiPart::alternative_plain_html(text.replace("林汐 0", &name), html.replace("林汐 0", &name));
    let message = Message::builder()
        .from(address("Weekly <weekly@example.org>")?)
        .to(address(&format!("reader-{number}@example.com"))?)
        .subject("大潮")
        .multipart(parts)?;
    Ok(message)
}
