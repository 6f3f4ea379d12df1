//! Removes passwords from findings about the project file, because logs are shared.
//!
//! Passwords belong in the environment or a file; these were written into the project file by mistake.

use crate::finding::Finding;

/// The finding without a source line that may contain a password, and without logins of URLs in its message.
pub(super) fn redacted(mut finding: Finding) -> Finding {
    if let Some(place) = &mut finding.place {
        place.source = place.source.take().filter(|line| !may_contain_secret(line));
    }
    finding.message = without_logins(&finding.message);
    finding
}

fn may_contain_secret(line: &str) -> bool {
    let word = line.to_lowercase();
    let login = line.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    login || word.contains("password") || word.contains("secret")
}

/// Removes the login between `://` and `@`.
fn without_logins(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("://");
        let url = part.split([' ', '`', '"', '\'']).next().unwrap_or_default();
        match url.rfind('@') {
            None => out.push_str(part),
            Some(at) => {
                out.push('…');
                out.push_str(&part[at..]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// The findings about a project file that ends like this.
    fn shown(end: &str) -> String {
        let text = format!("title: T\nbase_url: https://example.org\n{end}\n");
        format!("{:?}", Config::parse("slugline.yaml", &text).unwrap_err())
    }

    #[test]
    fn no_finding_shows_a_password() {
        for end in [
            "mail:\n  from: a@example.org\n  via: smtp://user:hunter2@example.org",
            "mail:\n  from: a@example.org\n  via: [smtp://user:hunter2@example.org]",
            "mail: {from: a@example.org, via: \"smtp://user:hunter2@example.org\"}",
            "mail: {from: a@example.org, via: \"smtp://user:hunter2@example.org\", fro: b}",
            "mail: smtp://user:hunter2@example.org",
            "mail:\n  from: a@example.org\n  password: hunter2",
            "feeds: {hub: \"https://user:hunter2@example.org\"}",
            "feeds: {hub: \"https://user:hunter2@exa mple.org\"}",
            "icon: [https://user:hunter2@example.org/icon.png]",
            "store: postgres://user:hunter2@example.org/db",
        ] {
            let shown = shown(end);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("line: "), "{shown}");
        }
    }

    #[test]
    fn other_values_are_shown() {
        assert!(shown("language: english").contains("source: Some(\"language: english\")"));
        assert!(shown("mail: {from: a, via: \"ftp://example.org\"}").contains("source: Some"));
    }
}
