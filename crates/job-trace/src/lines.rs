//! Lines of tasks, ready to be written, with their number and checksum.

use crate::record::Record;

#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) text: Vec<u8>,
    pub(crate) count: u64,
    /// The sum of the lines' checksums, which depends on no order: threads write as they come.
    pub(crate) checksum: u64,
}

impl Lines {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.count = 0;
        self.checksum = 0;
    }

    pub(crate) fn push(&mut self, record: &Record, thread: u32) {
        let start = self.text.len();
        record.write(thread, &mut self.text);
        self.checksum = self.checksum.wrapping_add(checksum(&self.text[start..]));
        self.text.push(b'\n');
        self.count += 1;
    }
}

/// FNV-1a over words of eight bytes, little-endian, of which the last one is filled up with zeros.
/// It finds edits by accident, not by intent.
pub(crate) fn checksum(line: &[u8]) -> u64 {
    line.chunks(8)
        .fold(0xcbf2_9ce4_8422_2325, |checksum, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            (checksum ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3)
        })
}
