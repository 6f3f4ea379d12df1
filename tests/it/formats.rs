//! The formats of sites, for tests that try each: the fuzzer includes this file too.

/// The formats of sites, and where each has its posts; the first is that of a site without a known generator.
pub const FORMATS: [(&str, &str); 12] = [
    ("auto", "content"),
    ("hugo", "content"),
    ("jekyll", "_posts"),
    ("hexo", "source/_posts"),
    ("zola", "content"),
    ("pelican", "content"),
    ("docusaurus", "blog"),
    ("vuepress", "docs"),
    ("vitepress", "docs"),
    ("astro", "src/content/blog"),
    ("eleventy", "posts"),
    ("plain", "docs"),
];
