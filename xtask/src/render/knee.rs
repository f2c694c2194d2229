//! The knee of a row of times: the number of tasks or requests up to which more of them are cheap,
//! and the numbers of workers that are as good as any.
//!
//! A measured number is given as it is. If two neighbours are far apart and the knee lies between
//! them, the answer says so, as in `2–16`: a coarse list must not look like an exact result.

use super::number::number;

/// Times within this factor count as equal: most machines reproduce a time that well.
const MARGIN: f64 = 1.10;

/// More tasks or requests count as cheap up to this factor over the quickest of the smaller
/// numbers.
const LITTLE_MORE: f64 = 1.5;

/// Neighbours further apart than this leave open where the knee is between them.
const COARSE: f64 = 2.0;

/// A gain of this part of the possible gain counts as all of it: the curve has not flattened yet.
const NEARLY_ALL: f64 = 0.75;

/// A number, and the time measured with it.
pub(super) type Point = (f64, f64);

/// Shown if there is no knee, as with fewer than two points.
pub(super) const ABSENT: &str = "·";

/// The flat region: the numbers of workers from the fewest to the most whose time is within the
/// margin of the best that was reached there.
///
/// `4–16`, or `4` for a single number; `+` where the last measured number is still flat. `≤4–16`
/// where it may begin below the first number, `>2–16` where it begins somewhere above 2, as its
/// neighbour is far off. `>16` if time still falls nearly in proportion up to the last number.
pub(super) fn of_workers(points: &[Point]) -> String {
    let points = usable(points);
    let [(first, _), .., (last, _)] = points[..] else {
        return ABSENT.to_owned();
    };
    let mut best = f64::INFINITY;
    let mut at = points.len() - 1;
    for (place, (_, time)) in points.iter().enumerate().rev() {
        best = best.min(*time);
        if *time <= best * MARGIN {
            at = place;
        }
    }
    let (workers, time) = points[at];
    let flat = points[at..].iter().map(|point| point.1);
    let best = flat.fold(f64::INFINITY, f64::min);
    let end = points[at..]
        .iter()
        .take_while(|point| point.1 <= best * MARGIN)
        .last()
        .map_or(workers, |point| point.0);
    let begin = match at.checked_sub(1).map(|before| points[before]) {
        None if first > 1.0 => format!("≤{}", number(first)),
        None => number(first),
        Some((fewer, slower)) => {
            // 1 if time fell in proportion to the workers, a half if half of the added workers
            // gained nothing.
            let gained = (slower / time) / (workers / fewer);
            let is_steep = gained >= NEARLY_ALL;
            if is_steep && workers == last {
                return format!(">{}", number(last));
            }
            match !is_steep && workers > fewer * COARSE {
                true => format!(">{}", number(fewer)),
                false => number(workers),
            }
        }
    };
    let more = if end == last { "+" } else { "" };
    let is_one = end == workers && !begin.starts_with('>');
    match is_one {
        true => format!("{begin}{more}"),
        false => format!("{begin}–{}{more}", number(end)),
    }
}

/// The most tasks that cost little more than fewer do.
///
/// `>N` if even the last number `N` of tasks costs little more, `≤N` if time grows in proportion
/// from the first number on.
pub(super) fn of_tasks(points: &[Point]) -> String {
    let points = usable(points);
    let [(first, _), .., (last, _)] = points[..] else {
        return ABSENT.to_owned();
    };
    let Some(Turn {
        before,
        after,
        base,
    }) = turn(&points)
    else {
        return format!(">{}", number(last));
    };
    // The crossing of two lines: time in proportion to the tasks, drawn back from the costly
    // number, and the time of the cheap numbers.
    let meets = after.0 * base / after.1;
    if meets >= before.0 * COARSE {
        return between_or(before.0, after.0, before.0);
    }
    match before.0 == first {
        true => at_most(first),
        false => number(before.0),
    }
}

/// The highest rate that is answered about as quickly as lower ones.
///
/// `>N` if even the last rate `N` is answered that quickly, `<N` if the second rate `N` is not.
pub(super) fn of_rates(points: &[Point]) -> String {
    let points = usable(points);
    let [(first, _), .., (last, _)] = points[..] else {
        return ABSENT.to_owned();
    };
    match turn(&points) {
        None => format!(">{}", number(last)),
        Some(turn) if turn.before.0 == first => format!("<{}", number(turn.after.0)),
        Some(turn) => between_or(turn.before.0, turn.after.0, turn.before.0),
    }
}

/// The first step at which time is well above the quickest time so far.
struct Turn {
    /// The last number before.
    before: Point,
    /// The first number that costs more.
    after: Point,
    /// The quickest time so far.
    base: f64,
}

fn turn(points: &[Point]) -> Option<Turn> {
    let mut base = f64::INFINITY;
    for pair in points.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        base = base.min(before.1);
        if after.1 > base * LITTLE_MORE {
            return Some(Turn {
                before,
                after,
                base,
            });
        }
    }
    None
}

