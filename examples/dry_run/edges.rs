//! Who waits for whom. An edge is told twice, by its parent and by its child. A list that is there is taken at its word, so that an
//! edge which the other side's list lacks is a contradiction; a list that is left out says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::broken::Broken;
use crate::wfformat::Task;

/// The parents of every task.
pub(crate) fn parents(
    tasks: &[Task],
    ids: &[String],
    index: &BTreeMap<&str, usize>,
) -> Result<Vec<BTreeSet<usize>>, Broken> {
    let find = |at: usize, other: &String, list| match index.get(other.as_str()) {
        Some(&other) => Ok(other),
        None => Err(Broken::Unknown { task: ids[at].clone(), unknown: other.clone(), list }),
    };
    let (mut by_child, mut by_parent) = (BTreeSet::new(), BTreeSet::new());
    for (at, task) in tasks.iter().enumerate() {
        for parent in task.parents.iter().flatten() {
            by_child.insert((find(at, parent, "parents")?, at));
        }
        for child in task.children.iter().flatten() {
            by_parent.insert((at, find(at, child, "children")?));
        }
    }
    if let Some(&(parent, child)) =
        by_child.difference(&by_parent).find(|(parent, _)| tasks[*parent].children.is_some())
    {
        let (task, other) = (ids[child].clone(), ids[parent].clone());
        return Err(Broken::Contradiction { task, other, role: "parent", back: "child" });
    }
    if let Some(&(parent, child)) =
        by_parent.difference(&by_child).find(|(_, child)| tasks[*child].parents.is_some())
    {
        let (task, other) = (ids[parent].clone(), ids[child].clone());
        return Err(Broken::Contradiction { task, other, role: "child", back: "parent" });
    }
    let mut parents = vec![BTreeSet::new(); ids.len()];
    for (parent, child) in by_child.into_iter().chain(by_parent) {
        parents[child].insert(parent);
    }
    Ok(parents)
}
