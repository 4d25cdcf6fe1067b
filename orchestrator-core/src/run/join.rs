//! When a step starts, out of what became of its edges. One pure function, because the truth table of ARCHITECTURE.md is tested on it.

use crate::workflow::Join;

/// What the edges decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Skip,
}

/// The verdict, or `None` while it is open. `open` edges are not settled, `fired` have fired; `poisoned` says that one is dead because
/// of a failure that nobody handles. A step without edges starts.
pub(super) fn verdict(
    join: Join,
    total: u32,
    open: u32,
    fired: u32,
    poisoned: bool,
) -> Option<Verdict> {
    let needed = match join {
        Join::All if open > 0 => return None,
        Join::All if total == 0 || (fired > 0 && !poisoned) => return Some(Verdict::Start),
        Join::All => return Some(Verdict::Skip),
        Join::Any => 1,
        Join::AtLeast(n) => n,
    };
    if fired >= needed || total == 0 {
        Some(Verdict::Start)
    } else if fired + open < needed {
        Some(Verdict::Skip)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_table_of_the_architecture_holds() {
        use Verdict::{Skip, Start};
        #[track_caller]
        fn check(
            join: Join,
            total: u32,
            open: u32,
            fired: u32,
            poisoned: bool,
            want: Option<Verdict>,
        ) {
            assert_eq!(verdict(join, total, open, fired, poisoned), want);
        }
        check(Join::All, 0, 0, 0, false, Some(Start));
        check(Join::All, 2, 1, 1, false, None);
        check(Join::All, 2, 0, 2, false, Some(Start));
        check(Join::All, 2, 0, 1, false, Some(Start));
        check(Join::All, 2, 0, 1, true, Some(Skip));
        check(Join::All, 2, 0, 0, false, Some(Skip));
        check(Join::Any, 2, 2, 0, false, None);
        check(Join::Any, 2, 1, 1, false, Some(Start));
        check(Join::Any, 2, 1, 1, true, Some(Start));
        check(Join::Any, 2, 0, 0, false, Some(Skip));
        check(Join::AtLeast(2), 3, 2, 1, false, None);
        check(Join::AtLeast(2), 3, 1, 2, false, Some(Start));
        check(Join::AtLeast(2), 3, 0, 1, false, Some(Skip));
        check(Join::AtLeast(2), 3, 1, 0, false, Some(Skip));
    }
}
