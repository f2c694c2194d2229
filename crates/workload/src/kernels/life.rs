//! Conway's Game of Life, a cell to a task, as *Effective Python* has it in Items 56 to 60.

use super::Call;

/// A cell lives when its value is odd. The task mixes what a kernel returns into its value, so this returns what makes
/// the next value a fixed one: that of [`ALIVE`], or 0, which stays 0.
///
/// The grid is as square as the number of tasks allows, and a torus: its rows follow each other in the list of tasks,
/// and what leaves the list at one end comes in at the other.
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
        // Without generations there is no grid to look at: a cell alone.
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
    use crate::value::mix;

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
    fn a_blinker_blinks_and_a_block_stays() {
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
    fn a_glider_comes_back_over_the_edge() {
        let mut cells = grid(&[1, 10, 16, 17, 18]);
        let begin = alive(&cells);
        // It moves one cell down and one to the right in four generations; a step over the right edge is also one row
        // down, so after 8 of them it is 9 rows further, which is 1.
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
    fn the_smallest_grids_and_none_at_all() {
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
        assert_eq!(mix(1 ^ life(alone)), 0, "nobody survives alone");
    }
}
