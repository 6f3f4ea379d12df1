//! Transactional messages: what a single reader is told about their subscription.
//!
//! Takes the publication, the options below `mail`, what is to be said, and its links; returns subject, HTML, plain text and
//! the message, not yet signed. Nothing that a visitor typed is in it. `transactional` decides what is said to whom,
//! `compose` makes the links.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Value as Json, json};

use crate::content::direction::Direction;
use crate::edition::body::Body;
use crate::edition::context::word_fields;
use crate::edition::header::{self, one_line};
use crate::edition::inline::inline;
use crate::edition::message::Header;
use crate::edition::pictures::Pictures;
use crate::edition::render::EncodedParts;
use crate::edition::template::TemplateNames;
use crate::edition::unsubscribe::Unsubscribe;
use crate::edition::{Options, Recipient};
use crate::email::EmailAddress;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::fields::publication_fields;
use crate::templates::locale::Locale;
use crate::templates::locale::message::MessageText;

/// The templates of transactional messages.
pub const NAMES: TemplateNames = TemplateNames { html: "transactional.html", text: "transactional.txt" };

/// What a message says, with its links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Someone asked that the address be subscribed: whether its owner wants it.
    Confirm {
        /// Leads to the page that confirms, or is the address that does.
        confirm: String,
        /// Leads to the page that blocks further requests, or is the address that does.
        never: String,
        /// Whether a reply confirms, too.
        by_reply: bool,
    },
    /// Someone asked that the address be subscribed, and it is.
    Subscribed {
        /// Leads to the unsubscribe page.
        leave: String,
    },
    /// The subscriber has left.
    Goodbye {
        /// Leads to the page that undoes it, or is the address that does.
        undo: String,
    },
    /// The subscriber asked for their links.
    Links {
        /// Leads to the unsubscribe page.
        leave: String,
    },
}

/// What a message is about, apart from its content.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The recipient.
    pub address: &'a EmailAddress,
    /// BCP 47 tag of the language of its words.
    pub language: &'a str,
    /// Makes its Message-ID differ from that of all other messages.
    pub id: &'a str,
    /// The same for every attempt.
    pub date: DateTime<Utc>,
    /// Where replies go instead of to the project's address.
    pub reply_to: Option<&'a EmailAddress>,
}

/// Writes the messages of one publication.
pub struct Writer<'a> {
    publication: &'a Publication,
    mail: &'a Options,
    templates: &'a Templates,
}

impl Content {
    /// The word by which templates distinguish messages.
    fn kind(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "confirm",
            Self::Subscribed { .. } => "subscribed",
            Self::Goodbye { .. } => "goodbye",
            Self::Links { .. } => "links",
        }
    }

    fn text(&self, words: &Locale) -> MessageText {
        let texts = words.message;
        match self {
            Self::Confirm { confirm, .. } if confirm.starts_with("mailto:") => texts.confirm_by_mail,
            Self::Confirm { .. } => texts.confirm,
            Self::Subscribed { .. } => texts.subscribed,
            Self::Goodbye { .. } => texts.goodbye,
            Self::Links { .. } => texts.links,
        }
    }

    /// The address behind the button.
    fn action(&self) -> Option<&str> {
        match self {
            Self::Confirm { confirm: url, .. } | Self::Goodbye { undo: url } => Some(url),
            Self::Subscribed { .. } | Self::Links { .. } => None,
        }
    }

    fn leave(&self) -> Option<&str> {
        match self {
            Self::Subscribed { leave } | Self::Links { leave } => Some(leave),
            Self::Confirm { .. } | Self::Goodbye { .. } => None,
        }
    }

    /// Whether a reply does what the link does, which a text about the link does not say.
    fn may_also_be_answered(&self) -> bool {
        matches!(self, Self::Confirm { confirm, by_reply: true, .. } if !confirm.starts_with("mailto:"))
    }

    fn never(&self) -> Option<&str> {
        match self {
            Self::Confirm { never, .. } => Some(never),
            _ => None,
        }
    }
}

impl<'a> Writer<'a> {
    /// Writes with these templates, which are loaded by `NAMES`.
    pub fn new(publication: &'a Publication, mail: &'a Options, templates: &'a Templates) -> Self {
        Self { publication, mail, templates }
    }

