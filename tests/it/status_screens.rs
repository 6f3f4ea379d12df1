//! The page of `status --html` in headless Chromium, on a desktop and a phone, in light and dark mode: nothing overflows
//! the screen, no labels overlap, and all text is legible.
//!
//! `SLUGLINE_TEST_PICTURES=DIR` writes screenshots into a folder.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::chromium::{CONTRAST, Chromium, DARK};
use crate::inbox::{bounce, complaint};
use crate::program::slugline;
use crate::site::Site;
use crate::smtp_peer::{Answer, Peer, Script};

/// Minimum contrast of text: WCAG 2.2, success criterion 1.4.3.
const MIN_CONTRAST: f64 = 4.5;

#[test]
fn the_page_of_a_mailing_is_legible_on_every_screen() {
    let Some(chromium) = Chromium::from_environment() else { return };
    let folder = tempfile::tempdir().unwrap();
    mail(folder.path());
    fs::write(folder.path().join("look.html"), LOOK.replace("CONTRAST", CONTRAST)).unwrap();
    let phone = "<!doctype html><body style=\"margin: 0\"><iframe src=\"/status.html\" width=\"375\" height=\"3400\" style=\"border: 0\">";
    fs::write(folder.path().join("phone.html"), phone).unwrap();
    let site = Site::of(folder.path());
    let address = |page: &str| format!("http://{}/{page}", site.address);
    for (flags, light) in [(&[][..], "light"), (&[DARK][..], "dark")] {
        let screens = chromium.look(&address("look.html"), flags);
        let screens = screens.as_array().unwrap();
        assert_eq!(screens.iter().map(|screen| &screen["width"]).collect::<Vec<_>>(), [1280, 600, 375, 320]);
        for screen in screens {
            assert_eq!(screen["wider_than_the_screen"], false, "{light}: {screen}");
            assert_eq!(screen["on_each_other"], json!([]), "{light}: {screen}");
            assert_eq!(screen["out_of_their_plot"], json!([]), "{light}: {screen}");
            assert!(screen["texts"].as_u64().unwrap() > 60, "{light}: {screen}");
            assert!(screen["worst"]["ratio"].as_f64().unwrap() >= MIN_CONTRAST, "{light}: {}", screen["worst"]);
            assert_eq!(screen["plots"], Value::from(1), "one plot over time is shown");
        }
        if let Some(pictures) = env::var_os("SLUGLINE_TEST_PICTURES").map(PathBuf::from) {
            fs::create_dir_all(&pictures).unwrap();
            let picture = |kind: &str| pictures.join(format!("status-{kind}-{light}.png"));
            chromium.shoot(&address("status.html"), flags, (1000, 2800), &picture("desktop"));
            chromium.shoot(&address("phone.html"), flags, (500, 3400), &picture("phone"));
        }
    }
}

