//! Who computes softmax(QKᵀ/√d)·V here: each on inputs laid out as it likes them best, prepared before and not counted.

use candle_core::{Device, Tensor};
use nalgebra::DMatrix;
use orchestrator_attention::ScaledDotProduct;
use orchestrator_core::Seed;

use super::column::Column;

/// One way of computing attention on inputs that it holds.
pub trait Contestant {
    /// What the table calls it.
    fn name(&self) -> &'static str;

    /// Computes it; the output is kept from the optimiser and dropped.
    fn run(&mut self);

    /// Computes it and lays it out as queries × dimensions.
    fn output(&mut self) -> DMatrix<f32>;
}

/// The same normal numbers for everybody.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// n × dimensions, head h in the columns h·d to (h + 1)·d.
    pub q: DMatrix<f32>,
    /// The same.
    pub k: DMatrix<f32>,
    /// The same.
    pub v: DMatrix<f32>,
    /// How many heads share the columns.
    pub heads: usize,
}

impl Inputs {
    /// For the shape, from a fixed seed.
    pub fn of(column: &Column) -> Inputs {
        let mut stream = Seed(42).derive("attention").fast_stream();
        let [q, k, v] = std::array::from_fn(|_| {
            DMatrix::from_fn(column.n, column.dimensions, |_, _| stream.normal() as f32)
        });
        Inputs { q, k, v, heads: column.heads }
    }

    /// The width of a head.
    pub fn width(&self) -> usize {
        self.q.ncols() / self.heads
    }

    fn parts(&self, matrix: &DMatrix<f32>) -> Vec<DMatrix<f32>> {
        let width = self.width();
        (0..self.heads).map(|head| matrix.columns(head * width, width).into_owned()).collect()
    }
}

/// All of them that can use so many threads; ours is first. How many threads candle takes is fixed by the environment of the process
/// (`RAYON_NUM_THREADS`), so a process can measure one number of threads only.
pub fn contestants(inputs: &Inputs, threads: usize) -> Vec<Box<dyn Contestant>> {
    let names: &[&str] = if threads == 1 { &[OURS, CANDLE, NAIVE] } else { &[OURS, CANDLE] };
    names.iter().filter_map(|name| contestant(inputs, threads, name)).collect()
}

/// The one of this name, and no other.
pub fn contestant(inputs: &Inputs, threads: usize, name: &str) -> Option<Box<dyn Contestant>> {
    match name {
        OURS => Some(Box::new(Ours::new(inputs, threads))),
        CANDLE => Some(Box::new(Candle::new(inputs))),
        NAIVE => Some(Box::new(Naive::new(inputs))),
        _ => None,
    }
}

const OURS: &str = "ours";
const CANDLE: &str = "candle";
const NAIVE: &str = "nalgebra naive";

/// Ours, as a user calls it: one call, all heads.
struct Ours {
    inputs: Inputs,
    attention: ScaledDotProduct<f32>,
}

impl Ours {
    fn new(inputs: &Inputs, threads: usize) -> Ours {
        let attention = ScaledDotProduct { heads: inputs.heads, threads, ..Default::default() };
        Ours { inputs: inputs.clone(), attention }
    }

    fn attend(&self) -> DMatrix<f32> {
        let Inputs { q, k, v, .. } = &self.inputs;
        self.attention.attend(q, k, v).expect("the inputs fit and are finite").output
    }
}

impl Contestant for Ours {
    fn name(&self) -> &'static str {
        OURS
    }

    fn run(&mut self) {
        std::hint::black_box(self.attend());
    }

    fn output(&mut self) -> DMatrix<f32> {
        self.attend()
    }
}

/// candle's two products and its softmax, which are what its attention is on a processor.
struct Candle {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: f64,
}

impl Candle {
    fn new(inputs: &Inputs) -> Candle {
        let (n, heads, width) = (inputs.q.nrows(), inputs.heads, inputs.width());
        let tensor = |matrix: &DMatrix<f32>| {
            // One head after the other, each by row.
            let data: Vec<f32> = inputs
                .parts(matrix)
                .iter()
                .flat_map(|part| part.transpose().as_slice().to_vec())
                .collect();
            Tensor::from_vec(data, (1, heads, n, width), &Device::Cpu)
                .expect("as many numbers as the shape has")
        };
        let [q, k, v] = [&inputs.q, &inputs.k, &inputs.v].map(tensor);
        Candle { q, k, v, scale: 1.0 / (width as f64).sqrt() }
    }

    fn attend(&self) -> candle_core::Result<Tensor> {
        let logits = (self.q.matmul(&self.k.t()?)? * self.scale)?;
        candle_nn::ops::softmax_last_dim(&logits)?.matmul(&self.v)
    }
}

impl Contestant for Candle {
    fn name(&self) -> &'static str {
        CANDLE
    }

    fn run(&mut self) {
        std::hint::black_box(self.attend().expect("the shapes fit"));
    }

    fn output(&mut self) -> DMatrix<f32> {
        let output = self.attend().expect("the shapes fit");
        let (_, heads, n, width) = output.dims4().expect("as the queries");
        let data = output.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let data = data.expect("f32 on this processor");
        DMatrix::from_fn(n, heads * width, |row, column| {
            let (head, column) = (column / width, column % width);
            data[(head * n + row) * width + column]
        })
    }
}

/// What one would write with nalgebra: the whole product of a head, a softmax of its rows, the other product.
struct Naive {
    heads: Vec<[DMatrix<f32>; 3]>,
    scale: f32,
}

impl Naive {
    fn new(inputs: &Inputs) -> Naive {
        let [q, k, v] = [&inputs.q, &inputs.k, &inputs.v].map(|matrix| inputs.parts(matrix));
        let heads = q.into_iter().zip(k).zip(v).map(|((q, k), v)| [q, k, v]).collect();
        Naive { heads, scale: 1.0 / (inputs.width() as f32).sqrt() }
    }

    fn head(&self, [q, k, v]: &[DMatrix<f32>; 3]) -> DMatrix<f32> {
        let mut weights = (q * k.transpose()) * self.scale;
        for mut row in weights.row_iter_mut() {
            let max = row.max();
            let mut sum = 0.0;
            for weight in row.iter_mut() {
                *weight = (*weight - max).exp();
                sum += *weight;
            }
            row /= sum;
        }
        weights * v
    }
}

impl Contestant for Naive {
    fn name(&self) -> &'static str {
        NAIVE
    }

    fn run(&mut self) {
        for head in &self.heads {
            std::hint::black_box(self.head(head));
        }
    }

    fn output(&mut self) -> DMatrix<f32> {
        let columns: Vec<_> = self.heads.iter().map(|head| self.head(head)).collect();
        let slices = columns.iter().flat_map(|head| head.as_slice().iter().copied());
        let width = columns.iter().map(DMatrix::ncols).sum();
        DMatrix::from_iterator(columns[0].nrows(), width, slices)
    }
}
