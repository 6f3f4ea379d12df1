//! How fast one core personalises an edition of about 40 KB with three values of each recipient.
//!
//! `cargo bench --bench edition -- [MESSAGES]` measures in one run: values put into bytes that were encoded once; the same
//! edition rendered for each recipient, as templates that ask about them are; and lettre building such a message from
//! finished parts.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use chrono::{DateTime, Utc};
use lettre::message::{Mailbox, MultiPart};
use slugline::parts::{Config, Document, Edition, Files, NO_FILES, Names, Recipient, Section, Source, assemble, split};

const PROJECT: &str = "title: 潮汐周刊\nbase_url: https://example.org\nlanguage: zh-CN\nmail:\n  \
                       from: Weekly <weekly@example.org>\n  unsubscribe_url: https://example.org/leave?who={address}\n";
const GREETING: &str = "<p>{{ subscriber.name | default(\"reader\", true) }}, {{ subscriber.attributes.city }}</p>";

fn main() -> Result<(), Box<dyn Error>> {
    let messages = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(20_000_usize);
    let (shared, rendered) = (edition("")?, edition("{% if subscriber.name %}{% endif %}")?);
    let bytes = shared.message(&recipient(0)?, DateTime::<Utc>::UNIX_EPOCH)?.len();
    let spliced = rate(messages, |number| Ok(shared.message(&recipient(number)?, DateTime::<Utc>::UNIX_EPOCH)?.len()))?;
    let each =
        rate(messages / 100, |number| Ok(rendered.message(&recipient(number)?, DateTime::<Utc>::UNIX_EPOCH)?.len()))?;
    let (html, text) = (shared.html(&recipient(0)?)?, shared.text(&recipient(0)?)?);
    let lettre = rate(messages / 20, |number| Ok(by_lettre(number, &html, &text)?.len()))?;
    let mut out = std::io::stdout();
    writeln!(out, "a message of {bytes} bytes, on one core:")?;
    for (what, rate) in [("values put in", spliced), ("lettre, parts finished", lettre), ("rendered for each", each)] {
        writeln!(out, "{what:>24}  {rate:>9.0}/s  {:>8.1} µs  {:>6.1} times", 1e6 / rate, spliced / rate)?;
    }
    Ok(())
}

/// How often `write`, which returns the bytes it wrote, can be called in a second.
fn rate(times: usize, write: impl Fn(usize) -> Result<usize, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    for number in 0..times {
        std::hint::black_box(write(number)?);
    }
    Ok(times as f64 / begun.elapsed().as_secs_f64())
}

fn recipient(number: usize) -> Result<Recipient, Box<dyn Error>> {
    let mut recipient = Recipient::of_address(format!("reader-{number}@example.com").parse()?);
    recipient.name = format!("林汐 {number}");
    recipient.attributes.insert("city".to_owned(), "杭州".into());
    Ok(recipient)
}

/// An issue of Chinese text, greeted with `greeting`.
fn edition(greeting: &str) -> Result<Edition, Box<dyn Error>> {
    let config = Config::parse("slugline.yaml", PROJECT).map_err(|findings| format!("{findings:?}"))?;
    let text = "---\ntitle: 大潮\ndate: 2026-11-20\ndescription: 月亮与太阳。\n---\n";
    let source = Source::of_path("tides.md", "tides.md");
    let block = split("tides.md", text.as_bytes())?;
    let issue = assemble(source, &block, &config.publication, &config.permalink, &mut Names::default())
        .issue
        .ok_or("an issue")?;
    let body = "## 潮汐\n\n海面**起落**，[并不大](https://example.org/tides/)，到了第十四天又回到原处。\n\n".repeat(54);
    let html = format!(
        "{{% extends \"default/edition.html\" %}}{{% block body %}}<tr><td>{greeting}{GREETING}</td></tr>{{{{ super() }}}}{{% endblock %}}"
    );
    let templates = |name: &str| Ok((name == "edition.html").then(|| html.clone()));
    let mail = config.mail.as_ref().map(|mail| &mail.edition);
    let section = Section { issue: &issue, cover: None, body: Document::parse(&body) };
    let files = Files { template: &templates, ..NO_FILES };
    Ok(Edition::prepare(&config.publication, mail, &section, &files)?)
}

fn by_lettre(number: usize, html: &str, text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let address = |address: &str| -> Result<Mailbox, Box<dyn Error>> { Ok(address.parse()?) };
    let message = lettre::Message::builder()
        .from(address("Weekly <weekly@example.org>")?)
        .to(address(&format!("reader-{number}@example.com"))?)
        .subject("大潮")
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned()))?;
    Ok(message.formatted())
}
