//! Turns the project file as written into the configuration: defaults, addresses, URLs, time zones.
//!
//! Takes a `RawConfig` and its text; returns a `Config`, or a finding for every invalid value at its line and column.

use std::path::{Component, Path, PathBuf};

use chrono::Duration;
use chrono_tz::Tz;
use url::Url;

use crate::config::duration::duration;
use crate::config::hugo::Hugo;
use crate::config::raw::{
    RawAuthor, RawConfig, RawContent, RawDkim, RawEditionKind, RawFeedContent, RawImages, RawMail, RawOnUnknown,
    RawPermalink, RawUpdatedFrom,
};
use crate::config::{Config, MailConfig, SiteFiles, mailbox};
use crate::content::addresses::Addresses;
use crate::content::cascade::Cascade;
use crate::content::file_date::FileDate;
use crate::content::format::Defaults;
use crate::content::revision::UpdatedFrom;
use crate::content::url_path::in_site;
use crate::delivery::Policy;
use crate::delivery::policy::{EditionKind, OnUnknown};
use crate::edition::{self, Images, ListId, Mailbox};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::publication::{Author, Publication, is_language, is_language_tag};
use crate::store::{Database, Location};
use crate::token::bounce_address::BounceAddress;

mod addresses;
mod archive;
mod base_url;
mod check;
mod content;
mod digest;
mod dkim;
mod feeds;
pub(super) mod format;
mod inbox;
mod markdown;
mod problems;
mod serve;
mod servers;
mod subscribers;
mod throttle;
mod time_zone;
mod unsubscribe;

use problems::Problems;

/// The text of a `RawConfig`.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

/// Parses every value.
pub(super) fn resolve(raw: RawConfig, files: &SiteFiles<'_>, source: Source<'_>) -> Result<Config, Vec<Finding>> {
    let mut problems = Problems { source, findings: Vec::new(), warnings: Vec::new() };
    let config = config(&raw, files, &mut problems);
    if problems.findings.is_empty() {
        return Ok(Config { warnings: problems.warnings, ..config });
    }
    problems.findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
    Err(problems.findings)
}

