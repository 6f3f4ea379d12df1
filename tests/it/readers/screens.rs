//! The pages for readers in headless Chromium: a reader does everything in every language, on a desktop and a phone, in light and
//! dark mode. Nothing overflows the screen, all text is legible, and axe finds nothing.
//!
//! `SLUGLINE_TEST_AXE=FILE` names `axe.min.js`; `SLUGLINE_TEST_PICTURES=DIR` writes screenshots into a folder.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::json;

use super::*;
use crate::chromium::{self, CONTRAST};
use crate::devtools;
use crate::site::Site;
use crate::skipped::skip;

/// Minimum contrast of text: WCAG 2.2, success criterion 1.4.3.
const MIN_CONTRAST: f64 = 4.5;

/// Minimum size of what is pressed: WCAG 2.2, success criterion 2.5.8.
const MIN_TARGET: f64 = 24.0;

const LANGUAGES: [&str; 5] = ["en", "zh-Hans", "zh-Hant", "ja", "ko"];

/// A reader at a browser.
struct Reader {
    page: devtools::Page,
    /// `serve.url`.
    url: String,
    language: &'static str,
    axe: Option<String>,
    pictures: Option<PathBuf>,
    /// How many pages were looked at.
    seen: usize,
}

/// The source of axe; without it, the pages are only measured.
fn axe() -> Option<String> {
    let file = env::var_os("SLUGLINE_TEST_AXE");
    if file.is_none() {
        skip("there is no axe; `tests/run` fetches it with npm");
    }
    file.map(|file| fs::read_to_string(file).unwrap())
}

#[test]
fn a_reader_does_everything_in_a_browser_on_every_screen() {
    let Some(program) = chromium::program() else { return };
    let axe = axe();
    let mut newsroom = Newsroom::new("sqlite:slugline.db", None);
    let (url, address) = own_address(&newsroom);
    newsroom.listen(NOON, &address);
    let pictures = env::var_os("SLUGLINE_TEST_PICTURES").map(PathBuf::from);
    pictures.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
    let page = devtools::Page::open(&program, &format!("{url}subscribe"));
    let mut reader = Reader { page, url, language: "en", axe, pictures, seen: 0 };
    for language in LANGUAGES {
        reader.language = language;
        comes_and_goes(&newsroom, &mut reader, language);
    }
    assert_eq!(reader.seen, LANGUAGES.len() * 20);
    let scripts = reader.page.requests.iter().filter(|url| !url.starts_with(&reader.url)).collect::<Vec<_>>();
    assert_eq!(scripts, [""; 0], "pages load nothing from elsewhere");
}

/// Browsers apply the policy of the page also to where a form leads by a redirect.
#[test]
fn a_form_of_another_site_leads_back_to_it() {
    let Some(program) = chromium::program() else { return };
    let mut newsroom = Newsroom::new("sqlite:slugline.db", None);
    let site_folder = tempfile::tempdir().unwrap();
    let site = Site::of(site_folder.path());
    let (_, address) = own_address(&newsroom);
    let thanks = format!("http://{}/thanks.html", site.address);
    let project = fs::read_to_string(newsroom.path().join("slugline.yaml")).unwrap();
    newsroom.write("slugline.yaml", &project.replace("https://tides.example.org/thanks/", &thanks));
    newsroom.listen(NOON, &address);
    let form = newsroom.says(&["links", "--form", "--thanks", &thanks]);
    fs::write(site_folder.path().join("form.html"), format!("<!doctype html><title>Form</title>{form}")).unwrap();
    fs::write(site_folder.path().join("thanks.html"), "<!doctype html><title>Thank you</title>").unwrap();
    let mut page = devtools::Page::open(&program, &format!("http://{}/form.html", site.address));
    for website in ["", "filled in"] {
        page.go(&format!("http://{}/form.html", site.address));
        let fields = format!("form.email.value = 'a{}@example.org'; form.website.value = '{website}'", website.len());
        page.value_of(&format!("(() => {{ const form = document.querySelector('form'); {fields}; form.submit() }})()"));
        if !website.is_empty() {
            page.wait_for("document.title == 'One more step'");
            page.value_of("document.querySelector('button').click()");
        }
        page.wait_for("document.title == 'Thank you'");
    }
    newsroom.settle();
    assert_eq!(newsroom.peer.count(), 2);
}

/// Has the pages at a free port of this machine: `serve.url`, and where to listen.
fn own_address(newsroom: &Newsroom) -> (String, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let project = fs::read_to_string(newsroom.path().join("slugline.yaml")).unwrap();
    newsroom.write("slugline.yaml", &project.replace(URL, &url));
    (url, format!("127.0.0.1:{port}"))
}

