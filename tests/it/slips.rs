//! Slips of the finger in one issue, in a real send to a scripted server, with SQLite and PostgreSQL: the issue is mailed to
//! no one, the good one beside it to everyone, and after the correction each exactly once.

use std::fs;

use crate::database::Database;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Peer, Script};

mod keys;

const LATER: &str = "2026-11-20T13:00:00Z";
const EVENING: &str = "2026-11-20T18:00:00Z";

const SENT: &str = "issue  sent now  sent  waiting  failed  unknown\n";

/// Runs a test with either store; its project has three readers, and `neap` is due.
fn with_both_stores(test: &str, mail: &str, then: impl Fn(&Trial)) {
    let readers = ["a@example.org", "b@example.org", "c@example.org"].map(str::to_owned);
    let database = Database::new(test);
    for store in ["sqlite:slugline.db"].into_iter().chain(database.as_ref().map(Database::url)) {
        let peer = Peer::start(vec![Script::new()]);
        then(&Trial { project: Project::with_readers(&readers, &peer, 1, store, mail), peer });
    }
}

struct Trial {
    project: Project,
    peer: Peer,
}

impl Trial {
    fn write(&self, path: &str, text: &str) {
        self.project.write(path, text);
    }

    /// How often `Neap tide` and `Surge` were mailed.
    fn mailed(&self) -> (usize, usize) {
        let taken = self.peer.taken();
        let count = |text: &str| taken.iter().filter(|message| message.content.contains(text)).count();
        (count("The sea rests."), count("The sea rises"))
    }

