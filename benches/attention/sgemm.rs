//! How fast the gemm crate multiplies on this machine, by which figures from another one are scaled.

use gemm::Parallelism;

/// Rows and columns of each matrix.
const SIZE: usize = 1024;

/// A product of two square matrices of f32.
#[derive(Debug)]
pub struct Sgemm {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    threads: usize,
}

impl Sgemm {
    /// On so many threads.
    pub fn new(threads: usize) -> Sgemm {
        let matrix = || vec![0.5; SIZE * SIZE];
        Sgemm { a: matrix(), b: matrix(), c: matrix(), threads }
    }

    /// The operations of one product.
    pub fn operations() -> f64 {
        2.0 * (SIZE as f64).powi(3)
    }

    /// Multiplies once.
    pub fn run(&mut self) {
        let parallelism = match self.threads {
            1 => Parallelism::None,
            threads => Parallelism::Rayon(threads),
        };
        let (of_row, of_column) = (SIZE as isize, 1);
        // The crate has no other door, and what it is asked for here is the measure of the machine.
        #[expect(unsafe_code, reason = "the gemm crate has no safe door")]
        // SAFETY: each of the three is SIZE × SIZE numbers, by row, which is what the sizes and strides say; only `c` is written.
        unsafe {
            gemm::gemm(
                SIZE,
                SIZE,
                SIZE,
                self.c.as_mut_ptr(),
                of_column,
                of_row,
                false,
                self.a.as_ptr(),
                of_column,
                of_row,
                self.b.as_ptr(),
                of_column,
                of_row,
                0.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
        std::hint::black_box(&mut self.c);
    }
}
