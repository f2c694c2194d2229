use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::gate::Gate;

/// Where the system does not say what it allows. Every current desktop and server system grants a process this many.
const FALLBACK: usize = 1_024;

/// How many threads of this crate may be alive at once in this process: what "no limit" means.
///
/// On Linux it is an eighth of `vm.max_map_count` (a thread of std takes four mappings, and one that cannot get its
/// last one aborts the whole process) and at most half of what the cgroup, `RLIMIT_NPROC`, `kernel.threads-max` and
/// `kernel.pid_max` allow. The system is asked once. Elsewhere it is 1,024.
pub fn max_live_threads() -> usize {
    static CEILING: OnceLock<usize> = OnceLock::new();
    *CEILING.get_or_init(|| ceiling(&|path| fs::read_to_string(path).ok()))
}

static GATE: OnceLock<Gate> = OnceLock::new();

/// The one gate of this process.
pub(crate) fn gate() -> &'static Gate {
    GATE.get_or_init(|| Gate::new(max_live_threads()))
}

/// Let the calls that wait for a thread look whether they have been stopped.
pub(crate) fn ring() {
    // Nobody waits at a gate that is not there.
    if let Some(gate) = GATE.get() {
        gate.ring();
    }
}

type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

fn ceiling(read: Read<'_>) -> usize {
    let number = |path| parse(&read(Path::new(path))?);
    let maps = number("/proc/sys/vm/max_map_count").map(|maps| maps / 8);
    let halved = [
        number("/proc/sys/kernel/threads-max"),
        number("/proc/sys/kernel/pid_max"),
        processes_of_the_user(read),
        tasks_of_the_cgroup(read),
    ];
    let halved = halved.into_iter().flatten().map(|most| most / 2);
    maps.into_iter()
        .chain(halved)
        .min()
        .unwrap_or(FALLBACK)
        .max(1)
}

/// The soft `RLIMIT_NPROC`: `Max processes  <soft>  <hard>  processes`.
fn processes_of_the_user(read: Read<'_>) -> Option<usize> {
    let limits = read(Path::new("/proc/self/limits"))?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max processes"))?;
    parse(line.split_whitespace().next()?)
}

/// The smallest `pids.max` from the cgroup of this process up to the root, in version 1 or 2.
fn tasks_of_the_cgroup(read: Read<'_>) -> Option<usize> {
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
        // In a container the path may be the host's and not exist here: then only the root answers.
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
        ceiling(&|path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path)?;
            Some(file.1.to_owned())
        })
    }

    const MAPS: (&str, &str) = ("/proc/sys/vm/max_map_count", "65530\n");

    #[test]
    fn an_eighth_of_the_mappings() {
        assert_eq!(with(&[MAPS]), 8_191);
    }

    #[test]
    fn half_of_the_tightest_other_limit() {
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
    fn an_unlimited_value_limits_nothing() {
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
    fn the_cgroup_or_any_above_it_counts_in_version_2() {
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
    fn the_controller_counts_in_version_1_also_when_the_path_is_the_hosts() {
        let groups = "9:cpu,cpuacct:/docker/abc\n8:pids:/docker/abc\n0::/docker/abc\n";
        let root = ("/sys/fs/cgroup/pids/pids.max", "512\n");
        assert_eq!(with(&[MAPS, ("/proc/self/cgroup", groups), root]), 256);
    }

    #[test]
    fn a_system_that_says_nothing_gets_the_fallback_and_a_tiny_limit_still_one_thread() {
        assert_eq!(with(&[]), FALLBACK);
        assert_eq!(with(&[MAPS, ("/proc/sys/kernel/threads-max", "1\n")]), 1);
    }
}
