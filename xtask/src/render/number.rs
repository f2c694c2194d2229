//! Figures for people: three significant digits and the unit that suits.

/// Three significant digits; fewer, or an exponent, for what would be wider than six characters.
fn significant(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        return "?".to_owned();
    }
    if size != 0.0 && !(0.000_995..99_999.5).contains(&size) {
        return format!("{x:.1e}");
    }
    let decimals = decimals(size);
    format!("{x:.decimals$}")
}

/// How many decimals give three significant digits, the rounding taken into account.
fn decimals(size: f64) -> usize {
    match size {
        0.0 => 0,
        x if x < 0.099_95 => 4,
        x if x < 0.999_5 => 3,
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    }
}

/// A number as it was given, such as `100` or `0.5`, or with three digits if it would take more
/// than 12 characters.
pub(crate) fn number(x: f64) -> String {
    let text = if x.abs() < 1e12 {
        format!("{x}")
    } else {
        significant(x)
    };
    match text.len() {
        ..=12 => text,
        _ => significant(x),
    }
}

/// A duration such as `20.6 ms`, or `?` for an impossible value: negative, or over 64 bits.
pub(crate) fn duration(ns: f64) -> String {
    if !is_time(ns) {
        return "?".to_owned();
    }
    let (per_unit, unit) = unit_of_time(ns);
    format!("{} {unit}", significant(ns / per_unit))
}

fn is_time(ns: f64) -> bool {
    (0.0..=u64::MAX as f64).contains(&ns)
}

/// The bounds of an interval around `ns`, such as `20.1–21.0`, in the unit [`duration`] shows the
/// median in, and with as many decimals; with one more where the two would look equal and are not.
pub(crate) fn bounds(ns: f64, low: f64, high: f64) -> String {
    let (per_unit, _) = unit_of_time(ns);
    let decimals = decimals((ns / per_unit).abs());
    let one = |x: f64, decimals: usize| {
        let text = format!("{:.decimals$}", x / per_unit);
        match text.len() {
            _ if !is_time(x) => "?".to_owned(),
            ..=6 => text,
            _ => format!("{:.1e}", x / per_unit),
        }
    };
    let both = |decimals| (one(low, decimals), one(high, decimals));
    let (mut from, mut to) = both(decimals);
    if from == to && low != high {
        (from, to) = both(decimals + 1);
    }
    format!("{from}–{to}")
}

fn unit_of_time(ns: f64) -> (f64, &'static str) {
    match ns {
        x if x < 999.5 => (1.0, "ns"),
        x if x < 999.5e3 => (1e3, "µs"),
        x if x < 999.5e6 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

/// A ratio such as `1.35`; never below two decimals where 1 is near.
pub(crate) fn ratio(x: f64) -> String {
    if x < 0.0 {
        return "?".to_owned();
    }
    // 0.98 and 1.02 lie one below the other: as many decimals for both.
    if (0.095..0.999_5).contains(&x) {
        format!("{x:.2}")
    } else {
        significant(x)
    }
}

/// As [`ratio`], but with up to two decimals more rather than `1.00`: of a difference that is small
/// and yet no noise.
pub(crate) fn clear_ratio(x: f64) -> String {
    let text = ratio(x);
    if text != "1.00" {
        return text;
    }
    let one = |decimals: usize| format!("{:.decimals$}", 1.0);
    let told = [3, 4].map(|decimals| (format!("{x:.decimals$}"), one(decimals)));
    let found = told.into_iter().find(|(text, one)| text != one);
    found.map_or(text, |(text, _)| text)
}

/// A lower bound in few letters, rounded down: `1.06`, `4.1`, `45`, `450`, `10k`.
pub(crate) fn at_least(x: f64) -> String {
    match x {
        x if !x.is_finite() || x < 0.0 => "?".to_owned(),
        x if x < 1.1 => format!("{:.2}", (x * 100.0).floor() / 100.0),
        x if x < 10.0 => format!("{:.1}", (x * 10.0).floor() / 10.0),
        x if x < 100.0 => format!("{:.0}", x.floor()),
        x if x < 1_000.0 => format!("{:.0}", (x / 10.0).floor() * 10.0),
        x if x < 1e6 => format!("{:.0}k", (x / 1e3).floor()),
        _ => format!("{x:.0e}"),
    }
}

/// A ratio in at most four letters as a rule: `1.35`, `12`, `573`, `11k`; that many decimals below
/// 10.
pub(crate) fn short_ratio(x: f64, decimals: usize) -> String {
    match x {
        x if !x.is_finite() || x < 0.0 => "?".to_owned(),
        x if x < 9.95 => format!("{x:.decimals$}"),
        x if x < 999.5 => format!("{x:.0}"),
        x if x < 999_500.0 => format!("{:.0}k", x / 1e3),
        _ => format!("{x:.0e}"),
    }
}

/// A part of 1 as a percentage: `5 %`, `2.5 %`.
pub(crate) fn percent(part: f64) -> String {
    // Twice a margin need not be exact in binary.
    let tenths = (part * 1e3).round() / 10.0;
    match tenths.is_finite() {
        true => format!("{} %", number(tenths)),
        false => "? %".to_owned(),
    }
}

/// A count such as `412`, `12.3k` or `1.20M`.
pub(crate) fn count(x: f64) -> String {
    match x {
        x if !x.is_finite() || x < 0.0 => "?".to_owned(),
        x if x < 9_999.5 => format!("{x:.0}"),
        x if x < 999_500.0 => format!("{}k", significant(x / 1e3)),
        x if x < 999.5e6 => format!("{}M", significant(x / 1e6)),
        _ => significant(x),
    }
}

/// A size such as `1.2 MiB`. Two digits below 10: memory comes in pages.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        size /= 1024.0;
        unit = next;
        if size < 999.5 {
            break;
        }
    }
    let decimals = usize::from(size < 9.95);
    format!("{size:.decimals$} {unit}")
}

