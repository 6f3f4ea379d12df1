//! Writes transactional messages, signed: with the project's templates, links for readers, and keys.
//!
//! What is said to whom is decided by `transactional`; `edition` renders it, `reader_links` makes the links. Nothing that a visitor
//! typed gets here.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::compose::envelopes::Envelopes;
use crate::compose::reader_links::ReaderLinks;
use crate::compose::{mail_config, secrets, signer};
use crate::config::{Config, MailConfig};
use crate::disk::Project;
use crate::dkim::Signer;
use crate::edition::transactional::{Content, Envelope, NAMES, Writer};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::letter::Letter;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::language::Language;
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
    links: ReaderLinks<'a>,
    templates: Templates,
    envelopes: Envelopes,
    signer: Signer,
}

/// Why a message cannot be written with the templates of the project, if readers are answered; needs no secret.
pub fn template_finding(project: &Project, config: &Config, now: DateTime<Utc>) -> Option<Finding> {
    let mail = config.mail.as_ref().filter(|_| config.answers_readers())?;
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
            Content::Confirm { confirm: link(), never: link(), by_reply: true },
            Content::Subscribed { leave: link() },
            Content::Goodbye { undo: link() },
            Content::Links { leave: link() },
        ] {
            let language = Language::of(&publication.language).tag();
            writer.message(&content, &Envelope { address, language, id: "", date: now, reply_to: None })?;
        }
    }
    Ok(())
}

fn templates(project: &Project) -> anyhow::Result<Templates> {
    Templates::load(&NAMES.names(), &|name| project.text_if_exists(format!("templates/{name}")))
}

impl<'a> TransactionalLetters<'a> {
    /// Reads templates, secrets and keys.
    ///
    /// # Errors
    /// A finding when the project does not mail, has no usable secret or names a key that cannot be used, or where a template
    /// is invalid.
    pub fn open(project: &Project, config: &'a Config) -> anyhow::Result<Self> {
        let mail = mail_config(config)?;
        let templates = templates(project)?;
        let secrets = Arc::new(secrets::secrets(project, config)?);
        let envelopes = Envelopes::new(mail, Some(Arc::clone(&secrets)));
        let links = ReaderLinks::new(config, mail, secrets);
        Ok(Self { config, mail, links, templates, envelopes, signer: signer::signer(project, mail)? })
    }

    /// Writes a message: the same bytes for every attempt at the same notice.
    ///
    /// # Errors
    /// A finding where a template is invalid; when the message cannot be signed.
    pub fn write(&self, message: &TransactionalMessage, notice: Notice) -> anyhow::Result<Letter> {
        let address = &message.address;
        // A store that was lost and made anew counts from 1 again.
        let place = self.config.serve.as_ref().map_or(&self.config.publication.base_url, |serve| &serve.url);
        let id = format!("{place}\n{}\n{}", message.id.0, message.created.timestamp_micros());
        let language = Language::of(&message.language).tag();
        let reply_to = match notice {
            Notice::Confirm(requested) => self.links.reply_to(address, requested)?,
            _ => None,
        };
        let envelope = Envelope { address, language, id: &id, date: message.created, reply_to: reply_to.as_ref() };
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
        let links = &self.links;
        Ok(match notice {
            Notice::Confirm(requested) => Content::Confirm {
                confirm: links.confirm(address, requested, language)?,
                never: links.never(address, language)?,
                by_reply: self.config.confirm_address().is_some(),
            },
            Notice::Subscribed => Content::Subscribed { leave: links.leave(address, language)? },
            Notice::Goodbye => Content::Goodbye { undo: links.undo(address, language)? },
            Notice::Links => Content::Links { leave: links.leave(address, language)? },
        })
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
        let letters = TransactionalLetters::open(&project, &config).unwrap();
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
            for notice in [Notice::Goodbye, Notice::Subscribed, Notice::Links] {
                assert!(text(letters, "ko", notice).contains("?language=ko"), "{notice:?}");
            }
            assert!(!confirm("en").contains("?language"));
            let letter = letters.write(&message("en"), Notice::Links).unwrap();
            assert_eq!((letter.from.as_str(), letter.to.as_str()), ("bounces@tides.example.org", "lin@example.org"));
        });
    }

    /// The address that a `mailto:` link below a label leads to, without its token.
    fn mailto(text: &str, place: usize) -> String {
        let link = text.lines().filter(|line| line.starts_with("mailto:")).nth(place).unwrap();
        let (before, rest) = link.split_once('+').unwrap();
        let (token, rest) = rest.split_once('@').unwrap();
        assert_eq!(token.len(), crate::token::TOKEN_DIGITS);
        format!("{before}+@{rest}")
    }

    #[test]
    fn without_pages_every_link_is_an_address_and_a_reply_confirms() {
        let inbox = "inbox: {confirm: \"confirm+{token}@tides.example.org\"}\n";
        let mailto_leave = "  unsubscribe_mailto: leave+{token}@tides.example.org\n";
        let project = format!(
            "{}{mailto_leave}{inbox}",
            PROJECT.replace("serve:\n  url: https://news.example.org/readers\n", "")
        );
        with_letters(&project, |letters| {
            let confirm = text(letters, "en", Notice::Confirm(now()));
            assert_eq!(mailto(&confirm, 0), "mailto:confirm+@tides.example.org?subject=confirm");
            assert_eq!(mailto(&confirm, 1), "mailto:confirm+@tides.example.org?subject=confirm");
            assert!(confirm.contains("reply to this email"), "{confirm}");
            let undo = text(letters, "en", Notice::Goodbye);
            assert_eq!(mailto(&undo, 0), "mailto:confirm+@tides.example.org?subject=return");
            for notice in [Notice::Subscribed, Notice::Links] {
                assert_eq!(
                    mailto(&text(letters, "en", notice), 0),
                    "mailto:leave+@tides.example.org?subject=unsubscribe"
                );
            }
            let reply_to = |notice| {
                let letter = letters.write(&message("en"), notice).unwrap();
                let header = String::from_utf8(letter.content).unwrap();
                let line = header.replace("\r\n ", " ");
                line.lines().find_map(|line| line.strip_prefix("Reply-To: ").map(str::to_owned))
            };
            let address = reply_to(Notice::Confirm(now())).unwrap();
            assert!(confirm.contains(&format!("mailto:{address}?")), "{address}");
            assert_eq!(reply_to(Notice::Goodbye), None, "thanks for the news are no wish to come back");
        });
        let both = format!("{PROJECT}{inbox}");
        with_letters(&both, |letters| {
            let confirm = text(letters, "en", Notice::Confirm(now()));
            assert!(confirm.contains("\nhttps://news.example.org/readers/confirm/"), "{confirm}");
            assert!(confirm.contains("You can also confirm by replying to this email."), "{confirm}");
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
