//! Exact multi-head attention and attention-based routing.
