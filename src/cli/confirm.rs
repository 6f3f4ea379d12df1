//! Asks before what cannot be undone.

use std::io::{self, IsTerminal as _};

use crate::cli::Context;
use crate::finding::Finding;

/// Asks at the terminal whether to go on; `yes` if the user has decided already.
///
/// # Errors
/// When there is no terminal to ask at, or it cannot be read.
pub(super) fn confirm(context: &Context, question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !can_ask(context) {
        let message = format!("{question} There is no terminal to ask at, and nothing was done");
        return Err(Finding::error("not-confirmed", message).help("confirm with `--yes`").into());
    }
    let is_yes = ask(context, &format!("{question} Type `yes` to go on:"))?;
    if !is_yes {
        context.report.message("Nothing was done.");
    }
    Ok(is_yes)
}

/// Asks at the terminal; returns whether the answer is yes. The end of the input is no.
///
/// # Errors
/// When the terminal cannot be read.
pub(super) fn ask(context: &Context, question: &str) -> anyhow::Result<bool> {
    context.report.question(question);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Whether someone is there to read the question and to answer: a program that reads JSON is not.
pub(super) fn can_ask(context: &Context) -> bool {
    !context.report.json && io::stdin().is_terminal() && context.report.is_on_terminal()
}
