//! `slugline completions`: the script with which a shell completes command lines.

use clap_complete::Shell;
use serde::Serialize;

use crate::cli::{Context, Exit, args};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline completions bash > ~/.local/share/bash-completion/completions/slugline")]
pub(super) struct Args {
    /// Shell that reads them
    shell: Shell,
}

/// The document of `completions`.
#[derive(Serialize)]
struct Document {
    /// The shell.
    shell: String,
    /// The script that the shell reads.
    script: String,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::complete_command(), "slugline", &mut script);
    let script = String::from_utf8(script)?;
    if context.report.json {
        context.report.document(&Document { shell: args.shell.to_string(), script })?;
    } else {
        context.report.text(&script)?;
    }
    Ok(Exit::Done)
}
