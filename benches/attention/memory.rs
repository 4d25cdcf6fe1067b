//! How much memory an answer needs beside its inputs and itself, as the kernel counts it: threads' stacks and what was mapped included.

use super::column::Column;
use super::contestants::{Inputs, contestant};

/// Beside inputs and output, in bytes: the peak of what was resident, over three answers. `None` where the system does not tell. To be asked
/// once in a process: an allocator keeps what it was given back, and a second answer would seem free.
pub fn extra_memory(column: &Column, name: &str) -> Option<u64> {
    // What the program itself needs to compute an answer (its code, its threads) is no part of it.
    let small = Column { n: 32, ..*column };
    let warm = Inputs::of(&small);
    contestant(&warm, column.threads, name)?.run();
    let inputs = Inputs::of(column);
    // No other is made: what it let go of would be memory that seems to be there already.
    let mut one = contestant(&inputs, column.threads, name)?;
    // Where this is refused, the peak is at most too high.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS:")?;
    for _ in 0..3 {
        one.run();
    }
    let output = size_of::<f32>() * column.n * column.dimensions;
    Some(status("VmHWM:")?.saturating_sub(before).saturating_sub(output as u64))
}

/// A line of what the kernel tells of this process, in bytes.
fn status(line: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let found = text.lines().find_map(|candidate| candidate.strip_prefix(line))?;
    found.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
