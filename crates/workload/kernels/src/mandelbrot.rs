//! One row of the Mandelbrot set.

use crate::call::Call;

const WIDTH: usize = 256;
const LIMIT: u32 = 400;

/// The sum of the escape times along one row of `-2.0..=0.5` by `-1.25..=1.25`. There is one row
/// for each task.
///
/// It uses only additions, subtractions, multiplications and one division per row and column in
/// double precision, never fused, so that every machine rounds them alike.
#[inline(never)]
pub(super) fn mandelbrot(call: Call<'_>) -> u64 {
    let imaginary = -1.25 + 2.5 * (call.index as f64 + 0.5) / call.tasks as f64;
    (0..WIDTH)
        .map(|column| {
            let real = -2.0 + 2.5 * (column as f64 + 0.5) / WIDTH as f64;
            u64::from(escape_time(real, imaginary))
        })
        .sum()
}

#[inline(never)]
fn escape_time(real: f64, imaginary: f64) -> u32 {
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    for iteration in 0..LIMIT {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return iteration;
        }
        y = 2.0 * x * y + imaginary;
        x = xx - yy + real;
    }
    LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_times_are_correct() {
        assert_eq!(escape_time(0.0, 0.0), LIMIT);
        assert_eq!(escape_time(-1.0, 0.0), LIMIT);
        assert_eq!(escape_time(2.0, 2.0), 1);
    }

    #[test]
    fn rows_cost_very_differently() {
        let row = |index| {
            mandelbrot(Call {
                index,
                tasks: 100,
                value: 0,
                snapshot: &[],
            })
        };
        assert!(row(50) > 20 * row(0), "{} against {}", row(50), row(0));
        assert_eq!(row(10), row(89), "the set is symmetric");
    }
}
