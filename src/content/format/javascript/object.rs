//! The settings in a configuration file that is a script: its exported object, as far as it is written literally.
//!
//! Takes JavaScript or TypeScript; returns an object. Understood are objects, lists, strings, numbers, names of constants,
//! alternatives (`process.env.URL || '…'`), and what functions return; calls such as `defineConfig(…)` stand for their first
//! object. Everything else is left out. Never fails: what is not understood is not there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::content::format::Settings;
use crate::content::format::body::script::{Scripts, end_of_string, string};

/// The largest script that is read.
const MAX_BYTES: usize = 512 * 1024;

/// Levels of objects, lists and names within one another.
const MAX_DEPTH: usize = 24;

/// The bytes that are looked at, some of them several times.
const MAX_READ: usize = 16 << 20;

/// The object that a script exports; empty if there is none.
pub(super) fn exported(script: &str) -> Settings {
    if script.len() > MAX_BYTES {
        return Settings::new();
    }
    let mut reader = Reader { scripts: Scripts::new(script), constants: constants(script), read: 0 };
    let roots = ["export default", "module.exports =", "module.exports=", "exports ="];
    let root = roots.iter().find_map(|root| script.rfind(root).map(|at| at + root.len()));
    let mut settings = match root.and_then(|at| reader.value(at, 0)) {
        Some(Value::Object(map)) => map,
        _ => Settings::new(),
    };
    if let Some(at) = reader.constants.get("config").copied()
        && let Some(Value::Object(map)) = reader.value(at, 0)
    {
        for (key, value) in map {
            settings.entry(key).or_insert(value);
        }
    }
    settings
}

/// Where the values of constants and the bodies of functions begin, by name.
fn constants(script: &str) -> BTreeMap<&str, usize> {
    let mut constants = BTreeMap::new();
    for word in ["const ", "let ", "var ", "function "] {
        for (at, _) in script.match_indices(word) {
            let rest = script[at + word.len()..].trim_start();
            let name = &rest[..rest.find(|c: char| !is_name(c)).unwrap_or(rest.len())];
            let line = rest.lines().next().unwrap_or_default();
            let value = match word {
                "function " => Some(at),
                _ => line
                    .find('=')
                    .filter(|equals| *equals >= name.len())
                    .map(|equals| script.len() - rest.len() + equals + 1),
            };
            if let (false, Some(value)) = (name.is_empty(), value) {
                constants.entry(name).or_insert(value);
            }
        }
    }
    constants
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

struct Reader<'a> {
    scripts: Scripts<'a>,
    constants: BTreeMap<&'a str, usize>,
    /// The bytes that were looked at.
    read: usize,
}

impl<'a> Reader<'a> {
    /// The value of the expression that begins at a byte.
    fn value(&mut self, at: usize, depth: usize) -> Option<Value> {
        let text = self.scripts.text;
        let at = self.after_space(at);
        let (rest, depth) = (text.get(at..)?, depth + 1);
        if depth > MAX_DEPTH || self.read > MAX_READ {
            return None;
        }
        let end = self.end_of_value(at);
        let expression = text[at..end].trim_end();
        match rest.chars().next()? {
            '{' => Some(Value::Object(self.object(at, depth))),
            '[' => Some(self.list(at, depth)),
            '(' => self.function(at, end, depth).or_else(|| self.value(at + 1, depth)),
            '"' | '\'' | '`' => self.text(at),
            c if c.is_ascii_digit() || c == '-' => expression.split(' ').next()?.parse::<i64>().ok().map(Value::from),
            _ => self.name(at, end, depth),
        }
    }

    fn text(&self, at: usize) -> Option<Value> {
        let text = self.scripts.text;
        let quote = *text.as_bytes().get(at)?;
        let end = match quote {
            b'`' => memchr::memchr(b'`', &text.as_bytes()[at + 1..]).map(|end| at + 1 + end),
            _ => end_of_string(text.as_bytes(), at),
        }?;
        string(&text[at..=end]).map(Value::String)
    }

