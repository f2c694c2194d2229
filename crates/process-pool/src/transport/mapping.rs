//! Shared memory: the only unsafe code of the crate.

use std::ffi::c_void;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use rustix::fs::{
    MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::layout::Layout;

/// What keeps a memory file from changing its size, for ever: no access to a mapping of it can then fault.
const SEALS: SealFlags = SealFlags::GROW
    .union(SealFlags::SHRINK)
    .union(SealFlags::SEAL);

/// A memory file of that many bytes, all zeros, whose size nobody can change.
pub(crate) fn sealed_file(name: &str, bytes: usize) -> io::Result<OwnedFd> {
    let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, bytes as u64)?;
    fcntl_add_seals(&file, SEALS)?;
    Ok(file)
}

/// A mapping of a sealed memory file.
struct Mapping {
    start: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: a mapping belongs to the process and not to a thread, and is only ever lent out as atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Refuses what is not sealed or not of that size, whoever it comes from.
    fn new(file: impl AsFd, bytes: usize) -> io::Result<Self> {
        let sealed = fcntl_get_seals(&file)?.contains(SEALS);
        if !sealed || fstat(&file)?.st_size as u64 != bytes as u64 || bytes == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a descriptor that should be shared memory is not sealed, or of another size",
            ));
        }
        // SAFETY: the kernel chooses a free range, so no memory that exists is replaced.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        }?;
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is the one that `mmap` gave, and every borrow of it has borrowed this value.
        // It can only fail for a range that is none.
        let _ = unsafe { munmap(self.start.as_ptr(), self.bytes) };
    }
}

/// The memory that a worker and its parent share.
pub(crate) struct Region(Mapping);

impl Region {
    /// How large the memory file has to be.
    pub(crate) const BYTES: usize = size_of::<Layout>();

    pub(crate) fn new(file: impl AsFd) -> io::Result<Self> {
        Mapping::new(file, Self::BYTES).map(Self)
    }
}

impl Deref for Region {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        // SAFETY: the mapping is as large as `Layout`, page-aligned, lives as long as the borrow, and cannot fault, as
        // its file is sealed. `Layout` is made of atomics alone, for which all bits are valid, and which other threads
        // and the other process may change while they are borrowed.
        unsafe { self.0.start.cast::<Layout>().as_ref() }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").finish_non_exhaustive()
    }
}

/// Shared memory of words, for large buffers.
pub(crate) struct Words(Mapping);

impl Words {
    pub(crate) fn new(file: impl AsFd, words: usize) -> io::Result<Self> {
        let bytes = words
            .checked_mul(size_of::<u64>())
            .ok_or(io::ErrorKind::InvalidInput)?;
        Mapping::new(file, bytes).map(Self)
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        let words = self.0.bytes / size_of::<u64>();
        // SAFETY: the mapping has that many words, is page-aligned, lives as long as the borrow, and cannot fault, as
        // its file is sealed. All bits are valid for an atomic word, which anybody may change while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.0.start.cast::<AtomicU64>().as_ptr(), words) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn two_mappings_of_one_file_are_the_same_memory() {
        let file = sealed_file("test", 4096).unwrap();
        let (one, other) = (
            Words::new(&file, 512).unwrap(),
            Words::new(&file, 512).unwrap(),
        );
        one[511].store(7, Ordering::Relaxed);
        assert_eq!(other[511].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn what_is_not_sealed_or_of_another_size_is_refused() {
        let open = memfd_create("open", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&open, 4096).unwrap();
        assert!(Words::new(&open, 512).is_err());
        let sealed = sealed_file("test", 4096).unwrap();
        assert!(Words::new(&sealed, 1024).is_err());
        assert!(Words::new(&sealed, 0).is_err());
        assert!(Words::new(File::open("/dev/null").unwrap(), 512).is_err());
        assert!(ftruncate(&sealed, 0).is_err());
    }
}
