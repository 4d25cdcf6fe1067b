//! A process that appends and is killed, again and again, on the same store.
//!
//! The child is this very test program, started again with [`STORE`] set. It makes the calls of a seeded history and prints the number
//! of each once it is acknowledged. The parent reads so many numbers, kills the child (SIGKILL, on Unix), and counts what had been
//! printed until then as acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use futures::executor::block_on;
use orchestrator_core::{RunStore, Seed};

use super::history::{Call, History, contents, expected};

/// Where the store of the child is.
const STORE: &str = "ORCHESTRATOR_TEST_STORE";
/// How many calls are made already.
const MADE: &str = "ORCHESTRATOR_TEST_MADE";
/// Of what the history is made.
const SEED: &str = "ORCHESTRATOR_TEST_SEED";

const KILLS: u64 = 50;
/// The child ends by itself after so many calls, should nobody kill it.
const CALLS_MAX: usize = 5_000;
/// The most calls that the parent lets pass before it kills.
const CALLS_BEFORE_KILL_MAX: u64 = 30;

/// The test that calls this is the child, if it was started as one; else it does nothing.
pub(crate) fn child(open: impl Fn(&Path) -> Box<dyn RunStore>) {
    let Ok(dir) = std::env::var(STORE) else { return };
    let made: usize = std::env::var(MADE).unwrap().parse().unwrap();
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let store = open(Path::new(&dir));
    for (number, call) in History::new(seed).enumerate().skip(made).take(CALLS_MAX) {
        block_on(call.make(&*store)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

/// Kills the test of that name, which must call [`child`], again and again.
pub(crate) fn kill_again_and_again(
    seed: u64,
    child: &str,
    open: impl Fn(&Path) -> Box<dyn RunStore>,
) {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = Seed(seed).derive("kills").stream();
    // Calls that are made, by whomever.
    let mut made: Vec<Call> = Vec::new();
    let mut history = History::new(seed);
    for kill in 0..KILLS {
        let lines = 1 + stream.word() % CALLS_BEFORE_KILL_MAX;
        let acknowledged =
            made.len() as u64 + run_and_kill(seed, child, dir.path(), made.len(), lines);
        while (made.len() as u64) < acknowledged {
            made.push(history.next().unwrap());
        }
        // What the child was at when it was killed.
        let next = history.next().unwrap();
        let store = open(dir.path());
        let found = block_on(contents(&*store));
        let fits = next.prefixes().into_iter().any(|kept| {
            let calls: Vec<Call> = made.iter().cloned().chain(kept).collect();
            block_on(async { contents(&expected(&calls).await).await == found })
        });
        assert!(
            fits,
            "seed {seed}, kill {kill}: after {acknowledged} acknowledged calls the store holds {found:#?}"
        );
        // Whoever does not know how the last call ended makes it again.
        if matches!(next, Call::Append(_)) || !block_on(is_made(&made, &next, &*store)) {
            block_on(next.make(&*store)).unwrap();
        }
        made.push(next);
        let expected = block_on(async { contents(&expected(&made).await).await });
        assert_eq!(block_on(contents(&*store)), expected, "seed {seed}, kill {kill}");
    }
}

async fn is_made(made: &[Call], next: &Call, store: &dyn RunStore) -> bool {
    let with: Vec<Call> = made.iter().chain([next]).cloned().collect();
    contents(&expected(&with).await).await == contents(store).await
}

/// Gives how many calls were acknowledged.
fn run_and_kill(seed: u64, test: &str, dir: &Path, made: usize, lines: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(STORE, dir)
        .env(MADE, made.to_string())
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let out = BufReader::new(child.stdout.take().unwrap());
    for line in out.lines() {
        // A last line that is torn was printed after its acknowledgement, too; but its number may be.
        let line = line.unwrap();
        let Some((_, number)) = line.split_once("acknowledged ") else { continue };
        if number.parse::<usize>().is_ok_and(|number| number == made + acknowledged as usize) {
            acknowledged += 1;
        }
        if acknowledged == lines {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(
        !status.success() && acknowledged >= lines,
        "seed {seed}: the child ended by itself, {status}"
    );
    acknowledged
}
