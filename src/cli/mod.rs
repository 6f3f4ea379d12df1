//! The command line: arguments in, one use case per subcommand, words and an exit code out.
//!
//! One file per subcommand; `args` is what can be typed, `report` the only writer to the terminal, `clock` the only
//! reader of the clock. Nothing is decided here that another face would have to decide again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::cli::args::{Cli, Command};
use crate::cli::clock::Clock;
use crate::cli::report::Report;
use crate::config::Config;
use crate::delivery::digests::{self, Gathering};
use crate::delivery::history::History;
use crate::delivery::plan::{content_hash, nothing_in};
use crate::delivery::rehearsal::{CheckLetter, Letters};
use crate::digest::Piece;
use crate::disk::Project;
use crate::disk::covers::Covers;
use crate::edition::{Edition, Recipient, Section};
use crate::email::EmailAddress;
use crate::issue::{Issue, IssueId};
use crate::letter::Letter;
use crate::load::{self, pictures::with_pictures};
use crate::store::Store;
use crate::subscriber::Subscriber;

mod args;
mod build;
mod built;
mod check;
mod clock;
mod completions;
mod covers;
mod diff;
mod doctor;
mod edition;
mod init;
mod links;
mod list;
mod new;
mod preview;
mod publish;
mod report;
mod resolve;
mod retry;
mod route;
mod secrets;
mod send;
mod signer;
mod status;
mod store;
mod subscribers;

/// How a run of the program ended; the number is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// All that could be done was done; something needs a person.
    Attention = 1,
    /// It could not be done.
    Failed = 2,
}

/// What every subcommand works with.
struct Context {
    project: Project,
    config_file: String,
    clock: Clock,
    report: Report,
}

impl Context {
    /// Reads the project file. What is wrong with it is shown before the error comes back.
    fn config(&self) -> anyhow::Result<Config> {
        load::config(&self.project, &self.config_file).inspect_err(|error| {
            if let Some(invalid) = error.downcast_ref::<load::InvalidConfig>() {
                self.report.findings(&invalid.findings);
            }
        })
    }

    /// Opens the store that the project file names.
    fn store(&self, config: &Config) -> anyhow::Result<Box<dyn Store>> {
        Ok(crate::store::open(&self.project, &config.store)?)
    }

    /// Under which id the ledger has it: that of the digest for an issue that was mailed in one.
    fn mailed_as(&self, store: &dyn Store, piece: &Piece<'_>) -> anyhow::Result<IssueId> {
        let history = History::read(store)?;
        let id = piece.id();
        Ok(history.digest_of(&id).cloned().unwrap_or(id))
    }

