//! A folder added to the `members` of a workspace manifest, with all other bytes left as they were.

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// The manifest with the folder as the last of its members, or `None` if there is no place for it
/// that leaves everything else as it was: the user has to say it in the manifest then.
///
/// The text is edited at the spans that the parser reports, not written anew, so comments,
/// alignment and line ends stay. The result is parsed again: it must differ by this member and by
/// nothing else.
pub(crate) fn with_member(text: &str, folder: &str) -> Option<String> {
    let edited = edited(text, folder)?;
    let mut expected: Table = text.parse().ok()?;
    let workspace = expected.get_mut("workspace")?.as_table_mut()?;
    let members = workspace
        .entry("members")
        .or_insert_with(|| Value::Array(Vec::new()));
    members.as_array_mut()?.push(Value::from(folder));
    (edited.parse::<Table>().ok()? == expected).then_some(edited)
}

fn edited(text: &str, folder: &str) -> Option<String> {
    let parsed = DeTable::parse(text).ok()?;
    let (_, workspace) = entry(parsed.get_ref(), "workspace")?;
    let DeValue::Table(table) = workspace.get_ref() else {
        return None;
    };
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if let Some((_, members)) = entry(table, "members") {
        let DeValue::Array(array) = members.get_ref() else {
            return None;
        };
        let elements: Vec<_> = array.iter().map(toml::Spanned::span).collect();
        let close = members.span().end.checked_sub(1)?;
        return appended(text, &elements, members.span().start, close, folder);
    }
    let line = format!("members = [{}]{line_end}", quoted(folder, false));
    let span = workspace.span();
    if text[span.clone()].starts_with('[') {
        let rest = &text[span.end..];
        return Some(match rest.find('\n') {
            Some(at) => inserted(text, &[(span.end + at + 1, &line)]),
            None => format!("{text}{line_end}{line}"),
        });
    }
    // No `[workspace]`, only tables below it.
    let first = table.values().map(|value| value.span().start).min()?;
    let header = format!("[workspace]{line_end}{line}{line_end}");
    let begins_a_line = text[..first].is_empty() || text[..first].ends_with('\n');
    (begins_a_line && text[first..].starts_with('[')).then(|| inserted(text, &[(first, &header)]))
}

type Entry<'t, 'i> = (
    &'t toml::Spanned<toml::de::DeString<'i>>,
    &'t toml::Spanned<DeValue<'i>>,
);

fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<Entry<'t, 'i>> {
    table.iter().find(|(name, _)| name.get_ref() == key)
}

/// The array with one more element, in the style of the last one: on a line of its own or not, with
/// a comma behind it or not, in the same quotes.
fn appended(
    text: &str,
    elements: &[std::ops::Range<usize>],
    open: usize,
    close: usize,
    folder: &str,
) -> Option<String> {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let Some(last) = elements.last() else {
        let inside = &text[open + 1..close];
        let element = quoted(folder, false);
        if inside.trim().is_empty() {
            return Some(format!("{}{element}{}", &text[..=open], &text[close..]));
        }
        let line = format!("    {element},{line_end}");
        let at = line_start(text, close);
        return Some(inserted(text, &[(at, &line)]));
    };
    let element = quoted(folder, text[last.clone()].starts_with('\''));
    let behind = &text[last.end..close];
    let comma = comma(behind).map(|at| last.end + at + 1);
    let before = elements
        .len()
        .checked_sub(2)
        .map_or(open + 1, |at| elements[at].end);
    let own_line = text[before..last.start].contains('\n');
    let indent: String = text[line_start(text, last.start)..last.start]
        .chars()
        .take_while(|one| one.is_whitespace())
        .collect();
    if behind.contains('\n') {
        let at = line_start(text, close);
        let end = if comma.is_some() { "," } else { "" };
        let line = format!("{indent}{element}{end}{line_end}");
        return Some(match comma {
            Some(_) => inserted(text, &[(at, &line)]),
            None => inserted(text, &[(last.end, ","), (at, &line)]),
        });
    }
    let gap = if own_line {
        format!("{line_end}{indent}")
    } else {
        " ".to_string()
    };
    Some(match comma {
        Some(at) => inserted(text, &[(at, &format!("{gap}{element}"))]),
        None => inserted(text, &[(last.end, &format!(",{gap}{element}"))]),
    })
}

