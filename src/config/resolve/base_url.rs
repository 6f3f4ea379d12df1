//! `base_url`: the address below which everything is published.

use url::Url;

use crate::config::resolve::Problems;

/// The base URL in the file that `init` writes.
const PLACEHOLDER: &str = "https://www.example.org";

pub(super) fn base_url(written: Option<&str>, problems: &mut Problems<'_>) -> Url {
    let url = match written.map(str::trim) {
        Some(written) if written.trim_end_matches('/') == PLACEHOLDER => {
            let why = format!("`{PLACEHOLDER}` is only an example, and addresses of issues are recorded permanently");
            problems.value(&["base_url"], why, "write the address of your website");
            None
        }
        None => {
            problems.missing("base_url", "base_url: https://tides.example.org");
            None
        }
        Some(written) => {
            let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            let url =
                Url::parse(written).ok().filter(|it| is_web(it) && it.query().is_none() && it.fragment().is_none());
            if url.is_none() {
                let why = format!("`{written}` is not the address of a website");
                let help = format!("write the whole address, such as `{}`", whole_address(written));
                problems.value(&["base_url"], why, &help);
            }
            url
        }
    };
    let mut url = url.unwrap_or_else(placeholder);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// What may be meant by an address without a scheme, or an example.
fn whole_address(written: &str) -> String {
    let whole = Url::parse(&format!("https://{written}")).ok();
    let whole = whole.filter(|url| url.domain().is_some_and(|domain| domain.contains('.')));
    whole.map_or_else(|| "https://tides.example.org".to_owned(), String::from)
}

/// Replaces an invalid base URL so that the other keys are still checked; it never leaves this file.
#[expect(clippy::expect_used, reason = "a constant, parsed by the tests below")]
pub(super) fn placeholder() -> Url {
    Url::parse("https://placeholder.invalid/").expect("a constant URL parses")
}
