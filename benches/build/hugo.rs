//! The same feeds by Hugo: newest issues, or all, in three formats, and nothing else.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes Hugo's configuration and templates beside the content.
///
/// # Errors
/// What the system says.
pub fn write_site(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("layouts"))?;
    for (file, text) in [
        ("hugo.toml", include_str!("hugo.toml")),
        ("layouts/home.rss.xml", include_str!("home.rss.xml")),
        ("layouts/home.atom.xml", include_str!("home.atom.xml")),
        ("layouts/home.jsonfeed.json", include_str!("home.jsonfeed.json")),
    ] {
        fs::write(folder.join(file), text)?;
    }
    Ok(())
}

/// The program: what `HUGO` names, else `hugo`; `None` when it does not run.
pub fn program() -> Option<String> {
    let program = std::env::var("HUGO").unwrap_or_else(|_| "hugo".to_owned());
    let version = Command::new(&program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success()).then_some(program)
}
