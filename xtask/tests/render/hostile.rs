//! Results files that no comparison wrote: each is rendered in 80 harmless columns, or refused in
//! one line.

use serde_json::{Value, json};
use xtask::render;
use xtask::results::{Results, parse};
use xtask::text::clean_lines;

use crate::assert_fits;
use crate::fixture::results;

/// A small generator (xorshift), so that a failure can be reproduced.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

fn hostile_text(random: &mut Random) -> String {
    let pieces = [
        "",
        " ",
        "\n",
        "\t\r\n",
        "a",
        "/",
        "×9",
        "waits",
        "gcd",
        "sequential",
        "\u{1b}[2J\u{1b}[31m",
        "\u{9b}5A",
        "\0",
        "\u{202e}evil",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{2028}",
        "並行並行",
        "👩\u{200d}👩\u{200d}👧",
        "é",
        "e\u{301}",
        "❤\u{fe0f}",
        "العربية",
        "`````",
        "%s",
        "\u{e0001}",
        "\u{115f}",
        "…",
        "–",
    ];
    let mut text = String::new();
    for _ in 0..random.below(4) {
        text.push_str(pieces[random.below(pieces.len())]);
    }
    match random.below(6) {
        0 => text.repeat(random.below(2000)),
        1 => text + &"\u{301}".repeat(random.below(500)),
        _ => text,
    }
}

fn hostile_value(random: &mut Random) -> Value {
    let text = hostile_text(random);
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(-1e300),
        json!(5e-324),
        json!(0.5),
        json!(true),
        json!([]),
        json!({}),
        json!(text),
    ];
    random.pick(&values)
}

/// Changes one place of the document, further down with each step.
fn mutate(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(fields) if !fields.is_empty() && random.below(60) > 0 => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = random.pick(&keys);
            match random.below(60) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(hostile_text(random), hostile_value(random))),
                _ => mutate(&mut fields[&key], random),
            }
        }
        Value::Array(items) if !items.is_empty() && random.below(60) > 0 => {
            let at = random.below(items.len());
            match random.below(20) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.truncate(at),
                _ => mutate(&mut items[at], random),
            }
        }
        // Mostly values of the same type, or too few documents would be accepted.
        Value::String(text) if random.below(40) > 0 => *text = hostile_text(random),
        Value::Bool(truth) if random.below(10) > 0 => *truth = !*truth,
        Value::Number(number) if random.below(10) > 0 => {
            *number = if number.is_f64() {
                let extremes = [0.0, -1.0, 5e-324, 0.5, 1e300, -1e300];
                serde_json::Number::from_f64(random.pick(&extremes)).expect("finite")
            } else {
                let extremes = [0, 1, 2, 255, 1 << 32, u64::MAX];
                random.pick(&extremes).into()
            }
        }
        Value::Null => *value = json!(random.pick(&[0.0, 1.0, 2.5, 1e300])),
        other => *other = hostile_value(random),
    }
}

/// Everything that is printed for some results.
fn rendered(results: &Results, earlier: &Results) -> String {
    let of = |results, earlier| {
        render::everything(results, earlier)
            + &render::lines_and_answer(results, earlier)
            + &render::smoke(results)
    };
    of(results, Some(earlier)) + &of(earlier, Some(results))
}

/// No hidden character gets into any of the files.
#[track_caller]
fn assert_harmless(results: &Results, earlier: &Results) {
    let csv = render::csv(results).replace("\r\n", "\n");
    let markdown = render::markdown(results, Some(earlier));
    for text in [csv, markdown, render::picture(results)] {
        assert_eq!(clean_lines(&text), text);
    }
}

