//! A queue of states by urgency, each in it at most once: a binary heap that knows where everything is.

use serde::{Deserialize, Serialize};

const OUT: u32 = u32::MAX;

/// The most urgent first; of equally urgent ones, in an order that depends on nothing but the calls before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Queue {
    heap: Vec<u32>,
    /// Where each state stands in the heap, or [`OUT`].
    place: Vec<u32>,
    urgency: Vec<f64>,
}

impl Queue {
    pub(super) fn grow(&mut self, states: usize) {
        self.place.resize(states, OUT);
        self.urgency.resize(states, 0.0);
        self.heap.reserve(states - self.heap.len());
    }

    /// Puts a state in, or makes it more urgent; it never becomes less.
    pub(super) fn raise(&mut self, state: usize, urgency: f64) {
        let place = self.place[state];
        if place == OUT {
            self.place[state] = self.heap.len() as u32;
            self.urgency[state] = urgency;
            self.heap.push(state as u32);
            self.up(self.heap.len() - 1);
        } else if urgency > self.urgency[state] {
            self.urgency[state] = urgency;
            self.up(place as usize);
        }
    }

    pub(super) fn pop(&mut self) -> Option<usize> {
        let first = *self.heap.first()?;
        let last = self.heap.pop()?;
        self.place[first as usize] = OUT;
        if last != first {
            self.heap[0] = last;
            self.place[last as usize] = 0;
            self.down(0);
        }
        Some(first as usize)
    }

    fn urgency_at(&self, at: usize) -> f64 {
        self.urgency[self.heap[at] as usize]
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 {
            let above = (at - 1) / 2;
            if self.urgency_at(above) >= self.urgency_at(at) {
                break;
            }
            self.swap(above, at);
            at = above;
        }
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let mut below = 2 * at + 1;
            if below >= self.heap.len() {
                break;
            }
            if below + 1 < self.heap.len() && self.urgency_at(below + 1) > self.urgency_at(below) {
                below += 1;
            }
            if self.urgency_at(at) >= self.urgency_at(below) {
                break;
            }
            self.swap(at, below);
            at = below;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.place[self.heap[a] as usize] = a as u32;
        self.place[self.heap[b] as usize] = b as u32;
    }

    pub(super) fn fits(&self, states: usize) -> bool {
        let placed =
            |(at, &state): (usize, &u32)| self.place.get(state as usize) == Some(&(at as u32));
        self.place.len() == states
            && self.urgency.len() == states
            && self.urgency.iter().all(|urgency| urgency.is_finite())
            && self.place.iter().filter(|place| **place != OUT).count() == self.heap.len()
            && self.heap.iter().enumerate().all(placed)
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::Queue;

    #[test]
    fn states_come_out_by_urgency_and_once() {
        let mut stream = Seed(1).fast_stream();
        let mut queue = Queue::default();
        queue.grow(50);
        let mut wanted = [0.0_f64; 50];
        for _ in 0..300 {
            let (state, urgency) = (stream.below(50), stream.unit());
            queue.raise(state, urgency);
            wanted[state] = wanted[state].max(urgency);
        }
        assert!(queue.fits(50));
        let mut last = f64::INFINITY;
        while let Some(state) = queue.pop() {
            assert!(wanted[state] > 0.0 && wanted[state] <= last);
            last = std::mem::take(&mut wanted[state]);
        }
        assert_eq!(wanted, [0.0; 50]);
    }
}
