//! The arguments. The doc comments are the help texts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::cli::{
    Exit, build, check, completions, covers, diff, edition, features, inbox, init, key, links, list, man, new, publish,
    resolve, retry, send, status, store, subscribers,
};
use crate::finding::Finding;
use crate::renamed;

/// Turns a folder of Markdown issues into feeds and an email edition
///
/// Run it in the folder of `slugline.yaml`. Results go to stdout, messages to stderr.
#[derive(Debug, Parser)]
#[command(name = "slugline", version, max_term_width = 100)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  slugline init
  slugline new \"Spring notes\"
  slugline edition latest
  slugline --dir /srv/weekly publish

Exit codes:
  0  done
  1  done, but something needs attention: findings, failed or unknown recipients
  2  could not be done

`slugline help COMMAND` explains a command.";

/// The line about global options in the help of every command.
const GLOBAL_OPTIONS: &str =
    "Global options: --dir, --config, --now, --json, --quiet, --verbose, --color; see `slugline --help`";

/// Options that every command has.
#[derive(Debug, clap::Args)]
pub(super) struct Global {
    /// Project folder
    #[arg(long, global = true, value_name = "DIR", default_value = ".", help_heading = "Global options")]
    pub dir: PathBuf,
    /// Project file, below the project folder
    #[arg(long, global = true, value_name = "FILE", default_value = "slugline.yaml", help_heading = "Global options")]
    pub config: String,
    /// Act as if it were this time (RFC 3339) [default: the clock; for what is built, SOURCE_DATE_EPOCH first]
    #[arg(long, global = true, value_name = "TIME", help_heading = "Global options")]
    pub now: Option<String>,
    /// Write one JSON document to stdout, errors included
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Show errors only, and by `publish`, `send`, `build` and `inbox` in a job an unchanged one once a day
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// Show more
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Publish(publish::Args),
    Build(build::Args),
    Check(check::Args),
    Diff(diff::Args),
    List(list::Args),
    Links(links::Args),
    Edition(edition::Args),
    #[cfg(feature = "preview")]
    Preview(crate::cli::preview::Args),
    Init(init::Args),
    New(new::Args),
    Send(send::Args),
    #[cfg(feature = "serve")]
    Serve(crate::cli::serve::Args),
    Inbox(inbox::Args),
    Status(status::Args),
    Resolve(resolve::Args),
    Retry(retry::Args),
    Subscribers(subscribers::Args),
    Store(store::Args),
    Covers(covers::Args),
    #[cfg(feature = "doctor")]
    Doctor(crate::cli::doctor::Args),
    Key(key::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Parses the arguments, the first being the program's name. An old command or flag is tried if the arguments are not
/// understood otherwise, and comes with a warning.
pub(super) fn parse(mut arguments: Vec<OsString>) -> Result<(Cli, Vec<Finding>), clap::Error> {
    let mut warnings = Vec::new();
    let mut result = parse_current(&arguments);
    while result.as_ref().is_err_and(is_unknown)
        && let Some((rewritten, renamed)) = renamed::rewrite(&arguments)
    {
        arguments = rewritten;
        warnings.push(renamed.warning());
        result = parse_current(&arguments);
    }
    let mut cli = result.map_err(features::explain)?;
    cli.global.json |= cli.command.asks_for_json();
    Ok((cli, warnings))
}

fn parse_current(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(arguments)?)
}

fn is_unknown(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand)
}

impl Command {
    /// Whether a format option asks for the document of `--json`.
    fn asks_for_json(&self) -> bool {
        match self {
            Self::Check(args) => args.asks_for_json(),
            Self::Subscribers(args) => args.asks_for_json(),
            _ => false,
        }
    }

    /// The exit code if it could not be done.
    pub fn failed(&self) -> Exit {
        match self {
            Self::Inbox(args) if args.is_called_by_mail_server() => Exit::TryAgain,
            _ => Exit::Failed,
        }
    }

