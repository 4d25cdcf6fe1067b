//! What a router remembers: a bounded number of past tasks, in columns, so that a decision reads them in one go.

use std::collections::HashMap;

use orchestrator_core::WorkerName;
use serde::{Deserialize, Serialize};

use super::config::{Forgetting, RouterConfigError};

/// One attempt that came to an end, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastTask {
    /// Which one, as `run:path:attempt`.
    pub label: String,
    /// Who did it.
    pub worker: WorkerName,
    /// How well it went, from 0 (it failed) to 1 (it succeeded).
    pub success: f64,
    /// Dollars it cost.
    pub usd: f64,
    /// Milliseconds it took.
    pub duration_ms: f64,
    /// How many tasks came to an end after it.
    pub age: u64,
}

/// The format of a written memory.
const MEMORY_VERSION: u32 = 2;

/// The past tasks, and nothing beyond its capacity.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, RouterConfig};
/// let router = AttentionRouter::new(RouterConfig { memory_max: 500, ..Default::default() })?;
/// let memory = router.memory(); // to be looked at, or written down with serde
/// assert_eq!((memory.len(), memory.capacity()), (0, 500));
/// # Ok::<(), orchestrator_attention::RouterConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Memory {
    capacity: usize,
    /// Features of a task.
    width: usize,
    /// How many tasks have ever been remembered: the clock by which they age.
    clock: u64,
    /// Names by number; free numbers have none.
    workers: Vec<Option<WorkerName>>,
    /// How many tasks each has.
    held: Vec<usize>,
    numbers: HashMap<WorkerName, u32>,
    slots: Vec<Slot>,
    /// `width` for each slot.
    keys: Vec<i16>,
    /// What a pass reads of each slot, once more in narrow columns.
    columns: Columns,
}

/// The columns of the slots: worker, clock, and success, dollars, milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Columns {
    pub(super) worker: Vec<u32>,
    pub(super) at: Vec<u64>,
    pub(super) values: Vec<[f32; 3]>,
}

impl Columns {
    fn set(&mut self, at: usize, slot: &Slot) {
        if at == self.worker.len() {
            self.worker.push(0);
            self.at.push(0);
            self.values.push([0.0; 3]);
        }
        self.worker[at] = slot.worker;
        self.at[at] = slot.at;
        self.values[at] = [slot.success, slot.usd as f32, slot.duration_ms as f32];
    }
}

/// All of a past task but its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    pub(super) label: String,
    /// The number of the worker.
    pub(super) worker: u32,
    pub(super) success: f32,
    pub(super) usd: f64,
    pub(super) duration_ms: f64,
    /// The clock when it was remembered.
    pub(super) at: u64,
    /// How many past tasks of the same worker are like it, by kernel.
    pub(super) crowd: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    capacity: usize,
    width: usize,
    clock: u64,
    workers: Vec<Option<WorkerName>>,
    slots: Vec<Slot>,
    keys: Vec<i16>,
}

impl Memory {
    pub(super) fn new(capacity: usize, width: usize) -> Memory {
        Memory {
            capacity,
            width,
            clock: 0,
            workers: Vec::new(),
            held: Vec::new(),
            numbers: HashMap::new(),
            slots: Vec::new(),
            keys: Vec::new(),
            columns: Columns::default(),
        }
    }

