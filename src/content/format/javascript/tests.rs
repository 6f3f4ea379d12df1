use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::content::format::Defaults;
use crate::content::permalink::PatternValues;

fn format_of(generator: Generator, config: &str) -> Arc<dyn Format> {
    format(generator, &settings("config.js", config).unwrap())
}

fn fields_of(written: Value) -> Fields {
    let mut fields = Fields::default();
    written.as_object().unwrap().iter().for_each(|(name, value)| fields.set(name, value.clone()));
    fields
}

/// The date, title and address of a post.
fn post(format: &dyn Format, path: &str, written: Value, beginning: &str) -> (String, String, String) {
    let file = PostFile { path, below_content: path, beginning, created: None };
    let mut fields = fields_of(written);
    format.complete(&file, &mut fields);
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (title, slug) = (text("title"), Some(text("slug")).filter(|slug| !slug.is_empty()));
    let date = DateTime::parse_from_rfc3339("2026-01-02T23:30:00Z").unwrap();
    let page = PatternValues { path, above: &[], title: &title, slug: slug.as_deref(), date };
    let address = format.address(&file, &page, &fields).unwrap_or_default();
    (text("date"), title, address)
}

fn address(format: &dyn Format, path: &str, written: Value) -> String {
    post(format, path, written, "").2
}

#[test]
fn docusaurus_dates_and_addresses_are_in_the_names_of_files() {
    let format = format_of(Generator::Docusaurus, "");
    for (path, date, expected) in [
        ("blog/2026-01-02-sea.md", "2026-01-02", "/blog/2026/01/02/sea"),
        ("blog/2026-01-02-sea.mdx", "2026-01-02", "/blog/2026/01/02/sea"),
        ("blog/2026/01/02/sea.md", "2026-01-02", "/blog/2026/01/02/sea"),
        ("blog/2026-01-02-sea/index.md", "2026-01-02", "/blog/2026/01/02/sea"),
        ("blog/2026/01-02-sea.md", "2026-01-02", "/blog/2026/01/02/sea"),
        ("blog/news/2026-1-2-Sea Side.md", "2026-01-02", "/blog/2026/1/2/news/Sea Side"),
        ("blog/sea/index.md", "", "/blog/sea"),
        ("blog/sea-2026-13-45.md", "", "/blog/sea-2026-13-45"),
        ("blog/潮.md", "", "/blog/潮"),
    ] {
        let (found, _, address) = post(&*format, path, json!({}), "");
        assert_eq!((found.as_str(), address.as_str()), (date, expected), "{path}");
    }
    assert_eq!(address(&*format, "blog/2026-01-02-a.md", json!({"slug": "b"})), "/blog/b");
    assert_eq!(address(&*format, "blog/2026-01-02-a.md", json!({"slug": "/b/c/"})), "/blog/b/c/");
    assert_eq!(post(&*format, "blog/a.md", json!({"date": "2026-03-04"}), "\n# The `sea` {#a}\n").0, "2026-03-04");
    assert_eq!(post(&*format, "blog/a.md", json!({}), "```\n# no\n```\n# The `sea` [b](/c) {#a}\n").1, "The sea b");
    assert_eq!(post(&*format, "blog/2026-01-02-a-b.md", json!({}), "").1, "a-b");
    assert!(!format.is_post("blog/_draft.md") && !format.is_post("blog/_x/a.md") && format.is_post("blog/a_b.md"));
}

#[test]
fn docusaurus_settings_decide_where_blogs_are() {
    let config = "const config = {\n  title: 'Sea', tagline: 'Tides', url: 'https://a.example.org', baseUrl: '/x/', trailingSlash: true,\n  \
                  i18n: { defaultLocale: 'de', locales: ['de'] },\n  presets: [['classic', /** @type {A} */ ({ blog: { path: './news', routeBasePath: '/n', }, docs: false })]],\n  \
                  plugins: ['a', ['@docusaurus/plugin-content-blog', { id: 'b', path: 'b', routeBasePath: 'c/d' }]],\n};\n\nmodule.exports = config;\n";
    let format = format_of(Generator::Docusaurus, config);
    let expected = Defaults {
        title: Some("Sea".into()),
        description: Some("Tides".into()),
        base_url: Some("https://a.example.org/x/".into()),
        language: Some("de".into()),
        timezone: Some("UTC".into()),
        content: vec!["news".into(), "b".into()],
        static_folders: vec!["static".into()],
        ..Defaults::default()
    };
    assert_eq!(format.defaults(), expected);
    assert_eq!(address(&*format, "news/2026-01-02-a.md", json!({})), "/n/2026/01/02/a/");
    assert_eq!(address(&*format, "b/a.md", json!({})), "/c/d/a/");
    let format = format_of(
        Generator::Docusaurus,
        "export default { trailingSlash: false, presets: [['classic', {blog: {routeBasePath: '/'}}]] }",
    );
    assert_eq!(address(&*format, "blog/a.md", json!({"slug": "/b/"})), "/b");
}

