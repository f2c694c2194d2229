//! Faults of a page that only a browser can see: its boxes, its colours, its focus.

use serde_json::{Value, json};

use crate::browser::Browser;

/// The functions, which see the page from inside.
const PROBES: &str = include_str!("probes.js");

/// The most controls that are reached one by one.
const MAX_CONTROLS: u64 = 2_000;

/// The faults of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The elements that make the page wider than its screen; empty if it is not.
    pub too_wide: Vec<String>,
    /// Lines of text of which a part is out of reach.
    pub cut_off: Vec<String>,
    /// Pairs of lines of text that lie on each other.
    pub overlapping: Vec<String>,
}

impl Layout {
    /// All faults, one line each.
    pub fn faults(&self) -> Vec<String> {
        let kinds = [
            ("too wide", &self.too_wide),
            ("cut off", &self.cut_off),
            ("overlapping", &self.overlapping),
        ];
        let of_kind = |(what, found): (&str, &Vec<String>)| -> Vec<String> {
            found.iter().map(|text| format!("{what}: {text}")).collect()
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }
}

/// The way of a reader with a keyboard over the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// The number of controls.
    pub controls: u64,
    /// Controls that were not reached.
    pub missed: Vec<String>,
    /// Controls that look the same with the focus and without.
    pub unseen: Vec<String>,
}

impl Browser {
    /// Runs one of the probes.
    fn probe(&self, call: &str) -> Result<Value, String> {
        self.script(&format!("{PROBES}\nreturn {call};"), &[])
    }

    fn faults(&self, call: &str) -> Result<Vec<String>, String> {
        Ok(texts(&self.probe(call)?))
    }

    /// The boxes of the page that are not as they should be.
    ///
    /// # Errors
    /// The driver's.
    pub fn layout(&self) -> Result<Layout, String> {
        let found = self.probe("layout()")?;
        let mut too_wide = Vec::new();
        // A page that does not tell is no success either.
        let excess = found["overflow"]["excess"].as_f64().unwrap_or(f64::MAX);
        if excess > 0.0 {
            let width = &found["overflow"]["width"];
            too_wide.push(format!("{excess} px beyond a screen of {width}"));
            too_wide.extend(texts(&found["overflow"]["wide"]));
        }
        Ok(Layout {
            too_wide,
            cut_off: texts(&found["cut"]),
            overlapping: texts(&found["overlaps"]),
        })
    }

    /// Text whose colour is too close to that behind it, by level AA of WCAG 2.
    ///
    /// # Errors
    /// The driver's.
    pub fn faint(&self) -> Result<Vec<String>, String> {
        self.faults("contrast()")
    }

    /// The number of lines of text that a reader sees.
    ///
    /// # Errors
    /// The driver's.
    pub fn lines(&self) -> Result<u64, String> {
        let count = self.probe("lines().length")?;
        count.as_u64().ok_or_else(|| format!("no number: {count}"))
    }

    /// Goes over the page with the tabulator.
    ///
    /// # Errors
    /// The driver's.
    pub fn tab_through(&self) -> Result<Focus, String> {
        let controls = self.probe("watch()")?.as_u64().unwrap_or(0);
        // Areas that scroll take the focus, too.
        let presses = controls.min(MAX_CONTROLS) * 2 + 20;
        for _ in 0..presses.div_ceil(100) {
            self.press(&"\u{e004}".repeat(100))?;
            let missed = self.probe("watched()")?["missed"].take();
            if missed.as_array().is_some_and(Vec::is_empty) {
                break;
            }
        }
        let watched = self.probe("watched()")?;
        Ok(Focus {
            controls,
            missed: texts(&watched["missed"]),
            unseen: texts(&watched["unseen"]),
        })
    }

    /// Controls and pictures without a name that a screen reader could say.
    ///
    /// # Errors
    /// The driver's.
    pub fn nameless(&self) -> Result<Vec<String>, String> {
        let tree = self.cdp("Accessibility.getFullAXTree", &json!({}))?;
        let nodes = tree["nodes"].as_array().map_or(&[][..], Vec::as_slice);
        if nodes.is_empty() {
            return Err("the browser has no accessibility tree".to_owned());
        }
        let named = [
            "button",
            "checkbox",
            "combobox",
            "image",
            "img",
            "link",
            "listbox",
            "radio",
            "searchbox",
            "slider",
            "switch",
            "textbox",
            "DisclosureTriangle",
        ];
        let nameless = nodes.iter().filter(|node| {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            let name = node["name"]["value"].as_str().unwrap_or_default();
            node["ignored"] != true && named.contains(&role) && name.trim().is_empty()
        });
        Ok(nameless
            .map(|node| format!("{} {}", node["role"]["value"], node["backendDOMNodeId"]))
            .collect())
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    let text = |item: &Value| {
        item.as_str()
            .map_or_else(|| item.to_string(), str::to_owned)
    };
    items.iter().map(text).collect()
}
