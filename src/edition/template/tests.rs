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
