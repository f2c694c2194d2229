//! The shell of the page: its head, its policy, its style and its script.

use super::html::Html;
use super::sha256::base64_digest;
use crate::results::Results;
use crate::text::cut;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page around its content. The policy allows this style and this script, by their digests, and
/// no request: a page with markup in it that should not be there could not load or send anything.
pub(super) fn document(results: &Results, content: Html) -> String {
    let mut html = Html::default();
    html.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.markup("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    html.text(&base64_digest(STYLE))
        .markup("'; script-src 'sha256-");
    html.text(&base64_digest(SCRIPT))
        .markup("'; img-src data:; base-uri 'none'; form-action 'none'\">\n");
    html.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>");
    html.text(&title(results)).markup("</title>\n<style>");
    html.markup(STYLE).markup("</style>\n</head>\n<body>\n");
    html.part(content);
    html.markup("\n<script>")
        .markup(SCRIPT)
        .markup("</script>\n</body>\n</html>\n");
    html.finish()
}

fn title(results: &Results) -> String {
    let what = match &results.workloads[..] {
        [] => "Comparison of concurrency models".to_owned(),
        [one] => format!(
            "{}: comparison of concurrency models",
            crate::text::name(&one.name)
        ),
        all => format!(
            "Comparison of concurrency models on {} workloads",
            all.len()
        ),
    };
    let day = cut(
        results.environment.started.split('T').next().unwrap_or(""),
        12,
    );
    match day.is_empty() {
        true => what,
        false => format!("{what}, {day}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::colour;

    #[test]
    fn style_has_the_shades_of_the_heat_map() {
        for (step, (light, dark)) in colour::LIGHT.iter().zip(&colour::DARK).enumerate() {
            let rule = format!(
                ".h{step} {{ background: light-dark({}, {}); color: light-dark({}, {}); }}",
                light.paper, dark.paper, light.ink, dark.ink
            );
            assert!(STYLE.contains(&rule), "{rule}");
        }
    }

    #[test]
    fn script_shades_by_the_same_bounds() {
        let bounds = colour::BOUNDS.map(|bound| bound.to_string()).join(", ");
        assert!(SCRIPT.contains(&format!("BOUNDS = [{bounds}]")), "{bounds}");
    }

    #[test]
    fn neither_style_nor_script_can_end_its_element() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</") && !text.contains("<!--"));
        }
        for loading in [
            "url(",
            "@import",
            "fetch(",
            "XMLHttpRequest",
            "http:",
            "https:",
        ] {
            assert!(
                !STYLE.contains(loading) && !SCRIPT.contains(loading),
                "{loading}"
            );
        }
    }
}
