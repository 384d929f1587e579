//! doorward.
fn main() {}
