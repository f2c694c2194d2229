//! The CPU work of workloads: the named kernels that `kernel` steps call, and the loop of `compute`
//! steps.
//!
//! A kernel is a file with one function and a line in `ALL`. It is neither generic nor inlined, so
//! that every runner executes the same machine code, and its result depends on its [`Call`] alone.
#![forbid(unsafe_code)]

mod call;
mod compute;
mod gcd;
mod life;
mod mandelbrot;
pub mod rng;

pub use call::Call;
pub use compute::compute;

/// A kernel and its name in definitions.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// The name.
    pub name: &'static str,
    /// The function.
    pub run: fn(Call<'_>) -> u64,
}

/// Two kernels are the same if they have the same name.
impl PartialEq for Kernel {
    fn eq(&self, other: &Kernel) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernel({})", self.name)
    }
}

/// All kernels, by name.
const ALL: &[Kernel] = &[
    Kernel {
        name: "gcd",
        run: gcd::gcd,
    },
    Kernel {
        name: "life",
        run: life::life,
    },
    Kernel {
        name: "mandelbrot",
        run: mandelbrot::mandelbrot,
    },
];

const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut index = 0;
    while index < ALL.len() {
        names[index] = ALL[index].name;
        index += 1;
    }
    names
};

/// The names of all kernels, in alphabetical order.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// The kernel called `name`.
pub fn find(name: &str) -> Option<Kernel> {
    ALL.iter().copied().find(|kernel| kernel.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(names().is_sorted());
        assert!(
            names()
                .iter()
                .all(|name| find(name).is_some_and(|kernel| kernel.name == *name))
        );
        assert_eq!(find("none"), None);
    }
}