/// `1 sample`, `2 samples`.
pub(crate) fn plural(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_their_unit() {
        for (ns, text) in [
            (0.0, "0 ns"),
            (1.0, "1.00 ns"),
            (87.6, "87.6 ns"),
            (999.4, "999 ns"),
            (999.6, "1.00 µs"),
            (1_234.0, "1.23 µs"),
            (999_499.0, "999 µs"),
            (999_501.0, "1.00 ms"),
            (20_640_000.0, "20.6 ms"),
            (9_996_000.0, "10.0 ms"),
            (99_960_000.0, "100 ms"),
            (1.5e9, "1.50 s"),
            (1.234e12, "1234 s"),
            (f64::NAN, "?"),
            (-7.0, "?"),
            (1e300, "?"),
            (f64::INFINITY, "?"),
            (u64::MAX as f64, "1.8e10 s"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn numbers_are_shown_as_given_unless_they_are_too_long() {
        for (x, text) in [
            (100.0, "100"),
            (0.5, "0.5"),
            (10_000_000.0, "10000000"),
            (1.0 / 3.0, "0.333"),
            (1e300, "1.0e300"),
            (-1e300, "-1.0e300"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(number(x), text);
        }
    }

    #[test]
    fn bounds_share_unit_and_decimals_with_the_median() {
        assert_eq!(bounds(20.64e6, 20.05e6, 21.0e6), "20.1–21.0");
        assert_eq!(bounds(1.5e9, 900e6, 1.61e9), "0.90–1.61");
        assert_eq!(bounds(999.0e3, 900e3, 1.2e6), "900–1200");
        assert_eq!(bounds(20.6e6, 100e3, 2e12), "0.1–2.0e6");
        assert_eq!(bounds(0.0, 0.0, f64::NAN), "0–?");
        assert_eq!(bounds(105.1e6, 104.8e6, 105.3e6), "104.8–105.3");
        assert_eq!(bounds(105e6, 105e6, 105e6), "105–105");
    }

    #[test]
    fn ratios_have_three_digits_and_two_decimals_around_one() {
        for (x, text) in [
            (1.0, "1.00"),
            (0.984, "0.98"),
            (0.9996, "1.00"),
            (0.5, "0.50"),
            (0.0123, "0.0123"),
            (0.001, "0.0010"),
            (0.0001, "1.0e-4"),
            (9.999, "10.0"),
            (37.14, "37.1"),
            (1234.0, "1234"),
            (123_456.0, "1.2e5"),
            (f64::INFINITY, "?"),
            (-1e300, "?"),
        ] {
            assert_eq!(ratio(x), text);
        }
    }

    #[test]
    fn a_clear_ratio_is_told_from_one() {
        for (x, text) in [
            (1.0, "1.00"),
            (1.000_01, "1.00"),
            (1.000_8, "1.001"),
            (1.000_2, "1.0002"),
            (0.999_7, "0.9997"),
            (1.35, "1.35"),
            (12.34, "12.3"),
        ] {
            assert_eq!(clear_ratio(x), text);
        }
    }

    #[test]
    fn lower_bounds_are_rounded_down() {
        for (x, text) in [
            (1.069, "1.06"),
            (1.19, "1.1"),
            (4.19, "4.1"),
            (45.9, "45"),
            (459.0, "450"),
            (10_694.0, "10k"),
            (1e300, "1e300"),
            (f64::NAN, "?"),
            (-1.0, "?"),
        ] {
            assert_eq!(at_least(x), text);
        }
    }

    #[test]
    fn short_ratios_and_percentages_are_short() {
        for (x, text) in [
            (1.349, "1.35"),
            (9.96, "10"),
            (573.4, "573"),
            (10_694.0, "11k"),
            (f64::INFINITY, "?"),
        ] {
            assert_eq!(short_ratio(x, 2), text);
        }
        assert_eq!(short_ratio(1.04, 1), "1.0");
        assert_eq!(percent(0.05), "5 %");
        assert_eq!(percent(2.0 * 0.0125), "2.5 %");
        assert_eq!(percent(2.0 * 0.15), "30 %");
        assert_eq!(percent(f64::NAN), "? %");
    }

    #[test]
    fn counts_and_sizes_shrink_to_a_unit() {
        for (x, text) in [
            (0.0, "0"),
            (412.0, "412"),
            (9_999.0, "9999"),
            (12_345.0, "12.3k"),
            (999_600.0, "1.00M"),
            (1_200_000.0, "1.20M"),
            (1e12, "1.0e12"),
            (-1e300, "?"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(count(x), text);
        }
        for (n, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KiB"),
            (4_096, "4.0 KiB"),
            (10_200, "10 KiB"),
            (1_258_291, "1.2 MiB"),
            (1_023 * 1_024, "1.0 MiB"),
            (123 << 20, "123 MiB"),
            (8 << 30, "8.0 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
        assert_eq!(plural(1, "sample"), "1 sample");
        assert_eq!(plural(31, "sample"), "31 samples");
    }
}
