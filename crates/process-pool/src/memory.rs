//! The memory still available to this process: that of the machine, within the limits of its
//! control groups.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The number of bytes still available to this process.
///
/// # Errors
/// If the kernel does not report the machine's memory. Control groups that cannot be read impose no
/// limit.
pub(crate) fn available() -> io::Result<u64> {
    let machine = meminfo(&fs::read_to_string("/proc/meminfo")?)
        .ok_or_else(|| io::Error::other("/proc/meminfo does not say what memory is available"))?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let limits = group_folders(&groups, &mounts)
        .into_iter()
        .filter_map(|(version, folder)| version.available(&folder));
    Ok(limits.fold(machine, u64::min))
}

/// The kernel's estimate of what is available on the machine.
fn meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The version of a memory controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// The memory that a control group may still allocate: its limit minus its usage, not counting
    /// file pages that the kernel would drop first. `None` without a limit.
    fn available(self, folder: &Path) -> Option<u64> {
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let (limit, usage, inactive) = match self {
            Self::One => (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file ",
            ),
            Self::Two => ("memory.max", "memory.current", "inactive_file "),
        };
        // "max" does not parse, and means no limit.
        let limit: u64 = read(limit)?.trim().parse().ok()?;
        let usage: u64 = read(usage)?.trim().parse().ok()?;
        let statistics = read("memory.stat").unwrap_or_default();
        let inactive = statistics
            .lines()
            .find_map(|line| line.strip_prefix(inactive)?.trim().parse::<u64>().ok());
        let used = usage.saturating_sub(inactive.unwrap_or(0));
        Some(limit.saturating_sub(used))
    }
}

/// The folders of this process's memory control group and its ancestors, from `/proc/self/cgroup`
/// and `/proc/self/mountinfo`.
fn group_folders(groups: &str, mounts: &str) -> Vec<(Version, PathBuf)> {
    let mut folders = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let version = match (number, controllers) {
            ("0", "") => Version::Two,
            (_, controllers) if controllers.split(',').any(|name| name == "memory") => Version::One,
            _ => continue,
        };
        let found = mounts
            .lines()
            .find_map(|line| mount_point(line, version, path));
        if let Some((point, below)) = found {
            let folder = point.join(below);
            let within = folder
                .ancestors()
                .take_while(|folder| folder.starts_with(&point));
            folders.extend(within.map(|folder| (version, folder.to_owned())));
        }
    }
    folders
}

/// The mount point of this version's hierarchy and the path of the group below it, if this line of
/// `/proc/self/mountinfo` describes that mount.
fn mount_point(line: &str, version: Version, path: &str) -> Option<(PathBuf, PathBuf)> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?, mount.next()?);
    let mut kind = kind.split(' ');
    let is_it = match version {
        Version::Two => kind.next()? == "cgroup2",
        Version::One => {
            kind.next()? == "cgroup" && kind.nth(1)?.split(',').any(|option| option == "memory")
        }
    };
    // In a container the mount may begin at the container's own group.
    let below = Path::new(path).strip_prefix(root).ok()?;
    is_it.then(|| (PathBuf::from(point), below.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(groups: &str, mounts: &str) -> Vec<(Version, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().trim_end_matches('/').to_owned();
        group_folders(groups, mounts)
            .into_iter()
            .map(|(version, folder)| (version, text(folder)))
            .collect()
    }

    #[test]
    fn cgroup_v2_and_ancestors_are_found() {
        let mounts = "23 28 0:21 / /proc rw - proc proc rw\n\
            30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = folders("0::/system.slice/web.service\n", mounts);
        let expected = ["/system.slice/web.service", "/system.slice", ""]
            .map(|below| (Version::Two, format!("/sys/fs/cgroup{below}")));
        assert_eq!(found, expected);
    }

    #[test]
    fn cgroup_v1_is_found_in_container() {
        let mounts = "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            34 30 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let found = folders("5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n", mounts);
        assert_eq!(found, [(Version::One, "/sys/fs/cgroup/memory".to_owned())]);
        assert_eq!(folders("4:memory:/elsewhere\n", mounts), []);
    }

    #[test]
    fn cgroup_limits_of_both_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(Version::Two.available(folder.path()), None);
        write("memory.max", "1000\n");
        write("memory.current", "700\n");
        write(
            "memory.stat",
            "anon 500\ninactive_file 100\ntotal_inactive_file 50\n",
        );
        assert_eq!(Version::Two.available(folder.path()), Some(400));
        write("memory.max", "max\n");
        assert_eq!(Version::Two.available(folder.path()), None);
        write("memory.limit_in_bytes", "600\n");
        write("memory.usage_in_bytes", "700\n");
        assert_eq!(Version::One.available(folder.path()), Some(0));
    }

    #[test]
    fn available_memory_is_at_most_the_machines() {
        let text = "MemTotal:       2048 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(meminfo(text), Some(1 << 20));
        let machine = meminfo(&fs::read_to_string("/proc/meminfo").unwrap()).unwrap();
        // Other processes use memory meanwhile.
        assert!(available().unwrap() <= machine.saturating_mul(2));
    }
}