    /// The tasks, newest first.
    pub fn tasks(&self) -> impl Iterator<Item = PastTask> {
        let mut order: Vec<usize> = (0..self.slots.len()).collect();
        order.sort_unstable_by_key(|&at| std::cmp::Reverse(self.slots[at].at));
        order.into_iter().map(|at| self.task(at))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many there can be.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn keys(&self) -> &[i16] {
        &self.keys
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// How many tasks have ever been remembered.
    pub(super) fn clock(&self) -> u64 {
        self.clock
    }

    pub(super) fn key(&self, slot: usize) -> &[i16] {
        &self.keys[slot * self.width..][..self.width]
    }

    /// How many newer tasks there are.
    pub(super) fn age(&self, slot: usize) -> u64 {
        self.clock - 1 - self.slots[slot].at
    }

    /// One more than the largest number of a worker.
    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }

    /// The number of a worker of whom something is remembered.
    pub(super) fn number(&self, worker: &WorkerName) -> Option<usize> {
        self.numbers.get(worker).map(|&number| number as usize)
    }

    pub(super) fn task(&self, slot: usize) -> PastTask {
        let Slot { label, worker, success, usd, duration_ms, .. } = &self.slots[slot];
        let worker = self.workers[*worker as usize].clone();
        PastTask {
            label: label.clone(),
            worker: worker.expect("who has a task has a name"),
            success: f64::from(*success),
            usd: *usd,
            duration_ms: *duration_ms,
            age: self.age(slot),
        }
    }

    /// Which slot has to go before another task is remembered.
    pub(super) fn next_forgotten(&self, forgetting: Forgetting, half_life: f64) -> Option<usize> {
        if self.slots.len() < self.capacity {
            return None;
        }
        let importance = |at: usize| {
            let recency = (-(self.age(at) as f64) * std::f64::consts::LN_2 / half_life).exp();
            recency / (1.0 + f64::from(self.slots[at].crowd))
        };
        match forgetting {
            Forgetting::Oldest => (0..self.slots.len()).min_by_key(|&at| self.slots[at].at),
            Forgetting::LeastImportant => (0..self.slots.len())
                .map(|at| (importance(at), at))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, at)| at),
        }
    }

    /// Remembers a task, in the slot that is given up or a new one, and says which.
    pub(super) fn remember(
        &mut self,
        given_up: Option<usize>,
        worker: &WorkerName,
        slot: Slot,
        key: &[i16],
    ) -> usize {
        debug_assert_eq!(key.len(), self.width);
        if let Some(at) = given_up {
            self.let_go(self.slots[at].worker as usize);
        }
        let number = self.take_up(worker);
        let slot = Slot { worker: number, at: self.clock, ..slot };
        self.clock += 1;
        self.columns.set(given_up.unwrap_or(self.slots.len()), &slot);
        match given_up {
            Some(at) => {
                self.slots[at] = slot;
                self.keys[at * self.width..][..self.width].copy_from_slice(key);
                at
            }
            None => {
                self.slots.push(slot);
                self.keys.extend_from_slice(key);
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn crowd(&mut self, slot: usize) -> &mut f32 {
        &mut self.slots[slot].crowd
    }

    fn let_go(&mut self, number: usize) {
        self.held[number] -= 1;
        if self.held[number] == 0 {
            let name = self.workers[number].take().expect("who has a task has a name");
            self.numbers.remove(&name);
        }
    }

    fn take_up(&mut self, worker: &WorkerName) -> u32 {
        if let Some(&number) = self.numbers.get(worker) {
            self.held[number as usize] += 1;
            return number;
        }
        let free = self.workers.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.workers.push(None);
            self.held.push(0);
            self.workers.len() - 1
        });
        self.workers[number] = Some(worker.clone());
        self.held[number] = 1;
        self.numbers.insert(worker.clone(), number as u32);
        number as u32
    }

    /// The same tasks, of which the newest are kept, under another capacity.
    pub(super) fn with_capacity(mut self, capacity: usize) -> Memory {
        self.capacity = capacity;
        if self.slots.len() <= capacity {
            return self;
        }
        let mut order: Vec<usize> = (0..self.slots.len()).collect();
        order.sort_unstable_by_key(|&at| std::cmp::Reverse(self.slots[at].at));
        order.truncate(capacity);
        order.sort_unstable();
        let mut fewer = Memory::new(capacity, self.width);
        for at in order {
            let worker = self.task(at).worker;
            fewer.clock = self.slots[at].at;
            fewer.remember(None, &worker, self.slots[at].clone(), self.key(at));
        }
        fewer.clock = self.clock;
        fewer
    }
}

impl From<Memory> for Saved {
    fn from(memory: Memory) -> Saved {
        Saved {
            version: MEMORY_VERSION,
            capacity: memory.capacity,
            width: memory.width,
            clock: memory.clock,
            workers: memory.workers,
            slots: memory.slots,
            keys: memory.keys,
        }
    }
}

impl TryFrom<Saved> for Memory {
    type Error = RouterConfigError;
    fn try_from(saved: Saved) -> Result<Memory, RouterConfigError> {
        let Saved { version, capacity, width, clock, workers, slots, keys } = saved;
        if version != MEMORY_VERSION {
            let (found, known) = (version, MEMORY_VERSION);
            return Err(RouterConfigError::Version { what: "memory", found, known });
        }
        let torn = |reason: String| Err(RouterConfigError::Torn { what: "memory", reason });
        if slots.len() > capacity {
            return torn(format!("{} tasks where {capacity} are the most", slots.len()));
        }
        if slots.len().checked_mul(width) != Some(keys.len()) {
            return torn(format!("{} features for {} tasks of {width}", keys.len(), slots.len()));
        }
        let mut held = vec![0; workers.len()];
        for slot in &slots {
            let label = &slot.label;
            match held.get_mut(slot.worker as usize) {
                Some(held) if workers[slot.worker as usize].is_some() => *held += 1,
                _ => return torn(format!("task {label:?} was done by nobody")),
            }
            if slot.at >= clock {
                return torn(format!("task {label:?} is in the future"));
            }
            let number = |value: f64| value.is_finite() && value >= 0.0;
            if !(0.0..=1.0).contains(&slot.success)
                || !number(slot.usd)
                || !number(slot.duration_ms)
                || !number(f64::from(slot.crowd))
            {
                return torn(format!("task {label:?} has a number that cannot be"));
            }
        }
        let mut numbers = HashMap::new();
        for (number, (name, held)) in workers.iter().zip(&held).enumerate() {
            let Some(name) = name else { continue };
            if *held == 0 || numbers.insert(name.clone(), number as u32).is_some() {
                return torn(format!("worker {name} is there twice or for nothing"));
            }
        }
        let mut columns = Columns::default();
        slots.iter().enumerate().for_each(|(at, slot)| columns.set(at, slot));
        Ok(Memory { capacity, width, clock, workers, held, numbers, slots, keys, columns })
    }
}
