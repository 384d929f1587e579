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
    let ring = Manners { generations: 18, turns: 18, server_steps: 1, delay: Delay::RequestsWithinW, ..Manners::BODY };
    go("ring", Honest::new(Settings::KEYED, ring));
    go("ring never busy", Honest::new(Settings { rule: broken::never_busy, ..Settings::KEYED }, ring));
    for n in 1..=5 {
        go(&format!("tabs {n}"), Tabs::new(Settings::KEYLESS, n, 4));
    }
    let x = Settings { examine: false, ..Settings::KEYED };
    let b = Manners::BODY; let c = Manners::COOKIE;
    let t = |tools| Theft { tools, looks: 1 };
    go("superseded", Honest::new(Settings { rule: broken::superseded_ends, ..x }, b));
    go("superseded c", Honest::new(Settings { rule: broken::superseded_ends, ..x }, c));
    go("late replay", Honest::new(Settings { rule: broken::late_replay_superseded, ..x }, b));
    go("history", Honest::new(Settings { rule: broken::history_is_dropped, ..x }, b));
    go("roll", Honest::new(Settings { rule: broken::replay_lost_in_a_roll, ..Settings::KEYED }, b));
    go("end", Honest::new(Settings { rule: broken::end_is_ignored, ..Settings::KEYED }, Manners { suspension: true, ..b }));
    go("noepoch", Honest::new(Settings { rule: broken::turn_without_epoch, ..x }, Manners { suspension: true, ..b }));
    go("store epoch", Honest::new(Settings { honour_epoch: false, ..x }, Manners { suspension: true, ..b }));
    go("store from", Honest::new(Settings { honour_from: false, ..x }, b));
    go("store from examine", Honest::new(Settings { honour_from: false, ..Settings::KEYED }, b));
    go("never displ", Honest::new(Settings { rule: broken::never_displaces, ..Settings::KEYLESS }, kl));
    go("no W keyed body", Honest::new(Settings { leeway: -1, ..Settings::KEYED }, b));
    go("no W keyed cookie", Honest::new(Settings { leeway: -1, ..Settings::KEYED }, c));
    go("no W tabs", Tabs::new(Settings { leeway: 0, ..Settings::KEYLESS }, 2, 4));
    go("reuse turns", Honest::new(Settings { rule: broken::reuse_turns, ..Settings::KEYED }, b));
    go("lenient", Robbed::new(Settings { rule: broken::lenient_without_key, ..Settings::KEYED }, b, t(Tools::Text)));
    go("reuse repeats", Robbed::new(Settings { rule: broken::reuse_repeats, ..Settings::KEYED }, b, t(Tools::OwnKey)));
    go("keyed forgotten", Robbed::new(Settings { rule: broken::keyed_is_forgotten, ..Settings::KEYLESS }, Manners { keys: Keys::Mixed, ..kl }, t(Tools::Text)));
    go("store from thief", Robbed::new(Settings { honour_from: false, ..x }, b, t(Tools::OwnKey)));
    go("client forgets", Honest::new(Settings::KEYED, Manners { keys: Keys::Forgotten, ..b }));
    go("client forgets c", Honest::new(Settings::KEYED, Manners { keys: Keys::Forgotten, ..c }));
    go("client no lock", Honest::new(Settings::KEYED, Manners { lock: false, ..c }));
    go("client no compare", Honest::new(Settings::KEYED, Manners { compare: false, ..b }));
    let w = go(&format!("thief cookie no dies"), Robbed::new(Settings::KEYED, Manners { requests: 1, scripts_die: false, ..Manners::COOKIE }, Theft { tools: Tools::Everything, looks: 1 }));
            println!("   shared {} together {}", w.shared, w.together);
    let w = go(&format!("thief cookie no dies"), Robbed::new(Settings::KEYED, Manners { requests: 2, scripts_die: false, ..Manners::COOKIE }, Theft { tools: Tools::Everything, looks: 1 }));
            println!("   shared {} together {}", w.shared, w.together);
    let w = go(&format!("thief body 2"), Robbed::new(Settings::KEYED, Manners { requests: 2, ..Manners::BODY }, Theft { tools: Tools::Everything, looks: 1 }));
            println!("   shared {} together {}", w.shared, w.together);
    let w = go(&format!("thief body 2"), Robbed::new(Settings::KEYED, Manners { requests: 2, ..Manners::BODY }, Theft { tools: Tools::OwnKey, looks: 1 }));
            println!("   shared {} together {}", w.shared, w.together);
}
