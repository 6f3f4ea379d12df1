//! `slugline completions`: what a shell needs to complete a command line.

use clap_complete::Shell;

use crate::cli::{Context, Exit, args};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  slugline completions bash > ~/.local/share/bash-completion/completions/slugline")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let mut completions = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "slugline", &mut completions);
    context.report.bytes(&completions)?;
    Ok(Exit::Done)
}
