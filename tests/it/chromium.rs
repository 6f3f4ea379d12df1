//! Opens feeds in headless Chromium and checks the pixels on the screen and the visible elements.
//!
//! `tests/run` installs the browser and names it in the environment; without it, these tests are skipped, except in CI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::slugline;
use crate::site::Site;
use crate::skipped::skip;

/// Timeout for one page.
const TIMEOUT: Duration = Duration::from_secs(300);
const WIDTH: usize = 1280;
const HEIGHT: usize = 900;
pub const DARK: &str = "--blink-settings=preferredColorScheme=0";

/// Colours of `templates/feed.css`: page, introduction, links.
const LIGHT_COLOURS: [[u8; 3]; 3] = [[0xfb, 0xfa, 0xf7], [0xff, 0xf1, 0xdf], [0xb4, 0x54, 0x0a]];
const DARK_COLOURS: [[u8; 3]; 3] = [[0x17, 0x18, 0x1b], [0x2b, 0x24, 0x19], [0xf0, 0xa3, 0x5c]];

#[test]
fn a_feed_looks_like_a_page_by_day_and_by_night() {
    let Some(chromium) = Chromium::from_environment() else { return };
    let project = project("zh-CN");
    let site = Site::of(project.path());
    for (feed, flags, colours) in [
        ("feed.xml", &[][..], LIGHT_COLOURS),
        ("feed.xml", &[DARK][..], DARK_COLOURS),
        ("atom.xml", &[][..], LIGHT_COLOURS),
        ("atom.xml", &[DARK][..], DARK_COLOURS),
    ] {
        let picture = chromium.screenshot(&format!("http://{}/news/{feed}", site.address), flags);
        let [page, card, accent] = colours;
        let seen = |colour: [u8; 3]| picture.pixels().filter(|(_, _, other)| is_near(*other, colour)).count();
        assert_eq!(picture.at(0, 0), page, "{feed} {flags:?}: another page");
        assert!(seen(card) > 30_000, "{feed} {flags:?}: no box, {} pixels of it", seen(card));
        assert!(seen(accent) > 500, "{feed} {flags:?}: no links, {} pixels of them", seen(accent));
        let drawn = || picture.pixels().filter(|(_, _, other)| !is_near(*other, page));
        let (left, right) = (drawn().map(|(x, ..)| x).min().unwrap(), drawn().map(|(x, ..)| x).max().unwrap());
        assert!((280..=300).contains(&left) && right <= 1000, "{feed} {flags:?}: text from {left} to {right}");
    }
}

#[test]
fn titles_dates_authors_and_summaries_are_visible_and_no_code() {
    let Some(chromium) = Chromium::from_environment() else { return };
    for (language, about) in
        [("en", "This is a web feed. "), ("zh-TW", "這是一個訂閱源"), ("ja", "これはウェブ"), ("ko", "이 페이지는")]
    {
        let project = project(language);
        fs::write(project.path().join("look.html"), LOOK).unwrap();
        let site = Site::of(project.path());
        let seen = chromium.look(&format!("http://{}/look.html", site.address), &[]);
        let pages: Vec<_> = ["feed.xml 1280", "feed.xml 390", "atom.xml 1280", "atom.xml 390"].into();
        assert_eq!(seen.as_array().unwrap().iter().map(|page| &page["page"]).collect::<Vec<_>>(), pages);
        for page in seen.as_array().unwrap() {
            assert!(page["about"].as_str().unwrap().contains(about), "{language}: {page}");
            assert_eq!(page["wider_than_the_screen"], json!(false), "{page}");
            let by_name = |name: &str| {
                let texts = page["texts"].as_array().unwrap().iter();
                texts.filter(|text| text[0] == name).map(|text| text[1].clone()).collect::<Vec<Value>>()
            };
            let is_rss = page["page"].as_str().unwrap().starts_with("feed");
            let [description, date, author, summary] = if is_rss {
                ["description", "pubDate", "creator", "description"]
            } else {
                ["subtitle", "published", "name", "summary"]
            };
            assert_eq!(by_name("title"), ["潮汐周刊", LONG_TITLE, "Neap"], "{page}");
            assert_eq!(by_name(date).len(), 2, "{page}");
            assert_eq!(by_name(author), ["林汐", "Maren Solvik", "Maren Solvik"], "{page}");
            assert_eq!(by_name(description)[0], "What the sea does.", "{page}");
            assert_eq!(by_name(summary).last().unwrap(), "The moon is at a right angle.", "{page}");
            assert!(!page.to_string().contains("strong"), "the full text is shown: {page}");
        }
    }
}

/// Two issues, the first with unbreakable words, built into `news` like on the site.
fn project(language: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "slugline.yaml",
        &format!(
            "title: 潮汐周刊\ndescription: What the sea does.\nlanguage: {language}\n\
             base_url: https://tides.example.org/news/\noutput: news\n"
        ),
    );
    let slug = "a-slug-that-goes-on".repeat(12);
    write(
        "content/surge.md",
        &format!(
            "---\ntitle: {LONG_TITLE}\nslug: {slug}\ndate: 2026-11-12\nauthors: [林汐, Maren Solvik]\n---\n\n**Wind** lifts the sea.\n"
        ),
    );
    write(
        "content/neap.md",
        "---\ntitle: Neap\ndate: 2026-11-05\nauthor: Maren Solvik\ndescription: The moon is at a right angle.\n---\n\n**Low**.\n",
    );
    let build = slugline(folder.path()).args(["--now", "2026-11-20T08:00:00Z", "build"]).output().unwrap();
    assert_eq!(build.status.code(), Some(0), "{build:?}");
    folder
}

