//! Where a request goes: below `serve.url`, and how the log names it, which must not contain a token.

use url::Url;

/// The target of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// Whether this process runs.
    Health,
    /// Whether it can do its work.
    Readiness,
    /// A path below `serve.url`, with a slash in front.
    Page(&'a str),
    /// Something else.
    Elsewhere,
}

impl<'a> Target<'a> {
    /// The target that a path names. The health of the process may be asked for with or without the path of `serve.url`: a
    /// monitor asks this port, not the web server.
    pub fn of(path: &'a str, url: &Url) -> Self {
        let below = path.strip_prefix(url.path().trim_end_matches('/')).filter(|below| below.starts_with('/'));
        match (below, path) {
            (Some("/healthz"), _) | (_, "/healthz") => Self::Health,
            (Some("/readyz"), _) | (_, "/readyz") => Self::Readiness,
            (Some(below), _) => Self::Page(below),
            (None, _) => Self::Elsewhere,
        }
    }

    /// How the log names it.
    pub fn pattern(self) -> &'static str {
        match self {
            Self::Health => "/healthz",
            Self::Readiness => "/readyz",
            Self::Page("/") => "/",
            Self::Page("/subscribe") => "/subscribe",
            Self::Page("/link") => "/link",
            Self::Page(path) if path.starts_with("/confirm/") => "/confirm/{token}",
            Self::Page(path) if path.starts_with("/leave/") => "/leave/{token}",
            Self::Page(path) if path.starts_with("/return/") => "/return/{token}",
            Self::Page(_) | Self::Elsewhere => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_address_is_a_page() {
        let target = |path: &'static str, url: &str| Target::of(path, &Url::parse(url).unwrap());
        for (path, below) in [("/leave/a", "/leave/a"), ("/", "/"), ("//leave/a", "//leave/a")] {
            assert_eq!(target(path, "https://example.org/"), Target::Page(below), "{path}");
        }
        for (path, expected) in [
            ("/news/leave/a", Target::Page("/leave/a")),
            ("/news/", Target::Page("/")),
            ("/news", Target::Elsewhere),
            ("/newsletter/leave/a", Target::Elsewhere),
            ("/leave/a", Target::Elsewhere),
            ("*", Target::Elsewhere),
            ("/healthz", Target::Health),
            ("/news/healthz", Target::Health),
            ("/readyz", Target::Readiness),
        ] {
            assert_eq!(target(path, "https://example.org/news/"), expected, "{path}");
        }
    }

    #[test]
    fn the_log_names_no_token() {
        for (path, pattern) in [
            ("/leave/2345abc", "/leave/{token}"),
            ("/leave/2345abc/more", "/leave/{token}"),
            ("/leave", "other"),
            ("/subscribe/", "other"),
            ("/reader@example.org", "other"),
        ] {
            assert_eq!(Target::Page(path).pattern(), pattern);
        }
    }
}
