//! RT.
mod sample;
mod worlds;
use worlds::honest::{Honest, Manners};
use worlds::search::explore;
use worlds::server::Settings;
use std::time::Instant;

#[test]
fn sizes() {
    for (name, m) in [
        ("body 5r 3g 3s susp", Manners { server_steps: 3, requests: 5, suspension: true, ..Manners::BODY }),
        ("body 4r 4g 3s susp", Manners { server_steps: 3, requests: 4, generations: 4, suspension: true, ..Manners::BODY }),
        ("body 5r 4g 2s susp", Manners { server_steps: 2, requests: 5, generations: 4, suspension: true, ..Manners::BODY }),
        ("cookie 4r 3g 3s susp", Manners { server_steps: 3, requests: 4, suspension: true, ..Manners::COOKIE }),
        ("cookie 3r 4g 3s susp", Manners { server_steps: 3, requests: 3, generations: 4, suspension: true, ..Manners::COOKIE }),
        ("cookie 4r 4g 2s susp", Manners { server_steps: 2, requests: 4, generations: 4, suspension: true, ..Manners::COOKIE }),
    ] {
        let t = Instant::now();
        let r = explore(&mut Honest::new(Settings::KEYED, m));
        println!("{name}: {r:?} {:?}", t.elapsed());
    }
}
