//! The end of a hub that leaves every run resumable.

use std::task::Waker;

use super::cell::Fate;
use super::drive::Core;
use super::join::{Drive, Until};
use super::{JoinError, Orchestrator};

/// What becomes of the attempts that are in flight when a hub shuts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Their answers are waited for, and kept.
    Finish,
    /// They are told to stop, and nobody waits for them. When their runs are resumed they are handed out again, with the same attempt and key.
    Cancel,
}

impl Orchestrator {
    /// Ends the hub: no run begins, no attempt begins, nothing is asked any more; what has happened is written; then all runs are let go of,
    /// and whoever joins them gets [`JoinError::Shutdown`]. With a store, every run can be resumed by another hub. Drives until that is done.
    ///
    /// May be called again, to cancel what is taking too long to finish. Dropping the future takes nothing back.
    pub async fn shutdown(&self, how: Shutdown) {
        self.hub.desk.lock().roll.closing = true;
        self.hub.desk.post(|inbox| inbox.shutdown = Some(how));
        Drive::new(self.hub.clone(), Until::Closed).await;
    }
}

impl Core {
    pub(super) fn begin_shutdown(&mut self, how: Shutdown) {
        self.shutdown = Some(how);
        for run in 0..self.runs.len() as u32 {
            self.set_deadline(run, None);
        }
        if how == Shutdown::Cancel {
            for run in 0..self.runs.len() as u32 {
                for place in self.places.of(run) {
                    self.call_off(run, place);
                }
            }
        }
    }

    /// Lets go of all runs once nothing is under way any more. Nothing is left to do after that.
    pub(super) fn wind_up(&mut self) {
        let under_way = self.commit.is_some()
            || self.is_touched()
            || !self.load.is_empty()
            || self.places.awaited();
        if self.shutdown.is_none() || under_way {
            return;
        }
        for run in 0..self.runs.len() as u32 {
            if let Some(active) = self.active(run) {
                let why = JoinError::Shutdown { run: active.cell.id.clone() };
                self.release(run, Fate::Lost(why));
            }
        }
        let woken = self.desk.lock().roll.close();
        woken.into_iter().for_each(Waker::wake);
    }
}
