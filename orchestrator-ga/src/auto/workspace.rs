//! Memory that the models of a search share and reuse. It holds nothing that a saved search needs.

use orchestrator_core::{FastStream, ParameterSpace};

use super::evidence::{Evidence, Near};
use super::model::Model;
use crate::batch::Batch;
use crate::cost::Costs;

/// The memory, and the unit of each parameter, which follows from the space.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    /// The width of each parameter; 1 where there is none to measure by.
    pub(super) scales: Vec<f64>,
    pub(super) near: Vec<Near>,
    pub(super) model: Model,
    /// An offset from a centre, in shares of the widths or in units of a radius.
    pub(super) offset: Vec<f64>,
    /// The unit of the costs of the last fit.
    pub(super) spread: f64,
    pub(super) values: Vec<f64>,
    /// What the models asked for, between its evaluation and its adoption.
    pub(super) asked: Batch,
    pub(super) asked_costs: Costs,
    best_direction: Vec<f64>,
}

impl PartialEq for Workspace {
    fn eq(&self, _: &Workspace) -> bool {
        true
    }
}

impl Workspace {
    pub(super) fn new(space: &ParameterSpace) -> Workspace {
        let scale = |width: f64| if width > 0.0 { width } else { 1.0 };
        let scales = space.bounds().iter().map(|bounds| scale(bounds.width())).collect();
        Workspace {
            scales,
            near: Vec::new(),
            model: Model::default(),
            offset: Vec::new(),
            spread: 0.0,
            values: Vec::new(),
            asked: Batch::new(space.len()),
            asked_costs: Costs::new(1),
            best_direction: Vec::new(),
        }
    }

    /// Writes the offset of a known point from a known centre, in units of the radius.
    pub(super) fn measure(
        &mut self,
        evidence: &Evidence,
        centre: usize,
        place: usize,
        radius: f64,
    ) {
        let pairs = evidence.point(place).iter().zip(evidence.point(centre)).zip(&self.scales);
        self.offset.clear();
        self.offset.extend(pairs.map(|((x, c), scale)| (x - c) / scale / radius));
    }

    /// Adds the point at the offset from the centre, in units of the radius, brought into the space.
    pub(super) fn place(
        &self,
        space: &ParameterSpace,
        centre: &[f64],
        radius: f64,
        batch: &mut Batch,
    ) {
        let point = batch.push(centre);
        for ((x, offset), scale) in point.iter_mut().zip(&self.offset).zip(&self.scales) {
            *x += offset * radius * scale;
        }
        space.clamp(point);
    }

    /// Makes the offset a uniformly random direction.
    pub(super) fn draw_direction(&mut self, dimension: usize, stream: &mut FastStream) {
        self.offset.clear();
        self.offset.extend((0..dimension).map(|_| stream.normal()));
        let length = super::dense::length(&self.offset).max(f64::MIN_POSITIVE);
        self.offset.iter_mut().for_each(|value| *value /= length);
    }

    /// Makes the offset the one of so many random directions about which the points of the last fit say least.
    pub(super) fn least_known_direction(
        &mut self,
        dimension: usize,
        count: usize,
        stream: &mut FastStream,
    ) {
        let mut most = f64::NEG_INFINITY;
        for _ in 0..count {
            self.draw_direction(dimension, stream);
            let leverage = self.model.leverage(&self.offset);
            if leverage > most {
                most = leverage;
                std::mem::swap(&mut self.best_direction, &mut self.offset);
            }
        }
        std::mem::swap(&mut self.best_direction, &mut self.offset);
    }
}
