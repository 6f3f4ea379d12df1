//! Runs git in a folder, with the same output in any locale, time zone and configuration, and never over the network.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::finding::Finding;

pub mod blobs;
pub mod log;

/// A hook of another repository sets these; they would point git away from the folder.
const REPOSITORY_VARIABLES: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
];

/// The output of git without its trailing newline.
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

/// The files at or below these paths that git tracks, as paths below the folder. Empty if the folder is in no repository, a
/// path leads out of it, or git does not run.
pub fn tracked(folder: &Path, paths: &[String]) -> Vec<String> {
    let mut arguments = vec!["--literal-pathspecs", "ls-files", "-z", "--cached", "--"];
    arguments.extend(paths.iter().map(String::as_str));
    let names = output(folder, &arguments).unwrap_or_default();
    names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Passes the output of git to `read` while git runs.
///
/// # Errors
/// The error of `read`; a finding if git is missing or fails.
pub fn stream<T>(
    folder: &Path,
    arguments: &[&str],
    read: impl FnOnce(&mut dyn BufRead) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut child = start(folder, arguments, Stdio::null(), Stdio::piped())?;
    let mut stdout = BufReader::new(child.stdout.take().context("git has no stdout")?);
    let read = read(&mut stdout);
    // Git must not block on a pipe that is no longer read.
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().context("git has no stderr")?.read_to_string(&mut stderr)?;
    let status = child.wait().context("failed to wait for git")?;
    if status.success() { read } else { Err(failure(folder, stderr.trim()).into()) }
}

/// Starts git; the caller waits for it.
pub(super) fn start(folder: &Path, arguments: &[&str], stdin: Stdio, stderr: Stdio) -> anyhow::Result<Child> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-pager", "-c", "log.showSignature=false"]).args(arguments);
    REPOSITORY_VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs([("LC_ALL", "C"), ("TZ", "UTC"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0")]);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Finding::error(
            "git-history",
            "the dates of issues come from git, which is not installed",
        )
        .help("install git, or remove `updated_from`; if the dates of issues come from git, give each file a `date`")
        .into(),
        _ => anyhow::Error::from(error).context("failed to start git"),
    })
}

/// The failure of git, with what to do about it.
fn failure(folder: &Path, stderr: &str) -> Finding {
    let folder = folder.display();
    if stderr.contains("not a git repository") {
        return Finding::error("git-history", format!("`{folder}` is not in a git repository")).help(
            "build in a clone, or remove `updated_from`; if the dates of issues come from git, give each file a `date`",
        );
    }
    let failed = Finding::error("git-history", format!("git failed to read the history of `{folder}`: {stderr}"));
    if stderr.contains("dubious ownership") {
        return failed.help("if you trust the repository, run `git config --global --add safe.directory FOLDER`");
    }
    failed.help("fix that, or remove `updated_from`")
}
