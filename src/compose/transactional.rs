//! Writes transactional messages, signed: with the project's templates, the links of its pages for readers, and its keys.
//!
//! What is said to whom is decided by `transactional`; `edition` renders it. Nothing that a visitor typed gets here.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;

use crate::compose::envelopes::Envelopes;
use crate::compose::{mail_config, secrets, signer};
use crate::config::{Config, MailConfig};
use crate::disk::Project;
use crate::dkim::Signer;
use crate::edition::Recipient;
use crate::edition::transactional::{Content, Envelope, NAMES, Writer};
use crate::edition::unsubscribe::UnsubscribeLinks;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::letter::Letter;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::language::Language;
use crate::token::{Purpose, Secrets};
use crate::transactional_message::TransactionalMessage;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Someone asked at this time that the address be subscribed: whether its owner wants it.
    Confirm(DateTime<Utc>),
    /// Someone asked that the address be subscribed, and it is.
    Subscribed,
    /// The subscriber has left; how to undo it.
    Goodbye,
    /// The links of a subscriber.
    Links,
}

/// Writes the transactional messages of a project.
pub struct TransactionalLetters<'a> {
    config: &'a Config,
    mail: &'a MailConfig,
    url: &'a Url,
    templates: Templates,
    secrets: Arc<Secrets>,
    envelopes: Envelopes,
    unsubscribe: UnsubscribeLinks,
    signer: Signer,
}

/// Why a message cannot be written with the templates of the project, if readers are served; needs no secret.
pub fn template_finding(project: &Project, config: &Config, now: DateTime<Utc>) -> Option<Finding> {
    let (_, mail) = (config.serve.as_ref()?, config.mail.as_ref()?);
    let error = write_samples(project, config, mail, now).err()?;
    Some(error.downcast::<Finding>().unwrap_or_else(|error| Finding::error("template", format!("{error:#}"))))
}

/// Writes every message in every language of the project.
fn write_samples(project: &Project, config: &Config, mail: &MailConfig, now: DateTime<Utc>) -> anyhow::Result<()> {
    let templates = templates(project)?;
    let (address, link) = (&mail.edition.from.address, || "https://example.org/".to_owned());
    for publication in config.publications() {
        let writer = Writer::new(publication, &mail.edition, &templates);
        for content in [
            Content::Confirm { confirm: link(), never: link() },
            Content::Subscribed { leave: link() },
            Content::Goodbye { undo: link() },
            Content::Links { leave: link() },
        ] {
            let language = Language::of(&publication.language).tag();
            writer.message(&content, &Envelope { address, language, id: "", date: now })?;
        }
    }
    Ok(())
}

fn templates(project: &Project) -> anyhow::Result<Templates> {
    Templates::load(&NAMES.names(), &|name| project.text_if_exists(format!("templates/{name}")))
}

impl<'a> TransactionalLetters<'a> {
    /// Reads templates, secrets and keys. `url` is `serve.url`.
    ///
    /// # Errors
    /// A finding when the project does not mail, has no usable secret or names a key that cannot be used, or where a template
    /// is invalid.
    pub fn open(project: &Project, config: &'a Config, url: &'a Url) -> anyhow::Result<Self> {
        let mail = mail_config(config)?;
        let templates = templates(project)?;
        let secrets = Arc::new(secrets::secrets(project, config)?);
        let unsubscribe = UnsubscribeLinks::new(&mail.edition)?.with_secrets(Arc::clone(&secrets));
        let envelopes = Envelopes::new(mail, Some(Arc::clone(&secrets)));
        let signer = signer::signer(project, mail)?;
        Ok(Self { config, mail, url, templates, secrets, envelopes, unsubscribe, signer })
    }

    /// Writes a message: the same bytes for every attempt at the same notice.
    ///
    /// # Errors
    /// A finding where a template is invalid; when the message cannot be signed.
    pub fn write(&self, message: &TransactionalMessage, notice: Notice) -> anyhow::Result<Letter> {
        let address = &message.address;
        // A store that was lost and made anew counts from 1 again.
        let id = format!("{}\n{}\n{}", self.url, message.id.0, message.created.timestamp_micros());
        let language = Language::of(&message.language).tag();
        let envelope = Envelope { address, language, id: &id, date: message.created };
        let writer = Writer::new(self.publication(&message.language), &self.mail.edition, &self.templates);
        let content = writer.message(&self.content(notice, address, language)?, &envelope)?;
        let content = self.signer.sign(content, message.created)?;
        Ok(self.envelopes.single(address, content))
    }

