//! The journal of [`orchestrator_core`] in an SQLite database: [`SqliteStore`].
//!
//! For hosts that have a database anyway, or want to ask questions of their runs in SQL. The write-ahead log of SQLite and
//! `synchronous = FULL` make one fsync of each transaction, and an append is one transaction; a
//! [`FileStore`](orchestrator_core::FileStore) is faster, since threads share its fsyncs.
//!
//! Several processes may open the same database; each waits up to [`BUSY_MS_MAX`] for the others. It does not keep two of them from
//! driving the same run: the second one is told by [`StoreError::Conflict`] or [`StoreError::Gap`].
//!
//! ```
//! use orchestrator_core::{Batch, Event, Recorded, RunId, RunStore, Timestamp};
//! use orchestrator_sqlite::SqliteStore;
//! # futures::executor::block_on(async {
//! let store = SqliteStore::in_memory()?;
//! let run = RunId::parse("run-1")?;
//! let paused = Recorded { seq: 1, at: Timestamp(0), event: Event::Paused };
//! store.append(&[(run.clone(), Batch::new(vec![paused.clone()])?)]).await?;
//! assert_eq!(store.load(&run).await?.unwrap().events, [paused]);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Tables
//! `runs (run, last_seq, ended, snapshot)` and `events (run, seq, at, event)`; `event` and `snapshot` are JSON, and names of
//! runs are compared byte by byte. The format is in `PRAGMA user_version`.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use orchestrator_core::{
    Batch, Event, Past, Recorded, RunEntry, RunId, RunStore, Snapshot, StoreError, Timestamp,
    async_trait,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// How long a call waits for another process that writes, in milliseconds.
pub const BUSY_MS_MAX: u64 = 5_000;

/// The format that is written, and the newest that is read.
const VERSION: u32 = 1;

const SCHEMA: &str = "
CREATE TABLE runs (
    run TEXT NOT NULL COLLATE BINARY PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    snapshot TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    run TEXT NOT NULL COLLATE BINARY,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
";

/// Keeps runs in an SQLite database. Every call blocks its thread until the database has answered.
///
/// Acknowledged means that SQLite has synced its write-ahead log: kept through the loss of power. `seq` and times beyond 2^63 - 1 are
/// refused.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

/// What is known of a run.
struct Known {
    last_seq: u64,
    snapshot: Option<Snapshot>,
}

impl SqliteStore {
    /// Opens the database in a file, which is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if SQLite cannot open it; [`StoreError::Version`] if a later version of this crate wrote it.
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let path = path.as_ref();
        let connection = Connection::open(path).map_err(failed("open the database"))?;
        SqliteStore::with(connection, path)
    }

    /// A store that is gone when it is dropped, for tests.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if SQLite refuses.
    pub fn in_memory() -> Result<SqliteStore, StoreError> {
        let connection = Connection::open_in_memory().map_err(failed("open a database"))?;
        SqliteStore::with(connection, Path::new(":memory:"))
    }

    fn with(mut connection: Connection, path: &Path) -> Result<SqliteStore, StoreError> {
        let set_up = failed("set up the database");
        connection.busy_timeout(Duration::from_millis(BUSY_MS_MAX)).map_err(&set_up)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(&set_up)?;
        // NORMAL would acknowledge before the log is synced.
        connection.pragma_update(None, "synchronous", "FULL").map_err(&set_up)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&set_up)?;
        let found: u32 =
            transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(&set_up)?;
        match found {
            0 => {
                transaction.execute_batch(SCHEMA).map_err(&set_up)?;
                transaction.pragma_update(None, "user_version", VERSION).map_err(&set_up)?;
            }
            VERSION => {}
            _ => {
                let file = path.to_owned();
                return Err(StoreError::Version { file, line: 0, found, known: VERSION });
            }
        }
        transaction.commit().map_err(&set_up)?;
        Ok(SqliteStore { connection: Mutex::new(connection) })
    }

    fn lock(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        self.connection.lock().map_err(|_| StoreError::Poisoned {
            reason: "a thread panicked while it held the database".to_owned(),
        })
    }

    /// Does it in one transaction that is taken back unless all of it succeeds.
    fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock()?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(doing))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(failed(doing))?;
        Ok(done)
    }
}

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::backend(doing, error)
}

fn known(connection: &Connection, run: &RunId) -> Result<Option<Known>, StoreError> {
    let row = connection
        .prepare_cached("SELECT last_seq, snapshot FROM runs WHERE run = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([run.as_str()], |row| {
                    Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
                })
                .optional()
        })
        .map_err(failed("read a run"))?;
    let Some((last_seq, snapshot)) = row else { return Ok(None) };
    let snapshot = match snapshot {
        Some(text) => Some(serde_json::from_str(&text).map_err(|error| {
            StoreError::backend(format!("read the snapshot of run {run}"), error)
        })?),
        None => None,
    };
    Ok(Some(Known { last_seq, snapshot }))
}

fn event_json(run: &RunId, recorded: &Recorded) -> Result<String, StoreError> {
    serde_json::to_string(&recorded.event).map_err(|error| StoreError::Encode {
        run: run.clone(),
        seq: recorded.seq,
        reason: error.to_string(),
    })
}