const LONG_TITLE: &str =
    "An_unbroken_title_that_is_far_longer_than_any_telephone_is_wide_with_no_place_to_break_at_all";

/// The contrast ratio of two CSS colours by WCAG 2.1.
pub const CONTRAST: &str = r#"const numbers = colour => colour.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (one, other) => {
  const [a, b] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (a + 0.05) / (b + 0.05);
};"#;

/// A page that shows each feed at desktop and phone width, and records what is visible.
const LOOK: &str = r#"<!doctype html><meta charset="utf-8"><pre id="seen"></pre><script>
const look = (feed, width) => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.src = "/news/" + feed;
  frame.onload = () => {
    const inside = frame.contentDocument, root = inside.documentElement, style = frame.contentWindow.getComputedStyle;
    const head = inside.querySelector("channel") || root;
    const own = one => [...one.childNodes].filter(it => it.nodeType == 3 || it.nodeType == 4).map(it => it.data).join("").trim();
    const shown = [...inside.querySelectorAll("*")].filter(one => one.getClientRects().length && own(one));
    done({
      page: feed + " " + width,
      about: style(head, "::before").content,
      wider_than_the_screen: root.scrollWidth > frame.contentWindow.innerWidth,
      texts: shown.map(one => [one.localName, own(one)]),
    });
  };
  document.body.append(frame);
});
(async () => {
  const seen = [];
  for (const feed of ["feed.xml", "atom.xml"]) for (const width of [1280, 390]) seen.push(await look(feed, width));
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"#;

/// The browser named in the environment; without one, the test is skipped.
pub fn program() -> Option<PathBuf> {
    let program = env::var_os("SLUGLINE_TEST_CHROMIUM");
    if program.is_none() {
        skip("there is no Chromium; `tests/run` installs it");
    }
    program.map(PathBuf::from)
}

/// The browser.
pub struct Chromium {
    program: PathBuf,
}

impl Chromium {
    /// The one named in the environment.
    pub fn from_environment() -> Option<Self> {
        program().map(|program| Self { program })
    }

    fn screenshot(&self, url: &str, flags: &[&str]) -> Picture {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("screen.png");
        self.shoot(url, flags, (WIDTH, HEIGHT), &file);
        Picture::read(&file)
    }

    /// Captures a window of this width and height.
    pub fn shoot(&self, url: &str, flags: &[&str], (width, height): (usize, usize), file: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = vec![
            format!("--screenshot={}", file.display()),
            format!("--window-size={width},{height}"),
            "--hide-scrollbars".to_owned(),
            // Otherwise the screenshot may be taken before the page is painted.
            "--run-all-compositor-stages-before-draw".to_owned(),
        ];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self.run(url, &arguments, folder.path());
    }

    /// What the script of a page recorded.
    pub fn look(&self, url: &str, flags: &[&str]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let flags = ["--dump-dom", "--virtual-time-budget=30000"].iter().chain(flags);
        let dom = self.run(url, &flags.map(|flag| (*flag).to_owned()).collect::<Vec<_>>(), folder.path());
        let seen = dom.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
        let seen = html_escape::decode_html_entities(seen.unwrap_or_else(|| panic!("no page: {dom}")));
        serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {dom}"))
    }

    /// Opens a page and returns what Chromium writes to stdout. `folder` is for its own files.
    fn run(&self, url: &str, arguments: &[String], folder: &Path) -> String {
        let out = folder.join("stdout");
        let mut command = Command::new(&self.program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.arg("--disable-dev-shm-usage").arg(format!("--user-data-dir={}", folder.join("profile").display()));
        command.args(arguments).arg(url).stdin(Stdio::null()).stderr(Stdio::null());
        let mut browser = command.stdout(fs::File::create(&out).unwrap()).spawn().unwrap();
        let deadline = Instant::now() + TIMEOUT;
        while browser.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                browser.kill().unwrap();
                browser.wait().unwrap();
                panic!("Chromium did not show {url} in {TIMEOUT:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        fs::read_to_string(out).unwrap()
    }
}

/// A screenshot.
struct Picture {
    width: usize,
    /// Bytes per pixel, starting with red, green and blue.
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn read(file: &Path) -> Self {
        let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(file).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (WIDTH, HEIGHT));
        Self { width: WIDTH, channels: info.color_type.samples(), bytes }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * self.channels;
        [self.bytes[start], self.bytes[start + 1], self.bytes[start + 2]]
    }

    /// Column, row and colour.
    fn pixels(&self) -> impl Iterator<Item = (usize, usize, [u8; 3])> {
        (0..HEIGHT).flat_map(move |y| (0..self.width).map(move |x| (x, y, self.at(x, y))))
    }
}

fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= 3)
}
