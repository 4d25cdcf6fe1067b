//! A place for the first figures.
fn main() {}
