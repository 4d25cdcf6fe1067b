//! What the disk can do: one line appended and brought to safety, again and again. The durable steps of the file store are measured beside
//! it, in the same directory, by the clock on the wall: it is the disk that takes the time.

use std::fs::File;
use std::io::Write;

use criterion::measurement::WallTime;

use crate::figures::Meter;

/// How many lines are written in a sample.
const LINES: usize = 100;
/// As long as a line of a journal.
const LINE: [u8; 200] = [b'x'; 200];

pub(crate) fn measure(meter: &mut Meter<WallTime>) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let new_file = || File::create(directory.path().join("lines")).expect("a file");
    meter.measure(("durable", LINES), "fsync", new_file, |mut file| {
        for _ in 0..LINES {
            file.write_all(&LINE).expect("there is room");
            file.sync_data().expect("the disk answers");
        }
        (LINES, file)
    });
    // The file store goes in here, as the column "step": 100 runs at once, and the steps of all of them in a sample.
}
