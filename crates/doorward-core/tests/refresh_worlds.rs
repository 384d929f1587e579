//! RT1 to RT5, RT7 and RT8 of the refresh rule, by looking at every state that small worlds can come to.
//!
//! Every world runs the real rule (`worlds`). Losses are not counted: any number of requests and replies may be lost,
//! any number of tabs may die, any time may pass between two steps. RT7 is the world's own shape: a crash between commit
//! and reply leaves the same state as a reply that was lost, and both may happen at every step. What holds only under a
//! condition is pinned by a test whose name begins with `limit`, with the shortest history that breaks it. At the end
//! the rule, the store or the client is broken on purpose, one thing at a time, and the search finds each.
//!
//! `DOORWARD_LONG=1` makes the worlds larger. `--nocapture` prints how many states each has.

mod sample;
mod worlds;

use std::time::Instant;

use worlds::broken;
use worlds::epochs::{Epochs, Order};
use worlds::honest::{Delay, Honest, Keys, Manners, Work};
use worlds::restored::Restored;
use worlds::search::{Counterexample, World, explore};
use worlds::server::Settings;
use worlds::tabs::Tabs;
use worlds::thief::{Robbed, Theft, Tools};

/// W of two ticks, so that there is a moment inside it that is not its edge.
const WIDE: Settings = Settings { leeway: 2, oldest: 4, ..Settings::KEYED };
/// Without a look at the rows themselves: what is found is found by what happens to people.
const UNEXAMINED: Settings = Settings { examine: false, ..Settings::KEYED };
const PLAIN_UNEXAMINED: Settings = Settings { examine: false, ..Settings::KEYLESS };
const SUSPENDED_BODY: Manners = Manners { suspension: true, work: Work::ClockFirst, ..Manners::BODY };
const SUSPENDED_COOKIE: Manners = Manners { suspension: true, work: Work::ClockFirst, ..Manners::COOKIE };
/// Two workers, so quick that the ring of sixteen fills within W.
const BURST: Manners =
    Manners { generations: 18, turns: 18, work: Work::Whole, delay: Delay::RequestsWithinW, ..Manners::BODY };

#[expect(clippy::disallowed_methods, reason = "a test may be told to run longer")]
fn is_long() -> bool {
    std::env::var_os("DOORWARD_LONG").is_some()
}

#[expect(clippy::disallowed_methods, reason = "how long a proof takes is said with it")]
fn search<W: World>(name: &str, world: &mut W) -> Result<(), Counterexample> {
    let begun = Instant::now();
    let found = explore(world)?;
    println!("assure: {name}: states, and steps = {}, {}", found.states, found.steps);
    println!("{name}: {:.1?}", begun.elapsed());
    Ok(())
}

/// Nothing can go wrong in this world.
fn holds<W: World>(name: &str, mut world: W) -> W {
    if let Err(found) = search(name, &mut world) {
        panic!("{name}: {found:?}");
    }
    world
}

/// This goes wrong in this world, in so many steps and no fewer.
fn breaks<W: World>(name: &str, mut world: W, fault: &str, steps: usize) {
    let Err(found) = search(name, &mut world) else { panic!("{name}: nothing was found to go wrong") };
    println!("{name}: {found:?}");
    assert!(found.fault.starts_with(fault), "{name}: {found:?}");
    assert_eq!(found.path.len(), steps, "{name}: {found:?}");
}

/// How many requests at once, how many generations.
fn sized(manners: Manners, requests: usize, generations: u8) -> Manners {
    Manners { requests, generations, turns: generations + 1, ..manners }
}

fn theft(tools: Tools, looks: u8) -> Theft {
    Theft { tools, looks }
}

#[test]
fn an_honest_client_in_body_transport_is_never_signed_out_and_a_suspension_wins() {
    let mut sizes = vec![(2, 6), (3, 4), (4, 3), (5, 3)];
    if is_long() {
        sizes.extend([(4, 4), (5, 4)]);
    }
    for (workers, turns) in sizes {
        let name = format!("body, {workers} workers, {turns} turns");
        holds(&name, Honest::new(Settings::KEYED, sized(SUSPENDED_BODY, workers, turns)));
    }
    let load_first = Manners { work: Work::LoadFirst, ..SUSPENDED_BODY };
    holds("body, 3 workers, 3 turns, clock last", Honest::new(Settings::KEYED, sized(load_first, 3, 3)));
    holds("body, 3 workers, 3 turns, W of 2", Honest::new(WIDE, sized(SUSPENDED_BODY, 3, 3)));
}

