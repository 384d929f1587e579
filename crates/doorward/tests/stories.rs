//! Stories over the whole server in process: real router, real rules, a clock moved by hand.

mod house;

#[path = "stories/strategies.rs"]
mod strategies;
