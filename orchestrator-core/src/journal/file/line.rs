//! One line of the log: written here, read here.
//!
//! ```text
//! {"v":1,"run":"r","seq":7,"at":1700000000000,"event":{..},"crc":"0badcafe"}
//! {"v":1,"run":"r","seq":7,"at":1700000000000,"more":2,"event":{..},"crc":"0badcafe"}
//! {"v":1,"run":"r","seq":7,"at":1700000000000,"snapshot":{"v":1,"ended":false,"state":..},"crc":"0badcafe"}
//! {"v":1,"run":"r","seq":7,"at":1700000000000,"removed":true,"crc":"0badcafe"}
//! ```
//! The fields stand in this order, without white space. `crc` is the CRC-32C of all bytes before `,"crc"`. `more` says how many
//! events of the same batch follow, so that a batch of which the end is torn off is not taken for whole.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::Error;

use super::crc::crc32c;
use crate::id::RunId;
use crate::journal::Snapshot;
use crate::payload::Payload;
use crate::run::{Event, Recorded};
use crate::time::Timestamp;

/// The format that is written, and the newest that is read.
pub(super) const VERSION: u32 = 1;

const CRC_FIELD: &[u8] = b",\"crc\":\"";
/// `,"crc":"0badcafe"}`
const TAIL_BYTES: usize = CRC_FIELD.len() + 8 + 2;

const REMOVED: &[u8] = b",\"removed\":true";

/// How the body of the event begins that ends a run; a test holds it to what serde writes.
const ENDED: &str = r#"{"type":"run_ended""#;

/// A line, read but for the JSON in its body.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) run: &'a str,
    pub(super) seq: u64,
    pub(super) at: u64,
    pub(super) more: u64,
    pub(super) body: Body<'a>,
    pub(super) crc: u32,
}

#[derive(Debug, PartialEq)]
pub(super) enum Body<'a> {
    Event(&'a str),
    Snapshot(&'a str),
    Removed,
}

/// Why some bytes are no line.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// They are not what was written.
    Broken(&'static str),
    /// They are whole, and of a format that is not known here.
    Version(u32),
}

#[derive(Serialize)]
struct SnapshotOut<'a> {
    v: u32,
    ended: bool,
    state: &'a Payload,
}

#[derive(Deserialize)]
struct SnapshotIn {
    v: u32,
    state: Payload,
}

/// Of a snapshot only what the index needs; the state is skipped.
#[derive(Deserialize)]
struct SnapshotEnd {
    ended: bool,
}

/// Appends the line of an event, its end of line included; gives its checksum.
pub(super) fn write_event(
    out: &mut Vec<u8>,
    run: &RunId,
    recorded: &Recorded,
    more: u64,
) -> Result<u32, serde_json::Error> {
    let start = out.len();
    head(out, run, recorded.seq, recorded.at);
    if more > 0 {
        out.extend_from_slice(b",\"more\":");
        number(out, more);
    }
    out.extend_from_slice(b",\"event\":");
    body(out, &recorded.event)?;
    Ok(tail(out, start))
}

