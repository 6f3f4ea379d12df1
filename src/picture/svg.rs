//! The root element of an SVG file (SVG 2, section 5.1.2) and the size it declares.

/// The root element of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Root {
    /// An `svg` element, with width and height if it has them.
    Svg(Option<(u32, u32)>),
    /// The text ends before the first tag does.
    Cut,
    /// Anything else.
    Other,
}

/// Reads up to the end of the first tag.
pub(super) fn root(text: &str) -> Root {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let skipped = match rest {
            "" => return Root::Cut,
            _ if rest.starts_with("<?") => after(rest, "?>"),
            _ if rest.starts_with("<!--") => after(rest, "-->"),
            _ if rest.starts_with("<!") => after_doctype(rest),
            _ => return first_tag(rest),
        };
        match skipped {
            Some(text) => rest = text.trim_start(),
            None => return Root::Cut,
        }
    }
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, rest)| rest)
}

/// A document type may contain declarations in brackets.
fn after_doctype(text: &str) -> Option<&str> {
    match (text.find('['), text.find('>')) {
        (Some(bracket), Some(end)) if bracket < end => after(after(text, "]")?, ">"),
        _ => after(text, ">"),
    }
}

fn first_tag(text: &str) -> Root {
    let Some(tag) = text.strip_prefix('<') else { return Root::Other };
    let name_end = tag.find(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '/'));
    let Some((name, attributes)) = name_end.map(|at| tag.split_at(at)) else { return Root::Cut };
    if name.rsplit(':').next() != Some("svg") {
        return Root::Other;
    }
    match size(attributes) {
        Some(size) => Root::Svg(size),
        None => Root::Cut,
    }
}

/// `width` and `height` in pixels, else those of the `viewBox`; `None` if the tag does not end.
fn size(attributes: &str) -> Option<Option<(u32, u32)>> {
    let (mut width, mut height, mut view_box) = (None, None, None);
    let mut rest = attributes.trim_start();
    while !rest.starts_with(['>', '/']) {
        let (name, after_name) = rest.split_once('=')?;
        let after_name = after_name.trim_start();
        let quote = after_name.chars().next()?;
        let (value, after_value) = after_name[quote.len_utf8()..].split_once(quote)?;
        match name.trim() {
            "width" => width = pixels(value),
            "height" => height = pixels(value),
            "viewBox" => view_box = extent(value),
            _ => {}
        }
        rest = after_value.trim_start();
    }
    Some(width.zip(height).or(view_box))
}

fn extent(view_box: &str) -> Option<(u32, u32)> {
    let numbers: Vec<&str> = view_box.split([' ', ',', '\t', '\n', '\r']).filter(|number| !number.is_empty()).collect();
    let [_, _, width, height] = numbers.as_slice() else { return None };
    pixels(width).zip(pixels(height))
}

/// A length in pixels, without unit or in `px`, rounded. Percentages and physical units have no fixed size in pixels.
fn pixels(length: &str) -> Option<u32> {
    let length = length.trim();
    let number: f64 = length.strip_suffix("px").unwrap_or(length).trim_end().parse().ok()?;
    let rounded = number.round();
    (rounded >= 1.0 && rounded <= f64::from(u32::MAX)).then_some(rounded as u32)
}
