//! From the lines of the measuring program to the price list.

use workload_stats::{Interval, median, median_interval};

use super::break_even::{
    PerTask, batch_pays_from_ns, cannot_pay_below_ns, level_at, nearly_free_from_ns,
};
use super::line::Line;
use super::list::{Cold, Hot, Price, PriceList, Quartiles, SCHEMA, Tried};
use crate::calibration::Machine;

/// A price that is known, and whether it is a way to have many tasks done.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// At most 17 columns.
    pub(super) shown: &'static str,
    is_model: bool,
}

const fn model(name: &'static str, shown: &'static str) -> Known {
    Known {
        name,
        shown,
        is_model: true,
    }
}

const fn inline(name: &'static str, shown: &'static str) -> Known {
    Known {
        name,
        shown,
        is_model: false,
    }
}

/// All prices, in the order of the list.
pub(super) const KNOWN: [Known; 12] = [
    inline(CALL, "a call"),
    inline("fetch-add", "fetch_add"),
    inline("mutex-lock", "Mutex lock"),
    model("rayon-item", "rayon item"),
    model("pool-submit-wait", "pool submit, wait"),
    model("queue-hop", "queue hop"),
    model("tokio-spawn", "tokio spawn"),
    model("spawn-blocking", "spawn_blocking"),
    model("offload", "our offload"),
    model("thread", "a thread"),
    model("process-pool-job", "process-pool job"),
    model(WITHOUT_WORK, "a child process"),
];

/// The baseline of all others.
const CALL: &str = "call";

/// A program that is started for each task cannot be given work of a size.
const WITHOUT_WORK: &str = "child-process";

/// No larger size is tried: on a slow machine, multiples of a process's price exceed it.
const MOST_SIZE_NS: u64 = 1_000_000_000;

/// Sizes are tried at these multiples of the one below which a model cannot pay.
const TRIED: [f64; 6] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// The price list by these lines, sizes untried.
pub(super) fn judge(lines: &[Line], machine: Machine, started: String) -> PriceList {
    let cpus = machine.cpus;
    let calls = Readings::of(lines, CALL);
    let call_cpu_ns = calls.hot().map_or(0.0, |hot| hot.cpu_ns.median);
    let reading_cpu_ns = median(&calls.cold_cpu).unwrap_or(0.0);
    let prices = KNOWN.iter().map(|known| {
        let readings = Readings::of(lines, known.name);
        let hot = readings.hot();
        let cold = readings.cold(reading_cpu_ns);
        let is_model = known.is_model;
        let per_task = |at: fn(Interval) -> f64| {
            let hot = hot.filter(|_| is_model)?;
            Some(PerTask {
                wall_ns: at(hot.wall_ns),
                cpu_ns: at(hot.cpu_ns) - call_cpu_ns,
            })
        };
        let pays = |at| per_task(at).and_then(|price| cannot_pay_below_ns(price, cpus));
        let cannot_pay_below_ns = pays(|one| one.median).map(|median| Interval {
            median,
            low: pays(|one| one.low.unwrap_or(one.median)),
            high: pays(|one| one.high.unwrap_or(one.median)),
        });
        let nearly_free = per_task(|one| one.median).filter(|_| cpus > 1);
        let cold_ns = cold.filter(|_| is_model).map(|cold| cold.wall_ns.median);
        Price {
            name: known.name.to_owned(),
            cannot_pay_below_ns,
            pays_from_ns: None,
            nearly_free_from_ns: nearly_free.map(|price| nearly_free_from_ns(price, cpus)),
            batch_pays_from_ns: cold_ns.and_then(|cold| batch_pays_from_ns(cold, cpus)),
            memory_bytes: readings.memory,
            error: readings.failure(),
            hot,
            cold,
            tried: Vec::new(),
        }
    });
    PriceList {
        schema: SCHEMA,
        started,
        prices: prices.collect(),
        machine,
        measured_ns: 0,
    }
}

