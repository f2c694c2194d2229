//! Byte strings one after another, each behind its length.

const HEAD: usize = size_of::<u32>();

/// Reserves the space of a length, and returns where the frame starts.
pub(crate) fn begin(bytes: &mut Vec<u8>) -> usize {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEAD]);
    start
}

/// Writes the length of the frame that [`begin`] started. `false` if it is longer than 4 GiB.
pub(crate) fn end(bytes: &mut [u8], start: usize) -> bool {
    let Ok(length) = u32::try_from(bytes.len() - start - HEAD) else {
        return false;
    };
    bytes[start..start + HEAD].copy_from_slice(&length.to_le_bytes());
    true
}

/// Appends a frame.
#[cfg_attr(
    not(feature = "nats"),
    allow(dead_code, reason = "only messages need it")
)]
pub(crate) fn push(bytes: &mut Vec<u8>, content: &[u8]) {
    let start = begin(bytes);
    bytes.extend_from_slice(content);
    end(bytes, start);
}

/// Splits the first frame off. `None` if the bytes end before the frame does.
pub(crate) fn next<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let length = u32::from_le_bytes(*head) as usize;
    let content = rest.get(..length)?;
    *bytes = &rest[length..];
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order() {
        let mut bytes = Vec::new();
        push(&mut bytes, b"one");
        push(&mut bytes, b"");
        let mut rest = &bytes[..];
        assert_eq!(next(&mut rest), Some(&b"one"[..]));
        assert_eq!(next(&mut rest), Some(&b""[..]));
        assert_eq!(next(&mut rest), None);
    }

    #[test]
    fn truncated_frame_is_refused() {
        assert_eq!(next(&mut &[9, 0, 0, 0, 1][..]), None);
        assert_eq!(next(&mut &[9, 0][..]), None);
    }
}