#[test]
fn docusaurus_fields_are_renamed() {
    let format = format_of(Generator::Docusaurus, "");
    let file = PostFile {
        path: "blog/a.md",
        below_content: "a.md",
        beginning: "",
        created: DateTime::parse_from_rfc3339("2026-05-06T07:08:09+02:00").ok(),
    };
    let mut fields = fields_of(
        json!({"title": "T", "unlisted": true, "author_url": "/me", "tags": ["a", {"label": "B c", "permalink": "/b"}]}),
    );
    format.complete(&file, &mut fields);
    let expected = json!({"title": "T", "unlisted": true, "tags": ["a", "B c"], "feed": false, "email": false, "authorlink": "/me"});
    assert_eq!(Value::Object(fields.rest()), expected);
}

#[test]
fn vitepress_pages_are_where_their_files_are() {
    let format = format_of(
        Generator::VitePress,
        "export default { title: 'A', lang: 'zh-CN', srcDir: './src', base: '/b/', sitemap: { hostname: 'https://a.example.org' }, rewrites: { 'posts/:slug*': ':slug*', 'x/:a/:b.md': ':b/:a.md' } }",
    );
    for (path, expected) in [
        ("src/a/b.md", "/a/b.html"),
        ("src/a/index.md", "/a/"),
        ("src/index.md", "/"),
        ("src/posts/2026/a.md", "/2026/a.html"),
        ("src/x/1/2.md", "/2/1.html"),
    ] {
        assert_eq!(address(&*format, path, json!({})), expected, "{path}");
    }
    let defaults = format.defaults();
    assert_eq!(
        (defaults.base_url.as_deref(), defaults.language.as_deref()),
        (Some("https://a.example.org/b/"), Some("zh-CN"))
    );
    let format = format_of(Generator::VitePress, "export default { cleanUrls: true }");
    assert_eq!(address(&*format, "posts/潮.md", json!({})), "/posts/潮");
    assert_eq!(post(&*format, "posts/a.md", json!({}), "# A\n").1, "A");
}

#[test]
fn vuepress_pages_are_where_their_files_or_permalinks_are() {
    let format = format_of(Generator::VuePress, "");
    for (path, written, expected) in [
        ("blog/2026-01-02-a.md", json!({}), "/blog/2026-01-02-a.html"),
        ("blog/a/README.md", json!({"date": "2026-01-02"}), "/blog/a/"),
        ("index.md", json!({}), "/"),
        ("blog/a.md", json!({"permalink": "/pages/b/"}), "/pages/b/"),
        ("blog/a.md", json!({"permalink": "/pages/b"}), "/pages/b"),
        ("blog/2026-01-02-A b.md", json!({"permalink": "/:year/:month/:day/:slug"}), "/2026/01/02/a-b/"),
    ] {
        assert_eq!(address(&*format, path, written), expected, "{path}");
    }
    let blog = format_of(
        Generator::VuePress,
        "module.exports = { theme: '@vuepress/theme-blog', locales: { '/': { lang: 'zh-CN', title: '潮' } } }",
    );
    assert_eq!(address(&*blog, "_posts/2026-01-02-a.md", json!({})), "/2026/01/02/a/");
    assert_eq!((blog.defaults().title.as_deref(), blog.defaults().language.as_deref()), (Some("潮"), Some("zh-CN")));
    let all = format_of(Generator::VuePress, "module.exports = { permalink: '/:regular' }");
    assert_eq!(address(&*all, "a/b.md", json!({})), "/a/b.html");
}

#[test]
fn vuepress_fields_say_what_is_no_post() {
    let format = format_of(Generator::VuePress, "");
    let completed = |path, written| {
        let mut fields = fields_of(written);
        format.complete(&PostFile { path, below_content: path, beginning: "# A\n", created: None }, &mut fields);
        Value::Object(fields.rest())
    };
    assert_eq!(completed("b/README.md", json!({})), json!({"title": "A", "draft": true}));
    assert_eq!(
        completed("b/2026-01-02-a.md", json!({"publish": false})),
        json!({"publish": false, "title": "A", "date": "2026-01-02", "draft": true})
    );
    assert_eq!(
        completed("a.md", json!({"title": "B", "article": false})),
        json!({"title": "B", "article": false, "feed": false, "email": false})
    );
}

