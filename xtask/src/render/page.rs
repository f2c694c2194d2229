//! The page that text is set on: how wide it is, and whether it has colour.
//!
//! A file, a document and a pipe get [`Page::PLAIN`], a terminal what it has. The page belongs to
//! the thread while it renders: every line, wrapped anywhere below, has to agree on it.

use std::cell::Cell;

/// Its width and its means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Its width.
    pub columns: usize,
    /// Whether escape sequences for colours may be in the text.
    pub has_colour: bool,
}

impl Page {
    /// 80 columns without colour.
    pub const PLAIN: Page = Page {
        columns: 80,
        has_colour: false,
    };
}

/// Paragraphs are no wider than this, however wide the page: longer lines are hard to read.
const WIDEST_PROSE: usize = 100;

thread_local! {
    static PAGE: Cell<Page> = const { Cell::new(Page::PLAIN) };
}

/// Puts the page back that was there before, also after a panic.
struct Before(Page);

impl Drop for Before {
    fn drop(&mut self) {
        PAGE.set(self.0);
    }
}

/// Renders for this page.
pub fn on_page<T>(page: Page, render: impl FnOnce() -> T) -> T {
    let _before = Before(PAGE.replace(page));
    render()
}

/// The width of tables.
pub(super) fn columns() -> usize {
    PAGE.get().columns
}

/// The width of paragraphs.
pub(super) fn prose_columns() -> usize {
    columns().min(WIDEST_PROSE)
}

/// Whether long lines are cut, so that the answer fits on a screen. A narrow page would cut most of
/// them, and a wide one has the room to go on below.
pub(super) fn cuts() -> bool {
    (Page::PLAIN.columns..=WIDEST_PROSE).contains(&columns())
}

/// A meaning that has a colour. Colour is never the only sign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Best,
    Fast,
    Open,
    Bad,
    Faint,
}

/// The text in the colour of the style, where the page has colours; no wider than before.
pub(super) fn paint(style: Style, text: &str) -> String {
    if !PAGE.get().has_colour || text.trim().is_empty() {
        return text.to_owned();
    }
    let code = match style {
        Style::Best => "1;32",
        Style::Fast => "32",
        Style::Open => "33",
        Style::Bad => "1;31",
        Style::Faint => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A figure of a table in the colour of its mark.
pub(super) fn paint_figure(figure: &str) -> String {
    let style = match figure {
        "best" => Style::Best,
        "faster" => Style::Fast,
        "slower" | "ERR" => Style::Bad,
        "-" | "·" => Style::Faint,
        _ if figure.ends_with(['=', '≈']) => Style::Fast,
        _ if figure.ends_with('?') || figure.starts_with("open") => Style::Open,
        _ => return figure.to_owned(),
    };
    paint(style, figure)
}

/// The head of a paragraph in the colour of its meaning.
pub(super) fn paint_head(head: &str) -> String {
    let style = match head.trim_end() {
        "warning:" | "INCOMPLETE:" | "SMOKE:" => Style::Open,
        "slower" => Style::Bad,
        _ => return head.to_owned(),
    };
    paint(style, head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_with_what_was_rendered_on_it() {
        let wide = Page {
            columns: 200,
            has_colour: true,
        };
        assert_eq!(on_page(wide, || (columns(), prose_columns())), (200, 100));
        let narrow = Page {
            columns: 40,
            ..Page::PLAIN
        };
        assert_eq!(
            [cuts(), on_page(narrow, cuts), on_page(wide, cuts)],
            [true, false, false]
        );
        let _ = std::panic::catch_unwind(|| on_page(narrow, || panic!("over")));
        assert_eq!(columns(), 80);
    }

    #[test]
    fn marks_have_colours_where_the_page_has_some() {
        let colours = Page {
            has_colour: true,
            ..Page::PLAIN
        };
        for (figure, painted) in [
            ("best", "\u{1b}[1;32mbest\u{1b}[0m"),
            ("1.02=", "\u{1b}[32m1.02=\u{1b}[0m"),
            ("1.4?", "\u{1b}[33m1.4?\u{1b}[0m"),
            ("1.35", "1.35"),
            (">4.1", ">4.1"),
        ] {
            assert_eq!(on_page(colours, || paint_figure(figure)), painted);
            assert_eq!(paint_figure(figure), figure);
        }
        assert!(on_page(colours, || paint_head("warning: ")).contains("[33m"));
        assert_eq!(on_page(colours, || paint_head("machine   ")), "machine   ");
    }
}
