//! [`max_live_threads`], derived from the limits of the system, and the permits that enforce it.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::permits::Permits;

/// The maximum if the system does not report its limits. Every current desktop and server system
/// grants a process this many threads.
const FALLBACK: usize = 1_024;

/// The maximum number of live threads of this crate in this process, which applies to calls without
/// a limit, too.
///
/// On Linux it is an eighth of `vm.max_map_count` (a thread of std takes four mappings, and a
/// thread that cannot get its last one aborts the whole process), and at most half of what the
/// cgroup, `RLIMIT_NPROC`, `kernel.threads-max` and `kernel.pid_max` allow. These are read once. On
/// other systems it is 1,024.
pub fn max_live_threads() -> usize {
    static MAX: OnceLock<usize> = OnceLock::new();
    *MAX.get_or_init(|| max_threads(&|path| fs::read_to_string(path).ok()))
}

static PERMITS: OnceLock<Permits> = OnceLock::new();

/// The permits of this process.
pub(crate) fn permits() -> &'static Permits {
    PERMITS.get_or_init(|| Permits::new(max_live_threads()))
}

/// Makes the calls that wait for a thread check whether they have been stopped.
pub(crate) fn wake_all() {
    // Without permits there are no waiters.
    if let Some(permits) = PERMITS.get() {
        permits.wake_all();
    }
}

type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

fn max_threads(read: Read<'_>) -> usize {
    let number = |path| parse(&read(Path::new(path))?);
    let maps = number("/proc/sys/vm/max_map_count").map(|maps| maps / 8);
    let halved = [
        number("/proc/sys/kernel/threads-max"),
        number("/proc/sys/kernel/pid_max"),
        user_process_limit(read),
        cgroup_task_limit(read),
    ];
    let halved = halved.into_iter().flatten().map(|most| most / 2);
    maps.into_iter()
        .chain(halved)
        .min()
        .unwrap_or(FALLBACK)
        .max(1)
}

/// The soft `RLIMIT_NPROC`: `Max processes  <soft>  <hard>  processes`.
fn user_process_limit(read: Read<'_>) -> Option<usize> {
    let limits = read(Path::new("/proc/self/limits"))?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max processes"))?;
    parse(line.split_whitespace().next()?)
}

/// The smallest `pids.max` from the cgroup of this process up to the root, version 1 or 2.
fn cgroup_task_limit(read: Read<'_>) -> Option<usize> {
    let groups = read(Path::new("/proc/self/cgroup"))?;
    let limits = groups.lines().filter_map(|line| {
        // `<id>:<controllers>:<path>`; version 2 has no controllers.
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let root = match controllers {
            "" => "/sys/fs/cgroup",
            _ if controllers.split(',').any(|name| name == "pids") => "/sys/fs/cgroup/pids",
            _ => return None,
        };
        let group = Path::new(root).join(path.trim_start_matches('/'));
        // In a container the path may be that of the host and not exist here: then only the root
        // counts.
        let upwards = group
            .ancestors()
            .take_while(|group| group.starts_with(root));
        upwards
            .filter_map(|group| parse(&read(&group.join("pids.max"))?))
            .min()
    });
    limits.min()
}

/// `None` for `max` and `unlimited`.
fn parse(text: &str) -> Option<usize> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> usize {
        max_threads(&|path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path)?;
            Some(file.1.to_owned())
        })
    }

    const MAPS: (&str, &str) = ("/proc/sys/vm/max_map_count", "65530\n");

    #[test]
    fn max_is_an_eighth_of_the_mappings() {
        assert_eq!(with(&[MAPS]), 8_191);
    }

    #[test]
    fn max_is_half_of_the_tightest_other_limit() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             4000                 9000                 processes\n";
        assert_eq!(with(&[MAPS, ("/proc/self/limits", limits)]), 2_000);
        assert_eq!(
            with(&[MAPS, ("/proc/sys/kernel/threads-max", "300\n")]),
            150
        );
        assert_eq!(with(&[MAPS, ("/proc/sys/kernel/pid_max", "500\n")]), 250);
    }

    #[test]
    fn unlimited_value_is_ignored() {
        let limits =
            "Max processes             unlimited            unlimited            processes\n";
        let cgroup = [
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/pids.max", "max\n"),
        ];
        assert_eq!(
            with(&[MAPS, ("/proc/self/limits", limits), cgroup[0], cgroup[1]]),
            8_191
        );
    }

    #[test]
    fn cgroup_v2_counts_with_its_ancestors() {
        let files = |own, above| {
            with(&[
                MAPS,
                ("/proc/self/cgroup", "0::/jobs/build\n"),
                ("/sys/fs/cgroup/jobs/build/pids.max", own),
                ("/sys/fs/cgroup/jobs/pids.max", above),
            ])
        };
        assert_eq!(files("100\n", "max\n"), 50);
        assert_eq!(files("100\n", "60\n"), 30);
    }

    #[test]
    fn cgroup_v1_counts_even_with_a_path_of_the_host() {
        let groups = "9:cpu,cpuacct:/docker/abc\n8:pids:/docker/abc\n0::/docker/abc\n";
        let root = ("/sys/fs/cgroup/pids/pids.max", "512\n");
        assert_eq!(with(&[MAPS, ("/proc/self/cgroup", groups), root]), 256);
    }

    #[test]
    fn max_is_never_zero_and_falls_back_without_limits() {
        assert_eq!(with(&[]), FALLBACK);
        assert_eq!(with(&[MAPS, ("/proc/sys/kernel/threads-max", "1\n")]), 1);
    }
}
