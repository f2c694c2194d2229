//! The price list, within 80 columns.

use super::judge::KNOWN;
use super::list::{Price, PriceList, Quartiles};
use crate::render::number::{bytes, duration};
use crate::render::text::{clipped, wrap};
use crate::text::clean;

/// Shown where there is no price.
const ABSENT: &str = "·";

/// The list, as text.
pub(super) fn screen(list: &PriceList) -> String {
    let machine = &list.machine;
    let mut out = String::new();
    let day = list.started.split('T').next().unwrap_or_default();
    let head = format!(
        "Prices of {}: {}, {} processors, {}",
        clean(day),
        clean(&machine.cpu),
        machine.cpus,
        clean(&machine.os)
    );
    out.push_str(&clipped(&head));
    out.push_str(
        "\nper task              hot                  cold: quartiles              pays\n",
    );
    out.push_str(
        "                    time    ±     CPU             time     CPU  memory    from\n",
    );
    for price in &list.prices {
        out.push_str(&clipped(&row(price)));
    }
    out.push('\n');
    out.push_str(&closing(list));
    out
}

fn row(price: &Price) -> String {
    let known = KNOWN.iter().find(|known| known.name == price.name);
    let name = known.map_or_else(|| clean(&price.name), |known| known.shown.to_owned());
    if let Some(error) = &price.error {
        return format!("{name:<17} no price: {}", clean(error));
    }
    let or_absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
    let hot = price.hot.map(|hot| hot.wall_ns.median);
    let cpu = price.hot.map(|hot| hot.cpu_ns.median);
    let spread = price.hot.map(|hot| format!("{:.0}%", hot.spread * 100.0));
    let cold = price.cold.map(|cold| quartiles(cold.wall_ns));
    // Below a microsecond it cannot be told from the reading itself.
    let cold_cpu = price.cold.map(|cold| cold.cpu_ns).filter(|cpu| *cpu >= 1e3);
    let memory = price.memory_bytes.map(|size| bytes(size.round() as u64));
    format!(
        "{name:<17}{:>8}{:>5}{:>8}{:>17}{:>8}{:>8}{:>8}",
        or_absent(hot.map(duration)),
        or_absent(spread),
        or_absent(cpu.map(duration)),
        or_absent(cold),
        or_absent(cold_cpu.map(duration)),
        or_absent(memory),
        or_absent(pays_from(price)),
    )
    .trim_end()
    .to_owned()
}

/// The three of them in the unit of the middle one, as `8.2 12 17 µs`.
fn quartiles(of: Quartiles) -> String {
    let middle = duration(of.median);
    let (_, unit) = middle.split_once(' ').unwrap_or((&middle, ""));
    let per_unit = match unit {
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => 1.0,
    };
    let one = |ns: f64| {
        let decimals = usize::from(ns / per_unit < 9.95);
        format!("{:.decimals$}", ns / per_unit)
    };
    format!("{} {} {} {unit}", one(of.low), one(of.median), one(of.high))
}

fn closing(list: &PriceList) -> String {
    let cpus = list.machine.cpus;
    let pays = match cpus {
        0 | 1 => wrap(
            "",
            "On one processor, tasks that compute never gain from another thread.",
        ),
        _ => wrap(
            "pays from: ",
            &format!(
                "as tried, {cpus} workers do a batch of tasks of this size faster than a loop. No size \
                 below max(time, CPU beyond a call ÷ {}) can pay. From 20 times the CPU time on, a \
                 price is nearly free. Waking idle workers costs the cold time once.",
                cpus - 1
            ),
        ),
    };
    let memory = "resident, of a task handed over and not done; a child, with libraries.";
    pays + &wrap("memory:    ", memory)
}

/// The size of a task from which it pays; with `<` or `>` where that lies beyond the sizes that
/// were tried.
fn pays_from(price: &Price) -> Option<String> {
    if let Some(size) = price.pays_from_ns {
        return Some(duration(size));
    }
    let (first, last) = (price.tried.first()?, price.tried.last()?);
    Some(match last.speedup.median >= 1.0 {
        true => format!("<{}", duration(first.size_ns as f64)),
        false => format!(">{}", duration(last.size_ns as f64)),
    })
}

#[cfg(test)]
mod tests {
    use workload_stats::Interval;

    use super::*;
    use crate::calibration::Machine;
    use crate::prices::list::{Cold, Hot, Tried};
    use crate::text::width;

    fn exact(median: f64) -> Interval {
        Interval {
            median,
            low: Some(median),
            high: Some(median),
        }
    }

    fn price(name: &str, wall_ns: f64, cold_ns: f64, pays: Option<f64>) -> Price {
        Price {
            name: name.to_owned(),
            hot: Some(Hot {
                tasks: 1,
                readings: 9,
                wall_ns: exact(wall_ns),
                cpu_ns: exact(wall_ns * 1.5),
                spread: 0.123,
            }),
            cold: Some(Cold {
                readings: 9,
                wall_ns: Quartiles {
                    low: cold_ns / 2.0,
                    median: cold_ns,
                    high: cold_ns * 2.0,
                },
                cpu_ns: cold_ns,
            }),
            memory_bytes: pays.map(|_| 460.0),
            cannot_pay_below_ns: pays.map(exact),
            pays_from_ns: pays.map(|size| size * 1.4).filter(|size| *size < 1e6),
            tried: pays.map_or_else(Vec::new, |size| {
                vec![
                    Tried {
                        size_ns: size as u64 / 2,
                        speedup: exact(0.7),
                    },
                    Tried {
                        size_ns: size as u64 * 2,
                        speedup: exact(1.3),
                    },
                ]
            }),
            ..Price::default()
        }
    }

    fn list(cpus: usize) -> PriceList {
        PriceList {
            started: "2026-01-02T03:04:05Z".to_owned(),
            machine: Machine {
                cpu: "A Processor".to_owned(),
                cpus,
                os: "Linux 6.1".to_owned(),
            },
            prices: vec![
                price("call", 1.4, 50.0, None),
                price("tokio-spawn", 379.4, 3_926.0, Some(513.0)),
                price("child-process", 640_126.0, 733_870.0, Some(1_007_875.0)),
                Price {
                    name: "offload".to_owned(),
                    error: Some("refused\u{1b}[31m".to_owned()),
                    ..Price::default()
                },
            ],
            ..PriceList::default()
        }
    }

    #[test]
    fn list_fits_on_a_screen() {
        let text = screen(&list(2));
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn one_processor_pays_for_nothing() {
        let text = screen(&list(1));
        assert!(text.contains("On one processor"), "{text}");
        assert!(!text.contains("pays from:"), "{text}");
    }

    #[test]
    fn quartiles_share_their_unit() {
        let of = |low, median, high| quartiles(Quartiles { low, median, high });
        assert_eq!(of(8_200.0, 12_130.0, 117_000.0), "8.2 12 117 µs");
        assert_eq!(of(30.0, 40.0, 200.0), "30 40 200 ns");
        assert_eq!(of(643e3, 733e3, 925e3), "643 733 925 µs");
    }
}
