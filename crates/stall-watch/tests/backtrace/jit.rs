//! Unwind tables, made and registered the way a just-in-time compiler does.

use std::ffi::c_void;

unsafe extern "C" {
    fn __register_frame(table: *const c_void);
    fn __deregister_frame(table: *const c_void);
}

/// The tables of many functions that are never called.
pub(crate) struct Tables(Vec<Box<[u64]>>);

impl Tables {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| table()).collect())
    }

    pub(crate) fn register(&self) {
        for table in &self.0 {
            // SAFETY: a well-formed table with its terminator, which lives until it is
            // deregistered.
            unsafe { __register_frame(table.as_ptr().cast()) };
        }
    }

    pub(crate) fn deregister(&self) {
        for table in &self.0 {
            // SAFETY: every table was registered, as the callers take care.
            unsafe { __deregister_frame(table.as_ptr().cast()) };
        }
    }
}

/// One CIE, one FDE and the terminator, in the layout of `.eh_frame`.
fn table() -> Box<[u64]> {
    // The function is said to lie in this allocation, where no other code can be.
    let mut table = vec![0_u64; 9].into_boxed_slice();
    let function = table.as_ptr() as u64;
    let mut bytes = Vec::new();
    // CIE: length, id, version, augmentation "zR", factors, return address, pointers are absolute.
    bytes.extend(20_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(*b"\x01zR\0\x01\x78\x10\x01\x00");
    // The return address is on top of the stack, and padding.
    bytes.extend([0x0c, 0x07, 0x08, 0x90, 0x01, 0, 0]);
    // FDE: length, distance to the CIE, function, its size, no augmentation, padding.
    bytes.extend(28_u32.to_ne_bytes());
    bytes.extend(28_u32.to_ne_bytes());
    bytes.extend(function.to_ne_bytes());
    bytes.extend(8_u64.to_ne_bytes());
    bytes.extend([0; 8]);
    for (word, bytes) in table.iter_mut().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_ne_bytes(whole);
    }
    table
}
