//! What every target shares: the bodies, and the house that one of them needs.

#[path = "bodies/mod.rs"]
mod bodies;
#[expect(dead_code, reason = "the bodies use a part of the house")]
#[path = "../crates/doorward/tests/house/mod.rs"]
mod house;

/// Runs a body.
pub fn run(name: &str, data: &[u8]) {
    for body in bodies::BODIES.iter().filter(|body| body.name == name) {
        (body.run)(data);
    }
}
