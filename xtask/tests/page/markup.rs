//! A strict reader of the page: elements nest, attributes are quoted, ids are unique.

use std::collections::BTreeSet;

/// Elements without an end tag: of HTML, and empty ones of SVG, which end in `/>`.
const VOID: [&str; 3] = ["meta", "link", "br"];

/// An element of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    /// Its text and that of all elements in it, as a browser shows it.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn has_class(&self, class: &str) -> bool {
        let mut classes = self.attribute("class").unwrap_or("").split(' ');
        classes.any(|known| known == class)
    }
}

/// All elements in the order of their ends.
#[derive(Debug)]
pub(crate) struct Page {
    elements: Vec<Element>,
}

impl Page {
    /// Reads a page, and fails where it is not well formed.
    pub(crate) fn read(page: &str) -> Page {
        let mut rest = page
            .strip_prefix("<!DOCTYPE html>")
            .expect("a document type");
        let (mut open, mut elements) = (Vec::<Element>::new(), Vec::new());
        while !rest.is_empty() {
            // Style and script hold text only.
            let raw = open
                .last()
                .filter(|it| matches!(it.name.as_str(), "style" | "script"));
            let end = match raw {
                Some(element) => rest.find(&format!("</{}>", element.name)),
                None => rest.find('<'),
            };
            let (text, tail) = rest.split_at(end.unwrap_or(rest.len()));
            assert!(
                raw.is_some() || !text.contains('>'),
                "a stray > in {text:?}"
            );
            let text = if raw.is_some() {
                text.to_owned()
            } else {
                unescaped(text)
            };
            open.iter_mut()
                .for_each(|element| element.text.push_str(&text));
            if tail.is_empty() {
                break;
            }
            let (tag, after) = tail[1..].split_once('>').expect("a tag has an end");
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                let element = open.pop().expect("an element is open");
                assert_eq!(element.name, name, "elements nest");
                elements.push(element);
                continue;
            }
            let element = element(tag.trim_end_matches('/'));
            if tag.ends_with('/') || VOID.contains(&element.name.as_str()) {
                elements.push(element);
            } else {
                open.push(element);
            }
        }
        assert!(open.is_empty(), "open at the end: {open:?}");
        let page = Page { elements };
        page.check();
        page
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&Element> {
        let elements = self.elements.iter();
        elements.filter(|element| element.name == name).collect()
    }

    /// The elements of this name and class.
    pub(crate) fn classed(&self, name: &str, class: &str) -> Vec<&Element> {
        let all = self.all(name).into_iter();
        all.filter(|element| element.has_class(class)).collect()
    }

    #[track_caller]
    pub(crate) fn id(&self, id: &str) -> &Element {
        let mut elements = self.elements.iter();
        let found = elements.find(|element| element.attribute("id") == Some(id));
        found.unwrap_or_else(|| panic!("no element has the id {id}"))
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        let mut elements = self.elements.iter();
        elements.any(|element| element.attribute("id") == Some(id))
    }

    pub(crate) fn text(&self) -> &str {
        &self.all("main")[0].text
    }

    /// No script but the page's own, no style or handler in an attribute, no address that loads.
    fn check(&self) {
        let mut ids = BTreeSet::new();
        for element in &self.elements {
            for (name, value) in &element.attributes {
                assert!(name != "style" && !name.starts_with("on"), "{element:?}");
                assert!(name != "src" && name != "srcset", "{element:?}");
                if name == "id" {
                    assert!(ids.insert(value.clone()), "{value} is twice an id");
                }
                if name == "href" {
                    let own = value.starts_with('#') || value == "data:,";
                    let beside = element.name == "a" && !value.contains(['/', ':']);
                    let link = element.name == "a" && value.starts_with("https://");
                    assert!(own || beside || link, "{element:?}");
                }
            }
        }
        for link in self.all("a") {
            if let Some(id) = link
                .attribute("href")
                .and_then(|href| href.strip_prefix('#'))
            {
                assert!(
                    ids.contains(id),
                    "a link leads to #{id}, which is not there"
                );
            }
        }
        assert_eq!(self.all("script").len(), 1);
        assert_eq!(self.all("style").len(), 1);
        assert_eq!(self.all("h1").len(), 1);
        for table in self.all("table") {
            assert!(table.attribute("id").is_some(), "{table:?}");
        }
        assert_eq!(self.all("caption").len(), self.all("table").len());
        let figures = self.all("svg").into_iter();
        let named = figures
            .filter(|svg| svg.attribute("role") == Some("img"))
            .count();
        assert_eq!(named, self.all("title").len() - 1, "figures have titles");
        for head in self.all("th") {
            assert!(head.attribute("scope").is_some(), "{head:?}");
        }
    }
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()),
        "{name:?} is no name"
    );
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (name, value) = rest.trim_start().split_once("=\"").expect("a quoted value");
        assert!(
            name.chars().all(|c| c.is_ascii_alphabetic() || c == '-'),
            "{name:?} is no name"
        );
        let (value, after) = value.split_once('"').expect("a closed quote");
        assert!(!value.contains('<'), "{value:?}");
        assert!(
            attributes.iter().all(|(known, _)| known != name),
            "{name} is there twice"
        );
        attributes.push((name.to_owned(), unescaped(value)));
        rest = after;
    }
    Element {
        name: name.to_owned(),
        attributes,
        text: String::new(),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let (name, after) = part
            .split_once(';')
            .expect("a character reference has an end");
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("&{other}; is not one that the page writes"),
        });
        out.push_str(after);
    }
    out
}
