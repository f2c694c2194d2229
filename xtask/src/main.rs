//! `cargo xtask`: reads the command line, runs the command, says what went wrong.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use xtask::cli::{self, ADVICE_OUTPUT, Command, DEFAULT_OUTPUT, New, Parsed};
use xtask::error::Error;
use xtask::packages::workspace;
use xtask::terminal::Terminal;
use xtask::text::clean_lines;

fn main() -> ExitCode {
    if let Some(code) = xtask::compare::guard(std::env::args_os()) {
        return code;
    }
    if let Some(code) = xtask::calibrate::link(std::env::args_os()) {
        return code;
    }
    let command = match cli::parse(std::env::args_os()) {
        Ok(Parsed::Command(command)) => command,
        Ok(Parsed::Help(help)) => {
            print(&help);
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&error),
    };
    match run(command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

fn run(command: Command) -> Result<u8, Error> {
    match command {
        Command::Compare(mut args) => {
            if args.output == Path::new(DEFAULT_OUTPUT) {
                args.output = workspace()?.root.join(DEFAULT_OUTPUT);
            }
            xtask::compare::compare(&args)
        }
        Command::Calibrate(mut args) => {
            if args.output == Path::new(DEFAULT_OUTPUT) {
                args.output = workspace()?.root.join(DEFAULT_OUTPUT);
            }
            xtask::calibrate::calibrate(&args)
        }
        Command::Prices(mut args) => {
            if args.output == Path::new(DEFAULT_OUTPUT) {
                args.output = workspace()?.root.join(DEFAULT_OUTPUT);
            }
            xtask::prices::prices(&args)
        }
        Command::Advise(mut args) => {
            if args.output == Path::new(ADVICE_OUTPUT) {
                args.output = workspace()?.root.join(ADVICE_OUTPUT);
            }
            xtask::advise::advise(&args)
        }
        Command::Test { crates } => xtask::test::test(&workspace()?, &crates),
        Command::Build { crates } => xtask::build::build(&workspace()?, &crates).map(|()| 0),
        Command::Report(args) => {
            let out = Terminal::of(&io::stdout());
            let text = out.set(|| xtask::report::report(&args));
            let text = text.map_err(Error::Usage)?;
            // Rendered and so harmless: cleaned once more, it would lose its colours.
            write(&out.letters(text));
            Ok(0)
        }
        Command::New {
            what: New::Workload { name },
        } => {
            print(&xtask::new::workload(&name, Path::new(""))?);
            Ok(0)
        }
        Command::New {
            what: New::Model { name },
        } => {
            print(&xtask::new::model(&workspace()?, &name)?);
            Ok(0)
        }
        Command::New {
            what: New::Job { directory },
        } => {
            print(&xtask::new::job(&workspace()?, &directory)?);
            Ok(0)
        }
        Command::Pick(args) => {
            print(&xtask::pick::pick(&workspace()?, &args)?);
            Ok(0)
        }
        Command::Footprint(args) => {
            print(&xtask::footprint::footprint(&workspace()?, &args)?);
            Ok(0)
        }
        Command::Ci { deep, since } => {
            xtask::ci::ci(&workspace()?, deep, since.as_deref()).map(|()| 0)
        }
    }
}

/// Writes to stdout, cleaned, since the text contains paths and names.
fn print(text: &str) {
    write(&Terminal::of(&io::stdout()).letters(clean_lines(text)));
}

/// A reader that has closed the pipe (`… | head`) is not an error.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{text}{newline}").and_then(|()| out.flush());
}

fn fail(error: &Error) -> ExitCode {
    // The user pressed Ctrl-C and needs no message.
    if matches!(error, Error::Interrupted) {
        return ExitCode::from(error.exit_code());
    }
    let line = Terminal::of(&io::stderr()).message(&format!("error: {error}\n"));
    let _ = io::stderr().write_all(line.as_bytes());
    ExitCode::from(error.exit_code())
}
