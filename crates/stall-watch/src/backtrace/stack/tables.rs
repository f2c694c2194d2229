//! The unwind table entry of one function, found in the memory of a loaded object.
//!
//! `.eh_frame_hdr` is a sorted index into `.eh_frame`. Both are read piece by piece as needed, and
//! nothing is kept: no copy can be out of date, and memory use does not depend on the size of the
//! program. An unknown layout, or an entry that is too long, counts as no entry.

use gimli::{BaseAddresses, EhFrame, EhFrameOffset, FrameDescriptionEntry, UnwindSection};

use super::live::Memory;

pub(super) type Reader<'a> = gimli::EndianSlice<'a, gimli::NativeEndian>;

/// The longest entry, in bytes. Those of large functions have a few thousand.
const LONGEST: usize = 64 * 1024;

/// Offsets from the index's own address, in four signed bytes: DW_EH_PE_datarel | DW_EH_PE_sdata4.
const RELATIVE: u8 = 0x3b;

/// An unsigned number in four bytes: DW_EH_PE_udata4.
const NUMBER: u8 = 0x03;

/// How long a row of the index is, in bytes.
const ROW: usize = 8;

/// How many rows are read at once.
const BLOCK: usize = 64;

/// A copy of the entry of a function (FDE), after a copy of the part that it shares with others
/// (CIE).
pub(super) struct Entry {
    bytes: Vec<u8>,
    function: usize,
    bases: BaseAddresses,
}

impl Entry {
    /// The entry for the code at an address, by the index of the object that contains it.
    pub(super) fn find(memory: &Memory, index: u64, address: u64) -> Option<Self> {
        let entry = search(memory, index, address)?;
        let function = record(memory, entry)?;
        let distance = u32::from_ne_bytes(*function.get(4..)?.first_chunk()?);
        let mut bytes = record(memory, entry.checked_add(4)?.checked_sub(distance.into())?)?;
        // The two are moved together, so the distance between them changes, and so does the base of
        // the addresses in the entry, which are relative to where they stand.
        let offset = bytes.len();
        bytes.extend_from_slice(&function);
        let distance = u32::try_from(offset + 4).ok()?;
        bytes
            .get_mut(offset + 4..offset + 8)?
            .copy_from_slice(&distance.to_ne_bytes());
        let base = entry.checked_sub(u64::try_from(offset).ok()?)?;
        Some(Self {
            bytes,
            function: offset,
            bases: BaseAddresses::default().set_eh_frame(base),
        })
    }

    pub(super) fn section(&self) -> EhFrame<Reader<'_>> {
        let mut section = EhFrame::new(&self.bytes, gimli::NativeEndian);
        if cfg!(target_arch = "aarch64") {
            section.set_vendor(gimli::Vendor::AArch64);
        }
        section
    }

    pub(super) fn bases(&self) -> &BaseAddresses {
        &self.bases
    }

    pub(super) fn parse<'a>(
        &self,
        section: &EhFrame<Reader<'a>>,
    ) -> gimli::Result<FrameDescriptionEntry<Reader<'a>>> {
        let offset = EhFrameOffset(self.function);
        section.fde_from_offset(&self.bases, offset, EhFrame::cie_from_offset)
    }
}

/// The address of the entry of the last function that begins at or before `address`.
fn search(memory: &Memory, index: u64, address: u64) -> Option<u64> {
    let header: [u8; 12] = memory.read(index)?;
    let [version, pointer, count, table, ..] = header;
    // The pointer to `.eh_frame` is not needed, but it must have four bytes, as it always does.
    if (version, count, table) != (1, NUMBER, RELATIVE) || !matches!(pointer & 0x0f, 0x03 | 0x0b) {
        return None;
    }
    let rows = index.checked_add(12)?;
    let row_at = |number: u32| rows.checked_add(ROW as u64 * u64::from(number));
    let (mut low, mut high) = (0, u32::from_ne_bytes(*header.last_chunk()?));
    while high - low > BLOCK as u32 {
        let middle = low + (high - low) / 2;
        let [function, _] = row(index, &memory.read(row_at(middle)?)?)?;
        if function <= address {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The rest is read at once: a read costs more than the bytes that it reads.
    let mut block = [0; BLOCK * ROW];
    let block = block.get_mut(..(high - low) as usize * ROW)?;
    memory.fill(row_at(low)?, block)?;
    let mut found = None;
    for bytes in block.chunks_exact(ROW) {
        let [function, entry] = row(index, bytes.first_chunk()?)?;
        if function > address {
            break;
        }
        found = Some(entry);
    }
    found
}

/// The addresses of a function and of its entry.
fn row(index: u64, bytes: &[u8; ROW]) -> Option<[u64; 2]> {
    let [function, entry] = [*bytes.first_chunk()?, *bytes.last_chunk()?]
        .map(|offset| index.checked_add_signed(i32::from_ne_bytes(offset).into()));
    Some([function?, entry?])
}

/// A record of `.eh_frame`, with the length in front of it.
fn record(memory: &Memory, address: u64) -> Option<Vec<u8>> {
    let length = u32::from_ne_bytes(memory.read(address)?);
    let length = usize::try_from(length).ok()?;
    // Zero ends the section. No program uses the form for more than 4 GiB.
    if length == 0 || length > LONGEST {
        return None;
    }
    let mut record = vec![0; 4 + length];
    memory.fill(address, &mut record)?;
    Some(record)
}
