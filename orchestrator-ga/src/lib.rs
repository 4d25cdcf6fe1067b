//! Reproducible genetic search with a validated parameter space.
