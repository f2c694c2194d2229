//! Indented JSON whose innermost parts stand on one line: each lane of a timeline, which would take
//! five lines for each of its spans.

use std::io::{self, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

/// Lists and objects inside this many others, or in more, are on one line.
const INDENTED: usize = 5;

/// The layout of `results.json`.
pub(super) struct Layout {
    pretty: PrettyFormatter<'static>,
    depth: usize,
}

impl Layout {
    pub(super) fn new() -> Layout {
        Layout {
            pretty: PrettyFormatter::new(),
            depth: 0,
        }
    }

    fn is_flat(&self) -> bool {
        self.depth > INDENTED
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_flat() {
            return writer.write_all(b"[");
        }
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth >= INDENTED {
            return writer.write_all(b"]");
        }
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.is_flat() {
            return comma(writer, first);
        }
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_flat() {
            return Ok(());
        }
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_flat() {
            return writer.write_all(b"{");
        }
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth >= INDENTED {
            return writer.write_all(b"}");
        }
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.is_flat() {
            return comma(writer, first);
        }
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_flat() {
            return writer.write_all(b":");
        }
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_flat() {
            return Ok(());
        }
        self.pretty.end_object_value(writer)
    }
}

fn comma<W: ?Sized + Write>(writer: &mut W, first: bool) -> io::Result<()> {
    if first {
        return Ok(());
    }
    writer.write_all(b",")
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::{Serializer, Value, json};

    use super::*;

    #[test]
    fn innermost_parts_are_on_one_line_and_nothing_is_lost() {
        let lane = json!({"thread": 1, "spans": [[0, 1, 1], [2, 3, 1]], "none": [], "empty": {}});
        let value =
            json!({"cells": [{"timeline": {"lanes": [lane, lane], "tasks": 2}}, {}], "a": []});
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, Layout::new());
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let line = r#"          {"empty":{},"none":[],"spans":[[0,1,1],[2,3,1]],"thread":1}"#;
        assert!(
            text.contains(&format!("[\n{line},\n{line}\n        ],\n")),
            "{text}"
        );
        assert!(
            text.starts_with("{\n  \"a\": [],\n  \"cells\": [\n    {\n"),
            "{text}"
        );
    }
}
