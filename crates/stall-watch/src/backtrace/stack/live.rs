//! Reads of this process's memory that fail at unmapped addresses instead of raising a signal.
//!
//! For the watchdog, which reads the tables of shared objects that another thread may unload at any
//! moment.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::system::{self, Unreadable};

/// The memory of this process, for one walk.
#[derive(Default)]
pub(super) struct Memory {
    /// Opened where the system call is forbidden. It must not be kept for long: in the child of a
    /// fork it still refers to the parent's memory.
    file: OnceCell<Option<File>>,
}

impl Memory {
    /// The bytes at an address. `None` unless all of them can be read.
    pub(super) fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(address, &mut bytes)?;
        Some(bytes)
    }

    /// Fills `bytes` with what is at an address. `None` unless all of it can be read.
    #[allow(unsafe_code)]
    pub(super) fn fill(&self, address: u64, bytes: &mut [u8]) -> Option<()> {
        if self.file.get().is_none() {
            let from = usize::try_from(address).ok()?;
            // SAFETY: a unique reference to as many bytes as stated.
            match unsafe { system::copy(from, bytes.as_mut_ptr(), bytes.len()) } {
                Ok(read) => return (read == bytes.len()).then_some(()),
                Err(Unreadable::NoMemory) => return None,
                Err(Unreadable::Forbidden) => {}
            }
        }
        let file = self.file.get_or_init(|| File::open("/proc/self/mem").ok());
        file.as_ref()?.read_exact_at(bytes, address).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_memory_is_none() {
        let number = 0x1234_5678_u32;
        let address = (&raw const number).addr() as u64;
        let by_file = Memory::default();
        by_file.file.set(File::open("/proc/self/mem").ok()).unwrap();
        for memory in [Memory::default(), by_file] {
            assert_eq!(memory.read(address), Some(number.to_ne_bytes()));
            assert_eq!(memory.read::<4>(0), None);
            assert_eq!(memory.read::<4>(u64::MAX - 1), None);
        }
    }
}
