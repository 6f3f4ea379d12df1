//! GET, HEAD, OPTIONS and methods that nobody uses, on every page with every token: the store has the same rows afterwards.

use slugline::parts::Status;

use super::*;

const REQUESTS: usize = 400;

const METHODS: [&str; 12] =
    ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW", "post", "get", "POST2"];

/// What may turn a GET into something else elsewhere.
const QUERIES: [&str; 6] = [
    "",
    "?confirm=true",
    "?_method=POST",
    "?email=new@example.org&step=1",
    "?List-Unsubscribe=One-Click",
    "?from=page",
];

const BODIES: [&str; 3] = ["", "List-Unsubscribe=One-Click", "email=new@example.org&from=page&_method=POST"];

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // The generator of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }

    fn one_of<'a>(&mut self, all: &'a [impl AsRef<str>]) -> &'a str {
        all[self.below(all.len())].as_ref()
    }
}

/// Tokens that are valid, used, expired, of another purpose or another newsletter, and nearly valid.
fn tokens(newsroom: &mut Newsroom) -> Vec<String> {
    newsroom.serve_at("2026-11-12T12:00:00Z");
    newsroom.post("/subscribe", &[("email", "expired@example.org")]);
    let mut links = links(&newsroom.mail_to("expired@example.org")[0]);
    newsroom.serve_at(NOON);
    newsroom.add("ada@example.org", Status::Active);
    newsroom.add("lin@example.org", Status::Active);
    for reader in ["waiting@example.org", "confirmed@example.org"] {
        newsroom.post("/subscribe", &[("email", reader)]);
        links.extend(super::links(&newsroom.mail_to(reader)[0]));
    }
    newsroom.post(&links[links.len() - 2], &[]).is(200, "You are subscribed");
    newsroom.send("neap");
    for reader in ["ada@example.org", "lin@example.org"] {
        links.push(one_click_path(&newsroom.mail_to(reader)[0]));
    }
    let left = newsroom.post(links.last().unwrap(), &[("from", "page")]);
    let undo = left.body.split("/return/").nth(1).unwrap().split('"').next().unwrap();
    links.push(format!("/return/{undo}"));
    let valid: Vec<String> = links.iter().map(|link| link.rsplit('/').next().unwrap().to_owned()).collect();
    let mangled = valid.iter().flat_map(|token| {
        let flipped = token.replace(['a', 'b'], "c");
        [token[..token.len() - 1].to_owned(), format!("{token}0"), token.to_uppercase(), flipped]
    });
    let nonsense = ["", "0", "%00", "..", "%2e%2e%2fsubscribe", "a%0d%0ab", "%F0%9F%8C%8A", &"0".repeat(4000)];
    mangled.chain(nonsense.map(str::to_owned)).chain(valid.iter().cloned()).collect()
}

#[test]
fn only_post_changes_anything() {
    in_both_stores("readers_safe_methods", |newsroom| {
        let tokens = tokens(newsroom);
        newsroom.settle();
        let before = newsroom.rows();
        let mut numbers = Numbers(8058);
        for _ in 0..REQUESTS {
            let token = numbers.one_of(&tokens).to_owned();
            let page = numbers
                .one_of(&["/confirm/", "/leave/", "/return/", "/subscribe", "/link", "/healthz", "/readyz", "/"]);
            let path = if page.ends_with('/') { format!("{page}{token}") } else { page.to_owned() };
            let target = format!("{path}{}", numbers.one_of(&QUERIES));
            let (method, body) = (numbers.one_of(&METHODS), numbers.one_of(&BODIES));
            let headers = [FORM, ("X-HTTP-Method-Override", "POST")];
            let answer = newsroom.ask(method, &target, &headers, body);
            assert!(
                matches!(answer.status, 200 | 204 | 404 | 405) || answer.status == 400 && method.contains('2'),
                "{method} {target}: {answer:?}"
            );
            assert!(method != "HEAD" || answer.body.is_empty(), "{target}: {answer:?}");
        }
        // All answers are complete, and what they might have begun as well.
        newsroom.stop();
        assert_eq!(newsroom.rows(), before);
    });
}