/// The sizes that show whether each model pays from where it should.
pub(super) fn sizes_to_try(list: &PriceList) -> Vec<(String, u64)> {
    let with_work = list.prices.iter();
    let with_work = with_work.filter(|price| price.name != WITHOUT_WORK);
    let priced = with_work.filter_map(|price| {
        let pays = price.cannot_pay_below_ns?;
        Some((price.name.clone(), pays.median))
    });
    priced
        .flat_map(|(name, size)| TRIED.map(|part| (name.clone(), (size * part).ceil() as u64)))
        .filter(|(_, size)| *size <= MOST_SIZE_NS)
        .collect()
}

/// Adds the sizes that were tried.
pub(super) fn add_trials(list: &mut PriceList, lines: &[Line]) {
    let sizes = sizes_to_try(list);
    for (tried, size) in sizes {
        let ratios: Vec<f64> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Paying {
                    name,
                    size_ns,
                    wall_ns,
                    sequential_ns,
                } if *name == tried && *size_ns == size => {
                    Some(*sequential_ns as f64 / *wall_ns as f64)
                }
                _ => None,
            })
            .collect();
        let price = list.prices.iter_mut().find(|price| price.name == tried);
        if let (Some(price), Some(speedup)) = (price, median_interval(&ratios)) {
            price.tried.push(Tried {
                size_ns: size,
                speedup,
            });
        }
    }
    for price in &mut list.prices {
        let tried = price.tried.iter();
        let points: Vec<(f64, f64)> = tried
            .map(|tried| (tried.size_ns as f64, tried.speedup.median))
            .collect();
        price.pays_from_ns = level_at(&points);
    }
}

/// The readings of one price.
#[derive(Default)]
struct Readings {
    tasks: u64,
    hot_wall: Vec<f64>,
    hot_cpu: Vec<f64>,
    cold_wall: Vec<f64>,
    cold_cpu: Vec<f64>,
    memory: Option<f64>,
    failed: Option<String>,
}

impl Readings {
    fn of(lines: &[Line], of: &str) -> Readings {
        let mut found = Readings::default();
        for line in lines {
            match line {
                Line::Hot {
                    name,
                    tasks,
                    wall_ns,
                    cpu_ns,
                } if name == of && *tasks > 0 => {
                    found.tasks = *tasks;
                    found.hot_wall.push(*wall_ns as f64 / *tasks as f64);
                    found.hot_cpu.push(*cpu_ns as f64 / *tasks as f64);
                }
                Line::Cold {
                    name,
                    wall_ns,
                    cpu_ns,
                } if name == of => {
                    found.cold_wall.push(*wall_ns as f64);
                    found.cold_cpu.push(*cpu_ns as f64);
                }
                Line::Memory { name, tasks, bytes } if name == of && *tasks > 0 => {
                    found.memory = Some(*bytes as f64 / *tasks as f64);
                }
                Line::Failed { name, why } if name == of => found.failed = Some(why.clone()),
                _ => {}
            }
        }
        found
    }

    fn hot(&self) -> Option<Hot> {
        let middle = quartiles(&self.hot_wall)?;
        Some(Hot {
            tasks: self.tasks,
            readings: self.hot_wall.len(),
            wall_ns: median_interval(&self.hot_wall)?,
            cpu_ns: median_interval(&self.hot_cpu)?,
            spread: (middle.high - middle.low) / 2.0 / middle.median.max(f64::MIN_POSITIVE),
        })
    }

    fn cold(&self, reading_cpu_ns: f64) -> Option<Cold> {
        Some(Cold {
            readings: self.cold_wall.len(),
            wall_ns: quartiles(&self.cold_wall)?,
            cpu_ns: (median(&self.cold_cpu)? - reading_cpu_ns).max(0.0),
        })
    }

    fn failure(&self) -> Option<String> {
        let lost = self.hot_wall.is_empty() || self.cold_wall.is_empty();
        let silent = || lost.then(|| "the measuring program did not report it".to_owned());
        self.failed.clone().or_else(silent)
    }
}

/// The quartiles, each the nearest reading; `None` without readings.
fn quartiles(values: &[f64]) -> Option<Quartiles> {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)? as f64;
    let at = |part: f64| sorted[(last * part).round() as usize];
    Some(Quartiles {
        low: at(0.25),
        median: median(values)?,
        high: at(0.75),
    })
}

#[cfg(test)]
mod tests;