    /// What a name, a call, a function or an alternative stands for.
    fn name(&mut self, at: usize, end: usize, depth: usize) -> Option<Value> {
        let text = self.scripts.text;
        let rest = &text[at..end];
        let name = &rest[..rest.find(|c: char| !is_name(c) && c != '.').unwrap_or(rest.len())];
        let after = rest[name.len()..].trim_start();
        match name {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "null" | "undefined" => return Some(Value::Null),
            "async" | "function" | "export" => return self.function(at, end, depth),
            "await" | "new" => return self.value(at + name.len(), depth),
            _ => {}
        }
        if after.starts_with("=>") {
            return self.function(at, end, depth);
        }
        if after.starts_with("||") || after.starts_with("??") {
            return self.value(end - after.len() + 2, depth);
        }
        // `defineConfig<Theme>({…})`
        let call = if after.starts_with('<') { after.find('(').map(|open| &after[open..]) } else { Some(after) };
        if let Some(arguments) = call.and_then(|call| call.strip_prefix('(')) {
            return self.value(end - arguments.len(), depth).filter(Value::is_object);
        }
        let mut keys = name.split('.');
        let constant = *self.constants.get(keys.next()?)?;
        let value = if constant == at { None } else { self.value(constant, depth) }?;
        keys.try_fold(&value, |value, key| value.get(key)).cloned()
    }

    /// What a function returns: the object after its arrow or its last `return`.
    fn function(&mut self, at: usize, end: usize, depth: usize) -> Option<Value> {
        let text = &self.scripts.text[at..end];
        if !text.contains("=>") && !text.contains("function") {
            return None;
        }
        let arrow = text.find("=>").map(|arrow| text[arrow + 2..].trim_start());
        if let Some(inside) = arrow.filter(|body| body.starts_with('(')) {
            return self.value(end - inside.len() + 1, depth);
        }
        let returned = text.rmatch_indices("return ").find_map(|(found, word)| {
            let value = at + found + word.len();
            self.value(value, depth).filter(Value::is_object)
        });
        returned.or_else(|| {
            arrow.filter(|body| !body.starts_with('{')).and_then(|body| self.value(end - body.len(), depth))
        })
    }

    fn object(&mut self, at: usize, depth: usize) -> Map<String, Value> {
        let text = self.scripts.text;
        let mut map = Map::new();
        let Some(end) = self.scripts.end_of_brackets(at).map(|end| end - 1) else { return map };
        let mut at = self.after_space(at + 1);
        while at < end {
            let next = self.end_of_value(at).min(end);
            let member = &text[at..next];
            if let Some(spread) = member.strip_prefix("...") {
                if let Some(Value::Object(other)) = self.value(next - spread.len(), depth) {
                    map.extend(other);
                }
            } else if let Some((key, value)) = self.member(at, next)
                && let Some(value) = self.value(value, depth)
            {
                map.insert(key, value);
            }
            at = self.after_space(next + 1);
        }
        map
    }

    /// The key of a member of an object, and where its value begins.
    fn member(&self, at: usize, end: usize) -> Option<(String, usize)> {
        let text = &self.scripts.text[at..end];
        let (key, after) = match text.as_bytes().first()? {
            b'"' | b'\'' => {
                let close = end_of_string(text.as_bytes(), 0)?;
                (string(&text[..=close])?, close + 1)
            }
            _ => {
                let length = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
                (text[..length].to_owned(), length)
            }
        };
        let rest = text[after..].trim_start();
        match rest.strip_prefix(':') {
            Some(value) => Some((key, end - value.len())),
            None if rest.is_empty() => Some((key, at)),
            None => None,
        }
    }

    fn list(&mut self, at: usize, depth: usize) -> Value {
        let mut list = Vec::new();
        let end = self.scripts.end_of_brackets(at).map_or(at, |end| end - 1);
        let mut at = self.after_space(at + 1);
        while at < end {
            list.push(self.value(at, depth).unwrap_or(Value::Null));
            let next = self.end_of_value(at).min(end);
            at = self.after_space(next + 1);
        }
        Value::Array(list)
    }

    /// Where an expression ends: at a comma, a closing bracket, a semicolon, or an empty line.
    fn end_of_value(&mut self, start: usize) -> usize {
        let end = self.find_end_of_value(start);
        self.read += end - start.min(end);
        end
    }

