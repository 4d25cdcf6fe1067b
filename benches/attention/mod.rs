//! Attention on the processor: ours, candle, and what one would write with nalgebra, on the same queries, keys and values.
//!
//! The bench `attention` and the program `attention_speed` both measure with this. Nothing here looks at a clock but `rounds`.

mod column;
mod contestants;
mod memory;
mod oracle;
mod rounds;
mod sgemm;

pub use column::{COLUMNS, Column, SGEMM_THERE};
pub use contestants::{Contestant, Inputs, contestant, contestants};
pub use memory::extra_memory;
pub use oracle::{ERROR_MAX, error_of};
pub use rounds::{Figure, Measured, measure};
pub use sgemm::Sgemm;