    /// Prepares the e-mail edition of an issue or digest, by the project's own templates where there are some.
    /// References in it lead to one of `issues`. What is wrong with its shortcodes is shown.
    fn edition(&self, config: &Config, issues: &[Issue], piece: &Piece<'_>) -> anyhow::Result<Edition> {
        let (shortcodes, mut findings) = load::shortcodes(&self.project, config, issues)?;
        // A build tells what is wrong with covers.
        let (covers, _) = Covers::open(&self.project, config)?;
        let texts = piece.issues().iter().map(|issue| load::body(&self.project, issue)).collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|finding| *finding)?;
        let mut sections = Vec::with_capacity(texts.len());
        for (&issue, text) in piece.issues().iter().zip(&texts) {
            let (body, wrong) = shortcodes.document(issue, text);
            findings.extend(wrong);
            sections.push(Section { issue, cover: covers.of(issue).cover, body });
        }
        self.report.findings(&findings);
        let templates = |name: &str| self.project.text_if_there(format!("templates/{name}"));
        let edition = match (piece, &config.mail, sections.as_slice()) {
            (Piece::Issue(_), mail, [Section { issue, cover, body }]) => {
                Edition::prepare(&config.publication, mail.as_ref(), issue, cover.as_ref(), body, &templates)
            }
            (Piece::Digest(digest), Some(mail), sections @ [_, ..]) => {
                Edition::prepare_digest(&config.publication, mail, &digest.period, sections, &templates)
            }
            _ => Err(nothing_in(&piece.id()).into()),
        }?;
        let (edition, findings) = with_pictures(&self.project, config, piece.issues(), edition)?;
        self.report.findings(&findings);
        Ok(edition)
    }

    /// What a person means by a name: an issue, or a digest. Only for a digest the store is asked.
    fn find<'a>(&self, config: &Config, issues: &'a [Issue], name: &str) -> anyhow::Result<Piece<'a>> {
        let now = self.clock.now();
        match &config.mail {
            Some(mail) if digests::is_meant(name, mail) => {
                let history = History::read(&*self.store(config)?)?;
                let gathering = Gathering { issues, schedule: &mail.digest.schedule, history: &history, now };
                gathering.named(name).map(Piece::Digest)
            }
            _ => load::find(issues, name, now).map(Piece::Issue),
        }
    }

    /// Prepares the edition of an issue or digest, and gives what writes its letters, dated so.
    fn letters<'a>(
        &self,
        config: &'a Config,
        issues: &[Issue],
        piece: &Piece<'_>,
        date: DateTime<Utc>,
    ) -> anyhow::Result<Letters<'a>> {
        let mail = send::mail_of(config)?;
        let mut edition = self.edition(config, issues, piece)?;
        if secrets::are_needed(config) {
            edition = edition.with_secrets(Arc::new(secrets::secrets(&self.project, config)?));
        }
        let edition = Arc::new(edition);
        let signer = signer::signer(&self.project, mail)?;
        let from = mail.envelope_sender();
        let checked = edition.knows_its_reader().then(|| Arc::clone(&edition));
        let check = |edition: Arc<Edition>| -> Box<CheckLetter<'a>> {
            Box::new(move |subscriber| edition.check(&Recipient::of(subscriber)))
        };
        let write = move |subscriber: &Subscriber| {
            let content = signer.sign(edition.message(&Recipient::of(subscriber), date)?, date)?;
            Ok(Letter { from: from.clone(), to: subscriber.address.clone(), content })
        };
        Ok(Letters { write: Box::new(write), check: checked.map(check) })
    }

    /// The hash of what subscribers read in an issue.
    fn content_hash(&self, issue: &Issue) -> anyhow::Result<String> {
        let text = self.project.text(&issue.path)?;
        Ok(content_hash(issue, text.get(issue.body.offset..).unwrap_or_default()))
    }
}

/// How many mailboxes these addresses are.
fn different(addresses: &[EmailAddress]) -> u64 {
    addresses.iter().map(EmailAddress::key).collect::<BTreeSet<_>>().len() as u64
}

/// Runs the program with its arguments, the first being its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match args::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error),
    };
    let report = Report::new(&cli.global);
    match dispatch(cli, report.clone()) {
        Ok(exit) => exit,
        Err(error) if is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            report.error(&error);
            Exit::Failed
        }
    }
}

fn dispatch(cli: Cli, report: Report) -> anyhow::Result<Exit> {
    let context = Context {
        project: Project::new(&cli.global.dir),
        config_file: cli.global.config.clone(),
        clock: Clock::new(cli.global.now.as_deref())?,
        report,
    };
    match cli.command {
        Command::Publish(args) => publish::run(&context, &args),
        Command::Build(args) => build::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Diff(args) => diff::run(&context, &args),
        Command::Links(args) => links::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::Edition(args) => edition::run(&context, &args),
        Command::Preview(args) => preview::run(&context, &args),
        Command::Init(args) => init::run(&context, &args),
        Command::New(args) => new::run(&context, &args),
        Command::Send(args) => send::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Resolve(args) => resolve::run(&context, &args),
        Command::Retry(args) => retry::run(&context, &args),
        Command::Subscribers(args) => subscribers::run(&context, &args),
        Command::Store(args) => store::run(&context, &args),
        Command::Covers(args) => covers::run(&context, &args),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Completions(args) => completions::run(&context, &args),
    }
}

/// Whoever reads our output had enough: that is no error (`slugline list | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == ErrorKind::BrokenPipe)
}