/// A mailing with every outcome, in three runs; then its bounces and a complaint, and its page.
fn mail(folder: &Path) {
    let peer = Peer::start(vec![
        Script::new()
            .always("RCPT TO:<full", Answer::Say("552 5.2.2 Over quota"))
            .always("RCPT TO:<gone", Answer::Say("550 5.1.1 No such user"))
            .always("RCPT TO:<grey", Answer::Say("450 4.7.1 Greylisted")),
    ]);
    let project = format!(
        "title: Tide Notes\nbase_url: https://tides.example.org\n\
         mail: {{from: n@tides.example.org, via: \"smtp://127.0.0.1:{}\", connections: 1, unsubscribe: none, \
         subscribers: readers.csv, most_failures: 100%}}\n",
        peer.port()
    );
    fs::write(folder.join("slugline.yaml"), project).unwrap();
    fs::create_dir(folder.join("content")).unwrap();
    let issue = "---\ntitle: What_the_sea_does_in_a_title_without_a_place_to_break_at_all\nslug: neap\ndate: 2026-11-20\n---\n\nIt rises.\n";
    fs::write(folder.join("content/neap.md"), issue).unwrap();
    let mut readers = String::from("email\n");
    for number in 0..240 {
        let kind = ["reader", "reader", "reader", "full", "gone", "grey"][(number * number) % 97 % 6];
        let domain = ["tides.example", "harbour.example", "a-domain-that-goes-on-and-on-and-on.example"];
        let domain = domain.get(number % 9).map_or_else(|| format!("d{}.example", number % 25), |it| (*it).to_owned());
        writeln!(readers, "{kind}{number}@{domain}").unwrap();
    }
    fs::write(folder.join("readers.csv"), readers).unwrap();
    let run = |now: &str, arguments: &[&str]| {
        let output = slugline(folder).args(["--now", now]).args(arguments).output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{output:?}");
    };
    run("2026-11-20T22:58:00Z", &["send", "--first", "--limit", "100"]);
    run("2026-11-20T22:58:03Z", &["send", "--limit", "100"]);
    run("2026-11-21T06:30:00Z", &["send"]);
    let reports = folder.join("reports");
    fs::create_dir(&reports).unwrap();
    for (number, taken) in peer.taken().iter().step_by(9).enumerate() {
        let header = taken.content.split_once("\r\n\r\n").unwrap().0.replace("\r\n", "\n");
        let reply = ["550 5.1.1 No such user", "552 5.2.2 Mailbox full", "550 5.7.1 Refused"][number % 3];
        let report = if number == 0 { complaint(&header) } else { bounce(&taken.to, reply, &header) };
        fs::write(reports.join(format!("{number}.eml")), report).unwrap();
    }
    run("2026-11-21T06:30:00Z", &["inbox", reports.to_str().unwrap()]);
    run("2026-11-21T06:30:00Z", &["status", "--html", "status.html"]);
}

/// Shows the page at several widths and reports what is visible there.
const LOOK: &str = r#"<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><pre id="seen"></pre><script>
CONTRAST
const look = width => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.src = "/status.html";
  frame.onload = () => {
    const inside = frame.contentDocument, root = inside.documentElement, style = frame.contentWindow.getComputedStyle;
    inside.querySelectorAll("details").forEach(one => one.open = true);
    const sheet = numbers(style(inside.querySelector(".sheet")).backgroundColor);
    const texts = [];
    const walker = inside.createTreeWalker(inside.body, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
      const range = inside.createRange(), parent = node.parentElement;
      range.selectNodeContents(node);
      if (!node.data.trim() || ![...range.getClientRects()].some(box => box.width > 1)) continue;
      const colour = parent.closest("svg") ? style(parent).fill : style(parent).color;
      texts.push({ text: node.data.trim().slice(0, 40), ratio: contrast(numbers(colour), sheet) });
    }
    const plots = [...inside.querySelectorAll("svg.time")].filter(one => one.getClientRects().length);
    // Lines of some fonts are half as high again as their letters: what counts are the letters.
    const letters = one => {
      const box = one.getBoundingClientRect(), middle = (box.top + box.bottom) / 2, half = parseFloat(style(one).fontSize) * one.getScreenCTM().a / 2;
      return { left: box.left, right: box.right, top: middle - half, bottom: middle + half };
    };
    const labels = plots.flatMap(plot => [...plot.querySelectorAll("text")].map(one => ({ text: one.textContent, box: letters(one), plot: plot.getBoundingClientRect() })));
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom;
    done({
      width,
      wider_than_the_screen: root.scrollWidth > width,
      on_each_other: labels.flatMap((one, at) => labels.slice(at + 1).filter(other => meet(one.box, other.box)).map(other => [one.text, other.text])),
      out_of_their_plot: labels.filter(one => one.box.left < one.plot.left - 1 || one.box.right > one.plot.right + 1 || one.box.bottom > one.plot.bottom + 1).map(one => one.text),
      texts: texts.length,
      plots: plots.length,
      worst: texts.reduce((worst, one) => one.ratio < worst.ratio ? one : worst),
    });
  };
  document.body.append(frame);
});
(async () => {
  const seen = [];
  for (const width of [1280, 600, 375, 320]) seen.push(await look(width));
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"#;
