//! Mappings of shared memory. All unsafe code for shared memory is in this file.
//!
//! # Faults on access
//! The seals fix the size of the file, so no access to its mapping is out of range, whatever the
//! other process does. A page may still have no memory behind it: the kernel allocates it at the
//! first access, and sends SIGBUS if it cannot. That ends this process and is not undefined
//! behaviour. It cannot be ruled out, since pages of a memory file are allocated at first use, and
//! the other process may punch them out again. It happens only when memory is exhausted: on a
//! system that refuses instead of overcommitting (`vm.overcommit_memory` = 2), or in a full control
//! group. So the memory of a [`Region`] is allocated when it is created, and files on hugetlbfs,
//! which has few pages, are refused.

use std::ffi::c_void;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat,
    fstatfs, ftruncate,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::descriptor;
use super::layout::Layout;

/// The seals that fix the size of a memory file permanently, so that every access to a mapping of
/// it is in range.
const SEALS: SealFlags = SealFlags::GROW
    .union(SealFlags::SHRINK)
    .union(SealFlags::SEAL);

/// The file system of ordinary memory files (`TMPFS_MAGIC`), and so not hugetlbfs. The block size
/// would not distinguish them: with transparent huge pages for shared memory, an ordinary memory
/// file has 2 MiB as well.
const TMPFS: u64 = 0x0102_1994;

/// Creates a memory file of `bytes` zero bytes and fixed size. Its memory is allocated at first
/// use.
pub(crate) fn sealed_file(name: &str, bytes: usize) -> io::Result<OwnedFd> {
    let file = sealable_file(name, bytes)?;
    fcntl_add_seals(&file, SEALS)?;
    Ok(file)
}

fn sealable_file(name: &str, bytes: usize) -> io::Result<OwnedFd> {
    let file = descriptor::memory_file(name, MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, bytes as u64)?;
    Ok(file)
}

/// The seals of a memory file of ordinary pages; `None` for any other file. Cannot block: only
/// memory files have seals, so the second call reaches no other kind of file.
pub(crate) fn memory_seals(file: impl AsFd) -> Option<SealFlags> {
    let seals = fcntl_get_seals(&file).ok()?;
    let file_system = fstatfs(&file).ok()?.f_type as u64;
    (file_system == TMPFS).then_some(seals)
}

/// A mapping of a sealed memory file.
struct Mapping {
    start: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: a mapping belongs to the process and not to a thread, and is only ever lent out as
// atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file. Refuses one that is not sealed, not `bytes` long, or made of huge pages,
    /// wherever it comes from. Also refuses a length above `isize::MAX`, since no slice may be that
    /// long.
    fn new(file: impl AsFd, bytes: usize) -> io::Result<Self> {
        let sealed = memory_seals(&file).is_some_and(|seals| seals.contains(SEALS));
        let in_range = bytes > 0 && isize::try_from(bytes).is_ok();
        if !sealed || !in_range || fstat(&file)?.st_size as u64 != bytes as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a descriptor for shared memory is not sealed, has another size, or has huge pages",
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
        // SAFETY: the range is the one that `mmap` returned, and every borrow of it borrows this
        // value. The call fails only for an invalid range.
        let _ = unsafe { munmap(self.start.as_ptr(), self.bytes) };
    }
}

/// The memory that a worker and its parent share.
pub(crate) struct Region(Mapping);

impl Region {
    /// The size of the memory file.
    pub(crate) const BYTES: usize = size_of::<Layout>();

    /// Creates a sealed memory file for a region, all zeros, with its memory already allocated.
    pub(crate) fn file() -> io::Result<OwnedFd> {
        let file = sealable_file("process-pool", Self::BYTES)?;
        let all = || fallocate(&file, FallocateFlags::empty(), 0, Self::BYTES as u64);
        rustix::io::retry_on_intr(all)?;
        fcntl_add_seals(&file, SEALS)?;
        Ok(file)
    }

    pub(crate) fn new(file: impl AsFd) -> io::Result<Self> {
        if cfg!(model_check) {
            // Loom's atomics are not plain words, and exist in one process only.
            return Err(io::ErrorKind::Unsupported.into());
        }
        Mapping::new(file, Self::BYTES).map(Self)
    }
}

impl Deref for Region {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        // SAFETY: the mapping is as large as `Layout`, page-aligned, and lives as long as the
        // borrow. Its file is sealed against any change of its size, so every access stays within
        // the file; one that finds no memory ends the process (SIGBUS, see the head of this file)
        // and yields no value. `Layout` is made of atomics alone, for which all bits are valid, and
        // which other threads and the other process may change while they are borrowed. (Under the
        // model checker it is not, and `new` creates no region.)
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
        // SAFETY: the mapping has that many words, which are no more than `isize::MAX` bytes
        // (checked by `Mapping::new`), is page-aligned, and lives as long as the borrow. Its file
        // is sealed against any change of its size, so every access stays within the file; one that
        // finds no memory ends the process (SIGBUS, see the head of this file) and yields no value.
        // All bits are valid for an atomic word, which others may change while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.0.start.cast::<AtomicU64>().as_ptr(), words) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::atomic::Ordering;

    use rustix::fs::memfd_create;

    use super::*;

    #[test]
    fn mappings_of_one_file_share_memory() {
        let file = sealed_file("test", 4096).unwrap();
        let (one, other) = (
            Words::new(&file, 512).unwrap(),
            Words::new(&file, 512).unwrap(),
        );
        one[511].store(7, Ordering::Relaxed);
        assert_eq!(other[511].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn unsealed_or_wrong_sized_file_is_refused() {
        let open = memfd_create("open", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&open, 4096).unwrap();
        assert!(Words::new(&open, 512).is_err());
        let sealed = sealed_file("test", 4096).unwrap();
        assert!(Words::new(&sealed, 1024).is_err());
        assert!(Words::new(&sealed, 0).is_err());
        assert!(Words::new(File::open("/dev/null").unwrap(), 512).is_err());
        assert!(ftruncate(&sealed, 0).is_err());
        assert!(Words::new(&sealed, usize::MAX / 8).is_err());
        assert!(Words::new(&sealed, usize::MAX).is_err());
    }

    #[test]
    fn huge_pages_are_refused() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
        let Ok(huge) = memfd_create("huge", flags) else {
            eprintln!("skipped: this kernel has no huge pages");
            return;
        };
        let bytes = fstat(&huge).unwrap().st_blksize as usize;
        ftruncate(&huge, bytes as u64).unwrap();
        fcntl_add_seals(&huge, SEALS).unwrap();
        // Refused for its kind, not because no page happens to be free.
        let error = Words::new(&huge, bytes / 8).err().expect("huge pages");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(memory_seals(&huge), None);
    }

    #[test]
    fn region_has_its_memory_before_first_use() {
        let stat = fstat(Region::file().unwrap()).unwrap();
        assert!(stat.st_blocks as u64 * 512 >= Region::BYTES as u64);
    }
}
