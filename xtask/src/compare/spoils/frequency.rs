//! The frequency of the processors, where the system shows it.

use std::fs;
use std::path::Path;

use super::text;
use crate::compare::warnings::Warning;

/// A change by less than this is within what boosting does from one moment to the next.
const LEAST_CHANGE: f64 = 0.1;

/// The highest frequency of all processors: that of one that is busy. Others may sleep.
pub(super) fn highest_mhz(root: &Path) -> Option<f64> {
    let highest = |values: Vec<f64>| values.into_iter().reduce(f64::max);
    highest(scaled(root)).or_else(|| highest(told(root)))
}

/// From the drivers that scale it, in kilohertz.
fn scaled(root: &Path) -> Vec<f64> {
    let cpus = fs::read_dir(root.join("sys/devices/system/cpu"));
    let names = cpus.into_iter().flatten().flatten();
    names
        .filter_map(|cpu| {
            let name = cpu.file_name().into_string().ok()?;
            let file = format!("sys/devices/system/cpu/{name}/cpufreq/scaling_cur_freq");
            positive(&text(root, &file)?)
        })
        .map(|khz| khz / 1000.0)
        .collect()
}

/// From the list of processors.
fn told(root: &Path) -> Vec<f64> {
    let list = text(root, "proc/cpuinfo").unwrap_or_default();
    let lines = list.lines().filter_map(|line| line.strip_prefix("cpu MHz"));
    lines
        .filter_map(|line| positive(line.split_once(':')?.1))
        .collect()
}

fn positive(text: &str) -> Option<f64> {
    let value: f64 = text.trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// The warning about the frequencies, if any.
pub(super) fn warning(before_mhz: f64, after_mhz: f64) -> Option<Warning> {
    let changed = (after_mhz / before_mhz).ln().abs() > LEAST_CHANGE.ln_1p();
    changed.then_some(Warning::Frequency {
        before_mhz,
        after_mhz,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_driver_is_believed_before_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(highest_mhz(root), None);
        let list = "processor\t: 0\ncpu MHz\t\t: 2596.138\nprocessor\t: 1\ncpu MHz\t\t: 1200.5\n";
        write(root, "proc/cpuinfo", list);
        assert_eq!(highest_mhz(root), Some(2596.138));
        for (cpu, khz) in [("cpu0", "800000\n"), ("cpu1", "3100000\n")] {
            let file = format!("sys/devices/system/cpu/{cpu}/cpufreq/scaling_cur_freq");
            write(root, &file, khz);
        }
        write(root, "sys/devices/system/cpu/cpufreq/boost", "1\n");
        assert_eq!(highest_mhz(root), Some(3100.0));
        write(
            root,
            "proc/cpuinfo",
            "cpu MHz : inf\ncpu MHz : -3\ncpu MHz\n",
        );
        assert!(told(root).is_empty());
    }

    #[test]
    fn changes_of_more_than_a_tenth_are_a_warning() {
        assert_eq!(warning(3000.0, 2800.0), None);
        assert!(warning(3000.0, 2600.0).is_some());
        assert!(warning(2600.0, 3000.0).is_some());
    }
}
