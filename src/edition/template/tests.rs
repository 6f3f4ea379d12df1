use minijinja::context;

use super::*;

fn own(html: &'static str) -> anyhow::Result<Templates> {
    Templates::load(&move |name| Ok((name == HTML).then(|| html.to_owned())))
}

fn error(html: &'static str) -> Finding {
    let context =
        context! { issue => context! { title => "T", permalink => "P" }, authors => vec![context! { name => "A" }] };
    *own(html).unwrap().render(HTML, &context).unwrap_err()
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
    let templates = Templates::load(&|_| Ok(Some("{{ a }}".to_owned()))).unwrap();
    let context = context! { a => "<&>" };
    assert_eq!(templates.render(HTML, &context).unwrap(), "&lt;&amp;&gt;");
    assert_eq!(templates.render(TEXT, &context).unwrap(), "<&>");
}

#[test]
fn names_that_a_template_uses_are_known() {
    let templates = own("{% if subscriber.name %}{{ subscriber.name }}{% endif %}").unwrap();
    assert!(templates.uses(HTML, "subscriber"));
    assert!(!templates.uses(TEXT, "subscriber"));
}