#[test]
fn odd_results_are_rendered_or_refused_in_one_line() {
    let honest = results();
    let document = serde_json::to_value(&honest).expect("JSON");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..120 {
        let mut odd = document.clone();
        for _ in 0..=random.below(6) {
            mutate(&mut odd, &mut random);
        }
        match parse(odd.to_string().as_bytes()) {
            Ok(mut odd) => {
                taken += 1;
                assert_fits(&rendered(&odd, &honest));
                assert_harmless(&odd, &honest);
                xtask::stats::summarise(&mut odd);
                assert_fits(&rendered(&odd, &honest));
            }
            Err(why) => {
                refused += 1;
                assert!(!why.is_empty() && why.lines().count() == 1, "{why}");
                assert!(why.len() < 2000, "{why}");
                assert!(!why.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{why:?}");
            }
        }
    }
    assert!(
        taken > 20 && refused > 10,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn every_name_and_remark_may_be_hostile_at_once() {
    let mut random = Random(7);
    for _ in 0..30 {
        let mut odd = results();
        let names: Vec<String> = (0..4)
            .map(|_| format!("n{}", hostile_text(&mut random)))
            .collect();
        for (at, workload) in odd.workloads.iter_mut().enumerate() {
            let old = std::mem::replace(&mut workload.name, names[at].clone());
            workload.about = hostile_text(&mut random);
            workload.pattern = hostile_text(&mut random);
            odd.cells
                .iter_mut()
                .filter(|cell| cell.workload == old)
                .for_each(|cell| {
                    cell.workload.clone_from(&names[at]);
                });
        }
        for cell in &mut odd.cells {
            cell.model = format!("m{}", hostile_text(&mut random));
            cell.variant = hostile_text(&mut random);
            cell.note = Some(hostile_text(&mut random));
            if random.below(3) == 0 {
                cell.error = Some(hostile_text(&mut random));
            }
            cell.metrics.insert("loop_lag_max_ns".to_owned(), 1e300);
        }
        odd.warnings = vec![hostile_text(&mut random)];
        odd.environment.cpu = hostile_text(&mut random);
        odd.settings.command = hostile_text(&mut random);
        xtask::stats::summarise(&mut odd);
        assert_fits(&rendered(&odd, &results()));
    }
}

#[test]
fn a_blank_workload_name_is_refused_and_never_panics() {
    for blank in ["", " ", "\n\t"] {
        let mut odd = results();
        odd.workloads
            .iter_mut()
            .for_each(|table| table.name = blank.to_owned());
        odd.cells
            .iter_mut()
            .for_each(|cell| cell.workload = blank.to_owned());
        assert_fits(&rendered(&odd, &odd));
        let text = serde_json::to_vec(&odd).expect("JSON");
        let why = parse(&text).expect_err("refused");
        assert!(why.contains("the name of a workload is blank"), "{why}");
    }
}

#[test]
fn a_title_of_a_sweep_stays_within_the_line() {
    for name in [
        "n".repeat(64),
        "\u{1b}[31mred\u{202e}".to_owned(),
        "並".repeat(64),
    ] {
        let mut odd = results();
        for table in &mut odd.workloads {
            table.name = format!("{name}{}", table.name);
        }
        for cell in &mut odd.cells {
            cell.workload = format!("{name}{}", cell.workload);
        }
        let text = render::sweeps(&odd);
        assert_fits(&text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(": time by the number of workers"), "{text}");
    }
}

#[test]
fn a_variant_of_ten_thousand_characters_makes_a_few_lines() {
    let lines = |results: &Results| render::everything(results, None).lines().count();
    let mut odd = results();
    let before = lines(&odd);
    for cell in &mut odd.cells {
        cell.variant = "v".repeat(10_000);
    }
    assert!(
        lines(&odd) < before * 4,
        "{before} lines, then {}",
        lines(&odd)
    );
}

#[test]
fn lost_cells_are_counted_and_excess_tables_refused() {
    let mut odd = results();
    odd.workloads.truncate(1);
    let lost = odd
        .cells
        .iter()
        .filter(|cell| cell.workload == "gcd")
        .count();
    let text = render::everything(&odd, None);
    assert!(
        text.contains(&format!("warning: {lost} cells belong to no table")),
        "{text}"
    );
    assert!(!render::everything(&results(), None).contains("belong to no table"));

    odd.workloads = vec![odd.workloads[0].clone(); 5_001];
    let text = serde_json::to_vec(&odd).expect("JSON");
    let why = parse(&text).expect_err("refused");
    assert!(why.contains("more tables or cells"), "{why}");
}

#[test]
fn impossible_metrics_are_not_shown() {
    for (value, shown) in [(1e300, false), (-5.0, false), (98.4e6, true)] {
        let mut odd = results();
        for cell in &mut odd.cells {
            cell.metrics.insert("loop_lag_max_ns".to_owned(), value);
        }
        assert_eq!(
            render::table(&odd, 1).contains("loop lag"),
            shown,
            "{value}"
        );
    }
}
