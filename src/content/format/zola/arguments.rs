//! The call of a shortcode of Zola: `name(key="text", other=[1, true])`.
//!
//! Takes text; returns the name and the arguments at its beginning. `shortcodes` knows what they mean.

/// Lists within each other.
const MAX_DEPTH: usize = 8;

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub name: &'a str,
    /// The arguments; a list as one text for each of its items.
    arguments: Vec<(&'a str, &'a str)>,
}

impl<'a> Call<'a> {
    /// The call at the beginning of a text, which white space may precede, and what follows it.
    pub fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let (name, rest) = identifier(text.trim_start())?;
        let mut rest = rest.trim_start().strip_prefix('(')?.trim_start();
        let mut arguments = Vec::new();
        while !rest.starts_with(')') {
            let (key, after) = identifier(rest)?;
            let after = after.trim_start().strip_prefix('=')?;
            let after = literal(after.trim_start(), key, &mut arguments, 0)?.trim_start();
            rest = after.strip_prefix(',').map(str::trim_start).or(after.starts_with(')').then_some(after))?;
        }
        Some((Self { name, arguments }, rest.strip_prefix(')')?.trim_start()))
    }

    /// The first argument with one of these names, in the order of the names.
    pub fn named(&self, names: &[&str]) -> Option<&'a str> {
        let named = |name: &&str| self.all().find(|(key, value)| key == name && !value.is_empty());
        names.iter().find_map(named).map(|(_, value)| value)
    }

    /// All arguments, as written.
    pub fn all(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.arguments.iter().copied()
    }
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some((name, rest))
}

/// Adds the value at the beginning of a text; returns the rest.
fn literal<'a>(text: &'a str, key: &'a str, arguments: &mut Vec<(&'a str, &'a str)>, depth: usize) -> Option<&'a str> {
    let first = text.chars().next()?;
    match first {
        '"' | '\'' | '`' => {
            let (value, rest) = text[1..].split_once(first)?;
            arguments.push((key, value));
            Some(rest)
        }
        '[' if depth < MAX_DEPTH => {
            let mut rest = text[1..].trim_start();
            while !rest.starts_with(']') {
                let after = literal(rest, key, arguments, depth + 1)?.trim_start();
                rest = after.strip_prefix(',').map(str::trim_start).or(after.starts_with(']').then_some(after))?;
            }
            rest.strip_prefix(']')
        }
        _ => {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')).unwrap_or(text.len());
            let (value, rest) = text.split_at(end);
            let is_value = matches!(value, "true" | "false") || value.parse::<f64>().is_ok_and(f64::is_finite);
            is_value.then(|| arguments.push((key, value)))?;
            Some(rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_named_arguments() {
        let (call, rest) = Call::parse(" a_1 ( id=\"x y\",\n n = -1.5, ok=true, l=['a', `b`,],) }} z").unwrap();
        assert_eq!((call.name, rest), ("a_1", "}} z"));
        let all = [("id", "x y"), ("n", "-1.5"), ("ok", "true"), ("l", "a"), ("l", "b")];
        assert_eq!(call.all().collect::<Vec<_>>(), all);
        assert_eq!((call.named(&["z", "n"]), call.named(&["z"])), (Some("-1.5"), None));
        assert!(Call::parse("toc()").is_some());
        let nested = format!("x(a={}", "[".repeat(99));
        for wrong in ["x", "x(", "x(a)", "x(a=)", "x(a=b)", "x(a=\"b)", "x(a=1 b=2)", "1x()", "x(a=[1)", &nested] {
            assert_eq!(Call::parse(wrong), None, "{wrong}");
        }
    }
}