    /// The publication in this language, or else in its main one.
    fn publication(&self, language: &str) -> &'a Publication {
        let publications = self.config.publications();
        let of_language = |publication: &&&Publication| Language::of(&publication.language) == Language::of(language);
        publications.iter().find(of_language).copied().unwrap_or(&self.config.publication)
    }

    fn content(&self, notice: Notice, address: &EmailAddress, language: &str) -> anyhow::Result<Content> {
        // Once a request is deleted, its page can have the language only from the link.
        let is_main = Language::of(language) == Language::of(&self.config.publication.language);
        let query = if is_main { String::new() } else { format!("?language={language}") };
        let token = |purpose| self.secrets.token(purpose, address);
        let page = |name: &str, token| format!("{}{name}/{token}", self.url);
        Ok(match notice {
            Notice::Confirm(requested) => Content::Confirm {
                confirm: page("confirm", self.secrets.token_at(Purpose::Confirm, address, requested)) + &query,
                never: page("confirm", token(Purpose::Block)) + &query,
            },
            Notice::Subscribed => Content::Subscribed { leave: self.leave(address)? },
            Notice::Goodbye => Content::Goodbye { undo: page("return", token(Purpose::Return)) },
            Notice::Links => Content::Links { leave: self.leave(address)? },
        })
    }

    /// The unsubscribe page of the project file, or else ours.
    fn leave(&self, address: &EmailAddress) -> anyhow::Result<String> {
        let own = self.unsubscribe.of(&Recipient::of_address(address.clone()))?.url;
        Ok(own.unwrap_or_else(|| format!("{}leave/{}", self.url, self.secrets.token(Purpose::Unsubscribe, address))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use crate::transactional_message::{MessageId, MessageKind};

    const PROJECT: &str = "\
title: Tide Notes
base_url: https://tides.example.org
secret_file: secret.txt
serve:
  url: https://news.example.org/readers
mail:
  from: Tide Notes <notes@tides.example.org>
  bounce_address: bounces@tides.example.org
";

    /// Calls `act` with the letters of this project file.
    fn with_letters<T>(project_file: &str, act: impl FnOnce(&TransactionalLetters<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", project_file.as_bytes()).unwrap();
        project.write("secret.txt", b"0123456789abcdef0123456789abcdef").unwrap();
        let config = load::config(&project, "slugline.yaml").unwrap();
        let url = config.serve.as_ref().unwrap().url.clone();
        let letters = TransactionalLetters::open(&project, &config, &url).unwrap();
        assert_eq!(template_finding(&project, &config, now()), None);
        act(&letters)
    }

    fn now() -> DateTime<Utc> {
        "2026-05-01T12:00:00Z".parse().unwrap()
    }

    fn message(language: &str) -> TransactionalMessage {
        let (address, language) = ("lin@example.org".parse().unwrap(), language.to_owned());
        TransactionalMessage {
            id: MessageId(7),
            kind: MessageKind::Links,
            address,
            language,
            created: now(),
            attempts: 0,
        }
    }

    fn text(letters: &TransactionalLetters<'_>, language: &str, notice: Notice) -> String {
        let letter = letters.write(&message(language), notice).unwrap();
        let parsed = mail_parser::MessageParser::default().parse(&letter.content).unwrap();
        format!("{}\n{}", parsed.subject().unwrap(), parsed.body_text(0).unwrap())
    }

    #[test]
    fn links_lead_to_the_pages_for_readers() {
        with_letters(PROJECT, |letters| {
            for (notice, page) in [
                (Notice::Confirm(now()), "/confirm/"),
                (Notice::Subscribed, "/leave/"),
                (Notice::Goodbye, "/return/"),
                (Notice::Links, "/leave/"),
            ] {
                let text = text(letters, "en", notice);
                assert!(text.contains(&format!("\nhttps://news.example.org/readers{page}")), "{text}");
            }
            let confirm = |language| text(letters, language, Notice::Confirm(now()));
            assert_eq!(confirm("ko").matches("?language=ko").count(), 2, "both links have the language of the mail");
            assert!(!confirm("en").contains("?language"));
            let letter = letters.write(&message("en"), Notice::Links).unwrap();
            assert_eq!((letter.from.as_str(), letter.to.as_str()), ("bounces@tides.example.org", "lin@example.org"));
        });
    }

    #[test]
    fn an_unsubscribe_page_of_the_project_file_is_linked() {
        let project = format!("{PROJECT}  unsubscribe_url: https://else.example.org/?who={{address}}\n");
        with_letters(&project, |letters| {
            let text = text(letters, "en", Notice::Links);
            assert!(text.contains("\nhttps://else.example.org/?who=lin%40example.org"), "{text}");
        });
        let project = format!("{PROJECT}  unsubscribe: none\n");
        with_letters(&project, |letters| {
            let text = text(letters, "en", Notice::Links);
            assert!(text.contains("\nhttps://news.example.org/readers/leave/"), "{text}");
        });
    }

    #[test]
    fn the_language_is_one_of_those_with_words() {
        with_letters(PROJECT, |letters| {
            let subject = |language| text(letters, language, Notice::Links).lines().next().unwrap().to_owned();
            assert_eq!(subject("en"), "Your links for Tide Notes");
            assert_eq!(subject("zh-CN"), "《Tide Notes》的订阅链接");
            assert_eq!(subject("ja"), "「Tide Notes」の購読用リンク");
            assert_eq!(subject("click-here-to-win"), "Your links for Tide Notes", "a form may say anything");
            let letter = letters.write(&message("click-here-to-win"), Notice::Links).unwrap();
            assert!(!String::from_utf8(letter.content).unwrap().contains("click-here"));
        });
    }

    #[test]
    fn a_template_that_fails_in_one_message_is_found_without_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        let text = "{% if message.kind == \"goodbye\" %}{{ mesage.text }}{% endif %}\n";
        for (path, text) in [("slugline.yaml", PROJECT), ("templates/transactional.txt", text)] {
            project.write(path, text.as_bytes()).unwrap();
        }
        let config = load::config(&project, "slugline.yaml").unwrap();
        let finding = template_finding(&project, &config, now()).unwrap();
        assert_eq!((finding.rule, finding.help.as_deref()), ("template", Some("did you mean `message`?")));
        assert_eq!(finding.place.unwrap().path, "templates/transactional.txt");
    }
}
