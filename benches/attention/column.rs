//! What is measured, and what was measured elsewhere.

/// The speed of the gemm crate's sgemm where the figures were taken, 1024³ on one thread, in GFLOP/s.
pub const SGEMM_THERE: f64 = 212.0;

/// A shape, and the figures that were measured for it elsewhere, in GFLOP/s, f32; `None` is "nobody did".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Columns of the queries, keys and values, all heads together.
    pub dimensions: usize,
    /// How many heads share them.
    pub heads: usize,
    /// How many queries, and as many keys.
    pub n: usize,
    /// On how many threads.
    pub threads: usize,
    /// nalgebra, as one would write it.
    pub naive_there: Option<f64>,
    /// candle.
    pub candle_there: Option<f64>,
    /// torch's `scaled_dot_product_attention`.
    pub torch_there: f64,
    /// The fastest form that anybody found.
    pub best_there: f64,
}

/// The shapes that are promised.
pub const COLUMNS: [Column; 5] = [
    column(16, 4, 16, [2.7, 0.9, 2.5, 7.7]),
    column(16, 4, 4096, [0.5, 1.9, 11.0, 54.0]),
    column(64, 4, 1024, [2.4, 21.0, 64.0, 100.0]),
    column(512, 8, 4096, [7.7, 31.0, 86.0, 170.0]),
    Column {
        threads: 2,
        naive_there: None,
        candle_there: None,
        ..column(512, 8, 4096, [0.0, 0.0, 169.0, 297.0])
    },
];

const fn column(dimensions: usize, heads: usize, n: usize, there: [f64; 4]) -> Column {
    let [naive, candle, torch_there, best_there] = there;
    let (naive_there, candle_there) = (Some(naive), Some(candle));
    Column { dimensions, heads, n, threads: 1, naive_there, candle_there, torch_there, best_there }
}

impl Column {
    /// `dimensions/heads/n`, and the threads when there are several.
    pub fn name(&self) -> String {
        let Column { dimensions, heads, n, threads, .. } = self;
        let threads = if *threads > 1 { format!(" on {threads}") } else { String::new() };
        format!("{dimensions}/{heads}/{n}{threads}")
    }

    /// The operations of the two products: 4n²d.
    pub fn operations(&self) -> f64 {
        4.0 * (self.n * self.n * self.dimensions) as f64
    }
}
