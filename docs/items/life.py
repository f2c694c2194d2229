"""Conway's Game of Life: what the programs of Items 56 to 60 have in common."""

GLIDER = [
    " #       ",
    "  #      ",
    "###      ",
    "         ",
    "         ",
]


class Grid:
    """Living and dead cells on a grid whose edges meet."""

    def __init__(self, rows):
        self.rows = [list(row) for row in rows]
        self.height, self.width = len(self.rows), len(self.rows[0])

    def __eq__(self, other):
        return self.rows == other.rows

    def positions(self):
        return [(y, x) for y in range(self.height) for x in range(self.width)]

    def is_alive(self, y, x):
        return self.rows[y % self.height][x % self.width] == "#"

    def neighbours(self, y, x):
        around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
        return sum(self.is_alive(y + dy, x + dx) for dy, dx in around)

    def with_cells(self, cells):
        """A grid of this size with these cells, row by row."""
        states = ["#" if alive else " " for alive in cells]
        return Grid([states[at : at + self.width] for at in range(0, len(states), self.width)])

    def moved(self, down, right):
        return self.with_cells([self.is_alive(y - down, x - right) for y, x in self.positions()])


def rule(is_alive, neighbours):
    """Whether a cell lives in the next generation."""
    return neighbours == 3 or (is_alive and neighbours == 2)


def after_four(step):
    """Four generations of a glider, which move it by one row and one column."""
    grid = Grid(GLIDER)
    for _ in range(4):
        grid = step(grid)
    assert grid == Grid(GLIDER).moved(1, 1)