#[test]
fn astro_entries_are_below_the_name_of_their_collection() {
    let format =
        format_of(Generator::Astro, "export default defineConfig({ site: 'https://a.example.org', base: '/b' })");
    for (path, written, expected) in [
        ("src/content/blog/Hello World!.md", json!({}), "/blog/hello-world/"),
        ("src/content/blog/2026/It's_a.mdx", json!({}), "/blog/2026/its_a/"),
        ("src/content/blog/a/index.md", json!({}), "/blog/a/"),
        ("src/content/blog/2026/a.md", json!({"slug": "b/c"}), "/blog/b/c/"),
        ("src/content/blog/2026-01-02-潮 汐.md", json!({}), "/blog/2026-01-02-潮-汐/"),
        ("src/data/blog/a.md", json!({}), "/blog/a/"),
        ("src/pages/posts/A.md", json!({}), "/posts/A/"),
        ("src/pages/index.md", json!({}), "/"),
    ] {
        assert_eq!(address(&*format, path, written), expected, "{path}");
    }
    assert_eq!(format.defaults().base_url.as_deref(), Some("https://a.example.org/b/"));
    assert_eq!(post(&*format, "src/content/blog/2026-01-02-a.md", json!({}), "").0, "2026-01-02");
    for config in ["{ trailingSlash: 'never' }", "{ build: { format: 'file' } }"] {
        let format = format_of(Generator::Astro, &format!("export default {config}"));
        assert_eq!(address(&*format, "src/content/blog/a.md", json!({})), "/blog/a", "{config}");
    }
    assert!(!format.is_post("src/content/blog/_a.md"));
}

#[test]
fn eleventy_pages_are_where_their_files_or_permalinks_are() {
    let format = format_of(
        Generator::Eleventy,
        "module.exports = (c) => {\n  return { dir: { input: './src', includes: '_inc' }, pathPrefix: '/b/' };\n};",
    );
    for (path, written, expected) in [
        ("src/posts/a.md", json!({}), "/posts/a/"),
        ("src/posts/a/index.md", json!({}), "/posts/a/"),
        ("src/posts/a/a.md", json!({}), "/posts/a/"),
        ("src/index.md", json!({}), "/"),
        ("src/posts/2026-01-02-a.md", json!({"permalink": "/p/{{ page.fileSlug }}/"}), "/p/a/"),
        (
            "src/posts/a.md",
            json!({"permalink": "/{{ page.date | date: '%Y/%m/%d' }}/{{ title | slugify }}/index.html", "title": "It's a & b"}),
            "/2026/01/02/its-a-and-b/",
        ),
        ("src/posts/2026-01-02-a.md", json!({"permalink": "{{ page.filePathStem }}.html"}), "/posts/a.html"),
        ("src/posts/a.md", json!({"permalink": "/{{ lang }}/a/", "lang": "de"}), "/de/a/"),
        ("src/posts/a.md", json!({"permalink": "/{{ unknown }}/"}), "/posts/a/"),
        ("src/posts/a.md", json!({"permalink": {"build": "/c/"}}), "/c/"),
    ] {
        assert_eq!(address(&*format, path, written), expected, "{path}");
    }
    assert!(!format.is_post("src/_inc/a.md") && !format.is_post("_site/a.md") && format.is_post("src/a.md"));
    assert_eq!(format.folder_fields("src/posts").last().map(String::as_str), Some("src/posts/posts.json"));
}

#[test]
fn eleventy_fields_are_those_of_its_own() {
    let format = format_of(Generator::Eleventy, "");
    let created = DateTime::parse_from_rfc3339("2026-05-06T07:08:09Z").ok();
    let completed = |path, written| {
        let mut fields = fields_of(written);
        format.complete(&PostFile { path, below_content: path, beginning: "", created }, &mut fields);
        Value::Object(fields.rest())
    };
    assert_eq!(completed("a.md", json!({"date": "git Created"})), json!({}));
    assert_eq!(completed("2026-01-02-a/index.md", json!({"date": "Last Modified"})), json!({"date": "2026-01-02"}));
    assert_eq!(
        completed("a.md", json!({"tags": ["posts", "sea"], "permalink": false})),
        json!({"tags": ["sea"], "permalink": false, "draft": true})
    );
    assert_eq!(completed("a.md", json!({"tags": "post"})), json!({}));
}