fn append(transaction: &Transaction<'_>, run: &RunId, batch: &Batch) -> Result<(), StoreError> {
    let failed = failed("append events");
    let known = known(transaction, run)?;
    let (last, oldest) = known.as_ref().map_or((0, 1), |known| {
        (known.last_seq, known.snapshot.as_ref().map_or(1, |snapshot| snapshot.seq + 1))
    });
    if batch.first() > last + 1 {
        return Err(StoreError::Gap { run: run.clone(), wanted: last + 1, found: batch.first() });
    }
    for recorded in batch.events() {
        let seq = recorded.seq;
        let json = event_json(run, recorded)?;
        if seq > last {
            transaction
                .prepare_cached("INSERT INTO events (run, seq, at, event) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| {
                    insert.execute(params![run.as_str(), seq, recorded.at.0, json])
                })
                .map_err(&failed)?;
            continue;
        }
        if seq < oldest {
            return Err(StoreError::Trimmed { run: run.clone(), seq, oldest });
        }
        let same: Option<bool> = transaction
            .prepare_cached("SELECT at = ?3 AND event = ?4 FROM events WHERE run = ?1 AND seq = ?2")
            .and_then(|mut select| {
                let key = params![run.as_str(), seq, recorded.at.0, json];
                select.query_row(key, |row| row.get(0)).optional()
            })
            .map_err(&failed)?;
        if same != Some(true) {
            return Err(StoreError::Conflict { run: run.clone(), seq });
        }
    }
    if batch.last() > last {
        let ended =
            matches!(batch.events().last(), Some(Recorded { event: Event::RunEnded { .. }, .. }));
        transaction
            .prepare_cached(
                "INSERT INTO runs (run, last_seq, ended) VALUES (?1, ?2, ?3)
                 ON CONFLICT (run) DO UPDATE SET last_seq = ?2, ended = ?3",
            )
            .and_then(|mut upsert| upsert.execute(params![run.as_str(), batch.last(), ended]))
            .map_err(&failed)?;
    }
    Ok(())
}

fn events(connection: &Connection, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
    let failed = failed("read events");
    let mut select = connection
        .prepare_cached("SELECT seq, at, event FROM events WHERE run = ?1 ORDER BY seq")
        .map_err(&failed)?;
    let mut rows = select.query([run.as_str()]).map_err(&failed)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let text = row.get_ref(2).map_err(&failed)?;
        let seq: u64 = row.get(0).map_err(&failed)?;
        let text = text.as_str().map_err(|error| StoreError::backend("read an event", error))?;
        let event = serde_json::from_str(text).map_err(|error| {
            StoreError::backend(format!("read event {seq} of run {run}"), error)
        })?;
        let at = Timestamp(row.get(1).map_err(&failed)?);
        events.push(Recorded { seq, at, event });
    }
    Ok(events)
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        self.write("append events", |transaction| {
            batches.iter().try_for_each(|(run, batch)| append(transaction, run, batch))
        })
    }

    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
        // One transaction, so that both parts are of the same moment.
        let mut connection = self.lock()?;
        let transaction = connection.transaction().map_err(failed("read a run"))?;
        let Some(known) = known(&transaction, run)? else { return Ok(None) };
        let events = events(&transaction, run)?;
        Ok(Some(Past { snapshot: known.snapshot, events }))
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let failed = failed("list runs");
        let connection = self.lock()?;
        let mut select = connection
            .prepare_cached("SELECT run, last_seq, ended FROM runs ORDER BY run")
            .map_err(&failed)?;
        let rows = select
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?, row.get::<_, bool>(2)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (run, last_seq, ended) = row.map_err(&failed)?;
            let run = RunId::parse(run).map_err(|error| StoreError::backend("list runs", error))?;
            Ok(RunEntry { run, last_seq, ended })
        })
        .collect()
    }

    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
        self.write("compact a run", |transaction| {
            let failed = failed("compact a run");
            let Some(known) = known(transaction, run)? else {
                return Err(StoreError::UnknownRun { run: run.clone() });
            };
            if !snapshot.follows(run, known.snapshot.as_ref(), known.last_seq)? {
                return Ok(());
            }
            let text = serde_json::to_string(&snapshot).map_err(|error| StoreError::Encode {
                run: run.clone(),
                seq: snapshot.seq,
                reason: error.to_string(),
            })?;
            transaction
                .execute(
                    "UPDATE runs SET snapshot = ?2 WHERE run = ?1",
                    params![run.as_str(), text],
                )
                .and_then(|_| {
                    transaction.execute(
                        "DELETE FROM events WHERE run = ?1 AND seq <= ?2",
                        params![run.as_str(), snapshot.seq],
                    )
                })
                .map_err(&failed)?;
            Ok(())
        })
    }

    async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
        self.write("remove a run", |transaction| {
            for statement in
                ["DELETE FROM events WHERE run = ?1", "DELETE FROM runs WHERE run = ?1"]
            {
                transaction.execute(statement, [run.as_str()]).map_err(failed("remove a run"))?;
            }
            Ok(())
        })
    }
}
