//! What a build without some of the features of `Cargo.toml` answers to the subcommands that it lacks.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Optional subcommands, each of the feature of its name, and whether this build has it.
const OPTIONAL: [(&str, bool); 3] =
    [("preview", cfg!(feature = "preview")), ("serve", cfg!(feature = "serve")), ("doctor", cfg!(feature = "doctor"))];

/// Names the missing feature where clap knows no such subcommand.
pub(super) fn explain(error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    match OPTIONAL.iter().find(|(name, is_built)| name == typed && !is_built) {
        Some((name, _)) => clap::Error::raw(
            ErrorKind::InvalidSubcommand,
            format!("this build of slugline has no `slugline {name}`: install it with `--features {name}`\n"),
        ),
        None => error,
    }
}