/// Where the comma is in the text behind an element, which has nothing else but white space and
/// comments.
fn comma(behind: &str) -> Option<usize> {
    let mut comment = false;
    behind.char_indices().find_map(|(at, one)| {
        match one {
            '#' => comment = true,
            '\n' => comment = false,
            ',' if !comment => return Some(at),
            _ => {}
        }
        None
    })
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn quoted(folder: &str, literal: bool) -> String {
    if literal && !folder.contains(['\'', '\n']) {
        format!("'{folder}'")
    } else {
        Value::from(folder).to_string()
    }
}

/// The text with pieces put in, which are ordered by position.
fn inserted(text: &str, pieces: &[(usize, &str)]) -> String {
    let mut result = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for (at, piece) in pieces {
        result.push_str(&text[from..*at]);
        result.push_str(piece);
        from = *at;
    }
    result.push_str(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(before: &str, after: &str) {
        assert_eq!(with_member(before, "new").as_deref(), Some(after));
        // The same file with the line ends of Windows.
        let (before, after) = (before.replace('\n', "\r\n"), after.replace('\n', "\r\n"));
        assert_eq!(with_member(&before, "new"), Some(after));
    }

    #[test]
    fn member_joins_a_line() {
        becomes(
            "[workspace]\nmembers = [\"a\", \"b\"] # both\n",
            "[workspace]\nmembers = [\"a\", \"b\", \"new\"] # both\n",
        );
        becomes(
            "workspace.members = ['a',]\n",
            "workspace.members = ['a', 'new']\n",
        );
        becomes(
            "[workspace]\nmembers = [ ]\n",
            "[workspace]\nmembers = [\"new\"]\n",
        );
        becomes(
            "workspace = { members = [\"]#,\"] }\n",
            "workspace = { members = [\"]#,\", \"new\"] }\n",
        );
    }

    #[test]
    fn member_gets_a_line_where_others_have_one() {
        becomes(
            "[workspace]\nmembers = [\n  \"a\", # the first, the best\n  'b', # the second\n  # that is all\n]\n",
            "[workspace]\nmembers = [\n  \"a\", # the first, the best\n  'b', # the second\n  # that is all\n  'new',\n]\n",
        );
        becomes(
            "[workspace]\nmembers = [\n\t\"a\" # no, comma\n]\n",
            "[workspace]\nmembers = [\n\t\"a\", # no, comma\n\t\"new\"\n]\n",
        );
        becomes(
            "[workspace]\nmembers = [\n    \"a\",\n    \"b\"]\n",
            "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n    \"new\"]\n",
        );
        becomes(
            "[workspace]\nmembers = [\n    # none yet\n]\n",
            "[workspace]\nmembers = [\n    # none yet\n    \"new\",\n]\n",
        );
    }

    #[test]
    fn members_are_made_where_there_are_none() {
        becomes(
            "[package]\nname = \"app\"\n\n[workspace] # of one\n\n[dependencies]\n",
            "[package]\nname = \"app\"\n\n[workspace] # of one\nmembers = [\"new\"]\n\n[dependencies]\n",
        );
        becomes(
            "# Mine.\n[workspace.package]\nedition = \"2024\"\n",
            "# Mine.\n[workspace]\nmembers = [\"new\"]\n\n[workspace.package]\nedition = \"2024\"\n",
        );
        assert_eq!(
            with_member("[workspace]", "new").as_deref(),
            Some("[workspace]\nmembers = [\"new\"]\n")
        );
    }

    #[test]
    fn manifest_without_a_place_for_it_is_left_to_the_user() {
        for text in [
            "",
            "[package]\nname = 'a'\n",
            "workspace = {}\n",
            "workspace.resolver = '3'\n",
            "[workspace]\nmembers = 'a'\n",
            "no toml",
        ] {
            assert_eq!(with_member(text, "new"), None, "{text}");
        }
    }

    #[test]
    fn folder_is_quoted_as_it_must_be() {
        let text = with_member("[workspace]\nmembers = ['a']\n", "it's \"it\"").unwrap();
        let table: Table = text.parse().unwrap();
        assert_eq!(
            table["workspace"]["members"][1].as_str(),
            Some("it's \"it\"")
        );
    }
}
