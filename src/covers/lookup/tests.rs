use super::*;

/// The header of a PNG of 3 by 2 pixels: all that its type and size are read from.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";
const HTML: &[u8] = b"<!DOCTYPE html><title>404</title>";

/// What is known of a cover of the issue at `path`, in a project with these files.
fn known(path: &str, cover: &str, files: &[(&str, &[u8])]) -> Known {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", b"title: T\nbase_url: https://example.org/site\n").unwrap();
    project.write(path, format!("---\ntitle: a\ncover: '{cover}'\n---\n").as_bytes()).unwrap();
    for (file, bytes) in files {
        project.write(file, bytes).unwrap();
    }
    let config = crate::load::config(&project, "slugline.yaml").unwrap();
    let issues = crate::load::issues(&project, &config).unwrap().issues;
    let (covers, findings) = Covers::open(&project, &config).unwrap();
    assert_eq!(findings, []);
    covers.of(&issues[0])
}

/// Address, type, bytes and pixels.
type Shown = (String, Option<String>, Option<u64>, Option<(u32, u32)>);

/// A cover with which nothing is wrong.
fn cover(path: &str, written: &str, file: &str) -> Shown {
    let known = known(path, written, &[(file, PNG)]);
    assert_eq!(known.finding, None, "{written}");
    let cover = known.cover.unwrap();
    (cover.url.to_string(), cover.mime_type, cover.bytes, cover.size)
}

fn png(url: &str) -> Shown {
    (url.to_owned(), Some("image/png".to_owned()), Some(PNG.len() as u64), Some((3, 2)))
}

#[test]
fn a_file_is_found_where_hugo_publishes_it_and_its_bytes_tell_what_it_is() {
    const BUNDLE: &str = "content/blog/a/index.md";
    const SINGLE: &str = "content/blog/a.md";
    let site = "https://example.org/site";
    for (path, written, file, url) in [
        (BUNDLE, "海 1.jpg", "content/blog/a/海 1.jpg", "/blog/a/%E6%B5%B7%201.jpg"),
        (BUNDLE, "%E6%B5%B7%201.jpg?v=2", "content/blog/a/海 1.jpg", "/blog/a/%E6%B5%B7%201.jpg?v=2"),
        (BUNDLE, "./img/a.png", "content/blog/a/img/a.png", "/blog/a/img/a.png"),
        (BUNDLE, "../shared/a.png", "content/blog/shared/a.png", "/blog/shared/a.png"),
        (BUNDLE, "images/a.png", "static/images/a.png", "/images/a.png"),
        (BUNDLE, "images/a%20b.png", "assets/images/a b.png", "/images/a%20b.png"),
        (SINGLE, "a.png", "content/blog/a.png", "/blog/a.png"),
        (SINGLE, "https://example.org/site/a%20b.png", "static/a b.png", "/a%20b.png"),
        (SINGLE, "//example.org/site/a.png", "static/a.png", "/a.png"),
        (SINGLE, "/site/a.png", "static/a.png", "/a.png"),
    ] {
        assert_eq!(cover(path, written, file), png(&format!("{site}{url}")), "{written}");
    }
    assert_eq!(cover(SINGLE, "/a.png", "static/a.png"), png("https://example.org/a.png"));
}

#[test]
fn nothing_is_guessed_of_a_file_that_is_missing_or_no_picture() {
    for (written, rule, message) in [
        ("a.gif", "cover-no-picture", "`static/a.gif` is no picture"),
        ("/b.png", "cover-missing", "there is no file `/b.png`"),
        ("../../../../etc/passwd.png", "cover-missing", "there is no file `../../../../etc/passwd.png`"),
        ("..%2F..%2Fslugline.yaml", "cover-missing", "there is no file `..%2F..%2Fslugline.yaml`"),
    ] {
        let known = known("content/a/index.md", written, &[("static/a.gif", HTML)]);
        let (cover, finding) = (known.cover.unwrap(), known.finding.unwrap());
        assert_eq!((cover.mime_type, cover.bytes, cover.size), (None, None, None), "{written}");
        assert_eq!((finding.rule, finding.message.as_str()), (rule, message));
        assert_eq!(finding.place.unwrap().to_string(), "content/a/index.md:3:8");
    }
}

#[test]
fn a_cover_elsewhere_is_what_the_lock_says() {
    let lock = b"https://img.example.com/a.jpg image/webp 1234 30x20\nhttps://example.org/a.svg image/svg+xml 99 -\n";
    let of = |written: &str| {
        let cover = known("content/a.md", written, &[("covers.lock", lock)]).cover.unwrap();
        (cover.mime_type.unwrap_or_default(), cover.bytes, cover.size)
    };
    assert_eq!(of("https://img.example.com/a.jpg"), ("image/webp".to_owned(), Some(1234), Some((30, 20))));
    assert_eq!(of("//img.example.com/a.jpg#top"), ("image/webp".to_owned(), Some(1234), Some((30, 20))));
    assert_eq!(of("https://example.org/a.svg"), ("image/svg+xml".to_owned(), Some(99), None));
    assert_eq!(of("https://img.example.com/b.jpg"), ("image/jpeg".to_owned(), None, None));
}

#[test]
fn covers_that_were_never_measured_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", b"title: T\nbase_url: https://example.org\n").unwrap();
    project.write("covers.lock", b"https://img.example.com/a.png image/png 29 3x2\n").unwrap();
    project.write("static/own.png", PNG).unwrap();
    let said = |covers: &[&str]| {
        for (number, cover) in covers.iter().enumerate() {
            let issue = format!("---\ntitle: a\ncover: {cover}\n---\n");
            project.write(format!("content/{number}.md"), issue.as_bytes()).unwrap();
        }
        let config = crate::load::config(&project, "slugline.yaml").unwrap();
        let issues = crate::load::issues(&project, &config).unwrap().issues;
        Covers::open(&project, &config).unwrap().0.unmeasured(&issues).map(|finding| finding.message)
    };
    let known = ["https://img.example.com/a.png", "https://example.org/own.png", "/missing.png"];
    assert_eq!(said(&known), None);
    let unknown = ["https://img.example.com/b.png", "https://img.example.com/b.png#top"];
    assert_eq!(said(&unknown).unwrap(), "1 cover elsewhere on the web was never measured");
}
