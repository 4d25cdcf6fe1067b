//! Which states of a policy's course lead into which: its strongly connected classes (Tarjan, "Depth-first search and linear graph
//! algorithms", 1972), without recursion, so that no table is too deep.

/// The class of each state; a class comes after every class that it leads into.
pub(super) fn classes(states: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; states];
    let mut low = vec![0; states];
    let mut class = vec![UNSEEN; states];
    let (mut seen, mut found) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    for root in 0..states {
        if order[root] != UNSEEN {
            continue;
        }
        // A state, where it leads, and how many of these were followed.
        let mut path: Vec<(usize, Vec<usize>, usize)> = Vec::new();
        let enter = |state: usize, path: &mut Vec<_>, open: &mut Vec<usize>, seen: &mut usize| {
            open.push(state);
            path.push((state, next(state), 0));
            *seen += 1;
            *seen - 1
        };
        order[root] = enter(root, &mut path, &mut open, &mut seen);
        low[root] = order[root];
        while let Some((state, ways, followed)) = path.last_mut() {
            let state = *state;
            if let Some(&way) = ways.get(*followed) {
                *followed += 1;
                if order[way] == UNSEEN {
                    order[way] = enter(way, &mut path, &mut open, &mut seen);
                    low[way] = order[way];
                } else if class[way] == UNSEEN {
                    low[state] = low[state].min(order[way]);
                }
                continue;
            }
            path.pop();
            if let Some(&(before, ..)) = path.last() {
                low[before] = low[before].min(low[state]);
            }
            if low[state] == order[state] {
                while let Some(member) = open.pop() {
                    class[member] = found;
                    if member == state {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::classes;

    #[test]
    fn what_leads_into_each_other_is_one_class() {
        // 0 → 1 ⇄ 2 → 3 ↺, 4 → 0
        let ways = [vec![1], vec![2], vec![1, 3], vec![3], vec![0]];
        let class = classes(5, |state| ways[state].clone());
        assert_eq!(class[1], class[2]);
        assert!(class[3] < class[1] && class[1] < class[0] && class[0] < class[4]);
    }
}
