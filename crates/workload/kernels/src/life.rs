//! One cell of Conway's Game of Life, from Items 56 to 60 of *Effective Python*.

use crate::call::Call;

/// A cell is alive if its value is odd. The task computes `mix(value ^ result)`, so the result is
/// chosen to make that `mix(ALIVE)` or `mix(0)`, which is 0.
///
/// The grid is a torus, as square as the number of tasks allows: its rows follow each other in the
/// list of tasks, and the end of the list is connected to its beginning.
#[inline(never)]
pub(super) fn life(call: Call<'_>) -> u64 {
    let Call {
        index,
        tasks,
        snapshot,
        value,
    } = call;
    let width = tasks.isqrt();
    let alive = |offset: usize| {
        let at = (index + offset) % tasks;
        // Without generations there is no grid, and the cell has no neighbours.
        snapshot.get(at).is_some_and(|cell| cell % 2 == 1)
    };
    let up = 2 * tasks - width;
    let around = [
        up - 1,
        up,
        up + 1,
        tasks - 1,
        1,
        width - 1,
        width,
        width + 1,
    ];
    let neighbours = around.into_iter().filter(|offset| alive(*offset)).count();
    let lives = neighbours == 3 || neighbours == 2 && value % 2 == 1;
    value ^ if lives { ALIVE } else { 0 }
}

/// Mixed, it is odd.
const ALIVE: u64 = 1;

#[cfg(test)]
mod tests {
    use super::{Call, life};
    use crate::rng::mix;

    fn next(grid: &[u64]) -> Vec<u64> {
        let cell = |index: usize| {
            let value = grid[index];
            let call = Call {
                index,
                tasks: grid.len(),
                value,
                snapshot: grid,
            };
            mix(value ^ life(call))
        };
        (0..grid.len()).map(cell).collect()
    }

    fn alive(grid: &[u64]) -> Vec<usize> {
        (0..grid.len()).filter(|at| grid[*at] % 2 == 1).collect()
    }

    fn grid(alive: &[usize]) -> Vec<u64> {
        (0..64)
            .map(|at| if alive.contains(&at) { 0x77 } else { 0x88 })
            .collect()
    }

    #[test]
    fn blinker_blinks_and_block_stays() {
        // On 8 by 8 cells.
        let lying = [26, 27, 28];
        let standing = [19, 27, 35];
        let once = next(&grid(&lying));
        assert_eq!(alive(&once), standing);
        assert_eq!(alive(&next(&once)), lying);
        let block = [9, 10, 17, 18];
        assert_eq!(alive(&next(&next(&grid(&block)))), block);
    }

    #[test]
    fn glider_crosses_the_edges() {
        let mut cells = grid(&[1, 10, 16, 17, 18]);
        let begin = alive(&cells);
        // In four generations it moves one cell down and one to the right. Crossing the right edge
        // also moves it one row down, so after 32 generations it is 9 rows further, which is 1.
        for _ in 0..32 {
            cells = next(&cells);
        }
        let expected: Vec<usize> = {
            let mut moved: Vec<usize> = begin.iter().map(|at| (at + 8 * 9) % 64).collect();
            moved.sort_unstable();
            moved
        };
        assert_eq!(alive(&cells), expected);
    }

    #[test]
    fn smallest_grids_work() {
        for tasks in 1..10 {
            let grid = vec![1; tasks];
            assert_eq!(next(&grid).len(), tasks);
        }
        let alone = Call {
            index: 0,
            tasks: 1,
            value: 1,
            snapshot: &[],
        };
        assert_eq!(mix(1 ^ life(alone)), 0, "a cell without neighbours dies");
    }
}
