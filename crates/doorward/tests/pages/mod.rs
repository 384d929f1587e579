//! The pages of the book and of the README, taken at their word.

pub(crate) mod blocks;
pub(crate) mod shell;
