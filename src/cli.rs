//! The command line: arguments in, one use case per subcommand, output and an exit code out.
//!
//! One file per subcommand; `args` defines the arguments, `report` alone writes to the terminal, `clock` alone reads the
//! clock. Decisions that another face would need too belong to the use cases.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use chrono::{DateTime, Utc};
use clap::error::ErrorKind;

use crate::cli::args::{Cli, Command};
use crate::cli::clock::Clock;
use crate::cli::report::{Notices, Report};
use crate::compose::Composer;
use crate::config::Config;
use crate::digest::MailingContent;
use crate::disk::Project;
use crate::email::EmailAddress;
use crate::issue::Issue;
use crate::load;
use crate::send::lookup;
use crate::store::moving::Movable;
use crate::store::{Location, Store};

mod args;
mod build;
mod built;
mod check;
mod clock;
mod completions;
mod confirm;
mod covers;
mod diff;
#[cfg(feature = "doctor")]
mod doctor;
mod edition;
mod features;
mod init;
mod key;
mod links;
mod list;
mod man;
mod new;
#[cfg(feature = "preview")]
mod preview;
mod publish;
mod report;
mod resolve;
mod retry;
mod send;
#[cfg(feature = "serve")]
mod serve;
mod status;
mod store;
mod subscribers;

/// How a run of the program ended; the number is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Done as far as possible; something needs attention.
    Attention = 1,
    /// Could not be done.
    Failed = 2,
}

/// What every subcommand needs.
struct Context {
    project: Project,
    config_file: String,
    /// For everything that changes the store, sends mail, or uses the network.
    clock: Clock,
    /// For everything that is built, shown or checked from the project's files.
    build_clock: Clock,
    report: Report,
}

impl Context {
    /// Reads the project file. Its problems are shown before the error is returned.
    fn config(&self) -> anyhow::Result<Config> {
        let config = load::config(&self.project, &self.config_file).inspect_err(|error| {
            if let Some(invalid) = error.downcast_ref::<load::InvalidConfig>() {
                self.report.findings(&invalid.findings);
            }
        })?;
        self.report.findings(&config.warnings);
        Ok(config)
    }

    /// The project file as `feeds.lock` names it: its path below the project folder, however it was typed.
    fn project_file(&self) -> String {
        let real = |path: &str| self.project.real_path(path);
        let below = real(&self.config_file).zip(real("."));
        let below =
            below.and_then(|(file, folder)| Some(file.strip_prefix(folder).ok()?.to_string_lossy().into_owned()));
        below.unwrap_or_else(|| self.config_file.clone())
    }

    /// Opens the store that the project file names.
    fn store(&self, config: &Config) -> anyhow::Result<Box<dyn Store>> {
        Ok(crate::store::open(&config.store, &|file| self.project.path(file))?)
    }

    /// Opens a store to move it or to move another one into it, with the password in `password_file` if given.
    fn movable_store(&self, location: &Location, password_file: Option<&Path>) -> anyhow::Result<Box<dyn Movable>> {
        Ok(crate::store::open_movable(location, password_file, &|file| self.project.path(file))?)
    }

    /// What was shown before: in a file beside the store, also of a store on a server, or of a project file that cannot be
    /// read.
    fn notices(&self) -> Notices {
        let store = match load::config(&self.project, &self.config_file).map(|config| config.store) {
            Ok(Location::Sqlite(file)) => file,
            _ => "slugline.db".into(),
        };
        let mut file = store.into_os_string();
        file.push("-notices");
        Notices::open(self.project.clone(), file.into(), self.clock.now())
    }

    /// The composer of the mail of these issues.
    fn composer<'a>(&'a self, config: &'a Config, issues: &'a [Issue]) -> anyhow::Result<Composer<'a>> {
        Composer::open(&self.project, config, issues)
    }

    /// The issue or digest that a name means at that time.
    fn find<'a>(
        &self,
        config: &Config,
        issues: &'a [Issue],
        name: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<MailingContent<'a>> {
        let policy = config.mail.as_ref().map(|mail| &mail.policy);
        lookup::find(name, issues, policy, now, || self.store(config))
    }
}

/// The number of different mailboxes among these addresses.
fn different(addresses: &[EmailAddress]) -> u64 {
    addresses.iter().map(EmailAddress::key).collect::<BTreeSet<_>>().len() as u64
}

/// Runs the program with its arguments, the first being its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let wants_json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let (cli, renamed) = match args::parse(arguments.clone()) {
        Ok(parsed) => parsed,
        Err(error) => return report::usage(&help_with_json(arguments).unwrap_or(error), wants_json),
    };
    let report = Report::new(&cli.global);
    report.findings(&renamed);
    let result = dispatch(cli, report.clone());
    report.end(result)
}

/// The help that `help COMMAND --json` asks for: clap's `help` takes no options.
fn help_with_json(mut arguments: Vec<OsString>) -> Option<clap::Error> {
    arguments.retain(|argument| argument != "--json");
    args::parse(arguments).err().filter(|error| error.kind() == ErrorKind::DisplayHelp)
}

fn dispatch(cli: Cli, report: Report) -> anyhow::Result<Exit> {
    let clock = Clock::new(cli.global.now.as_deref())?;
    let context = Context {
        project: Project::new(&cli.global.dir),
        config_file: cli.global.config.clone(),
        clock,
        build_clock: clock.of_builds()?,
        report,
    };
    if context.report.is_unattended() && cli.command.is_repeated() {
        context.report.show_once_a_day(context.notices());
    }
    match cli.command {
        Command::Publish(args) => publish::run(&context, &args),
        Command::Build(args) => build::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Diff(args) => diff::run(&context, &args),
        Command::Links(args) => links::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::Edition(args) => edition::run(&context, &args),
        #[cfg(feature = "preview")]
        Command::Preview(args) => preview::run(&context, &args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(&context, &args),
        Command::Init(args) => init::run(&context, &args),
        Command::New(args) => new::run(&context, &args),
        Command::Send(args) => send::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Resolve(args) => resolve::run(&context, &args),
        Command::Retry(args) => retry::run(&context, &args),
        Command::Subscribers(args) => subscribers::run(&context, &args),
        Command::Store(args) => store::run(&context, &args),
        Command::Covers(args) => covers::run(&context, &args),
        #[cfg(feature = "doctor")]
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Key(args) => key::run(&context, &args),
        Command::Completions(args) => completions::run(&context, &args),
        Command::Man(args) => man::run(&context, &args),
    }
}
