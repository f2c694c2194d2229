//! Greatest common divisors by trial: one pure function on items of unequal cost.
//!
//! `cargo run --release -p effective-data-parallel --example gcd`

use std::num::NonZeroUsize;

use effective_data_parallel::DataParallel;

fn gcd(&(a, b): &(u32, u32)) -> u32 {
    assert!(a > 0 && b > 0, "the gcd of 0 is not computed");
    (1..=a.min(b))
        .rev()
        .find(|n| a % n == 0 && b % n == 0)
        .unwrap_or(1)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pairs = [
        (1_963_309, 2_265_973),
        (2_030_677, 3_814_172),
        (1_551_645, 2_229_620),
        (0, 5),
    ];
    // Few items that take long: hand them out singly.
    let parallel = DataParallel::new()
        .worker_per_core()?
        .grain(NonZeroUsize::MIN);
    for ((a, b), result) in pairs.iter().zip(parallel.map(&pairs, gcd)) {
        match result {
            Ok(divisor) => println!("gcd({a}, {b}) = {divisor}"),
            Err(panic) => println!("gcd({a}, {b}): {panic}"),
        }
    }
    Ok(())
}