    /// Whether it is a job for cron, run again and again.
    pub fn is_repeated(&self) -> bool {
        match self {
            Self::Publish(_) | Self::Build(_) | Self::Send(_) => true,
            Self::Inbox(args) => !args.is_called_by_mail_server(),
            _ => false,
        }
    }
}

/// The command line as data. The help of a subcommand names the global options in one line.
pub(super) fn command() -> clap::Command {
    let command = Cli::command();
    let globals: Vec<clap::Arg> = command.get_arguments().map(|option| option.clone().hide(true)).collect();
    command.mut_subcommands(|subcommand| with_short_help(subcommand, &globals))
}

/// Hidden options take the place of the ones that clap would show below every subcommand.
fn with_short_help(command: clap::Command, globals: &[clap::Arg]) -> clap::Command {
    let help = command.get_after_help().map(|help| format!("{help}\n\n")).unwrap_or_default();
    let command = command.after_help(format!("{help}{GLOBAL_OPTIONS}")).args(globals);
    command.mut_subcommands(|subcommand| with_short_help(subcommand, globals))
}

/// The command line for completions, which offer the global options everywhere.
pub(super) fn complete_command() -> clap::Command {
    Cli::command()
}

/// The examples in the help of a command.
pub(super) fn examples(command: &clap::Command) -> Option<Vec<String>> {
    let help = command.get_after_help()?.to_string();
    let (_, examples) = help.split_once("Examples:\n")?;
    Some(examples.lines().map_while(|line| line.strip_prefix("  ")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::renamed::{Kind, RENAMED, Renamed};

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_old_command_is_read_as_the_new_one_with_a_warning() {
        let parsed = |name: &str| {
            let line = format!("slugline {name} value");
            let (cli, warnings) = parse(line.split(' ').map(OsString::from).collect()).unwrap();
            (format!("{cli:?}"), warnings)
        };
        let help = command().render_long_help().to_string();
        for renamed @ Renamed { old, new, .. } in RENAMED.iter().filter(|renamed| renamed.kind == Kind::Command) {
            let (old_way, new_way) = (parsed(old), parsed(new));
            assert_eq!(old_way, (new_way.0, vec![renamed.warning()]));
            assert_eq!(new_way.1, []);
            assert!(!help.contains(old));
        }
    }
    #[test]
    fn every_command_has_examples_that_are_understood() {
        let mut commands = vec![(vec!["slugline".to_owned()], command())];
        while let Some((path, command)) = commands.pop() {
            let examples = examples(&command).unwrap_or_default();
            assert!(!examples.is_empty(), "`{}` has no examples", path.join(" "));
            for example in examples {
                let Some(line) = example.find("slugline").map(|at| &example[at..]) else { continue };
                let words = words(line.split(['|', '>', '<']).next().unwrap_or_default());
                let is_below = path.iter().all(|word| words.iter().any(|other| other == word));
                let is_of_use = is_below || !command.has_subcommands() && words[1] != path[1];
                assert!(is_of_use, "`{example}` is no example of `{}`", path.join(" "));
                parse(words.iter().map(OsString::from).collect())
                    .unwrap_or_else(|error| panic!("`{example}`: {error}"));
            }
            for sub in command.get_subcommands() {
                commands.push(([path.as_slice(), &[sub.get_name().to_owned()]].concat(), sub.clone()));
            }
        }
    }

    /// The words of a command line, split at spaces outside of double quotes.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for letter in line.trim().chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                _ => words.last_mut().unwrap().push(letter),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn the_help_of_a_command_names_the_global_options_in_one_line() {
        let mut command = command();
        command.build();
        let list = command.find_subcommand_mut("list").unwrap();
        let help = list.render_long_help().to_string();
        assert_eq!(help.matches("--verbose").count(), 1, "{help}");
        assert!(parse(["slugline", "list", "--json"].map(OsString::from).into()).unwrap().0.global.json);
    }
}
