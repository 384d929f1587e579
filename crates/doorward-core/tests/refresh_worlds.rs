//! RT.
mod sample;
mod worlds;
use worlds::honest::{Honest, Manners, Keys, Delay};
use worlds::search::{explore, World};
use worlds::server::Settings;
use worlds::{tabs::Tabs, thief::*, restored::Restored, epochs::*, broken};
use std::time::Instant;

fn go<W: World>(name: &str, mut w: W) -> W {
        let t = Instant::now();
        let r = explore(&mut w);
        println!("{name}: {r:?} {:?}", t.elapsed());
        w
}
#[test]
fn sizes() {
    let kl = Manners { keys: Keys::Without, lock: true, strays: false, requests: 1, in_time: true, delay: Delay::StraysWithinW, ..Manners::COOKIE };
    go("keyless single", Honest::new(Settings::KEYLESS, Manners { generations: 5, turns: 6, ..kl }));
    go("keyless single strays", Honest::new(Settings::KEYLESS, Manners { generations: 5, turns: 6, requests: 2, delay: Delay::Any, strays: true, ..kl }));
    go("keyless single strays prompt", Honest::new(Settings::KEYLESS, Manners { generations: 5, turns: 6, strays: true, requests: 2, ..kl }));
    go("keyless single rest 4", Honest::new(Settings::KEYLESS, Manners { generations: 5, turns: 6, rest: 4, ..kl }));
    go("keyless single 20 generations", Honest::new(Settings::KEYLESS, Manners { generations: 1, turns: 20, server_steps: 1, ..kl }));
    go("ring", Honest::new(Settings::KEYED, Manners { generations: 18, turns: 18, server_steps: 1, delay: Delay::AllWithinW, ..Manners::BODY }));
    go("ring never busy", Honest::new(Settings { rule: broken::never_busy, ..Settings::KEYED }, Manners { generations: 18, turns: 18, server_steps: 1, delay: Delay::AllWithinW, ..Manners::BODY }));
    go("ring late", Honest::new(Settings::KEYED, Manners { generations: 18, turns: 18, server_steps: 1, ..Manners::BODY }));
    for n in 1..=5 {
        go(&format!("tabs {n}"), Tabs::new(Settings::KEYLESS, n, 3));
    }
    go("mixed", Honest::new(Settings::KEYLESS, Manners { keys: Keys::Mixed, ..kl }));
    go("updated", Honest::new(Settings::KEYLESS, Manners { keys: Keys::Updated, ..kl }));
    go("updated midway", Honest::new(Settings::KEYLESS, Manners { keys: Keys::UpdatedMidway, ..kl }));
    go("restored body 1", Restored::new(Settings::KEYED, Manners { requests: 1, generations: 4, turns: 4, ..Manners::BODY }));
    go("restored body 2", Restored::new(Settings::KEYED, Manners { requests: 2, generations: 4, turns: 4, ..Manners::BODY }));
    go("restored cookie 1", Restored::new(Settings::KEYED, Manners { requests: 1, strays: false, generations: 4, turns: 4, ..Manners::COOKIE }));
    go("restored cookie 2", Restored::new(Settings::KEYED, Manners { requests: 2, generations: 4, turns: 4, ..Manners::COOKIE }));
    go("late cookie", Honest::new(Settings::KEYED, Manners { late_cookie: true, ..Manners::COOKIE }));
    for order in [Order::HeadFirst, Order::HeadLast] {
        for keys in [[1, 1], [1, 2], [0, 0], [0, 1]] {
            go(&format!("epochs {order:?} {keys:?}"), Epochs::new(Settings::KEYLESS, order, keys));
        }
    }
    for tools in [Tools::Text, Tools::OwnKey, Tools::Everything] {
        for looks in 1..=2 {
            let w = go(&format!("thief {tools:?} {looks} body 1"), Robbed::new(Settings::KEYED, Manners { requests: 1, ..Manners::BODY }, Theft { tools, looks }));
            println!("   shared {} together {}", w.shared, w.together);
            let w = go(&format!("thief {tools:?} {looks} cookie 1"), Robbed::new(Settings::KEYED, Manners { requests: 1, ..Manners::COOKIE }, Theft { tools, looks }));
            println!("   shared {} together {}", w.shared, w.together);
            let w = go(&format!("thief {tools:?} {looks} mixed"), Robbed::new(Settings::KEYLESS, Manners { keys: Keys::Mixed, ..kl }, Theft { tools, looks }));
            println!("   shared {} together {}", w.shared, w.together);
            let w = go(&format!("thief {tools:?} {looks} keyless"), Robbed::new(Settings::KEYLESS, kl, Theft { tools, looks }));
            println!("   shared {} together {}", w.shared, w.together);
            let w = go(&format!("thief {tools:?} {looks} keyless no W"), Robbed::new(Settings { leeway: -1, ..Settings::KEYLESS}, kl, Theft { tools, looks }));
            println!("   shared {} together {}", w.shared, w.together);
        }
    }
}
