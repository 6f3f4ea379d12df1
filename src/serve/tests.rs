use super::*;

/// A request without fields from 192.0.2.1.
pub(super) fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: None,
        content_type: None,
        origin: None,
        referer: None,
        from: "192.0.2.1".parse().unwrap(),
        body: Vec::new(),
    }
}