    /// The message: ASCII except for an address that is not; lines end in CRLF.
    ///
    /// # Errors
    /// A finding where a template is invalid; when an address of the project file cannot be written into a header.
    pub fn message(&self, content: &Content, envelope: &Envelope<'_>) -> anyhow::Result<Vec<u8>> {
        let (html, text) = (self.html(content, envelope)?, self.text(content, envelope)?);
        let body = Body::encode(&text, &html, &Pictures::default());
        let mut header = Header::of_transactional(self.mail, envelope.id, envelope.language)?;
        if let Some(address) = envelope.reply_to {
            header = header.with_reply_to(address);
        }
        let recipient = Recipient::of_address(envelope.address.clone());
        let id = format!("transactional.{}", header.message_id(envelope.address));
        let subject = header::text("Subject", &self.subject(content, envelope.language));
        let encoded = EncodedParts { body: Cow::Owned(body), values: Vec::new() };
        Ok(header.message(&recipient, &Unsubscribe::default(), envelope.date, &subject, &id, &encoded))
    }

    /// The subject, on one line.
    pub fn subject(&self, content: &Content, language: &str) -> String {
        one_line(&self.named(content.text(&Locale::of_language(language)).subject))
    }

    /// The HTML part.
    ///
    /// # Errors
    /// A finding where a template is invalid.
    pub fn html(&self, content: &Content, envelope: &Envelope<'_>) -> anyhow::Result<String> {
        inline(&self.templates.render(NAMES.html, &self.variables(content, envelope)).map_err(|finding| *finding)?)
    }

    /// The plain text; lines end in a line feed.
    ///
    /// # Errors
    /// A finding where a template is invalid.
    pub fn text(&self, content: &Content, envelope: &Envelope<'_>) -> anyhow::Result<String> {
        Ok(self.templates.render(NAMES.text, &self.variables(content, envelope)).map_err(|finding| *finding)?)
    }

    fn variables(&self, content: &Content, envelope: &Envelope<'_>) -> Value {
        Value::from(Serde(self.fields(content, envelope)))
    }

    /// The variables of the templates. Those of an issue are there for a layout of the project.
    pub(super) fn fields(&self, content: &Content, envelope: &Envelope<'_>) -> Json {
        let words = Locale::of_language(envelope.language);
        let leave = content.leave().map(|link| json!({ "link": link, "url": link, "mailto": null }));
        json!({
            "publication": publication_fields(self.publication),
            "issue": self.as_issue(content, envelope, &words),
            "words": word_fields(self.publication, &words),
            "message": self.message_fields(content, &words),
            "subscriber": { "address": envelope.address.as_str(), "name": "", "attributes": {} },
            "unsubscribe": leave,
            "postal_address": self.mail.postal_address,
            "subscribe_url": self.mail.subscribe_url,
        })
    }

    fn message_fields(&self, content: &Content, words: &Locale) -> Json {
        let text = content.text(words);
        let link = |label: &str, url: &str| json!({ "label": label, "url": url });
        let leave = content.leave().map(|url| link(words.unsubscribe, url));
        let home = content.leave().map(|_| link(words.message.home, self.publication.home.as_str()));
        let paragraphs = |text: &str| if text.is_empty() { Vec::new() } else { vec![self.named(text)] };
        let or_reply = if content.may_also_be_answered() { words.message.or_reply } else { "" };
        let mut said = paragraphs(text.text);
        said.extend(paragraphs(or_reply));
        json!({
            "kind": content.kind(),
            "subject": one_line(&self.named(text.subject)),
            "text": said,
            "action": content.action().map(|url| link(text.action, url)),
            "links": leave.into_iter().chain(home).collect::<Vec<_>>(),
            "notes": paragraphs(text.note),
            "never": content.never().map(|url| link(words.message.never, url)),
        })
    }

    /// The message, described like an issue.
    fn as_issue(&self, content: &Content, envelope: &Envelope<'_>, words: &Locale) -> Json {
        let (text, home) = (content.text(words), self.publication.home.as_str());
        let date = envelope.date.with_timezone(&self.publication.time_zone).fixed_offset();
        json!({
            "id": envelope.id,
            "slug": content.kind(),
            "title": one_line(&self.named(text.subject)),
            "permalink": home,
            "page": home,
            "date": words.date(date),
            "date_iso": date.to_rfc3339(),
            "language": envelope.language,
            "direction": Direction::of_language(envelope.language).as_str(),
            "authors": [],
            "description": null,
            "preheader": self.named(text.text),
            "categories": [],
            "tags": [],
            "cover": null,
            "params": {},
        })
    }

    fn named(&self, text: &str) -> String {
        text.replace("{publication}", &self.publication.title)
    }
}

#[cfg(test)]
mod tests {
    //! The words of every message in every language are compared whole with the files in `tests/transactional`.

    use std::fs;

    use mail_parser::MessageParser;

    use super::*;
    use crate::config::Config;

    const PROJECT: &str = "\
title: Tide Notes
base_url: https://tides.example.org
mail:
  from: Tide Notes <notes@tides.example.org>
  reply_to: editors@tides.example.org
  list_id: notes.tides.example.org
  postal_address: |
    Tide Notes
    1 Pier Road
";

