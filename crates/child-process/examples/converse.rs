//! A conversation with a program, line by line: writes a request, waits for the answer with a
//! timeout, closes the input and prints how the program ended.
//!
//! `cargo run -p effective-child-process --example converse`

use std::time::Duration;

use effective_child_process::{Command, Error, Input};

fn main() -> Result<(), Error> {
    let mut calculator = Command::new("sh")
        .args([
            "-c",
            "while read -r sum; do echo $(($sum)); done; echo bye >&2",
        ])
        .stdin(Input::Pipe)
        .spawn()?;
    for sum in ["6 * 7", "2 + 2"] {
        calculator.write(format!("{sum}\n"))?;
        match calculator.next_line(Duration::from_secs(1))? {
            Some(line) => println!("{sum} = {}", line.text()),
            None => println!("{sum} = ? (no answer within a second)"),
        }
    }
    calculator.close_stdin();
    let finished = calculator.finish()?.check()?;
    println!(
        "{}; its last words: {:?}",
        finished.status,
        finished.stderr_text()?.trim()
    );
    Ok(())
}
