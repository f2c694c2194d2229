//! Detection of a CPU quota of this process: the cpu controller of cgroups, version 1 or 2.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// How long an answer is valid: quotas may change while the program runs.
const VALID_NS: u64 = 1_000_000_000;

/// The quotas that apply to this process.
#[derive(Default)]
pub(crate) struct Quota {
    memberships: String,
    files: Vec<PathBuf>,
    in_force: bool,
    valid_until: u64,
}

impl Quota {
    /// Whether there is a quota. Reads it at most once a second.
    pub(crate) fn in_force(&mut self, now: u64) -> bool {
        if now >= self.valid_until {
            self.valid_until = now.saturating_add(VALID_NS);
            self.in_force = self.read();
        }
        self.in_force
    }

    fn read(&mut self) -> bool {
        let memberships = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        if memberships != self.memberships {
            let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
            self.files = files(&memberships, &mounts);
            self.memberships = memberships;
        }
        let mut limits = self.files.iter().map(fs::read_to_string);
        limits.any(|limit| limit.is_ok_and(|limit| is_limited(&limit)))
    }
}

/// Parses `cpu.max` (`20000 100000`, `max 100000`) or `cpu.cfs_quota_us` (`20000`, `-1`).
fn is_limited(limit: &str) -> bool {
    let quota = limit.split_ascii_whitespace().next();
    quota.is_some_and(|quota| quota.parse::<u64>().is_ok())
}

/// The quota files of a process: of its cgroup and of all visible ancestors.
fn files(memberships: &str, mounts: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let (controller, name) = match mount.version {
            1 => ("cpu", "cpu.cfs_quota_us"),
            _ => ("", "cpu.max"),
        };
        let Some(group) = group(memberships, controller) else {
            continue;
        };
        let directory = mount.directory(group);
        let visible = |directory: &&Path| directory.starts_with(&mount.point);
        let ancestors = directory.ancestors().take_while(visible);
        files.extend(ancestors.map(|ancestor| ancestor.join(name)));
    }
    files
}

/// The cgroup of a controller, from lines like `4:cpu,cpuacct:/kubepods/pod1` or, for version 2
/// and an empty controller, `0::/kubepods/pod1`.
fn group<'m>(memberships: &'m str, controller: &str) -> Option<&'m str> {
    memberships.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let is_it = controllers.split(',').any(|each| each == controller);
        is_it.then_some(group)
    })
}

/// A mounted hierarchy that may have the cpu controller.
struct Mount {
    version: u8,
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// Parses a line like `32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct`.
    fn parse(line: &str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut file_system = file_system.split(' ');
        let version = match file_system.next()? {
            "cgroup" => 1,
            "cgroup2" => 2,
            _ => return None,
        };
        let mut options = file_system.nth(1)?.split(',');
        if version == 1 && !options.any(|option| option == "cpu") {
            return None;
        }
        let mut mount = mount.split(' ').skip(3);
        Some(Self {
            version,
            root: unescaped(mount.next()?),
            point: unescaped(mount.next()?),
        })
    }

    /// The directory of a cgroup. A container may see only its own, at the mount point.
    fn directory(&self, group: &str) -> PathBuf {
        let group = Path::new(group);
        let leaves = group.components().any(|part| part == Component::ParentDir);
        match group.strip_prefix(&self.root) {
            Ok(below) if !leaves && !below.as_os_str().is_empty() => self.point.join(below),
            _ => self.point.clone(),
        }
    }
}

/// The kernel writes spaces in paths as `\040`, and so on.
fn unescaped(path: &str) -> PathBuf {
    let plain = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n")];
    let path = plain.iter().fold(path.to_owned(), |path, (code, plain)| {
        path.replace(code, plain)
    });
    PathBuf::from(path.replace("\\134", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(memberships: &str, mounts: &str) -> Vec<String> {
        let files = files(memberships, mounts);
        files
            .iter()
            .map(|file| file.display().to_string())
            .collect()
    }

    #[test]
    fn quotas_of_both_versions_are_read() {
        for limited in ["20000\n", "20000 100000\n", "1"] {
            assert!(is_limited(limited), "{limited}");
        }
        for free in ["-1\n", "max 100000\n", "max", "", "\n"] {
            assert!(!is_limited(free), "{free}");
        }
    }

    #[test]
    fn files_of_version_1_are_found_up_to_the_mount_point() {
        let memberships = "9:name=systemd:/\n4:cpu,cpuacct:/kubepods/pod 1\n3:cpuset:/x\n0::/\n";
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
            34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n";
        let expected = [
            "/sys/fs/cgroup/cpu,cpuacct/kubepods/pod 1/cpu.cfs_quota_us",
            "/sys/fs/cgroup/cpu,cpuacct/kubepods/cpu.cfs_quota_us",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us",
        ];
        assert_eq!(shown(memberships, mounts), expected);
    }

    #[test]
    fn files_of_version_2_are_found() {
        let mount = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let expected = ["/sys/fs/cgroup/a/cpu.max", "/sys/fs/cgroup/cpu.max"];
        assert_eq!(shown("0::/a\n", mount), expected);
        assert_eq!(shown("0::/\n", mount), ["/sys/fs/cgroup/cpu.max"]);
        // The process was moved out of the namespace of the mount.
        assert_eq!(shown("0::/../b\n", mount), ["/sys/fs/cgroup/cpu.max"]);
        let mount = "29 23 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n";
        assert_eq!(shown("0::/\n", mount), ["/mnt/a b/cpu.max"]);
    }

    #[test]
    fn container_that_sees_only_its_own_group_is_found() {
        let mounts = "50 40 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";
        let own = ["/sys/fs/cgroup/cpu/cpu.cfs_quota_us"];
        assert_eq!(shown("4:cpu:/docker/abc\n", mounts), own);
        assert_eq!(shown("4:cpu:/elsewhere\n", mounts), own);
        let below = ["/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", own[0]];
        assert_eq!(shown("4:cpu:/docker/abc/x\n", mounts), below);
    }

    #[test]
    fn no_files_without_cgroups() {
        assert_eq!(shown("", ""), [""; 0]);
        assert_eq!(shown("4:cpu:/a\n", "garbage\n1 2 - cgroup\n"), [""; 0]);
    }
}
