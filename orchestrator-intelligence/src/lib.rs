//! Execution tracking, analytics and routers that learn from every run.
