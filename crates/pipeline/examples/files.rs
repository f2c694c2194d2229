//! Reads, parses and sums files, each step on threads of its own, with a bound on the number of
//! files in memory. A broken file is named by stage and item.
//!
//! `cargo run -p effective-pipeline --example files`

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use effective_pipeline::{Pipeline, PipelineError};

const FILES: usize = 200;

/// A folder of small files with a number in each line, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("pipeline-example-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let folder = Self(path);
        for file in 0..FILES {
            let lines: Vec<String> = (0..500).map(|line| (file * line).to_string()).collect();
            fs::write(folder.file(file), lines.join("\n"))?;
        }
        Ok(folder)
    }

    fn file(&self, number: usize) -> PathBuf {
        self.0.join(format!("{number}.txt"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn stages<'f>() -> Pipeline<'f, PathBuf, u64> {
    Pipeline::new()
        .try_stage("read", 2, fs::read_to_string)
        .try_stage("parse", 2, |text: String| {
            text.lines()
                .map(str::parse)
                .collect::<Result<Vec<u64>, _>>()
        })
        .stage("add", 1, |numbers| numbers.iter().sum())
        .buffer(8)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Folder::make()?;
    let paths = || (0..FILES).map(|number| folder.file(number));

    // Sums are added as they come, while another thread watches.
    let pipeline = stages();
    let handle = pipeline.handle();
    let mut total = 0;
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while handle.counts().delivered < FILES / 2 {
                thread::sleep(Duration::from_millis(1));
            }
            handle.counts()
        });
        pipeline.for_each(paths(), |sum| total += sum)?;
        println!("half-way:");
        for stage in watch.join().expect("it only reads counters").stages {
            println!(
                "  {:5} {:3} in, {} waiting, {} in work, {:3} done",
                stage.name, stage.received, stage.waiting, stage.in_progress, stage.done
            );
        }
        Ok::<(), PipelineError>(())
    })?;
    println!("the sum of {FILES} files is {total}");

    // One broken file ends the run.
    fs::write(folder.file(150), "12\ntwelve\n")?;
    if let Err(error) = stages().for_each(paths(), |_| {}) {
        println!("error: {error}");
    }
    Ok(())
}
