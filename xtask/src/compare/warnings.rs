//! Warnings about a run: one enum, each with advice. `results.json` has their texts.

use std::fmt;

/// A warning that a reader needs before trusting a figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Warning {
    /// The load average was high when the comparison began.
    BusyBefore {
        /// The 1-minute load average.
        load: f64,
        /// Processors.
        cpus: usize,
    },
    /// Programs that are not part of the comparison used the processors meanwhile.
    OthersRan {
        /// Their part of all processors' time.
        share: f64,
    },
    /// The host of a virtual machine gave its processors to others.
    Stolen {
        /// The part of all processors' time.
        share: f64,
    },
    /// Memory went to the disk or came back.
    Swapped {
        /// Pages in and out.
        pages: u64,
    },
    /// The processors ran at another frequency at the end.
    Frequency {
        /// The highest of all processors at the beginning.
        before_mhz: f64,
        /// The same at the end.
        after_mhz: f64,
    },
    /// The clock of the day was set, or the machine was suspended.
    ClockStepped {
        /// By how much, in seconds.
        seconds: f64,
    },
    /// The processes may use less than the processors that they see.
    CpuLimit {
        /// Processors' worth of time.
        allowed: f64,
        /// Processors that can be seen.
        visible: usize,
    },
    /// Cells whose samples are of two kinds.
    TwoKinds {
        /// The cells, each with the ratio of the two.
        cells: Vec<(String, f64)>,
    },
    /// A contestant used the CPU between its samples.
    UsedBetween {
        /// The contestant and its workload.
        cell: String,
        /// The part of the time.
        share: f64,
    },
    /// A contestant reported a timeline that cannot be.
    OddTimeline {
        /// The contestant and its workload.
        cell: String,
        /// The fault that was found.
        why: String,
    },
    /// Files of a table were changed or removed.
    FilesChanged {
        /// The workload.
        workload: String,
        /// How often they were made again.
        times: u32,
    },
    /// A table could not be measured.
    NotMeasured {
        /// The workload.
        workload: String,
        /// Why.
        why: String,
    },
    /// The outputs of a job were not compared.
    Unverified,
    /// A table ended early.
    CutShort {
        /// The workload.
        workload: String,
        /// Why.
        why: String,
    },
}

/// Cells that are named; the others are counted.
const MOST_NAMED: usize = 3;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::BusyBefore { load, cpus } => write!(
                f,
                "other programs kept this machine busy when the comparison began (load {load:.1} on {cpus} processors): \
                 the figures say less than on a quiet machine; end them and compare again"
            ),
            Warning::OthersRan { share } => write!(
                f,
                "other programs used {:.0} % of the processors during the comparison: intervals are wider than they \
                 need be; end them and compare again",
                share * 100.0
            ),
            Warning::Stolen { share } => write!(
                f,
                "the host of this virtual machine took {:.0} % of the processors' time during the comparison: compare \
                 again at another time, or on a machine of your own",
                share * 100.0
            ),
            Warning::Swapped { pages } => write!(
                f,
                "{pages} pages of memory were swapped during the comparison: times contain the disk; close other \
                 programs, or compare with fewer --tasks"
            ),
            Warning::Frequency {
                before_mhz,
                after_mhz,
            } => write!(
                f,
                "the processors ran at {before_mhz:.0} MHz at first and at {after_mhz:.0} MHz in the end: ratios within \
                 rounds hold, times do not; fix the frequency (a `performance` governor, mains power) for steady times"
            ),
            Warning::Unverified => write!(
                f,
                "unverified: the job declares that its outputs cannot repeat (`.unrepeatable()`), so nothing shows that the \
                 models computed the same"
            ),
            Warning::ClockStepped { seconds } => write!(
                f,
                "the clock of the day moved by {seconds:+.1} s against the time that passed: it was set, or the machine \
                 was suspended; compare again if it was suspended"
            ),
            Warning::CpuLimit { allowed, visible } => write!(
                f,
                "a cgroup limits this comparison to the time of {allowed:.1} processors and it sees {visible}: what runs \
                 on more is stopped for parts of its samples; lift the limit, or bind the comparison to fewer processors \
                 with `taskset`"
            ),
            Warning::TwoKinds { cells } => {
                write!(f, "samples of two kinds: ")?;
                for (at, (cell, ratio)) in cells.iter().take(MOST_NAMED).enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(
                        f,
                        "{comma}{cell} (the longer ones {ratio:.2} times as long)"
                    )?;
                }
                let more = cells.len().saturating_sub(MOST_NAMED);
                if more > 0 {
                    write!(f, " and {more} more")?;
                }
                write!(
                    f,
                    ": one figure stands for neither; look at their `samples` in results.json, and by `life`"
                )
            }
            Warning::UsedBetween { cell, share } => write!(
                f,
                "{cell}: used the CPU for {:.0} % of the time between its samples, while others were measured: leave it \
                 out with `--model`, or stop its background work",
                share * 100.0
            ),
            Warning::OddTimeline { cell, why } => write!(
                f,
                "{cell}: its timeline is left out: {why}; docs/protocol.md says what a `trace` may report"
            ),
            Warning::FilesChanged { workload, times } => write!(
                f,
                "{workload}: its inputs or the files that its tasks read were changed or removed while contestants ran, \
                 by one of them or by another program; they were made again ({times} times): keep others out of the \
                 folder named by `--output`"
            ),
            Warning::NotMeasured { workload, why } => write!(f, "{workload}: {why}"),
            Warning::CutShort { workload, why } => write!(
                f,
                "{workload}: {why}: this table ends here, and no model is to blame"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_is_one_line_with_advice() {
        let cells = (0..5).map(|n| (format!("m{n} on w"), 1.5)).collect();
        let text = Warning::TwoKinds { cells }.to_string();
        assert!(text.contains("m2 on w (the longer ones 1.50") && text.contains("and 2 more"));
        let all = [
            Warning::BusyBefore { load: 3.0, cpus: 2 },
            Warning::OthersRan { share: 0.25 },
            Warning::Stolen { share: 0.25 },
            Warning::Swapped { pages: 9 },
            Warning::Frequency {
                before_mhz: 3000.0,
                after_mhz: 2000.0,
            },
            Warning::ClockStepped { seconds: -2.0 },
            Warning::CpuLimit {
                allowed: 1.5,
                visible: 4,
            },
            Warning::UsedBetween {
                cell: "a on b".into(),
                share: 0.1,
            },
            Warning::OddTimeline {
                cell: "a on b".into(),
                why: "it has 65 lanes, more than 64".into(),
            },
            Warning::FilesChanged {
                workload: "w".into(),
                times: 1,
            },
        ];
        for warning in all {
            let text = warning.to_string();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains(": ") || text.contains("; "), "{text}");
        }
        assert!(
            Warning::ClockStepped { seconds: 1.0 }
                .to_string()
                .contains("+1.0 s")
        );
    }
}