    const LANGUAGES: [&str; 5] = ["en", "zh-Hans", "zh-Hant", "ja", "ko"];

    fn contents() -> [Content; 5] {
        let link = |path: &str| format!("https://news.example.org/{path}");
        [
            Content::Confirm { confirm: link("confirm/11"), never: link("confirm/22"), by_reply: false },
            Content::Subscribed { leave: link("leave/33") },
            Content::Goodbye { undo: link("return/44") },
            Content::Links { leave: link("leave/33") },
            Content::Confirm { confirm: link("confirm/11"), never: link("confirm/22"), by_reply: true },
        ]
    }

    /// Calls `act` with a writer for this project file and these templates.
    fn with_writer<T>(project: &str, own: &dyn Fn(&str) -> Option<String>, act: impl FnOnce(&Writer<'_>) -> T) -> T {
        let config = Config::parse("slugline.yaml", project).unwrap();
        let templates = Templates::load(&NAMES.names(), &|name| Ok(own(name))).unwrap();
        act(&Writer::new(&config.publication, &config.mail.as_ref().unwrap().edition, &templates))
    }

    fn envelope<'a>(address: &'a EmailAddress, language: &'a str) -> Envelope<'a> {
        let date = "2026-11-05T09:00:00Z".parse().unwrap();
        Envelope { address, language, id: "message 7", date, reply_to: None }
    }

    #[test]
    fn every_message_is_written_in_every_language() {
        let lin = "lin@example.org".parse().unwrap();
        for language in LANGUAGES {
            let written: String = with_writer(PROJECT, &|_| None, |writer| {
                let by_mail = |token: &str| format!("mailto:confirm+{token}@tides.example.org?subject=confirm");
                let by_mail = Content::Confirm { confirm: by_mail("11"), never: by_mail("22"), by_reply: true };
                let parts: Vec<String> = contents()
                    .into_iter()
                    .chain([by_mail])
                    .map(|content| {
                        let text = writer.text(&content, &envelope(&lin, language)).unwrap();
                        format!("Subject: {}\n\n{text}", writer.subject(&content, language))
                    })
                    .collect();
                parts.join("\n=====\n\n")
            });
            let file = format!("{}/tests/transactional/{language}.txt", env!("CARGO_MANIFEST_DIR"));
            if std::env::var("SNAPSHOTS").is_ok_and(|wanted| wanted == "overwrite") {
                fs::write(&file, &written).unwrap();
            }
            assert_eq!(written, fs::read_to_string(&file).unwrap(), "{language}");
        }
    }

    #[test]
    fn the_html_says_what_the_text_says_and_has_the_same_links() {
        let lin = "lin@example.org".parse().unwrap();
        for (language, content) in LANGUAGES.iter().flat_map(|language| contents().map(|content| (language, content))) {
            with_writer(PROJECT, &|_| None, |writer| {
                let envelope = envelope(&lin, language);
                let (html, text) =
                    (writer.html(&content, &envelope).unwrap(), writer.text(&content, &envelope).unwrap());
                let links = |text: &str| -> Vec<String> {
                    let found = text.split("https://news.").skip(1);
                    found.map(|rest| rest.split(['"', '\n']).next().unwrap().to_owned()).collect()
                };
                assert_eq!(links(&html), links(&text), "{html}");
                let fields = writer.fields(&content, &envelope);
                for paragraph in ["text", "notes"].iter().flat_map(|part| fields["message"][part].as_array().unwrap()) {
                    assert!(html.contains(&format!(">{}</p>", paragraph.as_str().unwrap())), "{html}");
                }
                assert!(html.contains(&format!("lang=\"{language}\"")) && !html.contains("{publication}"), "{html}");
            });
        }
    }

    #[test]
    fn a_message_is_automatic_mail_and_no_list_mail() {
        let lin = "lin@example.org".parse().unwrap();
        let message = with_writer(PROJECT, &|_| None, |writer| {
            let message = writer.message(&contents()[0], &envelope(&lin, "en")).unwrap();
            assert_eq!(
                writer.message(&contents()[0], &envelope(&lin, "en")).unwrap(),
                message,
                "every attempt is the same"
            );
            String::from_utf8(message).unwrap()
        });
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let (before, after) = head.split_once("boundary=").unwrap();
        let (_, after) = after.split_once("\r\n").unwrap();
        assert_eq!(
            format!("{before}{after}"),
            "From: \"Tide Notes\" <notes@tides.example.org>\r\n\
             To: lin@example.org\r\n\
             Reply-To: editors@tides.example.org\r\n\
             Subject: Please confirm your subscription to Tide Notes\r\n\
             Date: Thu, 05 Nov 2026 09:00:00 +0000\r\n\
             Message-ID: <transactional.5f340db7683440ba.9792c55eb7984f1f98dd58c46f2bad46@tides.example.org>\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative;\r\n \
             Auto-Submitted: auto-generated\r\n\
             X-Auto-Response-Suppress: OOF, AutoReply\r\n\
             Content-Language: en"
        );
        let parsed = MessageParser::default().parse(&message).unwrap();
        assert!(parsed.body_text(0).unwrap().contains("https://news.example.org/confirm/11\r\n"));
        assert!(parsed.body_html(0).unwrap().contains("href=\"https://news.example.org/confirm/11\""));
    }

    #[test]
    fn messages_of_other_ids_and_addresses_have_other_message_ids() {
        let (lin, maren) = ("lin@example.org".parse().unwrap(), "maren@example.org".parse().unwrap());
        let envelopes =
            [envelope(&lin, "en"), envelope(&maren, "en"), Envelope { id: "message 8", ..envelope(&lin, "en") }];
        let ids = with_writer(PROJECT, &|_| None, |writer| {
            envelopes.map(|envelope| {
                let message = String::from_utf8(writer.message(&contents()[0], &envelope).unwrap()).unwrap();
                message.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned()
            })
        });
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
    }

    #[test]
    fn a_title_stays_text() {
        let lin = "lin@example.org".parse().unwrap();
        let project = PROJECT.replacen("Tide Notes", "'Rock & <b>Roll</b> {{ 1 }}'", 1);
        with_writer(&project, &|_| None, |writer| {
            let html = writer.html(&contents()[0], &envelope(&lin, "en")).unwrap();
            assert!(html.contains("subscription to Rock &amp; &lt;b&gt;Roll&lt;"), "{html}");
            assert!(html.contains("{{ 1 }}"), "{html}");
            let subject = writer.subject(&contents()[0], "en");
            assert_eq!(subject, "Please confirm your subscription to Rock & <b>Roll</b> {{ 1 }}");
        });
    }

    #[test]
    fn a_project_may_have_its_own_words_and_layout() {
        let lin = "lin@example.org".parse().unwrap();
        let own = |name: &str| {
            match name {
            "transactional.txt" => Some("{{ message.kind }}: {{ message.action.url | default(\"\") }}\n".to_owned()),
            "layout.html" => Some(
                "<html><head></head><body>{% block content %}{% endblock %}{{ issue.page }} {{ words.why }}</body></html>"
                    .to_owned(),
            ),
            _ => None,
        }
        };
        with_writer(PROJECT, &own, |writer| {
            let texts = contents().map(|content| {
                assert!(writer.html(&content, &envelope(&lin, "en")).unwrap().contains("https://tides.example.org/"));
                writer.text(&content, &envelope(&lin, "en")).unwrap()
            });
            assert_eq!(
                texts.concat(),
                "confirm: https://news.example.org/confirm/11\nsubscribed: \ngoodbye: https://news.example.org/return/44\n\
                 links: \nconfirm: https://news.example.org/confirm/11\n"
            );
        });
    }

    #[test]
    fn the_documented_template_works() {
        let lin = "lin@example.org".parse().unwrap();
        let page = include_str!("../../templates/README.md");
        let template = page.split("```jinja\n").nth(3).and_then(|rest| rest.split_once("```")).unwrap().0;
        let own = |name: &str| (name == NAMES.text).then(|| template.to_owned());
        with_writer(PROJECT, &own, |writer| {
            let [confirm, subscribed, ..] =
                contents().map(|content| writer.text(&content, &envelope(&lin, "en")).unwrap());
            assert_eq!(
                confirm,
                "Please confirm your subscription to Tide Notes\n==============================================\n\n\
                 Glad to have you! One more step: open this link, and press the button.\n\
                 https://news.example.org/confirm/11\n\n\
                 You did not ask for this? Then nothing happens, or tell us never to ask again:\n\
                 https://news.example.org/confirm/22\n"
            );
            assert!(subscribed.contains("Unsubscribe: https://news.example.org/leave/33\n"), "{subscribed}");
        });
    }

    /// With `SLUGLINE_TEST_PICTURES`, writes the pages into that folder, to be looked at in a browser.
    #[test]
    fn the_pages_can_be_looked_at() {
        let Some(folder) = std::env::var_os("SLUGLINE_TEST_PICTURES") else { return };
        let lin = "lin@example.org".parse().unwrap();
        for (language, content) in LANGUAGES.iter().flat_map(|language| contents().map(|content| (language, content))) {
            let html =
                with_writer(PROJECT, &|_| None, |writer| writer.html(&content, &envelope(&lin, language)).unwrap());
            let file = format!("transactional-{}-{language}.html", content.kind());
            fs::write(std::path::Path::new(&folder).join(file), html).unwrap();
        }
    }
}
