//! Runs git in a folder: the same answer in any locale, time zone and configuration, and never the network.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::finding::Finding;

pub mod blobs;
pub mod log;

/// A hook of another repository sets these; they would lead away from the folder.
const LEADING_AWAY: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
];

/// What git writes, trimmed of its last line end.
///
/// # Errors
/// As `stream`.
pub fn output(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    stream(folder, arguments, |stdout| {
        let mut text = String::new();
        stdout.read_to_string(&mut text)?;
        Ok(text.trim_end_matches('\n').to_owned())
    })
}

/// The files at these paths, or below them, that git tracks, by their paths below the folder. None where the folder is in no
/// repository, a path leads out of it, or git cannot be asked.
pub fn tracked(folder: &Path, paths: &[String]) -> Vec<String> {
    let mut arguments = vec!["--literal-pathspecs", "ls-files", "-z", "--cached", "--"];
    arguments.extend(paths.iter().map(String::as_str));
    let names = output(folder, &arguments).unwrap_or_default();
    names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Gives what git writes to `read` while it writes.
///
/// # Errors
/// What `read` fails with; a finding when git is not there or refuses.
pub fn stream<T>(
    folder: &Path,
    arguments: &[&str],
    read: impl FnOnce(&mut dyn BufRead) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut child = start(folder, arguments, Stdio::null(), Stdio::piped())?;
    let mut stdout = BufReader::new(child.stdout.take().context("git has no stdout")?);
    let read = read(&mut stdout);
    // Git must not wait for someone who reads no more.
    drop(stdout);
    let mut said = String::new();
    child.stderr.take().context("git has no stderr")?.read_to_string(&mut said)?;
    let status = child.wait().context("failed to wait for git")?;
    if status.success() { read } else { Err(refused(folder, said.trim()).into()) }
}

/// Starts git; whoever calls it ends it.
pub(super) fn start(folder: &Path, arguments: &[&str], stdin: Stdio, stderr: Stdio) -> anyhow::Result<Child> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-pager", "-c", "log.showSignature=false"]).args(arguments);
    LEADING_AWAY.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs([("LC_ALL", "C"), ("TZ", "UTC"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0")]);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Finding::error("git-history", "`updated_from: git` needs git, which is not installed")
            .help("install git, or remove `updated_from`")
            .into(),
        _ => anyhow::Error::from(error).context("failed to start git"),
    })
}

/// What git says when it refuses, with what to do about it.
fn refused(folder: &Path, said: &str) -> Finding {
    let folder = folder.display();
    if said.contains("not a git repository") {
        return Finding::error("git-history", format!("`{folder}` is in no git repository"))
            .help("build in a clone, or remove `updated_from`");
    }
    let refused = Finding::error("git-history", format!("git does not tell the history of `{folder}`: {said}"));
    if said.contains("dubious ownership") {
        return refused.help("if you trust the repository, name it: `git config --global --add safe.directory FOLDER`");
    }
    refused.help("mend that, or remove `updated_from`")
}
