//! The question before a mailing begins.

use crate::cli::Context;
use crate::cli::confirm::ask;
use crate::delivery::Route;
use crate::send::NewMailings;
use crate::statistics::scale::grouped;

/// Number of titles that the question names.
const MAX_TITLES: usize = 3;

/// Asks whether to begin the mailings.
///
/// # Errors
/// When the terminal cannot be read.
pub(super) fn begins(context: &Context, new: &NewMailings, route: &Route) -> anyhow::Result<bool> {
    let begins = ask(context, &question(new, &servers(route)))?;
    if !begins {
        context.report.message("Nothing was sent.");
    }
    Ok(begins)
}

/// `Mail “Spring tides” to 1,234 subscribers through smtp.example.org? [y/N]`.
fn question(new: &NewMailings, servers: &str) -> String {
    let NewMailings { titles, subscribers, limit } = new;
    let mut named: Vec<String> = titles.iter().take(MAX_TITLES).map(|title| format!("“{title}”")).collect();
    if titles.len() > MAX_TITLES {
        named.push(format!("{} more", titles.len() - MAX_TITLES));
    }
    let what = match named.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => named.concat(),
    };
    let noun = if *subscribers == 1 { "subscriber" } else { "subscribers" };
    let each = if titles.len() > 1 { " each" } else { "" };
    let limit = limit.map(|limit| format!(", at most {} messages now,", grouped(limit))).unwrap_or_default();
    format!("Mail {what} to {} {noun}{each}{limit} through {}? [y/N]", grouped(*subscribers), servers)
}

/// The names of the servers, or of the folder.
fn servers(route: &Route) -> String {
    match route {
        Route::Relays(relays) => relays.iter().map(|relay| relay.server.host.as_str()).collect::<Vec<_>>().join(", "),
        Route::Outbox { .. } => route.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(titles: &[&str], subscribers: u64, limit: Option<u64>) -> String {
        let new = NewMailings { titles: titles.iter().map(|title| (*title).to_owned()).collect(), subscribers, limit };
        question(&new, "smtp.example.org")
    }

    #[test]
    fn the_question_names_titles_subscribers_and_server() {
        assert_eq!(
            asked(&["Spring tides"], 1234, None),
            "Mail “Spring tides” to 1,234 subscribers through smtp.example.org? [y/N]"
        );
        assert_eq!(
            asked(&["Neap"], 1, Some(100)),
            "Mail “Neap” to 1 subscriber, at most 100 messages now, through smtp.example.org? [y/N]"
        );
        assert_eq!(
            asked(&["A", "B"], 2, None),
            "Mail “A” and “B” to 2 subscribers each through smtp.example.org? [y/N]"
        );
        assert_eq!(
            asked(&["A", "B", "C", "D", "E"], 2, None),
            "Mail “A”, “B”, “C” and 2 more to 2 subscribers each through smtp.example.org? [y/N]"
        );
    }
}
