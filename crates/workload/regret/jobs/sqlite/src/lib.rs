//! Reads rows of an SQLite database, and writes one now and then: tasks that share a lock which no
//! table of tasks shows.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

/// The number of transactions.
pub const TASKS: usize = 600;

const ROWS: u64 = 20_000;

/// One task in this many writes.
const WRITES: u64 = 8;

/// A transaction: the database, its number, and the first row that it reads.
pub type Input = (String, u64, u64);

/// Makes the database in the folder for temporary files on the first call, and uses it again.
///
/// # Panics
///
/// If the database cannot be made.
pub fn inputs(tasks: usize, seed: u64) -> Vec<Input> {
    let path = std::env::temp_dir().join(format!("regret-sqlite-{seed}.db"));
    if !path.exists() {
        fill(&path, seed).expect("a database");
    }
    let path = path
        .to_str()
        .expect("a folder with a name in UTF-8")
        .to_owned();
    (0..tasks as u64)
        .map(|task| {
            let row = (seed ^ task).wrapping_mul(0x9E37_79B9_7F4A_7C15) % ROWS;
            (path.clone(), task, row)
        })
        .collect()
}

/// Several processes may do this at once, so the file gets its name when it is complete.
fn fill(path: &PathBuf, seed: u64) -> rusqlite::Result<()> {
    let own = path.with_extension(std::process::id().to_string());
    let mut connection = Connection::open(&own)?;
    let all = connection.transaction()?;
    all.execute_batch(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, shelf INTEGER, price INTEGER, name TEXT);
         CREATE INDEX shelves ON item (shelf);
         CREATE TABLE seen (id INTEGER PRIMARY KEY, total INTEGER);",
    )?;
    for id in 0..ROWS {
        let mixed = (id ^ seed).wrapping_mul(0xD134_2543_DE82_EF95) >> 32;
        all.execute(
            "INSERT INTO item VALUES (?1, ?2, ?3, ?4)",
            params![
                id as i64,
                (mixed % 100) as i64,
                (mixed % 997) as i64,
                format!("item {mixed}")
            ],
        )?;
    }
    all.commit()?;
    connection.close().map_err(|(_, error)| error)?;
    let _ = std::fs::rename(own, path);
    Ok(())
}

thread_local! {
    /// A connection serves one thread.
    static CONNECTION: RefCell<Option<(String, Connection)>> = const { RefCell::new(None) };
}

/// Sums up what it reads: twenty rows by their number, and all of one shelf.
///
/// # Errors
///
/// If the database does.
pub fn run(input: &Input) -> Result<i64, String> {
    CONNECTION.with_borrow_mut(|kept| {
        let (_, connection) = match kept {
            Some(open) if open.0 == input.0 => open,
            other => other.insert((
                input.0.clone(),
                open(&input.0).map_err(|error| error.to_string())?,
            )),
        };
        transact(connection, input.1, input.2).map_err(|error| error.to_string())
    })
}

fn open(path: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
    Ok(connection)
}

fn transact(connection: &mut Connection, task: u64, first: u64) -> rusqlite::Result<i64> {
    let writes = task.is_multiple_of(WRITES);
    let behavior = if writes {
        TransactionBehavior::Immediate
    } else {
        TransactionBehavior::Deferred
    };
    let transaction = connection.transaction_with_behavior(behavior)?;
    let mut total = 0;
    {
        let mut by_id = transaction.prepare_cached("SELECT price FROM item WHERE id = ?1")?;
        for step in 0..20 {
            let id = (first + step * 37) % ROWS;
            total += by_id.query_row([id as i64], |row| row.get::<_, i64>(0))?;
        }
        let mut shelf = transaction
            .prepare_cached("SELECT sum(price), count(name) FROM item WHERE shelf = ?1")?;
        total += shelf.query_row([(first % 100) as i64], |row| row.get::<_, i64>(0))?;
        if writes {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO seen VALUES (?1, ?2)")?
                .execute(params![task as i64, total])?;
        }
    }
    transaction.commit()?;
    Ok(total)
}
