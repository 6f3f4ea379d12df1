//! Editions in headless Chromium: on a desktop and a phone, by day and by night, with `<style>` and without it.
//!
//! `SLUGLINE_TEST_PICTURES=DIR` writes what the browser shows into a folder, to be looked at.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::chromium::{CONTRAST, Chromium, DARK};
use crate::letters::{self, BASE, Letter};
use crate::program::copy_folder;
use crate::site::Site;

/// Width of a phone.
const PHONE: u64 = 375;

/// Of text against its ground: WCAG 2.2, success criterion 1.4.3.
const MIN_CONTRAST: f64 = 4.5;

#[test]
fn an_edition_keeps_its_shape_on_every_screen() {
    let Some(chromium) = Chromium::from_environment() else { return };
    let folder = tempfile::tempdir().unwrap();
    letters::project(folder.path());
    let letters = letters::all(folder.path());
    let pages = write_pages(folder.path(), &letters);
    let site = Site::of(folder.path());
    let address = |page: &str| format!("http://{}/{page}", site.address);
    let pictures = env::var_os("SLUGLINE_TEST_PICTURES").map(PathBuf::from);
    for (flags, light) in [(&[][..], "light"), (&[DARK][..], "dark")] {
        let screens = chromium.look(&address("look.html"), flags);
        let screens = screens.as_array().unwrap();
        assert_eq!(screens.len(), pages.len() * 2);
        screens.iter().for_each(|screen| judge(screen, light));
        for (folder, screen) in pictures.iter().flat_map(|folder| screens.iter().map(move |screen| (folder, screen))) {
            take_picture(&chromium, screen, &address, flags, &folder.join(light));
        }
    }
    for (folder, Letter { name, text, .. }) in
        pictures.iter().flat_map(|folder| letters.iter().map(move |one| (folder, one)))
    {
        let size = (800, 40 + text.lines().count() * 21);
        chromium.shoot(&address(&format!("{name}-text.html")), &[], size, &folder.join(format!("{name}-text.png")));
    }
}

/// Writes every edition, the same without `<style>`, its text, and a page that inspects them; returns their names.
fn write_pages(folder: &Path, letters: &[Letter]) -> Vec<String> {
    copy_folder(&folder.join("content/issues"), &folder.join("issues")).unwrap();
    let mut pages = Vec::new();
    for Letter { name, html, text } in letters {
        let html = html.replace(BASE, "/");
        let (before, rest) = html.split_once("<style>").unwrap();
        let without_style = format!("{before}{}", rest.split_once("</style>").unwrap().1);
        for (page, html) in [(format!("{name}.html"), &html), (format!("{name}-without-style.html"), &without_style)] {
            fs::write(folder.join(&page), html).unwrap();
            let phone = format!(
                "<!doctype html><body style=\"margin: 0; background: #888\"><iframe src=\"/{page}\" width=\"{PHONE}\" height=\"4000\" style=\"border: 0\">"
            );
            fs::write(folder.join(format!("phone-{page}")), phone).unwrap();
            pages.push(page);
        }
        let text = html_escape::encode_text(text);
        let page =
            format!("<!doctype html><meta charset=\"utf-8\"><pre style=\"font: 14px/1.5 monospace\">{text}</pre>");
        fs::write(folder.join(format!("{name}-text.html")), page).unwrap();
    }
    fs::write(
        folder.join("look.html"),
        LOOK.replace("CONTRAST", CONTRAST).replace("PAGES", &serde_json::to_string(&pages).unwrap()),
    )
    .unwrap();
    pages
}