/// Appends an event. The two that nearly every step has are written by hand, with their payload as it is, which serde would read and write
/// again; a test holds them to what serde writes.
fn body(out: &mut Vec<u8>, event: &Event) -> Result<(), serde_json::Error> {
    let (kind, path, attempt) = match event {
        Event::AttemptStarted { path, attempt, .. } => ("attempt_started", path, *attempt),
        Event::StepSucceeded { path, attempt, .. } => ("step_succeeded", path, *attempt),
        event => return serde_json::to_writer(out, event),
    };
    // Neither a path nor a name has a character that JSON would escape.
    write!(out, r#"{{"type":"{kind}","path":"{path}","attempt":"#).map_err(Error::io)?;
    number(out, u64::from(attempt));
    match event {
        Event::AttemptStarted { worker, input, .. } => {
            out.extend_from_slice(b",\"worker\":\"");
            out.extend_from_slice(worker.as_str().as_bytes());
            out.push(b'"');
            if let Some(input) = input {
                out.extend_from_slice(b",\"input\":");
                out.extend_from_slice(input.as_json().as_bytes());
            }
        }
        Event::StepSucceeded { output, usage, .. } => {
            out.extend_from_slice(b",\"output\":");
            out.extend_from_slice(output.as_json().as_bytes());
            out.extend_from_slice(b",\"usage\":");
            serde_json::to_writer(&mut *out, usage)?;
        }
        _ => {}
    }
    out.push(b'}');
    Ok(())
}

/// Appends the line of a snapshot; `ended` says whether its `seq` is the end of the run.
pub(super) fn write_snapshot(
    out: &mut Vec<u8>,
    run: &RunId,
    snapshot: &Snapshot,
    ended: bool,
) -> Result<u32, serde_json::Error> {
    let start = out.len();
    head(out, run, snapshot.seq, snapshot.at);
    out.extend_from_slice(b",\"snapshot\":");
    serde_json::to_writer(
        &mut *out,
        &SnapshotOut { v: snapshot.v, ended, state: &snapshot.state },
    )?;
    Ok(tail(out, start))
}

/// Appends the line that forgets a run.
pub(super) fn write_removed(out: &mut Vec<u8>, run: &RunId, seq: u64, at: u64) {
    let start = out.len();
    head(out, run, seq, Timestamp(at));
    out.extend_from_slice(REMOVED);
    tail(out, start);
}

fn head(out: &mut Vec<u8>, run: &RunId, seq: u64, at: Timestamp) {
    out.extend_from_slice(b"{\"v\":1,\"run\":\"");
    // A name has no character that JSON would escape.
    out.extend_from_slice(run.as_str().as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    number(out, seq);
    out.extend_from_slice(b",\"at\":");
    number(out, at.0);
}

fn tail(out: &mut Vec<u8>, start: usize) -> u32 {
    let crc = crc32c(&out[start..]);
    out.extend_from_slice(CRC_FIELD);
    for shift in (0..8).rev() {
        out.push(b"0123456789abcdef"[(crc >> (4 * shift) & 15) as usize]);
    }
    out.extend_from_slice(b"\"}\n");
    crc
}

/// Decimal digits; `write!` would cost as much as the rest of the head.
fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Reads a line, with or without its end of line, and checks its checksum. The JSON of the body is not looked at.
pub(super) fn read(bytes: &[u8]) -> Result<Line<'_>, Fault> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let Some(split) = bytes.len().checked_sub(TAIL_BYTES) else {
        return Err(Fault::Broken("it is too short to be a line of the journal"));
    };
    let (covered, tail) = bytes.split_at(split);
    let crc = tail
        .strip_prefix(CRC_FIELD)
        .and_then(|tail| tail.strip_suffix(b"\"}"))
        .and_then(checksum)
        .ok_or(Fault::Broken("it does not end with a checksum"))?;
    if crc32c(covered) != crc {
        return Err(Fault::Broken("its checksum does not fit"));
    }
    let text = std::str::from_utf8(covered).map_err(|_| Fault::Broken("it is not UTF-8"))?;
    fields(text, crc).unwrap_or(Err(Fault::Broken("its fields are not those of the journal")))
}

/// The one spelling that is written: a flipped case is a flipped bit, too.
fn checksum(hex: &[u8]) -> Option<u32> {
    hex.iter().try_fold(0_u32, |crc, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(crc << 4 | u32::from(value))
    })
}

/// Whether these bytes look like a line that forgets a run, before anything is checked.
pub(super) fn looks_removed(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.len().checked_sub(TAIL_BYTES).is_some_and(|end| bytes[..end].ends_with(REMOVED))
}

fn fields(text: &str, crc: u32) -> Option<Result<Line<'_>, Fault>> {
    let (v, rest) = digits(text.strip_prefix("{\"v\":")?)?;
    let v = u32::try_from(v).ok()?;
    if v != VERSION {
        return Some(Err(Fault::Version(v)));
    }
    let (run, rest) = rest.strip_prefix(",\"run\":\"")?.split_once('"')?;
    let (seq, rest) = digits(rest.strip_prefix(",\"seq\":")?)?;
    let (at, rest) = digits(rest.strip_prefix(",\"at\":")?)?;
    let (more, rest) = match rest.strip_prefix(",\"more\":") {
        Some(rest) => digits(rest)?,
        None => (0, rest),
    };
    let body = if let Some(event) = rest.strip_prefix(",\"event\":") {
        Body::Event(event)
    } else if let Some(snapshot) = rest.strip_prefix(",\"snapshot\":") {
        Body::Snapshot(snapshot)
    } else if rest.as_bytes() == REMOVED {
        Body::Removed
    } else {
        return None;
    };
    Some(Ok(Line { run, seq, at, more, body, crc }))
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