#[test]
fn an_honest_browser_in_cookie_transport_is_never_signed_out_and_a_suspension_wins() {
    let mut sizes = vec![(2, 5), (3, 3), (4, 2)];
    if is_long() {
        sizes.extend([(2, 6), (3, 4), (4, 3), (5, 2)]);
    }
    for (requests, turns) in sizes {
        let name = format!("cookie, {requests} requests at once, {turns} turns");
        holds(&name, Honest::new(Settings::KEYED, sized(SUSPENDED_COOKIE, requests, turns)));
    }
    let load_first = Manners { work: Work::LoadFirst, ..SUSPENDED_COOKIE };
    holds("cookie, 3 requests at once, 3 turns, clock last", Honest::new(Settings::KEYED, sized(load_first, 3, 3)));
    holds("cookie, 2 requests at once, 3 turns, W of 2", Honest::new(WIDE, sized(SUSPENDED_COOKIE, 2, 3)));
}

#[test]
fn a_plain_library_with_one_request_at_a_time_is_never_signed_out() {
    holds("plain", Honest::new(Settings::KEYLESS, Manners { generations: 5, turns: 7, ..Manners::PLAIN }));
    let strays = Manners { strays: true, requests: 2, generations: 5, turns: 6, ..Manners::PLAIN };
    holds("plain, its lost requests come within W", Honest::new(Settings::KEYLESS, strays));
    let suspended = Manners { suspension: true, work: Work::ClockFirst, strays: true, requests: 2, ..Manners::PLAIN };
    holds("plain, suspended at any moment", Honest::new(Settings::KEYLESS, suspended));
}

#[test]
fn sixteen_lost_replies_in_a_row_do_not_sign_a_plain_library_out() {
    let unlucky = Manners { generations: 1, turns: 40, work: Work::Whole, ..Manners::PLAIN };
    holds("plain, 40 replies lost", Honest::new(Settings::KEYLESS, unlucky));
}

#[test]
fn up_to_three_tabs_of_a_plain_library_may_refresh_at_once_within_w() {
    for tabs in 1..=3 {
        holds(&format!("{tabs} plain tabs"), Tabs::new(Settings::KEYLESS, tabs, if is_long() { 7 } else { 5 }));
    }
}

#[test]
fn a_plain_library_may_be_updated_to_one_that_sends_keys() {
    let updated = Manners { keys: Keys::Updated, generations: 4, turns: 6, ..Manners::PLAIN };
    holds("plain, updated", Honest::new(Settings::KEYLESS, updated));
}

#[test]
fn a_full_history_forgets_nothing_that_comes_within_w() {
    holds("18 turns within W", Honest::new(Settings::KEYED, BURST));
    if is_long() {
        holds("18 turns within W of 2", Honest::new(WIDE, BURST));
    }
}

#[test]
fn a_store_that_went_back_loses_no_client_with_one_request_at_a_time() {
    let body = Manners { requests: 1, generations: 5, turns: 5, work: Work::ClockFirst, ..Manners::BODY };
    holds("body, store goes back", Restored::new(Settings::KEYED, body));
    let cookie = Manners { strays: false, lock: true, compare: false, ..body };
    holds("cookie, store goes back", Restored::new(Settings::KEYED, cookie));
}

#[test]
fn a_thief_with_a_stolen_token_and_the_client_cannot_both_use_it() {
    let looks = if is_long() { 2 } else { 1 };
    for tools in [Tools::Text, Tools::OwnKey] {
        for (transport, manners, looks) in [("body", Manners::BODY, 2), ("cookie", Manners::COOKIE, looks)] {
            let name = format!("{looks} thefts of token text from {transport}, used with {tools:?}");
            let robbed = holds(&name, Robbed::new(Settings::KEYED, manners, theft(tools, looks)));
            assert_eq!(robbed.shared, 0, "{name}: both were served on one token");
            assert_eq!(robbed.together, 1, "{name}: after the thief's first turn the client has one at most");
        }
    }
}

#[test]
fn a_thief_with_the_key_as_well_is_found_out_one_turn_later() {
    let body = if is_long() { Manners::BODY } else { Manners { requests: 1, ..Manners::BODY } };
    let robbed = holds("theft with the key, body", Robbed::new(Settings::KEYED, body, theft(Tools::Everything, 1)));
    assert_eq!((robbed.shared, robbed.together), (1, 2), "the replay is shared, its successor is not");
    let cookie = Manners { requests: 1, scripts_die: false, ..Manners::COOKIE };
    let robbed =
        holds("theft with the key, cookie", Robbed::new(Settings::KEYED, cookie, theft(Tools::Everything, 1)));
    assert_eq!((robbed.shared, robbed.together), (1, 2), "the replay is shared, its successor is not");
    if is_long() {
        let robbed = holds("two thefts, body", Robbed::new(Settings::KEYED, body, theft(Tools::Everything, 2)));
        assert_eq!((robbed.shared, robbed.together), (2, 3));
    }
}

