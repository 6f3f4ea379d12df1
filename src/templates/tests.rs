use minijinja::context;

use super::*;

const HTML: &str = "edition.html";
const TEXT: &str = "edition.txt";

fn own(html: &'static str) -> anyhow::Result<Templates> {
    Templates::load(&[HTML, TEXT], &move |name| Ok((name == HTML).then(|| html.to_owned())))
}

fn error(html: &'static str) -> Finding {
    let context =
        context! { issue => context! { title => "T", permalink => "P" }, authors => vec![context! { name => "A" }] };
    *own(html).unwrap().render(HTML, &context).unwrap_err()
}

#[test]
fn an_undefined_name_is_reported_with_its_place_and_the_nearest_one() {
    let finding = error("<p>\n {{ issue.titel }}");
    assert_eq!(finding.message, "`issue` has no `titel`");
    assert_eq!(finding.help.as_deref(), Some("did you mean `title`?"));
    let place = finding.place.unwrap();
    assert_eq!(
        (place.to_string().as_str(), place.source.as_deref()),
        ("templates/edition.html:2:5", Some(" {{ issue.titel }}"))
    );
    assert_eq!(error("{{ isue.title }}").help.as_deref(), Some("did you mean `issue`?"));
    assert!(error("{{ issue.zzzzzzzz }}").help.unwrap().contains("default"));
}

#[test]
fn invalid_and_endless_templates_are_findings() {
    let broken = own("{% if %}").unwrap_err().downcast::<Finding>().unwrap();
    assert_eq!(broken.place.unwrap().to_string(), "templates/edition.html:1:7");
    let endless = error("{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}");
    assert_eq!(endless.message, "the template takes too many steps");
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let templates = Templates::load(&[HTML, TEXT], &|_| Ok(Some("{{ a }}".to_owned()))).unwrap();
    let context = context! { a => "<&>" };
    assert_eq!(templates.render(HTML, &context).unwrap(), "&lt;&amp;&gt;");
    assert_eq!(templates.render(TEXT, &context).unwrap(), "<&>");
}

#[test]
fn uses_of_a_name_are_found() {
    let templates = own("{% if subscriber.name %}{{ subscriber.name }}{% endif %}").unwrap();
    assert!(templates.uses("subscriber"));
    assert!(!templates.uses("unsubscribed"));
}

/// A project's templates, rendered with two variables.
fn rendered(own: &'static [(&str, &str)]) -> Result<String, Box<Finding>> {
    let own = |name: &str| Ok(own.iter().find(|(other, _)| *other == name).map(|(_, text)| (*text).to_owned()));
    Templates::load(&[HTML, TEXT], &own).unwrap().render(HTML, &context! { a => "A", b => "B" })
}

#[test]
fn a_project_overrides_one_template_and_keeps_the_others() {
    let parts = &[
        (HTML, "{% extends 'layout.html' %}{% block body %}{{ a }}{% include \"part.html\" %}{% endblock %}"),
        ("layout.html", "<p>{% block body %}{% endblock %}</p>"),
        ("part.html", "{{ b }}"),
    ];
    assert_eq!(rendered(parts).unwrap(), "<p>AB</p>");
    let wrong =
        rendered(&[(HTML, "{% include 'part.html' %}"), ("part.html", "\n{{ c }}")]).unwrap_err().place.unwrap();
    assert_eq!(wrong.to_string(), "templates/part.html:2:4");
    let missing = rendered(&[(HTML, "{% include 'other.html' %}")]).unwrap_err();
    assert!(missing.message.contains("other.html"), "{missing:?}");
}

#[test]
fn a_custom_template_can_extend_the_built_in_one() {
    let own = "{% extends 'default/edition.html' %}{% block terms %}mine{% endblock %}";
    let sources = own_sources(own);
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["default/edition.html", HTML, TEXT, "layout.html"]);
    assert_eq!(sources[HTML], own);
}

fn own_sources(html: &'static str) -> BTreeMap<String, String> {
    own(html).unwrap().sources()
}

#[test]
fn names_of_templates_are_found_only_in_tags() {
    let source = "{%- extends 'a.html' %}{% include [\"b/c.html\", 'd.txt'] %}{% from 'e' import f %}\
                  {% if x == 'no.html' %}{{ 'no.html' }}{% include '../no.html' %}{% import 'g' as g %}";
    assert_eq!(named_templates(source), ["a.html", "b/c.html", "d.txt", "e", "g"]);
}
