//! Slips in the keys of the front matter that decide about mail, in YAML and in TOML.

use super::{BOTH, EVENING, GOOD, LATER, SENT, Trial, surge, with_both_stores};

/// A slip in a key.
struct Slip {
    /// The line with it.
    line: &'static str,
    /// The key that was meant.
    meant: &'static str,
    /// When the issue, once corrected, is mailed, if it is.
    mailed: Option<&'static str>,
    /// The text that every message then contains.
    shows: &'static str,
    /// The titles that the feed then shows.
    feed: &'static [&'static str],
}

const SLIPS: [Slip; 8] = [
    Slip { line: "darft: true", meant: "draft", mailed: None, shows: "", feed: GOOD },
    Slip { line: "emial: false", meant: "email", mailed: None, shows: "", feed: BOTH },
    Slip { line: "fed: false", meant: "feed", mailed: Some(LATER), shows: "Surge", feed: GOOD },
    Slip {
        line: "publisDate: 2026-11-20T17:00:00Z",
        meant: "publishDate",
        mailed: Some(EVENING),
        shows: "Surge",
        feed: BOTH,
    },
    Slip { line: "expiryDat: 2026-11-20T12:00:00Z", meant: "expiryDate", mailed: None, shows: "", feed: GOOD },
    Slip { line: "editoin: 2", meant: "edition", mailed: Some(LATER), shows: "Surge", feed: BOTH },
    Slip {
        line: "Sbuject: \"High water\"",
        meant: "subject",
        mailed: Some(LATER),
        shows: "Subject: High water",
        feed: BOTH,
    },
    Slip { line: "drafts: false", meant: "draft", mailed: Some(LATER), shows: "Surge", feed: BOTH },
];

/// What is said about the slip.
fn error_about(slip: &Slip, line: &str) -> String {
    let key = slip.line.split(':').next().unwrap();
    let (carets, meant) = ("^".repeat(key.len()), slip.meant);
    format!(
        "error[front-matter-key]: `{key}` has no effect: did you mean `{meant}`?
 --> content/surge.md:4:1
  |
4 | {line}
  | {carets}
  |
  = help: write `{meant}`; if `{key}` is a custom key, write both; until then the feeds show the issue, but it is mailed to no one
error[mailing-held]: `surge` is held because of 1 error: it is mailed to no one
 |
 = help: fix it, or switch off what is no error to you (`check: {{off: [front-matter-key]}}`), or mail it as it is with `slugline send surge --despite-errors`
"
    )
}

fn one_key(trial: &Trial, slip: &Slip, toml: bool) {
    let lines = |line: &str| format!("date: 2026-11-20T11:30:00Z\n{line}");
    trial.write("content/surge.md", &surge(toml, &lines(slip.line)));
    let error = error_about(slip, if toml { slip.line.replace(": ", " = ") } else { slip.line.to_owned() }.as_str());
    trial.says(LATER, "send", &format!("exit 1\n{SENT}neap   3         3     0        0       0\n{error}"));
    trial.says_this(LATER, "publish", 1, &["feed.json", &error]);
    assert_eq!(trial.mailed(), (3, 0), "{}", slip.line);
    assert_eq!(trial.in_feed(), BOTH, "{}", slip.line);
    let key = slip.line.split(':').next().unwrap();
    trial.write("content/surge.md", &surge(toml, &lines(&slip.line.replace(key, slip.meant))));
    if let Some(now) = slip.mailed {
        trial.says(now, "send", &format!("exit 0\n{SENT}surge  3         3     0        0       0\n"));
        let shown = trial.peer.taken().iter().filter(|message| message.content.contains(slip.shows)).count();
        assert_eq!((trial.mailed(), shown), ((3, 3), 3), "{}", slip.line);
    }
    trial.mails_no_more(slip.mailed.unwrap_or(LATER));
    assert_eq!(trial.in_feed(), slip.feed, "{}", slip.line);
}

#[test]
fn a_slip_in_a_key_of_yaml_mails_the_issue_to_no_one_until_it_is_corrected() {
    for slip in &SLIPS {
        with_both_stores(&format!("slip_{}", slip.meant.to_lowercase()), "", |trial| one_key(trial, slip, false));
    }
}

#[test]
fn a_slip_in_a_key_of_toml_mails_the_issue_to_no_one_until_it_is_corrected() {
    for slip in &SLIPS {
        with_both_stores(&format!("slip_toml_{}", slip.meant.to_lowercase()), "", |trial| one_key(trial, slip, true));
    }
}

#[test]
fn an_issue_whose_only_date_is_misspelt_is_nowhere_until_it_is_corrected() {
    for (toml, line, meant) in [
        (false, "dtae: 2026-11-20T11:30:00Z", "date"),
        (true, "dtae: 2026-11-20T11:30:00Z", "date"),
        (false, "publisDate: 2026-11-20T11:30:00Z", "publishDate"),
    ] {
        with_both_stores("slip_date", "", |trial| {
            trial.write("content/surge.md", &surge(toml, line));
            let key = line.split(':').next().unwrap();
            let (written, carets) =
                (if toml { line.replace(": ", " = ") } else { line.to_owned() }, "^".repeat(key.len()));
            let error = format!(
                "error[no-date]: the issue has no date, so it is neither published nor mailed: `{key}` has no effect
 --> content/surge.md:3:1
  |
3 | {written}
  | {carets}
  |
  = help: write `{meant}`
"
            );
            trial.says(LATER, "send", &format!("exit 1\n{SENT}neap   3         3     0        0       0\n{error}"));
            trial.says_this(LATER, "publish", 1, &["feed.json", &error]);
            assert_eq!(trial.mailed(), (3, 0));
            assert_eq!(trial.in_feed(), GOOD);
            trial.write("content/surge.md", &surge(toml, &line.replace(key, meant)));
            trial.says(LATER, "send", &format!("exit 0\n{SENT}surge  3         3     0        0       0\n"));
            trial.mails_no_more(LATER);
            assert_eq!(trial.mailed(), (3, 3));
            assert_eq!(trial.in_feed(), BOTH);
        });
    }
}
