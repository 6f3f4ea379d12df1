//! Lists of `name=value` separated by semicolons: RFC 6376 section 3.2, which DMARC uses too.

/// The tags of a record, in order.
#[derive(Debug, PartialEq)]
pub(super) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    /// Parses a record; spaces around names and values are ignored.
    ///
    /// # Errors
    /// An invalid or repeated tag.
    pub(super) fn parse(record: &'a str) -> Result<Self, String> {
        let mut parts: Vec<&str> = record.split(';').collect();
        if parts.last().is_some_and(|last| last.trim().is_empty()) {
            parts.pop();
        }
        let mut tags: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{}` is not a tag", part.trim()))?;
            let (name, value) = (name.trim(), value.trim());
            if !is_name(name) {
                return Err(format!("`{name}` is not a tag name"));
            }
            if tags.iter().any(|(other, _)| *other == name) {
                return Err(format!("the tag `{name}` is repeated"));
            }
            tags.push((name, value));
        }
        Ok(Self(tags))
    }

    /// The value of a tag.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    /// Name and value of the first tag.
    pub(super) fn first(&self) -> Option<(&'a str, &'a str)> {
        self.0.first().copied()
    }
}

fn is_name(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) && name.bytes().all(is_inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spaces_around_tags_are_ignored() {
        let tags = Tags::parse(" v = DKIM1 ;p=AB=\tCD ; ").unwrap();
        assert_eq!((tags.first(), tags.value("p")), (Some(("v", "DKIM1")), Some("AB=\tCD")));
        assert_eq!(tags.value("k"), None);
        assert_eq!(Tags::parse("").unwrap().first(), None);
    }

    #[test]
    fn an_invalid_list_of_tags_says_why() {
        assert_eq!(Tags::parse("v=DKIM1; p").unwrap_err(), "`p` is not a tag");
        assert_eq!(Tags::parse("v=DKIM1;; p=").unwrap_err(), "`` is not a tag");
        assert_eq!(Tags::parse("1v=x").unwrap_err(), "`1v` is not a tag name");
        assert_eq!(Tags::parse("p=a; p=b").unwrap_err(), "the tag `p` is repeated");
    }

    proptest! {
        #[test]
        fn a_list_of_tags_is_parsed(values in prop::collection::vec("[!-:<-~]{0,20}", 0..6)) {
            let record: String = values.iter().enumerate().map(|(at, value)| format!("t{at} = {value} ;")).collect();
            let tags = Tags::parse(&record).unwrap();
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(tags.value(&format!("t{at}")), Some(value.as_str()));
            }
        }

        #[test]
        fn any_text_is_a_list_or_none(text in ".{0,60}") {
            let _ = Tags::parse(&text);
        }
    }
}