#[test]
fn a_session_that_ever_carried_a_key_gives_no_leniency_for_leaving_it_out() {
    let mixed = Manners { keys: Keys::Mixed, ..Manners::PLAIN };
    for tools in [Tools::Text, Tools::OwnKey] {
        holds(&format!("mixed, {tools:?}"), Robbed::new(Settings::KEYLESS, mixed, theft(tools, 1)));
    }
    let generations = if is_long() { 3 } else { 2 };
    let small = Manners { generations, turns: generations + 1, ..mixed };
    holds("mixed, everything", Robbed::new(Settings::KEYLESS, small, theft(Tools::Everything, 1)));
}

#[test]
fn a_theft_from_a_plain_library_is_found_out_unless_the_thief_comes_within_w() {
    let no_leeway = Settings { leeway: -1, ..Settings::KEYLESS };
    for (tools, looks, shared) in [(Tools::Text, 1, 1), (Tools::Text, 2, 2), (Tools::OwnKey, 2, 0)] {
        let name = format!("{looks} thefts from a plain library, used late with {tools:?}");
        let robbed = holds(&name, Robbed::new(no_leeway, Manners::PLAIN, theft(tools, looks)));
        assert_eq!(robbed.shared, shared, "{name}: no token serves both more often than it was stolen");
    }
}

#[test]
fn an_end_between_any_two_steps_of_a_refresh_wins() {
    for (settings, keys) in [
        (Settings::KEYED, [1, 1]),
        (Settings::KEYED, [1, 2]),
        (Settings::KEYLESS, [0, 0]),
        (Settings::KEYLESS, [0, 1]),
    ] {
        holds(&format!("ends, keys {keys:?}"), Epochs::new(settings, Order::HeadFirst, keys));
    }
}

#[test]
fn limit_a_cookie_that_arrives_after_its_lock_was_released_signs_out() {
    // So the SDK must never refresh by a request that outlives its page (`keepalive`, a form, a navigation).
    let late = Manners { late_cookie: true, ..Manners::COOKIE };
    breaks("late cookie", Honest::new(Settings::KEYED, late), "RT2", 12);
}

#[test]
fn limit_a_request_that_sixteen_turns_and_w_overtook_signs_out() {
    let late = Manners { delay: Delay::Any, ..BURST };
    breaks("overtaken by 16 turns after W", Honest::new(Settings::KEYED, late), "RT2", 54);
}

#[test]
fn limit_a_request_that_was_given_up_before_the_store_went_back_signs_out() {
    breaks("body, store goes back", Restored::new(Settings::KEYED, Manners::BODY), "RT2", 11);
}

#[test]
fn limit_a_plain_librarys_lost_request_that_comes_after_w_signs_out() {
    let strays = Manners { strays: true, requests: 2, delay: Delay::Any, ..Manners::PLAIN };
    breaks("plain, a lost request comes late", Honest::new(PLAIN_UNEXAMINED, strays), "RT2", 10);
}

#[test]
fn limit_a_server_that_reads_its_clock_after_the_row_may_sign_a_plain_library_out() {
    // An end has no precondition: judged late by a row from before another retry, it is carried out all the same.
    let load_first = Manners { work: Work::LoadFirst, strays: true, requests: 2, ..Manners::PLAIN };
    breaks("plain, clock last", Honest::new(Settings::KEYLESS, load_first), "RT2", 17);
}

#[test]
fn limit_a_plain_library_that_lost_a_reply_may_not_stay_away_longer_than_it_may_displace() {
    let away = Manners { in_time: false, rest: 4, ..Manners::PLAIN };
    breaks("plain, away too long", Honest::new(Settings::KEYLESS, away), "RT2", 3);
}

#[test]
fn limit_four_tabs_of_a_plain_library_at_once_may_be_signed_out() {
    breaks("4 plain tabs", Tabs::new(Settings::KEYLESS, 4, 4), "RT2", 15);
}

#[test]
fn limit_an_update_to_keys_while_a_reply_is_lost_signs_out() {
    let midway = Manners { keys: Keys::UpdatedMidway, ..Manners::PLAIN };
    breaks("updated between a try and its reply", Honest::new(Settings::KEYLESS, midway), "RT2", 5);
}

#[test]
fn limit_a_client_that_goes_back_to_leaving_out_keys_signs_itself_out() {
    let mixed = Manners { keys: Keys::Mixed, ..Manners::PLAIN };
    breaks("keys now and then", Honest::new(Settings::KEYLESS, mixed), "RT2", 7);
}

#[test]
fn limit_a_thief_with_the_key_goes_on_while_scripts_die_with_their_key_pending() {
    let dying = Manners { requests: 1, ..Manners::COOKIE };
    let robbed =
        holds("theft with the key, scripts die", Robbed::new(Settings::KEYED, dying, theft(Tools::Everything, 1)));
    assert_eq!(robbed.shared, 3, "once for each script that died, and once more");
}

