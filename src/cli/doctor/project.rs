//! What mail needs from the project: the store, the secret for tokens, and private files.

use std::path::PathBuf;

use crate::check;
use crate::cli::Context;
use crate::compose::secrets;
use crate::config::{Config, MailConfig, Via};
use crate::diagnosis::Step;
use crate::finding::Finding;
use crate::inbox::Source;
use crate::private;
use crate::store::{Location, StoreError};
use crate::subscriber::Status;

/// Whether the store opens, and how many active subscribers it has. A store that does not exist is not created.
pub(super) fn store(context: &Context, config: &Config) -> (Step, Option<u64>) {
    let place = match &config.store {
        Location::Sqlite(file) => file.display().to_string(),
        Location::Postgres(database) => database.place().to_owned(),
    };
    if matches!(&config.store, Location::Sqlite(file) if !context.project.path(file).exists()) {
        return (Step::ok("store", format!("`{place}` does not exist yet: the first import or run creates it")), None);
    }
    match count(context, config) {
        Ok(subscribers) => {
            (Step::ok("store", format!("`{place}` opens: {subscribers} active subscribers")), Some(subscribers))
        }
        Err(error) => {
            let help = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>()).and_then(StoreError::help);
            let remedy = help.unwrap_or_else(|| "fix this, and run it again".to_owned());
            (Step::error("store", format!("{error:#}"), remedy), None)
        }
    }
}

fn count(context: &Context, config: &Config) -> anyhow::Result<u64> {
    Ok(context.store(config)?.count_subscribers(Some(Status::Active))?)
}

/// The step about the store, and those after it.
pub(super) fn steps(context: &Context, config: &Config, mail: &MailConfig, store: Step) -> Vec<Step> {
    let mut steps = vec![store];
    if secrets::are_needed(config) {
        steps.push(match secrets::secrets(&context.project, config) {
            Ok(_) => Step::ok("secret", "present, for the tokens in links and addresses"),
            Err(error) => {
                let found = error.downcast_ref::<Finding>().and_then(|finding| finding.help.clone());
                let remedy = found.unwrap_or_else(|| "set `secret_file` to a readable file".to_owned());
                Step::error("secret", format!("{error:#}"), remedy)
            }
        });
    }
    steps.extend(files(context, config, mail));
    steps.extend(seen_by_others(context, config));
    steps
}

/// Whether private files are exposed by git or the site.
fn seen_by_others(context: &Context, config: &Config) -> Vec<Step> {
    let exposed = private::exposed(&context.project, config, &context.config_file, "");
    let off = &config.check.off;
    let mut steps = Vec::new();
    for finding in exposed.into_iter().filter(|finding| !check::private::is_off(finding, off)) {
        steps.push(Step::error("private", finding.message, finding.help.unwrap_or_default()));
    }
    if steps.is_empty() {
        steps
            .push(Step::ok("private", "subscribers, messages and keys are neither in git nor in a folder of the site"));
    }
    steps
}

/// Whether only their owner can read the files with keys and passwords.
fn files(context: &Context, config: &Config, mail: &MailConfig) -> Vec<Step> {
    let mut files: Vec<&PathBuf> = mail.dkim.iter().map(|key| &key.key_file).collect();
    files.extend([&config.secret_file, &mail.password_file].into_iter().flatten());
    if let Some(Source::Imap(account)) = config.inbox.as_ref().and_then(|options| options.source.as_ref()) {
        files.extend(&account.password_file);
    }
    if let Via::Smtp(servers) = &mail.via {
        files.extend(servers.iter().filter_map(|server| server.password_file.as_ref()));
    }
    if let Location::Postgres(database) = &config.store {
        files.extend(&database.password_file);
    }
    let mut private = Vec::new();
    let mut steps = Vec::new();
    for file in files {
        let name = file.display();
        match context.project.is_private(file) {
            Ok(true) => private.push(format!("`{name}`")),
            Ok(false) => {
                let seen = format!("others on this machine can read `{name}`");
                steps.push(Step::warning(
                    "files",
                    seen,
                    format!("make it private: chmod 600 {}", context.project.path(file).display()),
                ));
            }
            Err(error) => steps.push(Step::error("files", format!("{error:#}"), "add the file, or name another one")),
        }
    }
    if !private.is_empty() {
        steps.push(Step::ok("files", format!("only their owner can read {}", private.join(", "))));
    }
    steps
}
