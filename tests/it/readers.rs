//! Readers who come and go by themselves: the real program answers them over TCP, on either store, and a scripted mail server
//! takes what it mails.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use slugline::parts::{NewSubscriber, Postgres, Sqlite, Status, Store};
use tempfile::TempDir;

use crate::database::Database;
use crate::preview::TIMEOUT;
use crate::program::slugline;
use crate::serving::{Serving, exchange};
use crate::smtp_peer::{Peer, Script, Taken};

mod attacks;
mod bombing;
mod safe_methods;
mod screens;
mod states;
mod story;

/// Below `serve.url`.
const URL: &str = "https://news.tides.example.org/";
const HOST: &str = "news.tides.example.org";

/// When the tests begin.
const NOON: &str = "2026-11-20T12:00:00Z";

/// The type of a form.
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A newsletter, its readers and its mail server.
struct Newsroom {
    folder: TempDir,
    /// The value of `store`.
    url: String,
    database: Option<Database>,
    peer: Peer,
    serving: Option<Serving>,
    now: &'static str,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    status: u16,
    /// The header, without the date.
    head: String,
    body: String,
}

/// Calls `act` with a newsletter in a file and, where there is a server, with one in PostgreSQL.
fn in_both_stores(name: &str, act: impl Fn(&mut Newsroom)) {
    act(&mut Newsroom::new("sqlite:slugline.db", None));
    if let Some(database) = Database::new(name) {
        let url = database.url().to_owned();
        act(&mut Newsroom::new(&url, Some(database)));
    }
}

impl Newsroom {
    fn new(url: &str, database: Option<Database>) -> Self {
        let (folder, peer) = (tempfile::tempdir().unwrap(), Peer::start(vec![Script::new()]));
        let newsroom = Self { folder, url: url.to_owned(), database, peer, serving: None, now: NOON };
        newsroom.write("secret.txt", "0123456789abcdef0123456789abcdef");
        newsroom.write_project(url);
        newsroom
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn write_project(&self, url: &str) {
        let text = format!(
            "title: Tide Notes\nbase_url: https://tides.example.org\nstore: {url}\nsecret_file: secret.txt\nmail:\n  from: \
             notes@tides.example.org\n  via: smtp://127.0.0.1:{}\nserve:\n  url: {URL}\n  trusted_proxies: \
             127.0.0.0/8\n  thanks: https://tides.example.org/thanks/\n",
            self.peer.port()
        );
        self.write("slugline.yaml", &text);
    }

    /// Starts to serve readers, or does so anew, at this time.
    fn serve_at(&mut self, now: &'static str) {
        self.listen(now, "127.0.0.1:0");
    }

    fn listen(&mut self, now: &'static str, address: &str) {
        self.stop();
        self.now = now;
        self.serving = Some(Serving::start(self.path(), &["--listen", address, "--log", "json", "--now", now]));
    }

    fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            assert_eq!(serving.end().code(), Some(0));
        }
    }

    fn serving(&self) -> &Serving {
        self.serving.as_ref().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = slugline(self.path());
        command.args(["--now", self.now]).args(arguments).envs(Database::password()).output().unwrap()
    }

    /// What a command that succeeds writes to stdout.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends an issue to everybody.
    fn send(&self, issue: &str) {
        let text = format!("---\ntitle: {issue}\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n");
        self.write(&format!("content/{issue}.md"), &text);
        // Only a new store has to be told that it is one.
        let is_first = self.with_store(|store| store.mailings().unwrap().is_empty());
        let arguments = ["send", issue, "--first"];
        self.says(if is_first { &arguments } else { &arguments[..2] });
    }

    fn with_store<T>(&self, act: impl FnOnce(&mut dyn Store) -> T) -> T {
        match self.url.strip_prefix("sqlite:") {
            Some(file) => act(&mut Sqlite::open(&self.path().join(file)).unwrap()),
            None => {
                let password = Database::password().into_iter().next().map(|(_, password)| password.into());
                act(&mut Postgres::open(&self.url, password.as_ref(), |file| Ok(fs::read(Path::new(file))?)).unwrap())
            }
        }
    }

    fn add(&self, address: &str, status: Status) {
        let new = NewSubscriber { status, ..NewSubscriber::new(address.parse().unwrap(), "") };
        self.with_store(|store| store.add_subscribers(&mut [new].into_iter(), NOON.parse().unwrap()).unwrap());
    }

    fn status(&self, address: &str) -> Option<Status> {
        let subscriber = self.with_store(|store| store.subscriber(&address.parse().unwrap()).unwrap());
        subscriber.map(|subscriber| subscriber.status)
    }

    /// Every row of every table.
    fn rows(&self) -> String {
        match &self.database {
            Some(database) => database.rows(),
            None => sqlite_rows(&self.path().join("slugline.db")),
        }
    }

    /// Waits until no transactional message waits: what was to be mailed is mailed.
    fn settle(&self) {
        let deadline = Instant::now() + TIMEOUT;
        while self.with_store(|store| store.message_counts().unwrap().open()) > 0 {
            assert!(Instant::now() < deadline, "messages wait");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The messages to an address so far, after those that were waiting have been sent.
    fn mail_to(&self, address: &str) -> Vec<Taken> {
        self.settle();
        self.peer.taken().into_iter().filter(|taken| taken.to == address).collect()
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "")
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.ask("POST", path, &[FORM], &encoded(fields))
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let host = if headers.iter().any(|(name, _)| *name == "Host") { "" } else { HOST };
        let headers = headers.iter().copied().chain((!host.is_empty()).then_some(("Host", host)));
        let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        Reply::of(&exchange(self.serving().connect(), &request))
    }
}

impl Drop for Newsroom {
    fn drop(&mut self) {
        // Before its schema is dropped.
        self.serving = None;
    }
}

impl Reply {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let head = head.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n");
        Self { status, head, body: body.to_owned() }
    }

    #[track_caller]
    fn is(&self, status: u16, text: &str) -> &Self {
        assert!(self.status == status && self.body.contains(text), "not {status} with `{text}`: {self:?}");
        self
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The paths of the links in a message that go to our pages, in their order: `/confirm/…`.
fn links(message: &Taken) -> Vec<String> {
    links_below(URL, message)
}

/// The same where `serve.url` is this one.
fn links_below(url: &str, message: &Taken) -> Vec<String> {
    let parsed = MessageParser::default().parse(&message.content).unwrap();
    let text = parsed.body_text(0).unwrap().into_owned();
    text.split_whitespace().filter_map(|word| word.strip_prefix(url)).map(|path| format!("/{path}")).collect()
}

/// The path in the header field List-Unsubscribe.
fn one_click_path(message: &Taken) -> String {
    let content = message.content.replace("\r\n ", " ").replace("\r\n\t", " ");
    let field = |name: &str| content.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(field("List-Unsubscribe-Post:"), "List-Unsubscribe=One-Click");
    let link = field("List-Unsubscribe:");
    link.trim_matches(['<', '>']).strip_prefix(URL).map(|path| format!("/{path}")).unwrap_or_else(|| panic!("{link}"))
}

fn subject(message: &Taken) -> String {
    MessageParser::default().parse(&message.content).unwrap().subject().unwrap().to_owned()
}

/// Every row of every table of a database file.
fn sqlite_rows(file: &Path) -> String {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut names = connection.prepare(names).unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut text = String::new();
    for name in names {
        text.push_str(&format!("{name}:\n"));
        let mut select = connection.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let value = |at| match row.get_ref(at).unwrap() {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            };
            lines.push((0..columns).map(value).collect::<Vec<_>>().join(" | "));
        }
        lines.sort();
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text
}
