//! The end of a search: down to the bottom of the valley that it stands in, by quadratic models within a trust region (Conn,
//! Scheinberg and Vicente, "Introduction to derivative-free optimization", 2009).
//!
//! The centre is the best point known. Each time the model's least point within the radius is asked for; when it has disappointed, also a point
//! in the direction about which the evidence says least, so that the next model is better founded.

use orchestrator_core::{FastStream, ParameterSpace};
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::model::coefficients;
use super::workspace::Workspace;
use crate::batch::Batch;
use crate::cost::{Cost, Costs};

/// The radius at which a descent has reached the bottom, in shares of the widths.
const RADIUS_MIN: f64 = 1e-9;
/// The greatest radius.
const RADIUS_MAX: f64 = 0.5;
/// How many radii away a point may be to count for the model.
const NEAR: f64 = 3.0;
/// How many directions are looked at for the one about which the evidence says least.
const DIRECTIONS: usize = 12;
/// A step that gains this share of what the model promised, or more, is as good as the model.
const GOOD: f64 = 0.7;
/// A step that gains less than this share shows that the model needs more points.
const FAIR: f64 = 0.25;
/// A step that gains less than this share shows that the radius is too large.
const POOR: f64 = 0.1;
/// A step of this share of the radius or more was stopped by the radius.
const AT_EDGE: f64 = 0.9;
const GROWTH: f64 = 2.0;
const SHRINKAGE: f64 = 0.6;

/// A descent under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Descent {
    /// The radius of the trust region, in shares of the widths.
    radius: f64,
    /// Whether the last step gained less than a fair share.
    disappointed: bool,
    waiting: Waiting,
}

/// What the waiting batch is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Waiting {
    /// Points around the centre, to found a model on.
    Foundation,
    /// Only a point in a direction about which little is known: the model's own is known already.
    Direction,
    /// First the model's least point, with what it promised to gain.
    Step { promise: f64, at_edge: bool },
}

impl Descent {
    /// A descent with this radius, in shares of the widths.
    pub(super) fn new(radius: f64) -> Descent {
        Descent {
            radius: radius.clamp(RADIUS_MIN, RADIUS_MAX),
            disappointed: false,
            waiting: Waiting::Foundation,
        }
    }

    /// Whether it has reached the bottom.
    pub(super) fn is_over(&self) -> bool {
        self.radius <= RADIUS_MIN
    }

    /// Whether it could have been written by a descent.
    pub(super) fn is_sound(&self) -> bool {
        let promised = match self.waiting {
            Waiting::Step { promise, .. } => promise.is_finite(),
            Waiting::Foundation | Waiting::Direction => true,
        };
        promised && self.radius > 0.0 && self.radius <= RADIUS_MAX
    }

    /// Adds the next points, about a best point that there must be.
    pub(super) fn ask(
        &mut self,
        space: &ParameterSpace,
        evidence: &Evidence,
        centre: usize,
        workspace: &mut Workspace,
        stream: &mut FastStream,
        batch: &mut Batch,
    ) {
        let n = space.len();
        let most = coefficients(n) * 3 / 2;
        evidence.nearest(
            centre,
            &workspace.scales,
            (most, NEAR * self.radius),
            &mut workspace.near,
        );
        let founded = workspace.near.len() >= n + 2 && self.fit(n, evidence, centre, workspace);
        if !founded {
            self.waiting = Waiting::Foundation;
            for _ in 0..n {
                workspace.draw_direction(n, stream);
                workspace.place(space, evidence.point(centre), self.radius, batch);
            }
            return;
        }
        let spread = workspace.spread;
        self.waiting = Waiting::Direction;
        if let Some((step, promise)) = workspace.model.step(1.0) {
            workspace.offset.clear();
            workspace.offset.extend_from_slice(step);
            let at_edge = super::dense::length(&workspace.offset) > AT_EDGE;
            workspace.place(space, evidence.point(centre), self.radius, batch);
            if evidence.contains(batch.point(batch.len() - 1)) {
                batch.truncate(batch.len() - 1);
            } else {
                let promise = (promise * spread).min(f64::MAX);
                self.waiting = Waiting::Step { promise, at_edge };
            }
        }
        if self.disappointed || self.waiting == Waiting::Direction {
            workspace.least_known_direction(n, DIRECTIONS, stream);
            workspace.place(space, evidence.point(centre), self.radius, batch);
        }
    }

    /// Learns what the points cost; `before` is what the centre did.
    pub(super) fn tell(&mut self, before: f64, costs: &Costs) {
        match self.waiting {
            Waiting::Foundation => {}
            Waiting::Direction => self.radius *= SHRINKAGE,
            Waiting::Step { promise, at_edge } => {
                let Cost { violation, value } = costs.cost(0);
                let gained = if violation == 0.0 { before - value } else { f64::NEG_INFINITY };
                let share = gained / promise.max(f64::MIN_POSITIVE);
                self.disappointed = share <= FAIR;
                if share > GOOD && at_edge {
                    self.radius = (GROWTH * self.radius).min(RADIUS_MAX);
                } else if share < POOR {
                    self.radius *= SHRINKAGE;
                }
            }
        }
        self.radius = self.radius.max(RADIUS_MIN);
    }

    /// Fits the model to the points of `workspace.near`, in units of the radius; nearer ones count more.
    fn fit(&self, n: usize, evidence: &Evidence, centre: usize, workspace: &mut Workspace) -> bool {
        let least = evidence.value(centre);
        let rises = workspace.near.iter().map(|&(_, place)| evidence.value(place) - least);
        workspace.spread = rises.fold(f64::MIN_POSITIVE, f64::max);
        workspace.model.clear(n);
        for at in 0..workspace.near.len() {
            let (distance, place) = workspace.near[at];
            workspace.measure(evidence, centre, place, self.radius);
            let value = (evidence.value(place) - least) / workspace.spread;
            let weight = 1.0 / (1.0 + (distance / self.radius).powi(2));
            workspace.model.add(&workspace.offset, value, weight);
        }
        workspace.spread.is_finite() && workspace.model.fit()
    }
}
