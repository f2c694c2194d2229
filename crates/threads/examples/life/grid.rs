//! Conway's Game of Life: a grid whose edges meet, the neighbours of a cell, and the rule.
#![allow(dead_code, reason = "each example needs a part of it")]

use std::fmt;

/// The living and dead cells of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    width: usize,
    height: usize,
    cells: Vec<bool>,
}

impl Grid {
    /// Five living cells that move by one row and one column in four generations.
    pub(crate) fn glider() -> Self {
        let rows = [
            " #       ",
            "  #      ",
            "###      ",
            "         ",
            "         ",
        ];
        let cells = rows
            .iter()
            .flat_map(|row| row.chars())
            .map(|cell| cell == '#');
        Self {
            width: 9,
            height: rows.len(),
            cells: cells.collect(),
        }
    }

    /// All positions, row by row.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let width = self.width;
        (0..self.height).flat_map(move |y| (0..width).map(move |x| (y, x)))
    }

    pub(crate) fn is_alive(&self, (y, x): (usize, usize)) -> bool {
        self.cells[y * self.width + x]
    }

    /// The number of living cells around this one.
    pub(crate) fn neighbours(&self, (y, x): (usize, usize)) -> usize {
        let around = |at: usize, size: usize| [(at + size - 1) % size, at, (at + 1) % size];
        let rows = around(y, self.height).into_iter();
        rows.flat_map(|row| around(x, self.width).map(|column| (row, column)))
            .filter(|&place| place != (y, x) && self.is_alive(place))
            .count()
    }

    /// A grid of this size with these cells, row by row.
    pub(crate) fn with_cells(&self, cells: Vec<bool>) -> Self {
        assert_eq!(cells.len(), self.cells.len(), "a cell for each position");
        Self { cells, ..*self }
    }

    /// The same picture, further down and to the right.
    pub(crate) fn moved(&self, down: usize, right: usize) -> Self {
        let from = |(y, x)| {
            let y = (y + self.height - down) % self.height;
            (y, (x + self.width - right) % self.width)
        };
        let cells = self.positions().map(|place| self.is_alive(from(place)));
        self.with_cells(cells.collect())
    }
}

/// Whether a cell lives in the next generation.
pub(crate) fn rule(is_alive: bool, neighbours: usize) -> bool {
    matches!((is_alive, neighbours), (true, 2) | (_, 3))
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.cells.chunks(self.width) {
            let row: String = row
                .iter()
                .map(|alive| if *alive { '#' } else { '.' })
                .collect();
            writeln!(f, "  {row}")?;
        }
        Ok(())
    }
}
