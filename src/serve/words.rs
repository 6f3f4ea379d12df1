//! The fixed texts of the pages for readers, in the reader's language. `{publication}` becomes the publication's title.

use serde::Serialize;

use crate::templates::language::Language;

mod english;
mod japanese;
mod korean;
mod simplified_chinese;
mod traditional_chinese;

/// The fixed texts of a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// The heading of the form.
    pub subscribe_title: &'static str,
    /// The label of the address field.
    pub email: &'static str,
    /// The label of the name field.
    pub name: &'static str,
    /// The label of a field that only programs fill in.
    pub leave_blank: &'static str,
    /// What a person agrees to by the form.
    pub consent: &'static str,
    /// On the button of the form.
    pub subscribe: &'static str,
    /// Beside an address that is not valid.
    pub invalid_email: &'static str,
    pub paused_title: &'static str,
    pub paused: &'static str,
    /// When a request looks like that of a program.
    pub step_title: &'static str,
    pub step: &'static str,
    pub continue_: &'static str,
    /// After the form was sent, whatever the address.
    pub sent_title: &'static str,
    pub sent: &'static str,
    pub confirm_title: &'static str,
    pub confirm: &'static str,
    pub subscribed_title: &'static str,
    pub subscribed: &'static str,
    pub expired_title: &'static str,
    pub expired: &'static str,
    /// To a reader who once reported the mail as spam.
    pub refused_title: &'static str,
    pub refused: &'static str,
    /// Also on the button.
    pub block_title: &'static str,
    pub block: &'static str,
    pub blocked_title: &'static str,
    pub blocked: &'static str,
    pub leave_title: &'static str,
    pub leave: &'static str,
    pub leave_button: &'static str,
    pub left_title: &'static str,
    pub left: &'static str,
    /// On the button that undoes it.
    pub undo: &'static str,
    pub invalid_title: &'static str,
    pub invalid: &'static str,
    pub return_title: &'static str,
    pub return_: &'static str,
    pub return_button: &'static str,
    pub too_late: &'static str,
    pub links_title: &'static str,
    pub links: &'static str,
    pub links_button: &'static str,
    pub links_sent: &'static str,
    /// On the link to the publication's home page.
    pub home: &'static str,
    pub unavailable_title: &'static str,
    pub unavailable: &'static str,
    pub not_found_title: &'static str,
}

impl Words {
    /// The texts for a BCP 47 tag; English if there is no translation.
    pub fn of_language(tag: &str) -> &'static Self {
        match Language::of(tag) {
            Language::English => &english::WORDS,
            Language::SimplifiedChinese => &simplified_chinese::WORDS,
            Language::TraditionalChinese => &traditional_chinese::WORDS,
            Language::Japanese => &japanese::WORDS,
            Language::Korean => &korean::WORDS,
        }
    }
}
