//! What can be typed. The doc comments are the help texts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cli::{
    build, check, completions, covers, diff, edition, features, init, key, links, list, new, publish, resolve, retry,
    send, status, store, subscribers,
};
use crate::finding::Finding;
use crate::renamed;

/// Turns a folder of Markdown issues into feeds and an e-mail edition
///
/// Run it in the folder that holds `slugline.yaml`. Results go to stdout, messages to stderr.
#[derive(Debug, Parser)]
#[command(name = "slugline", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  done, but something needs a person: findings, failed or unknown recipients
  2  could not be done";

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(super) struct Global {
    /// Project folder
    #[arg(long, global = true, value_name = "DIR", default_value = ".", help_heading = "Everywhere")]
    pub dir: PathBuf,
    /// Project file, below the project folder
    #[arg(long, global = true, value_name = "FILE", default_value = "slugline.yaml", help_heading = "Everywhere")]
    pub config: String,
    /// Time to act at, RFC 3339 [default: the clock; for what is built, SOURCE_DATE_EPOCH first]
    #[arg(long, global = true, value_name = "TIME", help_heading = "Everywhere")]
    pub now: Option<String>,
    /// Write one JSON document to stdout
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Everywhere")]
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
}

/// Parses the arguments, the first being the program's name. Old commands and flags are tried if nothing else is wrong with
/// them, and come with a warning each.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, Vec<Finding>), clap::Error> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut warnings = Vec::new();
    let mut result = Cli::try_parse_from(&arguments);
    while result.as_ref().is_err_and(is_unknown)
        && let Some((rewritten, renamed)) = renamed::rewrite(&arguments)
    {
        arguments = rewritten;
        warnings.push(renamed.warning());
        result = Cli::try_parse_from(&arguments);
    }
    Ok((result.map_err(features::explain)?, warnings))
}

fn is_unknown(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand)
}

/// The command line as data, for completions.
pub(super) fn command() -> clap::Command {
    Cli::command()
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
            let (cli, warnings) = parse(line.split(' ').map(OsString::from)).unwrap();
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
}
