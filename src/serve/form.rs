//! The fields of a form: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578), as RFC 8058 section 3.2 allows
//! both.

use std::collections::BTreeMap;

use crate::serve::Request;

/// The fields of a form by name; of several with one name, the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// The fields in the body of a request. What is not a form has none.
    pub fn of_body(request: &Request) -> Self {
        let content_type = request.content_type.as_deref().unwrap_or_default();
        let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        match media_type.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Self::of_encoded(&request.body),
            "multipart/form-data" => {
                boundary(parameters).map(|boundary| parts(&request.body, boundary)).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    /// The fields of a query.
    pub fn of_query(request: &Request) -> Self {
        Self::of_encoded(request.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The value of a field, trimmed; empty if it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn of_encoded(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }
}

fn boundary(parameters: &str) -> Option<&str> {
    let parameter = parameters.split(';').find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=70).contains(&parameter.len()).then_some(parameter)
}

/// The text fields of a multipart body. Parts that are not text or have no name are left out.
fn parts(body: &[u8], boundary: &str) -> Form {
    let text = String::from_utf8_lossy(body);
    let delimiter = format!("--{boundary}");
    let mut form = Form::default();
    for part in text.split(delimiter.as_str()).skip(1).take_while(|part| !part.starts_with("--")) {
        let part = part.trim_start_matches([' ', '\t']).trim_start_matches("\r\n").trim_start_matches('\n');
        let (header, value) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n")).unwrap_or((part, ""));
        if let Some(name) = field_name(header) {
            let value = value.strip_suffix('\n').unwrap_or(value);
            form.0.insert(name.to_owned(), value.strip_suffix('\r').unwrap_or(value).to_owned());
        }
    }
    form
}

/// The parameter `name` of Content-Disposition.
fn field_name(header: &str) -> Option<&str> {
    let disposition = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("name").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(content_type: &str, body: &[u8]) -> Form {
        let mut request = crate::serve::tests::request("POST", "/subscribe");
        request.content_type = Some(content_type.to_owned());
        request.body = body.to_vec();
        Form::of_body(&request)
    }

    #[test]
    fn both_encodings_of_a_form_are_read() {
        let encoded =
            form("application/x-www-form-urlencoded; charset=utf-8", b"email=+a%2Bb%40example.org&name=%E6%9D%8E");
        let multipart = form(
            "multipart/form-data; boundary=\"xYz\"",
            "preamble\r\n--xYz\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na+b@example.org\r\n--xYz\r\n\
             content-disposition: form-data; name=name\r\nContent-Type: text/plain\r\n\r\n李\r\n--xYz--\r\n"
                .as_bytes(),
        );
        for form in [encoded, multipart] {
            assert_eq!((form.get("email"), form.get("name"), form.get("other")), ("a+b@example.org", "李", ""));
        }
        let one_click = form(
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--",
        );
        assert_eq!(one_click.get("List-Unsubscribe"), "One-Click");
        assert_eq!(form("text/plain", b"email=a@example.org"), Form::default());
    }

    proptest! {
        #[test]
        fn any_body_is_read(kind in 0_usize..3, body in proptest::collection::vec(any::<u8>(), 0..200), text in "(--b|\r\n|name=|Content-Disposition: form-data; |x){0,12}") {
            let types = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data; boundary="];
            form(types[kind], &body);
            form(types[kind], text.as_bytes());
        }
    }
}
