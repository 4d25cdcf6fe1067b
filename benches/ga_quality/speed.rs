//! How fast the answers come: ours beside the peers and beside loops written by hand, with the same operators, in processor time. These
//! are the only rows that differ from machine to machine and from run to run; the bench `ga` takes the same figures.

use benches::ga::{ROUNDS, Task, comparisons, contenders, rounds};

use crate::row::Row;

/// All rows of speed; in each less is better.
pub(crate) fn rows() -> Vec<Row> {
    let compared = |task| comparisons(task, &rounds(task, &contenders(task), ROUNDS));
    let rows = Task::ALL.into_iter().flat_map(compared).map(|compared| {
        let name = format!("{}, {}", compared.task.name(), compared.peer);
        let group = format!("processor time, {}", compared.unit());
        let row = Row::shown(&group, &name, compared.ours, compared.theirs);
        match compared.goal {
            Some(goal) => row.held(compared.is_met(), format!("ratio <= {goal:.3}")),
            None => row,
        }
    });
    rows.collect()
}
