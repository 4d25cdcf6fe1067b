//! Tabular reinforcement learning with seeded exploration.