impl Line<'_> {
    /// The event in the body of a line that has one.
    pub(super) fn recorded(&self) -> Result<Recorded, String> {
        let Body::Event(body) = self.body else {
            return Err("it holds no event".to_owned());
        };
        let event: Event = serde_json::from_str(body).map_err(|error| error.to_string())?;
        Ok(Recorded { seq: self.seq, at: Timestamp(self.at), event })
    }

    /// The snapshot in the body of a line that has one.
    pub(super) fn snapshot(&self) -> Result<Snapshot, String> {
        let Body::Snapshot(body) = self.body else {
            return Err("it holds no snapshot".to_owned());
        };
        let SnapshotIn { v, state } =
            serde_json::from_str(body).map_err(|error| error.to_string())?;
        Ok(Snapshot { v, seq: self.seq, at: Timestamp(self.at), state })
    }

    /// Whether the run is over after this line.
    pub(super) fn ends(&self) -> bool {
        match self.body {
            Body::Event(body) => body.starts_with(ENDED),
            Body::Snapshot(body) => {
                serde_json::from_str::<SnapshotEnd>(body).is_ok_and(|snapshot| snapshot.ended)
            }
            Body::Removed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunResult;

    fn line() -> (Recorded, Vec<u8>) {
        let result = RunResult::Cancelled { reason: "enough \"é\" \n \u{1F600}".to_owned() };
        let event = Event::RunEnded { result, uncompensated: Vec::new() };
        let recorded = Recorded { seq: 18_446_744_073_709_551_615, at: Timestamp(0), event };
        let mut out = Vec::new();
        let run = RunId::parse("Lauf-ä.1").unwrap();
        write_event(&mut out, &run, &recorded, 3).unwrap();
        (recorded, out)
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let (recorded, bytes) = line();
        let line = read(&bytes).unwrap();
        assert_eq!((line.run, line.more), ("Lauf-ä.1", 3));
        assert_eq!(line.recorded().unwrap(), recorded);
        assert!(line.ends());
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["v"], VERSION);
        assert_eq!(json["run"], "Lauf-ä.1");
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unseen() {
        let (_, bytes) = line();
        let bytes = &bytes[..bytes.len() - 1];
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= 1 << bit;
                assert!(read(&flipped).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_later_format_is_told_apart_from_damage() {
        let mut out = br#"{"v":2,"what":"ever""#.to_vec();
        tail(&mut out, 0);
        assert_eq!(read(&out), Err(Fault::Version(2)));
    }

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let path = |text: &str| crate::path::Path::parse(text).unwrap();
        let worker = crate::id::WorkerName::parse("größe-1.b").unwrap();
        let payload = Payload::parse(r#"{"a":[1,"é\"\n",null],"b":1.5e300}"#).unwrap();
        let usage = crate::task::Usage { tokens: u64::MAX, usd: 1e-7, seconds: -0.0 };
        for path in ["a", "draft[2]/each[10]/ü.x-1", "a[0]/b~compensation"].map(path) {
            for input in [None, Some(Payload::null()), Some(payload.clone())] {
                let (path, worker) = (path.clone(), worker.clone());
                held(&Event::AttemptStarted { path, attempt: 7, worker, input });
            }
            for usage in [Default::default(), usage] {
                let (path, output) = (path.clone(), payload.clone());
                held(&Event::StepSucceeded { path, attempt: u32::MAX, output, usage });
            }
        }
    }

    #[track_caller]
    fn held(event: &Event) {
        let mut written = Vec::new();
        body(&mut written, event).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(event).unwrap());
    }
}