fn comes_and_goes(newsroom: &Newsroom, reader: &mut Reader, language: &str) {
    let email = format!("{}@example.org", language.to_lowercase());
    reader.opens(&format!("subscribe?language={language}"), "form");
    reader.types(&format!("no address {}", "x".repeat(60)));
    reader.presses("form-invalid");
    reader.types(&email);
    // A form that is filled in at once takes one more step.
    reader.presses("step");
    reader.presses("sent");
    let mail = newsroom.mail_to(&email).pop().unwrap();
    let [confirm, block] = links_below(&reader.url, &mail).try_into().unwrap();
    reader.opens(&block[1..], "block");
    reader.opens(&confirm[1..], "confirm");
    reader.presses("confirmed");
    reader.opens(&format!("link?language={language}"), "link");
    reader.types("not an address");
    reader.presses("link-invalid");
    reader.types(&email);
    reader.presses("link-sent");
    newsroom.settle();
    let leave = leave_path(newsroom, &email);
    reader.opens(&leave, "leave");
    reader.presses("left");
    reader.presses("back");
    reader.opens(&leave, "leave-again");
    reader.presses("left-again");
    let goodbye = newsroom.mail_to(&email).pop().unwrap();
    let undo = links_below(&reader.url, &goodbye).into_iter().find(|link| link.starts_with("/return/")).unwrap();
    reader.opens(&undo[1..], "return");
    reader.presses("returned");
    reader.opens(&format!("confirm/0?language={language}"), "confirm-expired");
    reader.opens(&format!("leave/0?language={language}"), "leave-invalid");
    reader.opens(&format!("nothing?language={language}"), "not-found");
}

/// A link to unsubscribe, as an issue has it.
fn leave_path(newsroom: &Newsroom, email: &str) -> String {
    newsroom.send(&format!("neap-{}", email.split('@').next().unwrap()));
    let message = newsroom.mail_to(email).pop().unwrap();
    let content = message.content.replace("\r\n ", " ");
    let field = content.lines().find_map(|line| line.strip_prefix("List-Unsubscribe:")).unwrap();
    format!("leave/{}", field.rsplit('/').next().unwrap().trim_end_matches('>'))
}

impl Reader {
    fn opens(&mut self, path: &str, name: &str) {
        let address = format!("{}{path}", self.url);
        self.page.go(&address);
        self.looks(name);
    }

    /// Types an address into the form.
    fn types(&mut self, email: &str) {
        self.page.value_of(&format!(
            "(() => {{ const form = document.querySelector('form'); form.noValidate = true; form.email.value = {}; }})()",
            json!(email)
        ));
    }

    /// Presses the button of the page, and waits for the next page.
    fn presses(&mut self, name: &str) {
        self.page.value_of("window.isOld = true; document.querySelector('main button, button').click()");
        self.page.wait_for("!window.isOld && document.readyState == 'complete'");
        self.looks(name);
    }

    /// Inspects the page on every screen.
    fn looks(&mut self, name: &str) {
        self.seen += 1;
        let language = self.language;
        for scheme in ["light", "dark"] {
            let feature = json!([{"name": "prefers-color-scheme", "value": scheme}]);
            self.page.call("Emulation.setEmulatedMedia", &json!({"features": feature}));
            for width in [1280, 320] {
                let screen = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500});
                self.page.call("Emulation.setDeviceMetricsOverride", &screen);
                let what = format!("{name} in {language}, {scheme}, {width}");
                let seen = self.page.value_of(&LOOK.replace("CONTRAST", CONTRAST));
                assert_eq!(seen["language"], language, "{what}: {seen}");
                assert_eq!(seen["wider_than_the_screen"], false, "{what}: {seen}");
                assert!(seen["texts"].as_u64().unwrap() >= 3, "{what}: {seen}");
                assert!(seen["worst"]["ratio"].as_f64().unwrap() >= MIN_CONTRAST, "{what}: {seen}");
                assert!(seen["smallest"].as_f64().unwrap() >= MIN_TARGET, "{what}: {seen}");
                self.pictures(&format!("readers-{language}-{name}-{scheme}-{width}"));
            }
            if let Some(axe) = &self.axe {
                self.page.value_of(&format!("{axe}; 0"));
                let found = self.page.value_of(AXE);
                assert_eq!(found, json!([]), "{name} in {language}, {scheme}");
            }
        }
    }

    fn pictures(&mut self, name: &str) {
        if let Some(folder) = &self.pictures {
            let file = folder.join(format!("{name}.png"));
            let picture = self.page.call("Page.captureScreenshot", &json!({}));
            let bytes = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
    }
}

/// What axe finds, with the place of each fault.
const AXE: &str = "axe.run().then(it => it.violations.map(found => [found.id, found.nodes.map(node => node.html)]))";

/// What is visible of the page.
const LOOK: &str = r#"(() => {
CONTRAST
  const root = document.documentElement;
  const shown = one => one.getClientRects().length && !one.closest("[aria-hidden]");
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = numbers(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] == 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const one = node.parentElement;
    if (!node.data.trim() || !shown(one)) continue;
    texts.push({ text: node.data.trim().slice(0, 40), ratio: contrast(numbers(getComputedStyle(one).color), behind(one)) });
  }
  const pressed = [...document.querySelectorAll("button, input:not([type=hidden])")].filter(shown);
  const sizes = pressed.map(one => one.getBoundingClientRect()).flatMap(box => [box.width, box.height]);
  return {
    language: root.lang,
    wider_than_the_screen: root.scrollWidth > innerWidth,
    texts: texts.length,
    worst: texts.reduce((worst, one) => one.ratio < worst.ratio ? one : worst),
    smallest: Math.min(24, ...sizes),
  };
})()"#;