    /// The titles in the feed, newest first.
    fn in_feed(&self) -> Vec<String> {
        let feed: serde_json::Value = serde_json::from_str(&self.project.read("public/feed.json")).unwrap();
        feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn says(&self, now: &str, command: &str, expected: &str) {
        let arguments: Vec<&str> = command.split(' ').collect();
        assert_eq!(said(&self.project.run(now, &arguments)), expected, "{command}");
    }

    #[track_caller]
    fn says_this(&self, now: &str, command: &str, exit: i32, parts: &[&str]) {
        let arguments: Vec<&str> = command.split(' ').collect();
        let said = said(&self.project.run(now, &arguments));
        assert!(said.starts_with(&format!("exit {exit}\n")), "{command}: {said}");
        for part in parts {
            assert!(said.contains(part), "{command}: `{part}` is missing in: {said}");
        }
    }

    /// Runs that find nothing more to do mail no one.
    #[track_caller]
    fn mails_no_more(&self, now: &str) {
        let before = self.mailed();
        for command in ["send", "publish", "send"] {
            self.says_this(now, command, 0, &["Nothing was due"]);
        }
        assert_eq!(self.mailed(), before);
    }
}

/// `surge` with these lines in its front matter.
fn surge(toml: bool, lines: &str) -> String {
    match toml {
        false => format!("---\ntitle: Surge\n{lines}\n---\n\nThe sea rises.\n"),
        true => format!("+++\ntitle = \"Surge\"\n{}\n+++\n\nThe sea rises.\n", lines.replace(": ", " = ")),
    }
}

const BOTH: &[&str] = &["Surge", "Neap tide"];
const GOOD: &[&str] = &["Neap tide"];

/// The lines of the front matter, the text, the slip in them and what is right, and what is said.
type TextSlip = (&'static str, &'static str, [&'static str; 2], [&'static str; 3]);

const DATE: &str = "date: 2026-11-20T11:30:00Z";

const TEXT_SLIPS: [TextSlip; 8] = [
    (
        DATE,
        "![The quay](qauy.png)",
        ["qauy", "quay"],
        ["error[image-broken]: there is no image `qauy.png`", "content/surge.md:6:27", "held because of 1 error"],
    ),
    (
        DATE,
        "{{< figrue src=\"quay.png\" alt=\"The quay\" >}}",
        ["figrue", "figure"],
        ["error[shortcode-unknown]: unknown shortcode `figrue`", "content/surge.md:6:15", "did you mean `figure`?"],
    ),
    (
        DATE,
        "[again]({{< relref \"naep.md\" >}})",
        ["naep", "neap"],
        ["error[link-broken]: there is no page `naep.md`", "content/surge.md:6:23", "held because of 1 error"],
    ),
    (
        DATE,
        "[again](neap.md)",
        ["neap.md", "/neap/"],
        ["error[link-broken]: `neap.md` does not exist", "content/surge.md:6:23", "write `/neap/`"],
    ),
    (
        DATE,
        "[heights](heigths.csv)",
        ["heigths", "heights"],
        [
            "error[link-broken]: `heigths.csv` does not exist",
            "content/surge.md:6:25",
            "no issue or file at `/surge/heigths.csv`",
        ],
    ),
    (
        "date: 2026-11-20T11:30:00Z\nsubject: Surge: high",
        "",
        ["Surge: high", "\"Surge: high\""],
        ["error[front-matter-syntax]", "content/surge.md:4:15", "put the value in quotes"],
    ),
    (
        "date: 2026-11-31",
        "",
        ["11-31", "11-20T11:30:00Z"],
        ["error[front-matter-value]", "content/surge.md:3:7", "2026-11-31"],
    ),
    (
        "date: 2026-11-20T11:30:00Z\ndraft: fasle",
        "",
        ["fasle", "false"],
        ["error[front-matter-value]", "content/surge.md:4:8", "`true` or `false`"],
    ),
];

#[test]
fn a_slip_in_the_text_or_a_value_mails_the_issue_to_no_one_until_it_is_corrected() {
    for (lines, text, [wrong, right], expected) in TEXT_SLIPS {
        let file = surge(false, lines).replace("The sea rises.", &format!("The sea rises {text}"));
        with_both_stores("slip_text", "", |trial| {
            trial.write("content/quay.png", "a picture");
            trial.write("content/heights.csv", "height\n");
            trial.write("content/surge.md", &file);
            trial.says_this(LATER, "send", 1, &[&["neap   3         3     0"], &expected[..]].concat());
            trial.says_this(LATER, "publish", 1, &[&["feed.json"], &expected[..]].concat());
            assert_eq!(trial.mailed(), (3, 0), "{file}");
            assert!(trial.in_feed().contains(&"Neap tide".to_owned()));
            trial.write("content/surge.md", &file.replace(wrong, right));
            trial.says_this(LATER, "publish", 0, &["surge  3         3     0"]);
            assert_eq!((trial.mailed(), trial.in_feed().len()), ((3, 3), 2), "{file}");
            trial.mails_no_more(LATER);
        });
    }
}

#[test]
fn a_slip_in_a_template_mails_no_one_until_it_is_corrected() {
    with_both_stores("slip_template", "", |trial| {
        trial.write("content/surge.md", &surge(false, "date: 2026-11-20T11:30:00Z"));
        let template = "<p>{{ issue.titel }}</p>\n{{ body }}\n";
        trial.write("templates/edition.html", template);
        let error = "error[template]: `issue` has no `titel`
 --> templates/edition.html:1:7
  |
1 | <p>{{ issue.titel }}</p>
  |       ^^^^^^^^^^^
  |
  = help: did you mean `title`?
";
        for command in ["send", "publish", "send neap"] {
            trial.says_this(LATER, command, 1, &[error, "`neap` is held because of 1 error: it is mailed to no one"]);
        }
        trial.says_this(LATER, "send", 1, &["`surge` is held because of 1 error: it is mailed to no one"]);
        assert_eq!(trial.mailed(), (0, 0));
        assert_eq!(trial.in_feed(), BOTH);
        trial.write("templates/edition.html", &template.replace("titel", "title"));
        trial.says_this(LATER, "send", 0, &["neap   3         3     0", "surge  3         3     0"]);
        assert_eq!(trial.mailed(), (3, 3));
        trial.mails_no_more(LATER);
    });
}

#[test]
fn a_digest_with_a_slip_waits_whole() {
    with_both_stores("slip_digest", "  edition: digest\n  digest: {every: \"30 12 * * *\"}\n", |trial| {
        trial.write("content/surge.md", &surge(false, "date: 2026-11-20T11:30:00Z\ndarft: true"));
        let held = ["`digest:2026-11-20T1230` is held because of 1 error", "content/surge.md:4:1", "write `draft`"];
        trial.says_this(LATER, "send", 1, &held);
        trial.says_this(LATER, "publish", 1, &held);
        assert_eq!(trial.mailed(), (0, 0));
        assert_eq!(trial.in_feed(), BOTH);
        trial.write("content/surge.md", &surge(false, "date: 2026-11-20T11:30:00Z\ndraft: false"));
        trial.says_this(LATER, "send", 0, &["digest:2026-11-20T1230  3"]);
        assert_eq!((trial.mailed(), trial.peer.count()), ((3, 3), 3));
        trial.mails_no_more(LATER);
    });
}

#[test]
fn a_renamed_post_is_held_until_its_answer_is_spelt_right() {
    let text = "Twice a month the sun stands at right angles to the moon, and takes from the tide what the moon gives.";
    let post = |lines: &str| format!("---\ntitle: Surge\n{lines}---\n\nThe sea rises. {text}\n");
    with_both_stores("slip_renamed", "", |trial| {
        trial.write("content/surge.md", &post("date: 2026-11-20T11:30:00Z\n"));
        trial.says_this("2026-11-20T12:00:00Z", "send surge", 0, &["surge  3"]);
        fs::remove_file(trial.project.folder().join("content/surge.md")).unwrap();
        let held = [
            "error[issue-renamed]: `tides` is held",
            "content/tides.md",
            "aliases: [\"https://tides.example.org/surge/\"]",
        ];
        trial.write(
            "content/tides.md",
            &post("date: 2026-11-20T11:45:00Z\nalises: [/surge/]\n").replace("month", "moon"),
        );
        trial.says_this(LATER, "send", 1, &[&["neap   3         3     0"], &held[..]].concat());
        let told = said(&trial.project.run(LATER, &["publish"]));
        assert!(held.iter().all(|part| told.contains(part)) && !told.contains("possible-rename"), "{told}");
        // No longer due, it is a warning.
        trial.says_this(
            "2026-11-24T12:00:00Z",
            "publish",
            0,
            &["warning[possible-rename]", "aliases: [\"https://tides.example.org/surge/\"]"],
        );
        assert_eq!(trial.mailed(), (3, 3));
        trial.write("content/tides.md", &trial.project.read("content/tides.md").replace("alises", "aliases"));
        trial.mails_no_more(LATER);
        assert_eq!(trial.mailed(), (3, 3));
        assert_eq!(trial.in_feed(), BOTH);
    });
}
