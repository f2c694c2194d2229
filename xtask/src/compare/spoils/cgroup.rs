//! The limit of the control group on CPU time, of both versions.
//!
//! A group with a limit is stopped for the rest of each period (usually 100 ms) once it has used
//! its time up, which no contestant can see coming. See the kernel's documentation of `cpu.max`
//! (version 2) and of `cpu.cfs_quota_us` (version 1).

use std::path::Path;

use super::text;
use crate::compare::warnings::Warning;

/// A warning if the limit is below the processors that can be seen.
pub(super) fn warning(root: &Path) -> Option<Warning> {
    below(limit(root)?, visible(root)?)
}

fn below(allowed: f64, visible: usize) -> Option<Warning> {
    (allowed < visible as f64).then_some(Warning::CpuLimit { allowed, visible })
}

/// The processors that this process may run on: `Cpus_allowed_list`, such as `0-3,6`.
fn visible(root: &Path) -> Option<usize> {
    let status = text(root, "proc/self/status")?;
    let prefix = "Cpus_allowed_list:";
    let list = status.lines().find_map(|line| line.strip_prefix(prefix))?;
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    let counts = list.trim().split(',').map(count);
    counts.sum::<Option<usize>>().filter(|count| *count > 0)
}

/// The processors' worth of time that this process's groups allow it, the least of all levels.
fn limit(root: &Path) -> Option<f64> {
    let groups = text(root, "proc/self/cgroup")?;
    let limits = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (id, controllers, path) = (parts.next(), parts.next(), parts.next());
        let path = path.unwrap_or("/").to_owned();
        let all = controllers.unwrap_or_default();
        if id == Some("0") && all.is_empty() {
            return up(&path, |group| second(root, group));
        }
        // The folder is named after all controllers of the hierarchy, or linked by each of them.
        if all.split(',').any(|controller| controller == "cpu") {
            return up(&path, |group| {
                first(root, all, group).or_else(|| first(root, "cpu", group))
            });
        }
        Vec::new()
    });
    limits.reduce(f64::min)
}

/// The limits of a group and of all above it. Inside a container the path may be one that cannot be
/// seen from there; the root of what can be seen is then the group itself.
fn up(path: &str, limit: impl Fn(&str) -> Option<f64>) -> Vec<f64> {
    let mut limits = Vec::new();
    let mut group = path.trim_matches('/');
    // A path from the kernel has no such part, and none may lead elsewhere.
    if group.split('/').any(|part| part == "..") {
        group = "";
    }
    loop {
        limits.extend(limit(group));
        if group.is_empty() {
            return limits;
        }
        group = group.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// Version 2: `cpu.max` has a quota, or `max`, and the period.
fn second(root: &Path, group: &str) -> Option<f64> {
    let file = text(root, &format!("sys/fs/cgroup/{group}/cpu.max"))?;
    let (quota, period) = file.trim().split_once(' ')?;
    part(quota.parse().ok()?, period.parse().ok()?)
}

/// Version 1: a quota, or -1, and the period in a file each.
fn first(root: &Path, hierarchy: &str, group: &str) -> Option<f64> {
    let read = |name: &str| {
        let file = text(root, &format!("sys/fs/cgroup/{hierarchy}/{group}/{name}"))?;
        file.trim().parse().ok()
    };
    part(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)
}

fn part(quota_us: i64, period_us: i64) -> Option<f64> {
    (quota_us > 0 && period_us > 0).then(|| quota_us as f64 / period_us as f64)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn root(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn limit_of(files: &[(&str, &str)]) -> Option<f64> {
        limit(root(files).path())
    }

    #[test]
    fn second_version_has_quota_and_period_in_one_file() {
        let group = ("proc/self/cgroup", "0::/a/b\n");
        let deep = |text| ("sys/fs/cgroup/a/b/cpu.max", text);
        assert_eq!(limit_of(&[group, deep("150000 100000\n")]), Some(1.5));
        assert_eq!(limit_of(&[group, deep("max 100000\n")]), None);
        for bad in ["", "100000", "-5 100000", "1 0", "a b"] {
            assert_eq!(limit_of(&[group, deep(bad)]), None, "{bad}");
        }
        let above = ("sys/fs/cgroup/a/cpu.max", "50000 100000");
        assert_eq!(
            limit_of(&[group, deep("150000 100000"), above]),
            Some(0.5),
            "the least of all levels"
        );
    }

    #[test]
    fn first_version_has_two_files() {
        let group = (
            "proc/self/cgroup",
            "4:memory:/x\n2:cpu,cpuacct:/docker/1\n0::/\n",
        );
        let quota = |text| ("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us", text);
        let period = (
            "sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us",
            "100000\n",
        );
        assert_eq!(limit_of(&[group, quota("250000\n"), period]), Some(2.5));
        assert_eq!(limit_of(&[group, quota("-1\n"), period]), None);
        assert_eq!(limit_of(&[group, quota("250000\n")]), None);
        // Seen from inside a container, where the path leads nowhere.
        let inside = [
            ("proc/self/cgroup", "2:cpu:/docker/1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000"),
        ];
        assert_eq!(limit_of(&inside), Some(2.0));
    }

    #[test]
    fn groups_are_not_followed_out_of_their_folder() {
        let files = [
            ("proc/self/cgroup", "0::/../../outside\n"),
            ("outside/cpu.max", "1 100000"),
            ("sys/fs/cgroup/cpu.max", "300000 100000"),
        ];
        assert_eq!(limit_of(&files), Some(3.0));
        assert_eq!(limit_of(&[("proc/self/cgroup", "\n:\n7\n0:\n")]), None);
        assert_eq!(limit_of(&[]), None);
    }

    #[test]
    fn visible_processors_are_counted() {
        let of = |list: &str| {
            let status = format!("Name:\tx\nCpus_allowed_list:\t{list}\n");
            visible(root(&[("proc/self/status", &status)]).path())
        };
        assert_eq!(of("0-1"), Some(2));
        assert_eq!(of("0-3,6,8-9"), Some(7));
        assert_eq!(of("5"), Some(1));
        for bad in ["", "3-1", "a", "0-18446744073709551615,0-1"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn limits_below_the_visible_processors_are_a_warning() {
        assert!(below(1.5, 2).is_some());
        assert_eq!(below(2.0, 2), None);
        assert_eq!(below(8.0, 2), None);
    }
}