fn judge(screen: &Value, light: &str) {
    let page = screen["page"].as_str().unwrap();
    let at = format!("{page}, {} pixels, {light}", screen["width"]);
    assert_eq!(screen["wider_than_the_screen"], false, "{at}");
    assert_eq!(screen["out_of_the_screen"].as_array().unwrap(), &Vec::<Value>::new(), "{at}");
    assert_eq!(screen["preheader_is_seen"], false, "{at}");
    assert!(screen["texts"].as_u64().unwrap() > 20, "{at}: {screen}");
    let worst = &screen["worst_contrast"];
    assert!(worst["ratio"].as_f64().unwrap() >= MIN_CONTRAST, "{at}: {worst}");
    for picture in screen["pictures"].as_array().unwrap() {
        assert!(picture["width"].as_f64().unwrap() <= picture["column"].as_f64().unwrap() + 0.5, "{at}: {picture}");
        assert!(picture["has_alt"] == true && picture["has_width"] == true, "{at}: {picture}");
    }
    // Without `<style>` there is no night; its grounds are never pure black, nor transparent.
    let dark = light == "dark" && !page.contains("without-style");
    let expected =
        if dark { ["rgb(20, 22, 26)", "rgb(28, 31, 36)"] } else { ["rgb(243, 244, 242)", "rgb(255, 255, 255)"] };
    assert_eq!([&screen["ground"], &screen["sheet"]], expected, "{at}");
    let right_to_left = page.starts_with("tide-in-arabic");
    assert_eq!(screen["right_to_left"], right_to_left, "{at}");
}

/// A window is never narrower than 500 pixels, so a phone is a frame in one.
fn take_picture(chromium: &Chromium, screen: &Value, address: &dyn Fn(&str) -> String, flags: &[&str], folder: &Path) {
    let [page, width, height] = ["page", "width", "height"].map(|key| &screen[key]);
    let (page, height) = (page.as_str().unwrap(), usize::try_from(height.as_u64().unwrap()).unwrap());
    let is_phone = *width == PHONE;
    let (seen, width) = if is_phone { (format!("phone-{page}"), 500) } else { (page.to_owned(), 800) };
    fs::create_dir_all(folder).unwrap();
    let file = format!("{}-{}.png", page.trim_end_matches(".html"), if is_phone { "phone" } else { "desktop" });
    chromium.shoot(&address(&seen), flags, (width, height), &folder.join(file));
}

/// Shows each page on a desktop and on a phone, and writes down what can be seen there.
const LOOK: &str = r#"<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><pre id="seen"></pre><script>
CONTRAST
const look = (page, width) => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.src = "/" + page;
  frame.onload = () => {
    const inside = frame.contentDocument, root = inside.documentElement, style = frame.contentWindow.getComputedStyle;
    const ground = one => {
      for (; one; one = one.parentElement) {
        const colour = numbers(style(one).backgroundColor);
        if (colour.length == 3 || colour[3] == 1) return colour;
      }
      return [0, 0, 0];
    };
    const scrolls = one => one && (/auto|scroll/.test(style(one).overflowX) || scrolls(one.parentElement));
    const texts = [], out = [];
    const walker = inside.createTreeWalker(inside.body, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
      const range = inside.createRange(), parent = node.parentElement;
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter(box => box.width > 1);
      if (!node.data.trim() || !boxes.length) continue;
      texts.push({ text: node.data.trim().slice(0, 40), ratio: contrast(numbers(style(parent).color), ground(parent)) });
      if (!scrolls(parent) && boxes.some(box => box.left < 0 || box.right > width + 0.5)) out.push(node.data.trim());
    }
    const inner = one => one.clientWidth - parseFloat(style(one).paddingLeft) - parseFloat(style(one).paddingRight);
    const preheader = inside.querySelector(".preheader");
    done({
      page, width, height: root.scrollHeight,
      wider_than_the_screen: root.scrollWidth > width,
      out_of_the_screen: out,
      preheader_is_seen: !preheader || preheader.getClientRects().length > 0,
      texts: texts.length,
      worst_contrast: texts.reduce((worst, one) => one.ratio < worst.ratio ? one : worst),
      pictures: [...inside.images].map(one => ({
        source: one.getAttribute("src"), width: one.getBoundingClientRect().width, column: inner(one.closest("td")),
        has_alt: one.hasAttribute("alt"), has_width: one.hasAttribute("width"),
      })),
      ground: style(inside.querySelector(".page")).backgroundColor,
      sheet: style(inside.querySelector(".sheet")).backgroundColor,
      right_to_left: style(inside.querySelector("h1")).textAlign == "right" && style(inside.querySelector("h1")).direction == "rtl",
    });
  };
  document.body.append(frame);
});
(async () => {
  const seen = [];
  for (const page of PAGES) for (const width of [800, 375]) seen.push(await look(page, width));
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"#;
