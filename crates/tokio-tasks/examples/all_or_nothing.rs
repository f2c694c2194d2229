//! Three parts of one order: if one fails, the others are cancelled.
//!
//! `cargo run -p effective-tokio-tasks --example all_or_nothing`

use std::time::Duration;

use effective_tokio_tasks::TaskGroup;

async fn step(name: &'static str, millis: u64, fails: bool) -> Result<&'static str, String> {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    if fails {
        Err(format!("{name} is not available"))
    } else {
        Ok(name)
    }
}

#[tokio::main]
async fn main() {
    for payment_fails in [false, true] {
        let mut order = TaskGroup::new();
        order.spawn(step("stock", 5, false));
        order.spawn(step("payment", 10, payment_fails));
        order.spawn(step("delivery", 60_000 * u64::from(payment_fails), false));

        match order.join_all().await {
            Ok(parts) => println!("done: {parts:?}"),
            Err(error) => println!("undone: {error}"),
        }
    }
}