    fn find_end_of_value(&mut self, mut at: usize) -> usize {
        let (text, bytes) = (self.scripts.text, self.scripts.text.as_bytes());
        while at < bytes.len() {
            match bytes[at] {
                b',' | b'}' | b']' | b')' | b';' => return at,
                b'\n'
                    if text[at + 1..].starts_with(['\n', '\r'])
                        && !text[..at].trim_end().ends_with(['=', '>', '|', '?']) =>
                {
                    return at;
                }
                b'"' | b'\'' => at = end_of_string(bytes, at).unwrap_or(at) + 1,
                b'`' => at += memchr::memchr(b'`', &bytes[at + 1..]).map_or(1, |end| end + 2),
                b'(' | b'[' | b'{' => match self.scripts.end_of_brackets(at) {
                    Some(end) => at = end,
                    None => return bytes.len(),
                },
                b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => at = self.after_space(at).max(at + 1),
                _ => at += 1,
            }
        }
        bytes.len()
    }

    /// The next byte that is neither white space nor part of a comment.
    fn after_space(&self, mut at: usize) -> usize {
        let text = self.scripts.text;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            let comment = match trimmed {
                _ if trimmed.starts_with("//") => trimmed.find('\n'),
                _ if trimmed.starts_with("/*") => trimmed.find("*/").map(|end| end + 2),
                _ => return at,
            };
            at += comment.unwrap_or(trimmed.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_exported_object_is_read() {
        for (script, expected) in [
            (
                "module.exports = { title: 'A', 'b-c': [1, \"x\", `y`,], d: { e: true } }",
                json!({"title": "A", "b-c": [1, "x", "y"], "d": {"e": true}}),
            ),
            (
                "import x from 'x'\n\n// a { b\nconst url = 'https://a.example.org'; /* } */\nexport default defineConfig({\n  url, // c\n  base: url,\n})",
                json!({"url": "https://a.example.org", "base": "https://a.example.org"}),
            ),
            (
                "const config: Config = {\n  title: \"It's\",\n\n  f() { return 1 },\n  g: (a) => { b },\n  h: `${x}`,\n  i: process.env.A || '/b/',\n} satisfies Config;\nexport default config;\n",
                json!({"title": "It's", "i": "/b/"}),
            ),
            (
                "export default async function createConfig() {\n  const a = await f();\n  return { title: 'A', ...b };\n}\nconst b = { c: 1 }",
                json!({"title": "A", "c": 1}),
            ),
            (
                "module.exports = function (eleventyConfig) {\n  eleventyConfig.addFilter('a', () => { return 1 });\n\n  return { dir: { input: 'src' } };\n};",
                json!({"dir": {"input": "src"}}),
            ),
            (
                "export default function (c) { }\nexport const config = { dir: { input: \"content\" } };",
                json!({"dir": {"input": "content"}}),
            ),
            (
                "export default (c) => ({ a: require('./x'), b: hopeTheme({ hostname: 'h' }), c: -1 })",
                json!({"b": {"hostname": "h"}, "c": -1}),
            ),
            ("export default { a: a, b: [f(), 'c'] }", json!({"b": [null, "c"]})),
            (
                "export const meta = {\n  title: 'A',\n}\nexport default withPwa(\n  define<Theme>({ title: meta.title, b: meta.c })\n)",
                json!({"title": "A"}),
            ),
            ("export default", json!({})),
            ("", json!({})),
        ] {
            assert_eq!(Value::Object(exported(script)), expected, "{script}");
        }
    }

    #[test]
    fn hostile_scripts_take_linear_time() {
        for part in ["{a:", "[", "export default ", "const a = ", "a => ", "return ", "`", "...", "((", "a||"] {
            exported(&format!("export default {}", part.repeat(1 << 15)));
        }
    }

    proptest! {
        #[test]
        fn any_script_is_read(script in "[-{}()\\[\\]:,;'\"`a =>/*\n.|$潮]{0,80}") {
            exported(&format!("const a = {{b: 1}}\nexport default {script}"));
        }
    }
}
