//! Runs the real program in an emptied environment, on a copy of a project.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skipped::skip;

/// The folder of `Cargo.toml`.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the program is built with a feature of `Cargo.toml`.
pub fn has_feature(name: &str) -> bool {
    match name {
        "postgres" => cfg!(feature = "postgres"),
        "preview" => cfg!(feature = "preview"),
        "serve" => cfg!(feature = "serve"),
        "doctor" => cfg!(feature = "doctor"),
        _ => panic!("there is no feature `{name}`"),
    }
}

/// The program that users get, to be run in `folder`; it sees these environment variables and no others.
pub fn slugline(folder: &Path) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_slugline")), folder)
}

/// The program with the feature `faults`, which can be told where to die; a test that gets none says so and passes.
pub fn with_faults() -> Option<PathBuf> {
    let program = env::var_os("SLUGLINE_TEST_FAULTS");
    if program.is_none() {
        skip("there is no program that dies when it is told to; `tests/run` builds one");
    }
    program.map(PathBuf::from)
}

/// The same for a program of another build.
pub fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command.envs([("TZ", "America/St_Johns"), ("LANG", "C.UTF-8"), ("COLUMNS", "100")]);
    command
}

/// The words of a command line: split at blanks, quotes as in a shell, and nothing else of a shell.
///
/// # Panics
/// When the line asks for a shell: a pipe, a variable, a redirection.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().push(letter),
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            ('|' | '>' | '<' | '$' | '&' | ';' | '`' | '*', None) => panic!("`{line}` needs a shell"),
            (_, None) => word.get_or_insert_default().push(letter),
        }
    }
    assert_eq!(quote, None, "`{line}` has an open quote");
    words.extend(word);
    words
}

/// Copies a folder with all that is in it; files that are there already are replaced.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Every file below a folder, in order, by its path below it. A folder that is not there has none.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Whether a file is Rust source.
pub fn is_rust(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("rs"))
}

#[test]
fn words_are_split_as_a_shell_would() {
    assert_eq!(words("new  \"A b\" --slug=''  'c\"d' e"), ["new", "A b", "--slug=", "c\"d", "e"]);
}
