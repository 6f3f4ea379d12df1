//! The links in messages to single readers: to the pages below `serve.url`, or else addresses that `inbox` reads.
//!
//! Takes an address; returns URLs and `mailto:` URIs with its token.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use url::Url;

use crate::config::{Config, MailConfig};
use crate::edition::Recipient;
use crate::edition::unsubscribe::{UnsubscribeLinks, mailto_uri};
use crate::email::EmailAddress;
use crate::templates::language::Language;
use crate::token::{Purpose, Secrets, Token};

/// Makes the links of a project.
pub(super) struct ReaderLinks<'a> {
    pages: Option<&'a Url>,
    /// `inbox.confirm`.
    confirm: Option<&'a str>,
    /// Reads what comes for no program.
    from: &'a EmailAddress,
    main_language: Language,
    secrets: Arc<Secrets>,
    unsubscribe: UnsubscribeLinks,
}

impl<'a> ReaderLinks<'a> {
    /// The links of this project.
    ///
    /// # Errors
    /// When `mail.unsubscribe_url` is not a valid URL.
    pub fn new(config: &'a Config, mail: &'a MailConfig, secrets: Arc<Secrets>) -> anyhow::Result<Self> {
        Ok(Self {
            pages: config.serve.as_ref().map(|serve| &serve.url),
            confirm: config.confirm_address(),
            from: &mail.edition.from.address,
            main_language: Language::of(&config.publication.language),
            unsubscribe: UnsubscribeLinks::new(&mail.edition)?.with_secrets(Arc::clone(&secrets)),
            secrets,
        })
    }

    /// Confirms a request of this time.
    ///
    /// # Errors
    /// When neither a page nor an address takes the token.
    pub fn confirm(&self, address: &EmailAddress, requested: DateTime<Utc>, language: &str) -> anyhow::Result<String> {
        self.to_page("confirm", &self.confirm_token(address, requested), language)
    }

    /// Blocks further requests.
    ///
    /// # Errors
    /// As `confirm`.
    pub fn never(&self, address: &EmailAddress, language: &str) -> anyhow::Result<String> {
        self.to_page("confirm", &self.secrets.token(Purpose::Block, address), language)
    }

    /// Undoes an unsubscription.
    ///
    /// # Errors
    /// As `confirm`.
    pub fn undo(&self, address: &EmailAddress) -> anyhow::Result<String> {
        // The subscriber, and so the language, is still known.
        self.to_page("return", &self.secrets.token(Purpose::Return, address), "")
    }

    /// The unsubscribe page of the project file, or else ours, or else the address that reads such requests.
    ///
    /// # Errors
    /// When the URL or the address of the project file is invalid.
    pub fn leave(&self, address: &EmailAddress) -> anyhow::Result<String> {
        let own = self.unsubscribe.of(&Recipient::of_address(address.clone()))?;
        let token = || self.secrets.token(Purpose::Unsubscribe, address);
        let page = || self.pages.map(|pages| format!("{pages}leave/{}", token()));
        Ok(own.url.or_else(page).or(own.mailto).unwrap_or_else(|| mailto_uri(self.from, "unsubscribe")))
    }

    /// The address to which any reply confirms a request of this time.
    ///
    /// # Errors
    /// When `inbox.confirm` is not a valid address.
    pub fn reply_to(&self, address: &EmailAddress, requested: DateTime<Utc>) -> anyhow::Result<Option<EmailAddress>> {
        self.confirm.map(|template| by_mail(template, &self.confirm_token(address, requested))).transpose()
    }

    fn confirm_token(&self, address: &EmailAddress, requested: DateTime<Utc>) -> Token {
        self.secrets.token_at(Purpose::Confirm, address, requested)
    }

    fn to_page(&self, name: &str, token: &Token, language: &str) -> anyhow::Result<String> {
        if let Some(pages) = self.pages {
            // Once a request is deleted, its page can have the language only from the link.
            let is_main = language.is_empty() || Language::of(language) == self.main_language;
            let query = if is_main { String::new() } else { format!("?language={language}") };
            return Ok(format!("{pages}{name}/{token}{query}"));
        }
        let template =
            self.confirm.context("there is neither `serve.url` nor `inbox.confirm`, so that no link can work")?;
        Ok(mailto_uri(&by_mail(template, token)?, name))
    }
}

fn by_mail(template: &str, token: &Token) -> anyhow::Result<EmailAddress> {
    template.replace("{token}", &token.to_string()).parse().context("`inbox.confirm` is not a valid address")
}