fn config(raw: &RawConfig, files: &SiteFiles<'_>, problems: &mut Problems<'_>) -> Config {
    let format = format::format(raw, files, problems);
    let hugo = if format.is_of_hugo() { files.hugo } else { &Hugo::default() };
    let mut publication = publication(raw, hugo, &format.format.defaults(), problems);
    let archive = archive::archive(raw, problems);
    publication.home = archive::home(archive.as_ref(), &publication);
    let (content, languages) = content::folders(raw, hugo, &publication, &format, problems);
    let serve = serve::serve(raw, problems);
    let mail = raw.mail.as_ref().map(|mail| mail_config(mail, publication.time_zone, problems));
    let mail = mail.map(|mail| serve::with_links(mail, serve.as_ref(), &languages));
    Config {
        content,
        languages,
        exclude: content::excluded(raw.exclude.as_ref(), hugo, problems),
        paths_from_site: archive.is_none() && !matches!(raw.permalink, Some(RawPermalink::Pattern(_))),
        permalink: match archive.as_ref().filter(|archive| archive.is_permalink) {
            Some(archive) => Addresses::of_archive(archive.pattern.clone()),
            None => addresses::addresses(raw.permalink.as_ref(), hugo, &format, &publication, problems),
        },
        file_date: if format.format.is_hugo() { hugo.file_date() } else { FileDate::OfPath },
        fields: raw.fields.iter().map(|(name, own)| (name.to_lowercase(), own.to_lowercase())).collect(),
        static_folders: content::static_folders(raw.r#static.as_ref(), &format, problems),
        cascade: hugo.value(&["cascade"]).map(Cascade::all).unwrap_or_default(),
        site_content: content::of_site(hugo),
        updated_from: updated_from(raw.updated_from),
        output: folder(raw.output.as_deref().unwrap_or("public"), &["output"], problems),
        markdown: markdown::dialect(&raw.markdown, hugo, &*format.format),
        feeds: feeds::feeds(&raw.feeds, archive.is_some(), problems),
        archive,
        mail,
        inbox: inbox::inbox(raw, problems),
        serve,
        check: check::check(&raw.check, problems),
        secret_file: raw.secret_file.as_deref().map(PathBuf::from),
        store: store(raw, problems),
        warnings: Vec::new(),
        format,
        publication,
    }
}

fn updated_from(written: Option<RawUpdatedFrom>) -> UpdatedFrom {
    match written {
        None | Some(RawUpdatedFrom::FrontMatter) => UpdatedFrom::FrontMatter,
        Some(RawUpdatedFrom::Git) => UpdatedFrom::Git,
    }
}

fn publication(raw: &RawConfig, hugo: &Hugo, defaults: &Defaults, problems: &mut Problems<'_>) -> Publication {
    let title = raw.title.as_deref().map_or("", str::trim).to_owned();
    if title.is_empty() {
        problems.missing("title", "title: My Weekly");
    }
    let base_url = base_url::base_url(raw.base_url.as_deref(), problems);
    let author = raw.author.as_ref().map(|author| publication_author(author, &base_url, problems));
    let of_site = |name: &String| Author { name: name.trim().to_owned(), email: None, url: None };
    let author = author.or_else(|| defaults.author.as_ref().map(of_site)).filter(|author| !author.name.is_empty());
    let icon = raw.icon.as_deref().and_then(|icon| {
        problems.check(in_site(&base_url, icon), &["icon"], "not a valid URL", "write a path such as `/icon.png`")
    });
    Publication {
        title,
        description: raw.description.as_deref().unwrap_or_default().trim().to_owned(),
        language: language(raw, hugo, defaults, problems),
        time_zone: time_zone::time_zone(raw.timezone.as_deref(), hugo, defaults, problems),
        author,
        copyright: raw.copyright.clone(),
        icon,
        home: base_url.clone(),
        base_url,
        site: None,
    }
}

/// By default that of the site, unless `content` names the languages.
fn language(raw: &RawConfig, hugo: &Hugo, defaults: &Defaults, problems: &mut Problems<'_>) -> String {
    let Some(written) = raw.language.as_deref() else {
        let names_languages = matches!(raw.content, Some(RawContent::Languages(_)));
        let of_site = || hugo.language().or_else(|| defaults.language.clone().filter(|tag| is_language(tag)));
        return if names_languages { None } else { of_site() }.unwrap_or_else(|| "en".to_owned());
    };
    let tag = written.trim();
    if !is_language_tag(tag) || !is_language(tag) {
        problems.value(
            &["language"],
            match is_language_tag(tag) {
                true => format!("there is no language `{tag}`"),
                false => format!("`{tag}` is not a valid language tag"),
            },
            "write one such as `en`, `ja` or `zh-CN`",
        );
    }
    tag.to_owned()
}

fn publication_author(author: &RawAuthor, base_url: &Url, problems: &mut Problems<'_>) -> Author {
    let (name, email, url) = match author {
        RawAuthor::Name(name) => (name, None, None),
        RawAuthor::Full(full) => (&full.name, full.email.as_deref(), full.url.as_deref()),
    };
    let name = name.trim().to_owned();
    if name.is_empty() {
        problems.value(&["author"], "the name is empty", "write a name, or remove `author`");
    }
    let email = email.and_then(|text| address(text, &["author", "email"], problems));
    let url = url.and_then(|text| {
        problems.check(in_site(base_url, text), &["author", "url"], "not a valid URL", "write the whole address")
    });
    Author { name, email, url }
}

fn mail_config(raw: &RawMail, zone: Tz, problems: &mut Problems<'_>) -> MailConfig {
    const ADDRESS_HELP: &str = "write `Name <name@example.org>`";
    if raw.from.is_none() {
        problems.missing("mail.from", "from: My Weekly <weekly@example.org>");
    }
    let mut parse = |text: &Option<String>, key: &str| {
        let text = text.as_deref()?;
        problems.check(mailbox::mailbox(text), &["mail", key], "not a valid mailbox", ADDRESS_HELP)
    };
    let from = parse(&raw.from, "from").unwrap_or_else(placeholder_mailbox);
    let reply_to = parse(&raw.reply_to, "reply_to");
    servers::refuse_zeros_for_all(raw, problems);
    MailConfig {
        policy: policy(raw, zone, problems),
        via: servers::via(raw, zone, problems),
        password_file: raw.password_file.as_deref().map(PathBuf::from),
        connections: servers::connections(raw),
        bounce_address: bounce_address(raw.bounce_address.as_deref(), problems),
        dkim_by_provider: matches!(&raw.dkim, Some(RawDkim::Word(_))),
        dkim: dkim::keys(raw.dkim.as_ref(), from.address.domain(), problems),
        edition: edition::Options {
            from,
            reply_to,
            list_id: raw.list_id.as_deref().and_then(|text| list_id(text, problems)),
            subject: raw.subject.clone().unwrap_or_else(|| "{{ issue.title }}".to_owned()),
            digest_subject: raw
                .digest
                .subject
                .clone()
                .unwrap_or_else(|| "{{ publication.title }}{{ words.colon }}{{ digest.period }}".to_owned()),
            digest_content: RawFeedContent::extent(raw.digest.content),
            images: match raw.images {
                None | Some(RawImages::Link) => Images::Link,
                Some(RawImages::Embed) => Images::Embed { max_bytes: raw.images_max_bytes.unwrap_or(1_000_000) },
            },
            unsubscribe_mailto: unsubscribe::unsubscribe_mailto(raw.unsubscribe_mailto.as_deref(), problems),
            // With `serve`, its form.
            subscribe_url: None,
            unsubscribe_url: raw
                .unsubscribe_url
                .as_deref()
                .and_then(|text| unsubscribe::unsubscribe_url(text, problems)),
            postal_address: raw
                .postal_address
                .as_deref()
                .map_or_else(Vec::new, |text| unsubscribe::postal_address(text, problems)),
        },
        unsubscribe_by_provider: unsubscribe::unsubscribe_by_provider(raw, problems),
        subscribers: raw.subscribers.as_ref().map(|raw| subscribers::list(raw, problems)),
    }
}

fn policy(raw: &RawMail, zone: Tz, problems: &mut Problems<'_>) -> Policy {
    Policy {
        edition: match raw.edition {
            None | Some(RawEditionKind::Issue) => EditionKind::Issue,
            Some(RawEditionKind::Digest) => EditionKind::Digest,
        },
        schedule: digest::schedule(&raw.digest, zone, problems),
        due_for: due_for(raw.due_for.as_deref().unwrap_or("48h"), problems),
        on_unknown: match raw.on_unknown {
            None | Some(RawOnUnknown::Hold) => OnUnknown::Hold,
            Some(RawOnUnknown::Resend) => OnUnknown::Resend,
        },
        rate: raw.rate.as_deref().and_then(|text| {
            throttle::rate(text, "mail", &mut |why, help| problems.value(&["mail", "rate"], why, help))
        }),
        warm_up: raw.warm_up.as_ref().and_then(|raw| {
            throttle::warm_up(raw, "mail", zone, &mut |key, why, help| {
                problems.value(&["mail", "warm_up", key], why, help)
            })
        }),
        canary: raw.canary.as_ref().map(|raw| throttle::canary(raw, problems)),
        max_failure_share: throttle::most_failures(raw.most_failures.as_deref(), problems),
    }
}

fn placeholder_mailbox() -> Mailbox {
    #[expect(clippy::expect_used, reason = "a constant, parsed by the tests below")]
    let address = "placeholder@placeholder.invalid".parse().expect("a constant address parses");
    Mailbox { name: None, address }
}

fn list_id(text: &str, problems: &mut Problems<'_>) -> Option<ListId> {
    const HELP: &str = "write `Name <weekly.example.org>`: between the `<>` letters, digits, `-` and `_`, with dots between \
                        the words";
    let parsed = mailbox::list_id(text).ok_or_else(|| format!("`{text}`"));
    problems.check(parsed, &["mail", "list_id"], "not a valid List-Id", HELP)
}

fn due_for(text: &str, problems: &mut Problems<'_>) -> Duration {
    let parsed = duration(text).ok_or_else(|| format!("`{text}`"));
    problems
        .check(parsed, &["mail", "due_for"], "not a valid time span", "write one such as `48h`, `3d` or `2w`")
        .unwrap_or_default()
}

fn mail_address(text: Option<&str>, key: &str, problems: &mut Problems<'_>) -> Option<EmailAddress> {
    text.and_then(|text| address(text, &["mail", key], problems))
}

/// The envelope sender: if it needed SMTPUTF8, every message would.
fn bounce_address(text: Option<&str>, problems: &mut Problems<'_>) -> Option<BounceAddress> {
    const KEY: &str = "bounce_address";
    let text = text.filter(|text| unsubscribe::has_only_fields(text, KEY, &["token"], problems))?;
    let help = match text.contains('{') {
        true => "write one such as `bounces+{token}@example.org`",
        false => "write one such as `name@example.org`",
    };
    let address = problems.check(BounceAddress::parse(text), &["mail", KEY], "not a valid email address", help)?;
    if address.of_nobody().needs_smtputf8() {
        let why = "it has non-ASCII characters before the `@`, which only mail servers with SMTPUTF8 accept";
        problems.value(&["mail", KEY], why, "write an address that is ASCII before the `@`");
    }
    Some(address)
}

fn store(raw: &RawConfig, problems: &mut Problems<'_>) -> Location {
    const HELP: &str = "write `sqlite:FILE`, or `postgres://USER@HOST/DATABASE`";
    let text = raw.store.as_deref().unwrap_or("sqlite:slugline.db");
    let parsed = problems.check(Location::parse(text), &["store"], "no such store", HELP);
    match parsed.unwrap_or_else(|| Location::Sqlite(PathBuf::new())) {
        Location::Postgres(database) => {
            let password_file = raw.store_password_file.as_deref().map(PathBuf::from);
            Location::Postgres(Database { password_file, ..database })
        }
        file => file,
    }
}

fn address(text: &str, keys: &[&str], problems: &mut Problems<'_>) -> Option<EmailAddress> {
    problems.check(text.parse(), keys, "not a valid email address", "write one such as `name@example.org`")
}

/// A folder below the project folder.
fn folder(path: &str, keys: &[&str], problems: &mut Problems<'_>) -> PathBuf {
    let path = path.trim();
    if path.is_empty() || !stays_inside(Path::new(path)) {
        problems.value(keys, format!("`{path}` is not below the project folder"), "write a relative path without `..`");
    }
    PathBuf::from(path.trim_end_matches('/'))
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests;
