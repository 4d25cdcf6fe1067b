//! The problems with many objectives: ZDT (Zitzler, Deb and Thiele, "Comparison of multiobjective evolutionary algorithms: empirical
//! results", 2000) and DTLZ2 (Deb, Thiele, Laumanns and Zitzler, "Scalable multi-objective optimization test problems", 2002). All
//! objectives are minimised.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use orchestrator_ai::core::{Bounds, ParameterSpace};

/// A problem with many objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParetoProblem {
    Zdt1,
    Zdt2,
    Zdt3,
    Zdt4,
    Zdt6,
    Dtlz2,
}

impl ParetoProblem {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ParetoProblem::Zdt1 => "ZDT1",
            ParetoProblem::Zdt2 => "ZDT2",
            ParetoProblem::Zdt3 => "ZDT3",
            ParetoProblem::Zdt4 => "ZDT4",
            ParetoProblem::Zdt6 => "ZDT6",
            ParetoProblem::Dtlz2 => "DTLZ2",
        }
    }

    pub(crate) fn objectives(self) -> usize {
        match self {
            ParetoProblem::Zdt1
            | ParetoProblem::Zdt2
            | ParetoProblem::Zdt3
            | ParetoProblem::Zdt4
            | ParetoProblem::Zdt6 => 2,
            ParetoProblem::Dtlz2 => 3,
        }
    }

    /// The space with as many parameters as the papers give it.
    pub(crate) fn space(self) -> ParameterSpace {
        let space = match self {
            ParetoProblem::Zdt1 | ParetoProblem::Zdt2 | ParetoProblem::Zdt3 => {
                ParameterSpace::uniform(30, 0.0, 1.0)
            }
            ParetoProblem::Zdt4 => ParameterSpace::new((0..10).map(|at| {
                let reach = if at == 0 { (0.0, 1.0) } else { (-5.0, 5.0) };
                (format!("x{at}"), Bounds { min: reach.0, max: reach.1 })
            })),
            ParetoProblem::Zdt6 => ParameterSpace::uniform(10, 0.0, 1.0),
            ParetoProblem::Dtlz2 => ParameterSpace::uniform(12, 0.0, 1.0),
        };
        space.expect("the bounds are intervals and the names differ")
    }

    /// Writes the objectives of a point.
    #[inline]
    pub(crate) fn evaluate(self, x: &[f64], values: &mut [f64]) {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        match self {
            ParetoProblem::Zdt1 => {
                let g = 1.0 + 9.0 * mean(&x[1..]);
                (values[0], values[1]) = (x[0], g * (1.0 - (x[0] / g).sqrt()));
            }
            ParetoProblem::Zdt2 => {
                let g = 1.0 + 9.0 * mean(&x[1..]);
                (values[0], values[1]) = (x[0], g * (1.0 - (x[0] / g).powi(2)));
            }
            ParetoProblem::Zdt3 => {
                let g = 1.0 + 9.0 * mean(&x[1..]);
                let share = x[0] / g;
                let waves = share * (10.0 * PI * x[0]).sin();
                (values[0], values[1]) = (x[0], g * (1.0 - share.sqrt() - waves));
            }
            ParetoProblem::Zdt4 => {
                let hills = x[1..].iter().map(|x| x * x - 10.0 * (2.0 * TAU * x).cos());
                let g = 1.0 + 10.0 * (x.len() - 1) as f64 + hills.sum::<f64>();
                (values[0], values[1]) = (x[0], g * (1.0 - (x[0] / g).sqrt()));
            }
            ParetoProblem::Zdt6 => {
                let f = 1.0 - (-4.0 * x[0]).exp() * (6.0 * PI * x[0]).sin().powi(6);
                let g = 1.0 + 9.0 * mean(&x[1..]).powf(0.25);
                (values[0], values[1]) = (f, g * (1.0 - (f / g).powi(2)));
            }
            ParetoProblem::Dtlz2 => {
                let radius = 1.0 + x[2..].iter().map(|x| (x - 0.5).powi(2)).sum::<f64>();
                let (a, b) = ((x[0] * FRAC_PI_2).sin_cos(), (x[1] * FRAC_PI_2).sin_cos());
                values[0] = radius * a.1 * b.1;
                values[1] = radius * a.1 * b.0;
                values[2] = radius * a.0;
            }
        }
    }
}
