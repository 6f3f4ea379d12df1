//! `slugline man`: a manual page for each command.
//!
//! Takes the command line as clap knows it; writes roff (man(7)). Exit codes, environment and files are on every page.

use std::path::PathBuf;

use clap_mangen::Man;
use serde::Serialize;

use crate::cli::{Context, Exit, args};

/// Write the manual pages of all commands
///
/// One page for each command and subcommand: `slugline.1`, `slugline-send.1`, `slugline-subscribers-import.1`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline man ~/.local/share/man/man1")]
pub(super) struct Args {
    /// Folder to write them into, below the project folder
    folder: PathBuf,
}

/// The document of `man`.
#[derive(Serialize)]
struct Document {
    /// The pages.
    files: Vec<PathBuf>,
}

/// The program and its version, in the footer of every page.
const SOURCE: &str = concat!("slugline ", env!("CARGO_PKG_VERSION"));

/// The exit codes, on every page.
const EXIT_CODES: [(&str, &str); 3] = [
    ("0", "Done."),
    ("1", "Done, but something needs attention: findings, failed or unknown recipients."),
    ("2", "Could not be done."),
];

/// The environment variables, on every page.
const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "SLUGLINE_SMTP_PASSWORD",
        "Password of the mail server, before `password_file`. A server in `mail.via` can name another variable with \
         `password_env`.",
    ),
    ("SLUGLINE_SECRET", "Secret that signs unsubscribe links, before `secret_file`."),
    ("SLUGLINE_STORE_PASSWORD", "Password of the PostgreSQL store, before `store_password_file`."),
    ("SOURCE_DATE_EPOCH", "Time at which feeds, pages and previews are built, in seconds since 1970. `--now` wins."),
    ("NO_COLOR", "No colours in messages, if set."),
];

/// The files, on every page.
const FILES: [(&str, &str); 6] = [
    ("slugline.yaml", "The project file, in the project folder."),
    ("feeds.lock", "The ids of all issues and the record of all mailings. Commit it."),
    ("covers.lock", "Type and size of covers elsewhere on the web. Commit it."),
    ("slugline.db", "Subscribers and the ledger of mailings, unless `store` names another place. Keep it out of git."),
    ("templates/", "Templates of the project, in place of the default ones."),
    ("public/", "Folder of the built files, unless `output` names another."),
];

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let mut files = Vec::new();
    for (name, page) in pages()? {
        let file = args.folder.join(format!("{name}.1"));
        context.project.write(&file, page.as_bytes())?;
        files.push(file);
    }
    let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    context.report.result(&lines.join("\n"), &Document { files })?;
    Ok(Exit::Done)
}

/// Name and text of every page.
fn pages() -> anyhow::Result<Vec<(String, String)>> {
    let mut root = args::command();
    root.build();
    let mut pages = Vec::new();
    add_pages("slugline", &root, &mut pages)?;
    Ok(pages)
}

fn add_pages(name: &str, command: &clap::Command, pages: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    pages.push((name.to_owned(), page(name, command)?));
    for sub in shown(command) {
        add_pages(&format!("{name}-{}", sub.get_name()), sub, pages)?;
    }
    Ok(())
}

fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
}

fn page(name: &str, command: &clap::Command) -> anyhow::Result<String> {
    let man = Man::new(command.clone()).title(name).section("1").source(SOURCE).manual("slugline").date("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut page = String::from_utf8(page)?;
    if command.has_subcommands() {
        let subcommands = shown(command).map(|sub| {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            (format!("{name}-{}(1)", sub.get_name()), about)
        });
        page.push_str(&list("COMMANDS", subcommands));
    }
    page.push_str(&list("EXIT STATUS", EXIT_CODES));
    page.push_str(&list("ENVIRONMENT", ENVIRONMENT));
    page.push_str(&list("FILES", FILES));
    if let Some(examples) = args::examples(command) {
        page.push_str(&format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(&examples.join("\n"))));
    }
    if let Some((above, _)) = name.rsplit_once('-') {
        page.push_str(&format!(".SH \"SEE ALSO\"\n\\fB{}\\fR(1)\n", escaped(above)));
    }
    Ok(page)
}

/// A section that explains words one by one.
fn list(title: &str, items: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    let items = items
        .into_iter()
        .map(|(word, meaning)| format!(".TP\n\\fB{}\\fR\n{}\n", escaped(word.as_ref()), escaped(meaning.as_ref())));
    format!(".SH \"{title}\"\n{}", items.collect::<String>())
}

/// Text as roff reads it literally.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_every_section() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["slugline", "slugline-send", "slugline-subscribers-import", "slugline-key-dkim"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for (name, page) in &pages {
            for section in
                ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
            {
                let heading = [format!("\n.SH {section}\n"), format!("\n.SH \"{section}\"\n")];
                assert!(heading.iter().any(|heading| page.contains(heading)), "{name} has no {section}:\n{page}");
            }
        }
    }

    #[test]
    fn text_is_literal() {
        assert_eq!(escaped(".a --b\n'c\\d"), "\\&.a \\-\\-b\n\\&'c\\ed");
    }
}
