//! Lines of unsafe code in a Rust source: from each `unsafe` to the end of its block or item.

/// The number of lines that unsafe blocks, functions, impls and traits take up, each line once.
///
/// A scan for tokens, not a parser: comments, strings and characters are skipped, braces are
/// matched. `unsafe` within a macro counts where it is written, not where it expands.
pub(super) fn count(source: &str) -> usize {
    let tokens = tokens(source);
    let mut lines = 0;
    let mut uncounted = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let last = match token.kind {
            // An attribute, `#[unsafe(no_mangle)]`, ends in its bracket.
            Kind::Unsafe => end(&tokens, at).unwrap_or(at - 1),
            Kind::Type => at - 1,
            _ => continue,
        };
        // The line of two blocks counts once.
        let first = token.line.max(uncounted);
        uncounted = uncounted.max(tokens[last].line + 1);
        lines += uncounted.saturating_sub(first);
        at = at.max(last + 1);
    }
    lines
}

/// The index of the token that ends what begins before `from`: the matching brace of the first one,
/// or a semicolon or a closing bracket before it.
fn end(tokens: &[Token], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth <= 1 => return Some(at),
            Kind::Close => depth -= 1,
            Kind::End if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsafe,
    /// The `unsafe` of a type such as `unsafe fn()`.
    Type,
    Open,
    Close,
    /// A semicolon, or the bracket that ends an attribute.
    End,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    line: usize,
}

fn tokens(source: &str) -> Vec<Token> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let after = match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'\'' => quote_end(bytes, at),
            b'{' | b'}' | b';' | b']' => {
                let kind = match byte {
                    b'{' => Kind::Open,
                    b'}' => Kind::Close,
                    _ => Kind::End,
                };
                tokens.push(Token { kind, line });
                at + 1
            }
            _ if is_word(byte) => {
                let end = at
                    + bytes[at..]
                        .iter()
                        .take_while(|byte| is_word(**byte))
                        .count();
                let word = &bytes[at..end];
                if word == b"unsafe" {
                    let kind = Kind::Unsafe;
                    tokens.push(Token { kind, line });
                }
                // A function without a name is a type, which ends in no brace.
                if word == b"fn"
                    && bytes[end..].trim_ascii_start().first() == Some(&b'(')
                    && let Some(last) = tokens.last_mut()
                    && last.kind == Kind::Unsafe
                {
                    last.kind = Kind::Type;
                }
                match word {
                    b"r" | b"br" | b"cr" => raw_end(bytes, end).unwrap_or(end),
                    _ => end,
                }
            }
            _ => at + 1,
        };
        line += bytes[at..after]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        at = after;
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..]
        .iter()
        .take_while(|byte| **byte != b'\n')
        .count()
}

/// Comments nest.
fn comment_end(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => depth += 1,
            Some(b"*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A raw string whose hashes and quote begin here, if one does.
fn raw_end(bytes: &[u8], from: usize) -> Option<usize> {
    let hashes = bytes[from..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let start = from + hashes;
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let closing = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let inside = &bytes[start + 1..];
    let length = inside
        .windows(closing.len())
        .position(|window| window == closing);
    Some(length.map_or(bytes.len(), |length| start + 1 + length + closing.len()))
}

/// A character, or a lifetime, which has no second quote.
fn quote_end(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'\\') {
        let rest = &bytes[(at + 3).min(bytes.len())..];
        let close = rest.iter().position(|byte| *byte == b'\'');
        return close.map_or(bytes.len(), |close| at + 3 + close + 1);
    }
    let rest = std::str::from_utf8(&bytes[at + 1..]).unwrap_or_default();
    let length = rest.chars().next().map_or(0, char::len_utf8);
    if bytes.get(at + 1 + length) == Some(&b'\'') {
        return at + 2 + length;
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn blocks_functions_and_impls_count_to_their_end() {
        for (source, expected) in [
            ("fn a() {}\n", 0),
            ("unsafe { a() }\n", 1),
            ("let x = unsafe {\n    a()\n};\n", 3),
            ("unsafe impl Send for A {}\nunsafe impl Sync for A {}\n", 2),
            ("unsafe fn a() {\n    unsafe { b() }\n}\n", 3),
            ("unsafe fn a();\n", 1),
            ("unsafe extern \"C\" {\n    fn a();\n}\n", 3),
            ("#[unsafe(no_mangle)]\nfn a() {\n}\n", 1),
            ("f(unsafe { a() }, unsafe { b() });\n", 1),
            (
                "struct A {\n    a: unsafe extern \"C\" fn (u8),\n    b: u8,\n}\n",
                1,
            ),
            ("unsafe fn a(b: unsafe fn()) {\n    b()\n}\n", 3),
            ("type F = unsafe fn();\nfn b() {\n}\n", 1),
        ] {
            assert_eq!(count(source), expected, "{source}");
        }
    }

    #[test]
    fn comments_strings_and_longer_words_do_not_count() {
        for source in [
            "// unsafe {\n}\n",
            "/* unsafe { /* } */ unsafe { */ fn a() {}\n",
            "let a = \"unsafe { \\\" unsafe {\";\n",
            "let a = r#\"unsafe { \" unsafe { \"#;\n",
            "#![forbid(unsafe_code)]\n",
            "fn a<'unsafe_life>() { let c = '\"'; let d = '\\''; let e = '{'; }\n",
        ] {
            assert_eq!(count(source), 0, "{source}");
        }
        assert_eq!(count("fn a<'a>() {\n let q = '\"';\n unsafe {\n }\n}\n"), 2);
    }
}