/// A number below the first may do as well, unless there is none.
fn at_most(first: f64) -> String {
    if first > 1.0 {
        format!("≤{}", number(first))
    } else {
        number(first)
    }
}

fn between_or(low: f64, high: f64, exact: f64) -> String {
    if high > low * COARSE {
        format!("{}–{}", number(low), number(high))
    } else {
        number(exact)
    }
}

/// Times in a results file need not be valid.
fn usable(points: &[Point]) -> Vec<Point> {
    let positive = |x: f64| x.is_finite() && x > 0.0;
    let usable = |(at, time): &&Point| positive(*at) && positive(*time);
    points.iter().filter(usable).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_region_of_workers_is_all_that_do_as_well() {
        for (points, flat) in [
            (
                &[(1.0, 100.0), (2.0, 51.0), (4.0, 50.0), (8.0, 49.0)][..],
                "2–8+",
            ),
            (&[(1.0, 100.0), (2.0, 51.0), (4.0, 26.0)], ">4"),
            (&[(1.0, 100.0), (2.0, 120.0)], "1"),
            (&[(2.0, 100.0), (4.0, 99.0)], "≤2–4+"),
            (&[(2.0, 100.0), (4.0, 140.0)], "≤2"),
            // Each doubling gains something up to 8, and nothing beyond.
            (
                &[
                    (1.0, 100.0),
                    (2.0, 60.0),
                    (4.0, 40.0),
                    (8.0, 30.0),
                    (16.0, 29.0),
                ],
                "8–16+",
            ),
            // Doubling gains a third at last: more workers may pay, but these do.
            (&[(4.0, 100.0), (8.0, 75.0)], "8+"),
            // Slower again with more workers.
            (&[(1.0, 100.0), (2.0, 50.0), (4.0, 80.0)], "2"),
            (
                &[(1.0, 100.0), (2.0, 50.0), (4.0, 52.0), (8.0, 90.0)],
                "2–4",
            ),
            // A dip that later numbers make up for.
            (&[(1.0, 100.0), (2.0, 50.0), (4.0, 90.0), (8.0, 24.0)], ">8"),
        ] {
            assert_eq!(of_workers(points), flat, "{points:?}");
        }
    }

    #[test]
    fn a_coarse_list_of_workers_leaves_open_where_it_begins() {
        // 2.8 times as fast with 16: 2 are not enough, and 16 need not all be needed.
        assert_eq!(of_workers(&[(2.0, 2.8), (16.0, 1.0)]), ">2–16+");
        assert_eq!(
            of_workers(&[(2.0, 2.9), (16.0, 1.0), (32.0, 1.0)]),
            ">2–32+"
        );
        // As fast as 16 can be: time falls all the way.
        assert_eq!(
            of_workers(&[(1.0, 100.0), (16.0, 6.5), (32.0, 6.4)]),
            "16–32+"
        );
        assert_eq!(of_workers(&[(1.0, 100.0), (16.0, 6.5)]), ">16");
    }

    #[test]
    fn the_knee_of_tasks_is_the_last_cheap_number() {
        let points = [
            (10.0, 8.1e6),
            (100.0, 8.3e6),
            (1000.0, 10.0e6),
            (10_000.0, 62.0e6),
            (100_000.0, 601.0e6),
        ];
        assert_eq!(of_tasks(&points), "1000");
        assert_eq!(of_tasks(&points[..3]), ">1000");
        assert_eq!(of_tasks(&points[3..]), "≤10000");
        assert_eq!(of_tasks(&points[..1]), "·");
    }

    #[test]
    fn a_coarse_list_of_tasks_gives_a_range() {
        // As long as 10 tasks up to about 1600, if time is in proportion from there on.
        assert_eq!(of_tasks(&[(10.0, 10.0), (10_000.0, 62.0)]), "10–10000");
        // Never steep between two neighbours, but eight times as long in the end.
        let creeping = [(10.0, 10.0), (100.0, 28.0), (1000.0, 80.0)];
        assert_eq!(of_tasks(&creeping), "10–100");
    }

    #[test]
    fn knee_of_rates_is_the_highest_that_is_answered_as_quickly() {
        let points = [(100.0, 5.0), (200.0, 5.1), (400.0, 5.5), (800.0, 90.0)];
        assert_eq!(of_rates(&points), "400");
        assert_eq!(of_rates(&points[..3]), ">400");
        assert_eq!(of_rates(&points[2..]), "<800");
        assert_eq!(
            of_rates(&[(50.0, 5.0), (100.0, 5.0), (800.0, 90.0)]),
            "100–800"
        );
    }

    #[test]
    fn impossible_points_are_left_out() {
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for knee in [of_workers, of_tasks, of_rates] {
                assert_eq!(knee(&[(1.0, odd), (2.0, 1.0)]), ABSENT);
                assert_eq!(knee(&[(odd, 1.0)]), ABSENT);
                assert_eq!(knee(&[]), ABSENT);
            }
        }
    }
}
