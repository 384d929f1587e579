//! Stories over the whole server in process: real router, real rules, a clock moved by hand.

mod house;

#[path = "stories/abuse.rs"]
mod abuse;
#[path = "stories/acknowledgement.rs"]
mod acknowledgement;
#[path = "stories/advise.rs"]
mod advise;
#[path = "stories/armour.rs"]
mod armour;
#[path = "stories/at_rest.rs"]
mod at_rest;
#[path = "stories/bad_input.rs"]
mod bad_input;
#[path = "stories/cookies.rs"]
mod cookies;
#[path = "stories/cors.rs"]
mod cors;
#[path = "stories/devices.rs"]
mod devices;
#[path = "stories/elsewhere.rs"]
mod elsewhere;
#[path = "stories/everybody.rs"]
mod everybody;
#[path = "stories/feed.rs"]
mod feed;
#[path = "stories/feed_only.rs"]
mod feed_only;
#[path = "stories/jobs.rs"]
mod jobs;
#[path = "stories/keys.rs"]
mod keys;
#[path = "stories/limits.rs"]
mod limits;
#[path = "stories/listening.rs"]
mod listening;
#[path = "stories/malformed.rs"]
mod malformed;
#[path = "stories/metrics.rs"]
mod metrics;
#[path = "stories/names.rs"]
mod names;
#[path = "stories/pages.rs"]
mod pages;
#[path = "stories/refresh.rs"]
mod refresh;
#[path = "stories/remembered.rs"]
mod remembered;
#[path = "stories/roles.rs"]
mod roles;
#[path = "stories/sign_in.rs"]
mod sign_in;
#[path = "stories/strategies.rs"]
mod strategies;
#[path = "stories/table.rs"]
mod table;
#[path = "stories/tools.rs"]
mod tools;
#[path = "stories/wire.rs"]
mod wire;
