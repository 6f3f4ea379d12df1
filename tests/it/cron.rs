//! `--quiet publish` once a minute: what a cron job's owner gets by mail.

use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Peer, Script};

const BROKEN: &str = "---\ntitle: [\n---\n\nThe sea rests.\n";

/// What `--quiet publish` shows at that time.
fn publish(project: &Project, now: &str) -> String {
    said(&project.run(now, &["--quiet", "publish"]))
}

#[test]
fn a_job_shows_what_happened_and_an_unchanged_problem_once_a_day() {
    let peer = Peer::start(vec![Script::new()]);
    let project = Project::new(&peer, "");
    let first = publish(&project, "2026-11-20T12:00:00Z");
    assert!(first.starts_with("exit 0\n") && first.contains("neap   3"), "{first}");
    assert_eq!(publish(&project, "2026-11-20T12:01:00Z"), "exit 0\n", "nothing happened");

    project.write("content/broken.md", BROKEN);
    let broken = publish(&project, "2026-11-20T12:02:00Z");
    assert!(broken.starts_with("exit 1\n") && broken.contains("content/broken.md"), "{broken}");
    for minute in 3..6 {
        assert_eq!(publish(&project, &format!("2026-11-20T12:0{minute}:00Z")), "exit 1\n");
    }
    assert_eq!(publish(&project, "2026-11-21T00:00:00Z"), broken, "the next day");

    project.write("content/broken.md", "---\ntitle: Never closed\n");
    let changed = publish(&project, "2026-11-21T00:01:00Z");
    assert!(changed.contains("content/broken.md") && changed != broken, "{changed}");
    project.write("content/broken.md", "---\ntitle: Whole\n---\n");
    publish(&project, "2026-11-21T00:02:00Z");
    project.write("content/broken.md", BROKEN);
    assert_eq!(publish(&project, "2026-11-21T00:03:00Z"), broken, "fixed, and broken again");
}

#[test]
fn a_refusal_of_everything_is_shown_once_a_day() {
    let project = Project::without_store(&Peer::start(vec![Script::new()]), "");
    let refused = publish(&project, "2026-11-20T12:00:00Z");
    assert!(refused.contains("exit 2\n") && refused.contains("error[store-new]"), "{refused}");
    assert_eq!(publish(&project, "2026-11-20T12:01:00Z"), "exit 2\n");
    let config = project.read("slugline.yaml");
    project.write("slugline.yaml", "titel: Tide Notes\n");
    let invalid = publish(&project, "2026-11-20T12:02:00Z");
    assert!(invalid.contains("exit 2\n") && invalid.contains("titel"), "{invalid}");
    assert_eq!(publish(&project, "2026-11-20T12:03:00Z"), "exit 2\n");
    project.write("slugline.yaml", &config);
    assert_eq!(publish(&project, "2026-11-20T12:04:00Z").matches("error[store-new]").count(), 1);
}
