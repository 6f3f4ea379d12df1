//! The links in messages to single readers: to the pages below `serve.url`, or else addresses that `inbox` reads.
//!
//! Takes an address; returns URLs and `mailto:` URIs with its token.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use url::Url;

use crate::config::{Config, MailConfig};
use crate::edition::unsubscribe::{UnsubscribeLinks, mailto_uri};
use crate::edition::{self, Recipient};
use crate::email::EmailAddress;
use crate::templates::language::Language;
use crate::token::{Purpose, Secrets, Token};

/// Makes the links of a project.
pub(super) struct ReaderLinks<'a> {
    pages: Option<&'a Url>,
    /// `inbox.confirm`.
    confirm: Option<&'a str>,
    mail: &'a edition::Options,
    main_language: Language,
    secrets: Arc<Secrets>,
}

impl<'a> ReaderLinks<'a> {
    /// The links of this project.
    pub fn new(config: &'a Config, mail: &'a MailConfig, secrets: Arc<Secrets>) -> Self {
        Self {
            pages: config.serve.as_ref().map(|serve| &serve.url),
            confirm: config.confirm_address(),
            mail: &mail.edition,
            main_language: Language::of(&config.publication.language),
            secrets,
        }
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
    pub fn undo(&self, address: &EmailAddress, language: &str) -> anyhow::Result<String> {
        self.to_page("return", &self.secrets.token(Purpose::Return, address), language)
    }

    /// The unsubscribe page of the project file, or else ours, or else the address that reads such requests.
    ///
    /// # Errors
    /// When the URL or the address of the project file is invalid.
    pub fn leave(&self, address: &EmailAddress, language: &str) -> anyhow::Result<String> {
        let links = UnsubscribeLinks::new(self.mail, language)?.with_secrets(Arc::clone(&self.secrets));
        let own = links.of(&Recipient::of_address(address.clone()))?;
        let elsewhere =
            own.url.filter(|page| !self.pages.is_some_and(|ours| page.starts_with(&format!("{ours}leave/"))));
        let page = || self.page("leave", &self.secrets.token(Purpose::Unsubscribe, address), language);
        Ok(elsewhere.or_else(page).or(own.mailto).unwrap_or_else(|| mailto_uri(&self.mail.from.address, "unsubscribe")))
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

    /// The page of a token. The link names a language that is not the main one: once a request is deleted, and for readers who were
    /// imported, the page knows it from nowhere else.
    fn page(&self, name: &str, token: &Token, language: &str) -> Option<String> {
        let is_main = Language::of(language) == self.main_language;
        let query = if is_main { String::new() } else { format!("?language={language}") };
        self.pages.map(|pages| format!("{pages}{name}/{token}{query}"))
    }

    fn to_page(&self, name: &str, token: &Token, language: &str) -> anyhow::Result<String> {
        if let Some(page) = self.page(name, token, language) {
            return Ok(page);
        }
        let template =
            self.confirm.context("there is neither `serve.url` nor `inbox.confirm`, so that no link can work")?;
        Ok(mailto_uri(&by_mail(template, token)?, name))
    }
}

fn by_mail(template: &str, token: &Token) -> anyhow::Result<EmailAddress> {
    template.replace("{token}", &token.to_string()).parse().context("`inbox.confirm` is not a valid address")
}
