//! Swapping, from `/proc/vmstat`.

use std::path::Path;

use super::text;
use crate::compare::warnings::Warning;

/// Fewer pages than this (a mebibyte) are what any system does now and then.
const FEWEST_PAGES: u64 = 256;

/// The pages that were swapped in and out since the machine started.
pub(super) fn pages(root: &Path) -> Option<u64> {
    let vmstat = text(root, "proc/vmstat")?;
    let field = |name: &str| {
        let line = vmstat.lines().find_map(|line| line.strip_prefix(name));
        line?.trim().parse::<u64>().ok()
    };
    field("pswpin ")?.checked_add(field("pswpout ")?)
}

/// The warning about the pages in between, if any.
pub(super) fn warning(before: u64, after: u64) -> Option<Warning> {
    let pages = after.saturating_sub(before);
    (pages >= FEWEST_PAGES).then_some(Warning::Swapped { pages })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pages_in_and_out_are_added_up() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(pages(root.path()), None);
        fs::create_dir(root.path().join("proc")).unwrap();
        let vmstat = "nr_free_pages 5\npswpin 100\npswpout 2000\npswpin_other 7\n";
        fs::write(root.path().join("proc/vmstat"), vmstat).unwrap();
        assert_eq!(pages(root.path()), Some(2100));
        fs::write(root.path().join("proc/vmstat"), "pswpin many\n").unwrap();
        assert_eq!(pages(root.path()), None);
    }

    #[test]
    fn swapping_is_a_warning_from_a_mebibyte_on() {
        assert_eq!(warning(5, 5 + FEWEST_PAGES - 1), None);
        assert_eq!(warning(5, 1005), Some(Warning::Swapped { pages: 1000 }));
        assert_eq!(warning(9, 5), None);
    }
}
