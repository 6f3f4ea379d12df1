use minijinja::context;

use super::*;

fn own(html: &'static str) -> anyhow::Result<Templates> {
    Templates::load(ISSUE, &move |name| Ok((name == ISSUE.html).then(|| html.to_owned())))
}

fn error(html: &'static str) -> Finding {
    let context =
        context! { issue => context! { title => "T", permalink => "P" }, authors => vec![context! { name => "A" }] };
    *own(html).unwrap().render(ISSUE.html, &context).unwrap_err()
}

#[test]
fn a_missing_name_is_shown_with_its_place_and_the_nearest_one() {
    let finding = error("<p>\n {{ issue.titel }}");
    assert_eq!(finding.message, "there is no `titel` in `issue.titel`");
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
fn a_broken_template_and_an_endless_one_are_findings() {
    let broken = own("{% if %}").unwrap_err().downcast::<Finding>().unwrap();
    assert_eq!(broken.place.unwrap().to_string(), "templates/edition.html:1:7");
    let endless = error("{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}");
    assert_eq!(endless.message, "the template takes too many steps");
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let templates = Templates::load(ISSUE, &|_| Ok(Some("{{ a }}".to_owned()))).unwrap();
    let context = context! { a => "<&>" };
    assert_eq!(templates.render(ISSUE.html, &context).unwrap(), "&lt;&amp;&gt;");
    assert_eq!(templates.render(ISSUE.text, &context).unwrap(), "<&>");
}

#[test]
fn names_that_a_template_uses_are_known() {
    let templates = own("{% if subscriber.name %}{{ subscriber.name }}{% endif %}").unwrap();
    assert!(templates.uses("subscriber"));
    assert!(!templates.uses("unsubscribed"));
}

/// Templates of a project that has these, filled in with a context of two names.
fn rendered(own: &'static [(&str, &str)]) -> Result<String, Box<Finding>> {
    let own = |name: &str| Ok(own.iter().find(|(other, _)| *other == name).map(|(_, text)| (*text).to_owned()));
    Templates::load(ISSUE, &own).unwrap().render(ISSUE.html, &context! { a => "A", b => "B" })
}

#[test]
fn a_project_overrides_one_template_and_keeps_the_others() {
    let parts = &[
        (ISSUE.html, "{% extends 'layout.html' %}{% block body %}{{ a }}{% include \"part.html\" %}{% endblock %}"),
        ("layout.html", "<p>{% block body %}{% endblock %}</p>"),
        ("part.html", "{{ b }}"),
    ];
    assert_eq!(rendered(parts).unwrap(), "<p>AB</p>");
    let wrong =
        rendered(&[(ISSUE.html, "{% include 'part.html' %}"), ("part.html", "\n{{ c }}")]).unwrap_err().place.unwrap();
    assert_eq!(wrong.to_string(), "templates/part.html:2:4");
    let missing = rendered(&[(ISSUE.html, "{% include 'other.html' %}")]).unwrap_err();
    assert!(missing.message.contains("other.html"), "{missing:?}");
}

#[test]
fn the_template_compiled_in_can_be_had_beside_ones_own() {
    let own = "{% extends 'default/edition.html' %}{% block terms %}mine{% endblock %}";
    let sources = own_sources(own);
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["default/edition.html", ISSUE.html, ISSUE.text, "layout.html"]);
    assert_eq!(sources[ISSUE.html], own);
}

fn own_sources(html: &'static str) -> BTreeMap<String, String> {
    own(html).unwrap().sources()
}

#[test]
fn names_of_templates_are_found_in_tags_alone() {
    let source = "{%- extends 'a.html' %}{% include [\"b/c.html\", 'd.txt'] %}{% from 'e' import f %}\
                  {% if x == 'no.html' %}{{ 'no.html' }}{% include '../no.html' %}{% import 'g' as g %}";
    assert_eq!(named_templates(source), ["a.html", "b/c.html", "d.txt", "e", "g"]);
}

#[test]
fn the_templates_compiled_in_are_rendered_once_for_all() {
    for parts in [ISSUE, DIGEST] {
        let templates = Templates::load(parts, &|_| Ok(None)).unwrap();
        for (name, source) in templates.sources() {
            assert!(merge::split(&source, mark).is_some(), "{name}");
        }
        assert!(templates.split().is_some_and(|split| !split.own.is_empty()), "{parts:?}");
    }
}
