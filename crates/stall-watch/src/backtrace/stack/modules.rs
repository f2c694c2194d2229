//! The executable, the shared objects and the vDSO of this process, with their unwind tables.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ops::Range;
use std::slice;

/// One loaded object.
pub(super) struct Module {
    /// Where its code is.
    code: Vec<Range<u64>>,
    /// Where its `.eh_frame_hdr` is, the index of its unwind tables.
    pub(super) index: Option<u64>,
}

impl Module {
    pub(super) fn has_code_at(&self, address: u64) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }
}

/// The loaded objects. The list is rebuilt after the loader has loaded or unloaded an object.
#[derive(Default)]
pub(super) struct Modules {
    list: Vec<Module>,
    /// How many objects had been added and removed when the list was built.
    changes: Option<(u64, u64)>,
}

impl Modules {
    /// Brings the list up to date. An object that is unloaded afterwards does no harm: its tables
    /// are read through the kernel, see [`Memory`](super::live::Memory).
    pub(super) fn refresh(&mut self) {
        let mut taking = Taking {
            known: self.changes,
            now: None,
            unchanged: false,
            list: Vec::new(),
        };
        // SAFETY: `take` has the required type, and gets the pointer to `taking`, which outlives
        // the call.
        unsafe { libc::dl_iterate_phdr(Some(take), (&raw mut taking).cast()) };
        if !taking.unchanged {
            self.list = taking.list;
            self.changes = taking.now;
        }
    }

    /// The object whose code contains an address.
    pub(super) fn at(&self, address: u64) -> Option<&Module> {
        self.list.iter().find(|module| module.has_code_at(address))
    }

    /// The program itself, which comes first and is never unloaded.
    pub(super) fn program(&self) -> Option<&Module> {
        self.list.first()
    }
}

struct Taking {
    known: Option<(u64, u64)>,
    now: Option<(u64, u64)>,
    unchanged: bool,
    list: Vec<Module>,
}

/// Called once per object, while the loader keeps its list locked: no object is unloaded.
///
/// # Safety
///
/// For `dl_iterate_phdr` to call, with a pointer to a [`Taking`] that nothing else uses.
unsafe extern "C" fn take(info: *mut libc::dl_phdr_info, size: usize, data: *mut c_void) -> c_int {
    // SAFETY: by the contract of this function, `data` points to a `Taking` that nothing else uses
    // during the call.
    let taking = unsafe { &mut *data.cast::<Taking>() };
    let counts = size >= offset_of!(libc::dl_phdr_info, dlpi_subs) + size_of::<u64>();
    // SAFETY: the loader fills in the first `size` bytes; these fields are read if they are among
    // them, and the others have always been there.
    let (now, base, headers, count) = unsafe {
        let now = counts.then(|| ((*info).dlpi_adds, (*info).dlpi_subs));
        let info = &raw const *info;
        (
            now,
            (*info).dlpi_addr,
            (*info).dlpi_phdr,
            (*info).dlpi_phnum,
        )
    };
    if now.is_some() && now == taking.known {
        taking.unchanged = true;
        return 1;
    }
    taking.now = now;
    let headers = if headers.is_null() {
        &[]
    } else {
        // SAFETY: this is the loader's own table of `count` headers, in an object that stays loaded
        // during the call.
        unsafe { slice::from_raw_parts(headers, usize::from(count)) }
    };
    taking.list.push(module(base, headers));
    0
}

fn module(base: u64, headers: &[libc::Elf64_Phdr]) -> Module {
    let start = |header: &libc::Elf64_Phdr| base.wrapping_add(header.p_vaddr);
    let code = headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0)
        .map(|header| start(header)..start(header).saturating_add(header.p_memsz));
    let index = headers
        .iter()
        .find(|header| header.p_type == libc::PT_GNU_EH_FRAME);
    Module {
        code: code.collect(),
        index: index.map(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_code_is_found_in_the_program() {
        let mut modules = Modules::default();
        modules.refresh();
        modules.refresh();
        let here = own_code_is_found_in_the_program as fn() as usize as u64;
        assert!(modules.at(here).unwrap().index.is_some());
        assert!(modules.program().unwrap().has_code_at(here));
        let stack = (&raw const here).addr() as u64;
        assert!(modules.at(stack).is_none());
    }
}