#[test]
fn limit_a_thief_who_comes_within_w_of_a_plain_library_each_time_goes_unnoticed() {
    let robbed = holds("theft within W", Robbed::new(Settings::KEYLESS, Manners::PLAIN, theft(Tools::Text, 1)));
    assert_eq!(robbed.shared, 3, "every generation of this world");
}

#[test]
fn broken_rules_are_found_out_by_honest_clients() {
    let rule = |rule| Settings { rule, ..UNEXAMINED };
    let (body, cookie) = (Manners::BODY, Manners::COOKIE);
    breaks("superseded ends, body", Honest::new(rule(broken::superseded_ends), body), "RT2", 11);
    breaks("superseded ends, cookie", Honest::new(rule(broken::superseded_ends), cookie), "RT2", 12);
    breaks("no late replay", Honest::new(rule(broken::late_replay_superseded), body), "RT2", 3);
    breaks("no history", Honest::new(rule(broken::history_is_dropped), body), "RT2", 3);
    breaks("never busy", Honest::new(rule(broken::never_busy), BURST), "RT2", 52);
    let plain = Settings { rule: broken::never_displaces, ..PLAIN_UNEXAMINED };
    breaks("no displacing", Honest::new(plain, Manners::PLAIN), "RT2", 3);
    let no_w = Settings { leeway: -1, ..PLAIN_UNEXAMINED };
    breaks("no W", Tabs::new(no_w, 2, 4), "RT2", 8);
}

#[test]
fn broken_rules_are_found_out_by_looking_at_rows() {
    let rule = |rule| Settings { rule, ..Settings::KEYED };
    breaks("reuse turns", Honest::new(rule(broken::reuse_turns), Manners::BODY), "RT1", 3);
    breaks("replay lost in a roll", Honest::new(rule(broken::replay_lost_in_a_roll), Manners::BODY), "RT4", 3);
    breaks("superseded ends", Honest::new(rule(broken::superseded_ends), Manners::BODY), "RT4", 9);
    breaks("the end is ignored", Honest::new(rule(broken::end_is_ignored), SUSPENDED_BODY), "RT5", 1);
}

#[test]
fn broken_rules_are_found_out_by_thieves() {
    let rule = |rule| Settings { rule, ..UNEXAMINED };
    let lenient = Robbed::new(rule(broken::lenient_without_key), Manners::BODY, theft(Tools::Text, 1));
    breaks("a missing key is forgiven", lenient, "RT3", 6);
    let repeats = Robbed::new(rule(broken::reuse_repeats), Manners::BODY, theft(Tools::OwnKey, 1));
    breaks("another key is forgiven", repeats, "RT3", 6);
    let forgotten = Settings { rule: broken::keyed_is_forgotten, ..PLAIN_UNEXAMINED };
    let mixed = Manners { keys: Keys::Mixed, ..Manners::PLAIN };
    let forgotten = Robbed::new(forgotten, mixed, theft(Tools::Text, 1));
    breaks("a session forgets that it carried keys", forgotten, "RT3", 10);
}

#[test]
fn broken_stores_are_found_out() {
    let no_from = Settings { honour_from: false, ..UNEXAMINED };
    breaks("no `from`, honest", Honest::new(no_from, Manners::BODY), "RT2", 16);
    breaks("no `from`, thief", Robbed::new(no_from, Manners::BODY, theft(Tools::OwnKey, 1)), "RT3", 7);
    let no_epoch = Settings { honour_epoch: false, ..UNEXAMINED };
    breaks("no `from_epoch`", Honest::new(no_epoch, SUSPENDED_BODY), "RT5", 5);
    let unsaid = Settings { rule: broken::turn_without_epoch, ..UNEXAMINED };
    breaks("no `from_epoch` in the turn", Honest::new(unsaid, SUSPENDED_BODY), "RT5", 5);
    breaks("the head is read last", Epochs::new(UNEXAMINED, Order::HeadLast, [1, 1]), "RT8", 12);
    let conflict = Settings { honour_epoch: false, ..UNEXAMINED };
    breaks("no `from_epoch`, step by step", Epochs::new(conflict, Order::HeadFirst, [1, 2]), "RT5", 7);
}

#[test]
fn broken_clients_are_found_out() {
    let (body, cookie) = (Manners::BODY, Manners::COOKIE);
    let forgetful = |manners| Honest::new(UNEXAMINED, Manners { keys: Keys::Forgotten, ..manners });
    breaks("a key drawn anew for each try, body", forgetful(body), "RT2", 3);
    breaks("a key drawn anew for each try, cookie", forgetful(cookie), "RT2", 3);
    let unlocked = Manners { lock: false, scripts_die: false, ..cookie };
    breaks("tabs without a lock", Honest::new(UNEXAMINED, unlocked), "RT2", 11);
}
