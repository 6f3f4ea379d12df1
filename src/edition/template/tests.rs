use proptest::prelude::*;

use super::*;

#[test]
fn the_templates_compiled_in_are_rendered_once_for_all() {
    for parts in [ISSUE, DIGEST] {
        let templates = Templates::load(&parts.names(), &|_| Ok(None)).unwrap();
        for (name, source) in templates.sources() {
            assert!(merge::split(&source, mark).is_some(), "{name}");
        }
        assert!(Split::new(&templates).is_some_and(|split| !split.own.is_empty()), "{parts:?}");
    }
}

/// Expressions that are found without a template, whatever they are put into.
const SHOWN: &str = "{{ subscriber.name }}{{- subscriber.address -}}{{ subscriber.name|default('it\\'s', true) }}\
    {{ subscriber.name | default( 'a<b' , true ) }}{{ subscriber.name | default(\"/\") }}\
    {{ subscriber.attributes.city | default(\"c\") }}{{ subscriber.attributes.city | default(\"c\", true) }}\
    {{ subscriber.attributes.age | default(1) }}{{ unsubscribe.link }}{{ unsubscribe.url }}{{ unsubscribe.mailto }}";

proptest! {
    #[test]
    fn values_are_those_the_template_gives(
        name in "\\PC{0,20}|[<>&'\"/a]{0,9}", city in prop::option::of("\\PC{0,9}"), has_mailto: bool,
    ) {
        let mut recipient = Recipient::of_address("a+b&c@example.org".parse().unwrap());
        recipient.name = name;
        recipient.attributes.extend(city.map(|city| ("city".to_owned(), city.into())));
        recipient.attributes.insert("age".to_owned(), 7.into());
        let mailto = has_mailto.then(|| "mailto:leave@example.org?subject=a".to_owned());
        let leave = Leave { url: Some("https://example.org/?a=b&c=d".to_owned()), mailto, one_click: true };
        let split = Split::new(&Templates::load(&ISSUE.names(), &|_| Ok(Some(SHOWN.to_owned()))).unwrap()).unwrap();
        prop_assert_eq!(split.own.iter().filter(|own| own.shown.is_none()).count(), 4, "two in each part");
        let unshown = split.own.iter().map(|own| OwnValue { shown: None, ..own.clone() }).collect();
        let templates = Split { own: unshown, ..split.clone() };
        prop_assert_eq!(split.values(&recipient, &leave), templates.values(&recipient, &leave));
    }
}
