//! The refresh rule, rule by rule, and as one table of every combination.

mod sample;

use doorward_core::client::{AttemptKey, Client, Strategy, Transport};
use doorward_core::policy::{IDLE_ALLOWANCE, RefreshPolicy};
use doorward_core::refresh::{Attempt, Circumstances, Credential, Decision, NewSecret, Refusal, Turn, decide};
use doorward_core::secret::SecretHash;
use doorward_core::session::{EndReason, Ended, Epochs, Generation, Previous, Retired, Ring, Session};
use doorward_core::{Lifetime, Position, Timestamp};
use sample::{NOW, attempt, authentic, client, session};

const SAME: u8 = 1;
const OTHER: u8 = 2;
const MILLI: Lifetime = Lifetime::from_millis(1);

fn leeway() -> Lifetime {
    RefreshPolicy::default().leeway
}

fn displace() -> Lifetime {
    RefreshPolicy::default().displace
}

fn around(client: &Client, now: Timestamp) -> Circumstances<'_> {
    let policy = RefreshPolicy::default();
    Circumstances { client, epochs: Epochs::default(), refresh_key: sample::REFRESH_KEY, policy, now }
}

/// What the rule says to the token of `shown` under `key` at `now`.
fn ask(session: &Session, client: &Client, shown: u32, key: Option<u8>, now: Timestamp) -> Decision {
    let token = Credential::Token(authentic(session, shown));
    decide(session, token, key.map(attempt), around(client, now))
}

#[track_caller]
fn turn_of(decision: Decision) -> Turn {
    match decision {
        Decision::Rotate(turn) => *turn,
        other => panic!("no turn: {other:?}"),
    }
}

/// The session after its current token was turned under `key` at `now`.
fn turned(session: &Session, client: &Client, key: Option<u8>, now: Timestamp) -> Session {
    turn_of(ask(session, client, session.generation.0, key, now)).applied_to(session, None)
}

/// A session that turned `turns` times, a minute apart, the last time just now.
fn turned_often(client: &Client, turns: u32, key: Option<u8>) -> Session {
    (0..turns).fold(session(), |session, turn| {
        turned(&session, client, key, NOW - Lifetime::from_mins(i64::from(turns - turn - 1)))
    })
}

#[test]
fn rule_2_the_current_token_turns() {
    let client = client(AttemptKey::Required);
    let turn = turn_of(ask(&session(), &client, 0, Some(SAME), NOW));
    assert_eq!((turn.from, turn.generation), (Generation(0), Generation(1)));
    assert_eq!(turn.from_epoch, Epochs::default().terminal);
    assert_eq!((turn.session, turn.at, turn.regressed), (session().id, NOW, false));
    assert!(turn.keyed);
    let [retired] = turn.ring.rows() else { panic!("one retired generation") };
    assert_eq!((retired.generation, retired.at, retired.displaced), (Generation(0), NOW, false));
    assert!(retired.attempt.is_some());
}

#[test]
fn rule_2_a_turn_is_bound_to_the_epoch_it_was_decided_under() {
    let client = client(AttemptKey::Required);
    let session = Session { born: Position { generation: 1, seq: 7 }, ..session() };
    let terminal = Position { generation: 1, seq: 6 };
    let around = Circumstances { epochs: Epochs { terminal, ..Epochs::default() }, ..around(&client, NOW) };
    let token = Credential::Token(authentic(&session, 0));
    assert_eq!(turn_of(decide(&session, token, None, around)).from_epoch, terminal);
}

#[test]
fn rule_2_a_token_ahead_of_the_row_turns_from_its_own_generation_and_says_that_the_store_went_back() {
    let client = client(AttemptKey::Required);
    let old = turned_often(&client, 2, Some(SAME));
    let turn = turn_of(ask(&old, &client, 5, Some(OTHER), NOW));
    assert_eq!((turn.from, turn.generation, turn.regressed), (Generation(2), Generation(6), true));
    let session = turn.applied_to(&old, None);
    assert_eq!(ask(&session, &client, 5, Some(OTHER), NOW), Decision::Repeat, "its lost reply");
    assert_eq!(ask(&session, &client, 5, Some(SAME), NOW), Decision::End, "the same token in another hand");
    for lost in [3, 4] {
        assert_eq!(ask(&session, &client, lost, Some(SAME), NOW), Decision::End, "who turned it is lost");
    }
}

#[test]
fn rule_3_the_same_attempt_has_the_unused_successor_as_long_as_the_session_lives() {
    let client = client(AttemptKey::Required);
    let session = turned(&session(), &client, Some(SAME), NOW);
    for wait in [Lifetime::ZERO, leeway(), leeway() + MILLI, Lifetime::from_hours(66), Lifetime::from_days(14)] {
        assert_eq!(ask(&session, &client, 0, Some(SAME), NOW + wait), Decision::Repeat, "{wait:?}");
    }
}

#[test]
fn rule_3_the_same_attempt_of_an_older_token_has_the_current_one_within_w_and_is_superseded_later() {
    let client = client(AttemptKey::Required);
    let once = turned(&session(), &client, Some(SAME), NOW);
    let twice = turned(&once, &client, Some(OTHER), NOW);
    assert_eq!(ask(&twice, &client, 0, Some(SAME), NOW + leeway()), Decision::Repeat);
    let late = ask(&twice, &client, 0, Some(SAME), NOW + leeway() + MILLI);
    assert_eq!(late, Decision::Refuse(Refusal::Superseded));
}

#[test]
fn rule_4_another_key_and_a_missing_one_end_a_keyed_session_at_once() {
    for attempt_key in [AttemptKey::Required, AttemptKey::Optional] {
        let client = client(attempt_key);
        let session = turned(&session(), &client, Some(SAME), NOW);
        assert_eq!(ask(&session, &client, 0, Some(OTHER), NOW), Decision::End);
        assert_eq!(ask(&session, &client, 0, None, NOW), Decision::End);
    }
}

#[test]
fn rule_4_keyed_is_never_cleared_and_a_missing_key_then_never_forgiven() {
    let client = client(AttemptKey::Optional);
    let keyed = turned(&session(), &client, Some(SAME), NOW);
    let keyless = turned(&keyed, &client, None, NOW);
    assert!(keyless.keyed);
    assert_eq!(ask(&keyless, &client, 1, None, NOW), Decision::End, "it was retired without a key");
    assert_eq!(ask(&keyless, &client, 0, Some(SAME), NOW), Decision::Repeat, "this one with its own");
}

#[test]
fn rule_4_a_generation_that_the_history_forgot_ends_the_session() {
    let client = client(AttemptKey::Required);
    let session = turned_often(&client, 17, Some(SAME));
    assert_eq!(ask(&session, &client, 0, Some(SAME), NOW), Decision::End);
    assert_eq!(ask(&session, &client, 1, Some(SAME), NOW), Decision::Refuse(Refusal::Superseded));
}

#[test]
fn rule_4_a_turn_that_would_forget_what_may_still_come_within_w_has_to_wait() {
    let client = client(AttemptKey::Required);
    let full = (0..16).fold(session(), |session, _| turned(&session, &client, Some(SAME), NOW));
    for wait in [Lifetime::ZERO, leeway() + Lifetime::from_millis(-1), leeway()] {
        let busy = ask(&full, &client, 16, Some(OTHER), NOW + wait);
        assert_eq!(busy, Decision::Refuse(Refusal::Busy), "{wait:?}: the oldest may still be asked for");
        assert_eq!(ask(&full, &client, 0, Some(SAME), NOW + wait), Decision::Repeat, "{wait:?}");
    }
    let turn = turn_of(ask(&full, &client, 16, Some(OTHER), NOW + leeway() + MILLI));
    assert_eq!(turn.ring.rows().len(), Ring::SIZE);
    assert_eq!(turn.ring.rows()[0].generation, Generation(1));
}

#[test]
fn rule_5_a_keyless_client_has_the_current_token_within_w() {
    let client = client(AttemptKey::Optional);
    let once = turned(&session(), &client, None, NOW);
    let twice = turned(&once, &client, None, NOW);
    assert!(!twice.keyed);
    assert_eq!(ask(&once, &client, 0, None, NOW + leeway()), Decision::Repeat);
    assert_eq!(ask(&twice, &client, 0, None, NOW + leeway()), Decision::Repeat);
    assert_eq!(ask(&twice, &client, 0, None, NOW + leeway() + MILLI), Decision::End, "its successor was used");
}

#[test]
fn rule_5_a_keyless_client_that_lost_its_reply_displaces_the_unused_successor_for_a_day() {
    let client = client(AttemptKey::Optional);
    let once = turned(&session(), &client, None, NOW);
    let late = NOW + leeway() + MILLI;
    let turn = turn_of(ask(&once, &client, 0, None, late));
    assert_eq!((turn.from, turn.generation), (Generation(1), Generation(2)));
    let displaced = turn.applied_to(&once, None);
    assert!(!displaced.keyed);
    assert_eq!(ask(&displaced, &client, 1, None, late), Decision::End, "the displaced one counts as stolen");
    assert_eq!(ask(&displaced, &client, 0, None, late + leeway()), Decision::Repeat, "the retry's own retry");
    turn_of(ask(&displaced, &client, 0, None, late + displace()));
    turn_of(ask(&once, &client, 0, None, NOW + displace()));
    assert_eq!(ask(&once, &client, 0, None, NOW + displace() + MILLI), Decision::End);
}

#[test]
fn rule_5_the_successor_of_a_displaced_token_turns_and_its_parent_is_the_one_that_displaced() {
    let client = client(AttemptKey::Optional);
    let once = turned(&session(), &client, None, NOW);
    let late = NOW + leeway() + MILLI;
    let displaced = turn_of(ask(&once, &client, 0, None, late)).applied_to(&once, None);
    let used = turned(&displaced, &client, None, late);
    assert_eq!(used.generation, Generation(3));
    assert_eq!(ask(&used, &client, 1, None, late), Decision::End);
    assert_eq!(ask(&used, &client, 0, None, late + leeway() + MILLI), Decision::End, "the successor was used");
    turn_of(ask(&used, &client, 2, None, late + leeway() + MILLI));
}

#[test]
fn rule_5_however_many_replies_are_lost_the_token_the_client_holds_is_not_forgotten() {
    let client = client(AttemptKey::Optional);
    let mut lost = turned(&session(), &client, None, NOW);
    let mut now = NOW;
    for _ in 0..40 {
        now = now + leeway() + MILLI;
        lost = turn_of(ask(&lost, &client, 0, None, now)).applied_to(&lost, None);
        assert_eq!(ask(&lost, &client, 0, None, now), Decision::Repeat);
    }
    assert_eq!(lost.ring.rows().len(), Ring::SIZE);
}

#[test]
fn rule_5_is_for_clients_that_need_not_send_keys_only() {
    let client = client(AttemptKey::Required);
    let session = turned(&session(), &client, None, NOW);
    assert!(!session.keyed);
    assert_eq!(ask(&session, &client, 0, None, NOW), Decision::End);
}

#[test]
fn rule_6_the_absolute_lifetime_is_never_extended_and_the_idle_one_is() {
    let client = client(AttemptKey::Required);
    let late = NOW + Lifetime::from_days(10);
    let after = turned(&session(), &client, Some(SAME), late);
    assert_eq!(after.expires_at, session().expires_at);
    assert_eq!(after.last_seen_at, late);
    assert_eq!(after.created_at, NOW);
    let behind = turned(&session(), &client, Some(SAME), NOW - Lifetime::from_secs(1));
    assert_eq!(behind.last_seen_at, NOW, "a server whose clock is behind takes no use back");
    let expiry = session().expires_at;
    let used = Session { last_seen_at: expiry, ..session() };
    assert_eq!(ask(&used, &client, 0, Some(SAME), expiry), Decision::Refuse(Refusal::Expired));
    turn_of(ask(&used, &client, 0, Some(SAME), expiry - MILLI));
}

#[test]
fn after_the_end_every_credential_is_refused() {
    let client = client(AttemptKey::Optional);
    let alive = turned_often(&client, 2, Some(SAME));
    let ended = Session { ended: Some(Ended { at: NOW, why: EndReason::SignedOut }), ..alive.clone() };
    let terminal = Position { generation: 1, seq: 2 };
    let suspended = Circumstances { epochs: Epochs { terminal, ..Epochs::default() }, ..around(&client, NOW) };
    for shown in 0..4 {
        for key in [None, Some(SAME), Some(OTHER)] {
            assert_eq!(ask(&ended, &client, shown, key, NOW), Decision::Refuse(Refusal::Ended));
            let token = Credential::Token(authentic(&alive, shown));
            let refused = decide(&alive, token, key.map(attempt), suspended);
            assert_eq!(refused, Decision::Refuse(Refusal::Ended));
        }
    }
    let access = Credential::Access { issued_at: NOW };
    assert_eq!(decide(&ended, access, None, around(&client, NOW)), Decision::Refuse(Refusal::Ended));
}

#[test]
fn a_refresh_epoch_does_not_stop_a_refresh() {
    let client = client(AttemptKey::Required);
    let refresh = Position { generation: 9, seq: 9 };
    let around = Circumstances { epochs: Epochs { refresh, ..Epochs::default() }, ..around(&client, NOW) };
    turn_of(decide(&session(), Credential::Token(authentic(&session(), 0)), None, around));
}

#[test]
fn a_turn_writes_down_the_new_session_secret_and_nothing_else_that_it_was_not_given() {
    let client = client(AttemptKey::Required);
    let session = Session { secret: Some(SecretHash([1; 32])), ..session() };
    let turn = turn_of(ask(&session, &client, 0, Some(SAME), NOW));
    let previous = Previous { hash: SecretHash([1; 32]), until: NOW + Lifetime::from_secs(60) };
    let secret = NewSecret { hash: SecretHash([2; 32]), previous: Some(previous) };
    let with = turn.applied_to(&session, Some(&secret));
    assert_eq!((with.secret, with.previous), (Some(secret.hash), secret.previous));
    let without = turn.applied_to(&session, None);
    assert_eq!((without.secret, without.previous), (session.secret, None));
    let expected = Session {
        generation: Generation(1),
        keyed: true,
        ring: without.ring.clone(),
        last_seen_at: NOW,
        ..session.clone()
    };
    assert_eq!(without, expected);
}

#[test]
fn only_a_turn_that_hands_out_no_session_secret_and_finds_no_store_behind_it_stands_alone() {
    let hybrid = client(AttemptKey::Required);
    let stands_alone =
        |client: &Client, shown: u32| turn_of(ask(&session(), client, shown, Some(SAME), NOW)).stands_alone();
    let switched = |strategy: Strategy| Client { strategy, ..hybrid.clone() };
    assert!(stands_alone(&hybrid, 0) && stands_alone(&switched(Strategy::Jwt), 0));
    assert!(!stands_alone(&switched(Strategy::Session), 0), "it also replaces the secret before");
    assert!(!stands_alone(&hybrid, 1), "the store went back, and has to be looked at");
    assert!(!stands_alone(&switched(Strategy::Session), 1));
}

/// A body session of strategy `jwt`, opened before its client was switched to `hybrid` at [`NOW`].
fn switched(transport: Transport) -> (Session, Client) {
    let session = Session {
        strategy: Strategy::Jwt,
        exchange: Some(Generation(0)),
        transport,
        idle: Lifetime::from_mins(15),
        created_at: NOW - Lifetime::from_mins(1),
        last_seen_at: NOW - Lifetime::from_mins(1),
        ..session()
    };
    (session, Client { strategy_since: NOW, ..client(AttemptKey::Required) })
}

fn exchange(session: &Session, client: &Client, issued_at: Timestamp, key: u8, now: Timestamp) -> Decision {
    decide(session, Credential::Access { issued_at }, Some(attempt(key)), around(client, now))
}

#[test]
fn an_access_token_from_before_the_switch_is_exchanged_once() {
    let (session, client) = switched(Transport::Body);
    let before = NOW - Lifetime::from_secs(30);
    let turn = turn_of(exchange(&session, &client, before, SAME, NOW));
    assert_eq!((turn.from, turn.generation, turn.strategy), (Generation(0), Generation(1), Strategy::Hybrid));
    assert_eq!(turn.idle, client.lifetimes.idle, "no longer the short one of an access token alone");
    let turned = turn.applied_to(&session, None);
    assert_eq!((turned.strategy, turned.idle), (turn.strategy, turn.idle));
    assert_eq!(exchange(&turned, &client, before, SAME, NOW), Decision::Repeat, "its lost reply");
    assert_eq!(exchange(&turned, &client, before, OTHER, NOW), Decision::End, "a second exchange is reuse");
    assert_eq!(ask(&turned, &client, 0, Some(OTHER), NOW), Decision::End, "so is the token it stood for");
    let again = self::turned(&turned, &client, Some(OTHER), NOW);
    let late = NOW + leeway() + MILLI;
    assert_eq!(exchange(&again, &client, before, SAME, late), Decision::Refuse(Refusal::Superseded));
    assert_eq!(exchange(&again, &client, before, OTHER, late), Decision::End);
}

#[test]
fn an_access_token_is_exchanged_only_out_of_strategy_jwt_and_from_before_the_switch() {
    let (session, client) = switched(Transport::Body);
    let invalid = Decision::Refuse(Refusal::Invalid);
    let after = NOW + Lifetime::from_secs(1);
    assert_eq!(exchange(&session, &client, after, SAME, after), invalid, "minted after the switch");
    turn_of(exchange(&session, &client, NOW, SAME, NOW));
    let still = Client { strategy: Strategy::Jwt, ..client.clone() };
    assert_eq!(exchange(&session, &still, NOW, SAME, NOW), invalid, "the client is still `jwt`");
    let hybrid = Session { exchange: None, ..session };
    assert_eq!(exchange(&hybrid, &client, NOW, SAME, NOW), invalid, "it has a refresh token");
}

#[test]
fn a_turn_into_jwt_hands_its_generation_to_nobody_and_its_access_token_stands_for_it() {
    let (_, switched_back) = switched(Transport::Body);
    let jwt = Client { strategy: Strategy::Jwt, ..client(AttemptKey::Required) };
    let turn = turn_of(ask(&session(), &jwt, 0, Some(SAME), NOW));
    assert_eq!((turn.strategy, turn.exchange), (Strategy::Jwt, Some(Generation(1))));
    assert_eq!(turn.idle, jwt.lifetimes.access, "an access token alone cannot come back once it has expired");
    let alone = turn.applied_to(&session(), None);
    assert_eq!(turn_of(exchange(&alone, &switched_back, NOW, OTHER, NOW)).generation, Generation(2));
    let cookie = Session { transport: Transport::Cookie, ..session() };
    let turn = turn_of(ask(&cookie, &jwt, 0, Some(SAME), NOW));
    assert_eq!((turn.exchange, turn.idle), (None, jwt.lifetimes.idle), "a jar is handed the successor");
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    current: u32,
    shown: u32,
    /// Since the shown token was retired.
    age: Lifetime,
    kept: Option<u8>,
    key: Option<u8>,
    keyed: bool,
    displaced: bool,
    attempt_key: AttemptKey,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Alive,
    Ended,
    Suspended,
    Idle,
    Expired,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Over(Refusal),
    Turn { to: u32, regressed: bool },
    Displace { to: u32 },
    Current,
    Superseded,
    Reuse,
}

/// Design section 4, read aloud.
fn expected(case: Case) -> Verdict {
    match case.state {
        State::Ended | State::Suspended => return Verdict::Over(Refusal::Ended),
        State::Idle | State::Expired => return Verdict::Over(Refusal::Expired),
        State::Alive => {}
    }
    if case.shown >= case.current {
        return Verdict::Turn { to: case.shown + 1, regressed: case.shown > case.current };
    }
    if case.displaced {
        return Verdict::Reuse;
    }
    let parent = case.shown + 1 == case.current;
    let within_w = case.age.millis() <= 10_000;
    let within_a_day = case.age.millis() <= 24 * 60 * 60 * 1000;
    match (case.kept, case.key) {
        (Some(kept), Some(key)) if kept == key && (parent || within_w) => Verdict::Current,
        (Some(kept), Some(key)) if kept == key => Verdict::Superseded,
        (None, None) if !case.keyed && case.attempt_key == AttemptKey::Optional => match (within_w, parent) {
            (true, _) => Verdict::Current,
            (false, true) if within_a_day => Verdict::Displace { to: case.current + 1 },
            (false, _) => Verdict::Reuse,
        },
        _ => Verdict::Reuse,
    }
}

fn actual(case: Case) -> Verdict {
    let client = client(case.attempt_key);
    let retired = |generation: u32| Retired {
        generation: Generation(generation),
        attempt: if generation == case.shown { case.kept.map(hash_of) } else { case.keyed.then(|| hash_of(9)) },
        // Those before were retired earlier, those after within the same millisecond.
        at: NOW - case.age - Lifetime::from_secs(i64::from(case.shown.saturating_sub(generation))),
        displaced: case.displaced && generation == case.shown,
    };
    let mut row = Session {
        generation: Generation(case.current),
        keyed: case.keyed,
        ring: Ring::from_rows((0..case.current).map(retired).collect()),
        ..session()
    };
    let mut around = around(&client, NOW);
    match case.state {
        State::Alive => {}
        State::Ended => row.ended = Some(Ended { at: NOW, why: EndReason::SignedOut }),
        State::Suspended => around.epochs.terminal = Position { generation: 1, seq: 2 },
        State::Idle => row.last_seen_at = NOW - row.idle - IDLE_ALLOWANCE,
        State::Expired => row.expires_at = NOW,
    }
    let token = Credential::Token(authentic(&row, case.shown));
    match decide(&row, token, case.key.map(attempt), around) {
        Decision::Refuse(Refusal::Superseded) => Verdict::Superseded,
        Decision::Refuse(why) => Verdict::Over(why),
        Decision::Repeat => Verdict::Current,
        Decision::End => Verdict::Reuse,
        Decision::Rotate(turn) => verdict_of(&turn, &row, case),
    }
}

fn verdict_of(turn: &Turn, row: &Session, case: Case) -> Verdict {
    assert_eq!((turn.session, turn.from, turn.at), (row.id, row.generation, NOW), "{case:?}");
    assert_eq!(turn.keyed, row.keyed || case.key.is_some(), "{case:?}");
    let to = turn.generation.0;
    if case.shown < case.current {
        let unused = turn.ring.find(row.generation).expect("the displaced successor");
        assert!(unused.displaced && turn.ring.find(Generation(case.shown)).is_some_and(|parent| parent.at == NOW));
        return Verdict::Displace { to };
    }
    let newest = turn.ring.rows().last().expect("the retired generation");
    assert_eq!((newest.generation.0, newest.at, newest.displaced), (case.shown, NOW, false), "{case:?}");
    assert_eq!(newest.attempt, case.key.map(hash_of), "{case:?}");
    Verdict::Turn { to, regressed: turn.regressed }
}

/// What is kept of an attempt key: as a turn under it writes it down.
fn hash_of(key: u8) -> doorward_core::session::AttemptHash {
    let client = client(AttemptKey::Required);
    let turn = turn_of(ask(&session(), &client, 0, Some(key), NOW));
    turn.ring.rows()[0].attempt.expect("the key it was turned with")
}

#[test]
fn the_rule_is_this_table() {
    // Another server's clock may be a second ahead.
    let ahead = Lifetime::from_secs(-1);
    let ages = [ahead, Lifetime::ZERO, leeway(), leeway() + MILLI, displace(), displace() + MILLI];
    let mut cases = 0;
    for (current, shown) in (0..4).flat_map(|current| (0..5).map(move |shown| (current, shown))) {
        for (age, kept, key) in product(&ages, &[None, Some(SAME)], &[None, Some(SAME), Some(OTHER)]) {
            for (keyed, displaced, attempt_key) in
                product(&[false, true], &[false, true], &[AttemptKey::Required, AttemptKey::Optional])
            {
                for state in [State::Alive, State::Ended, State::Suspended, State::Idle, State::Expired] {
                    let case = Case { current, shown, age, kept, key, keyed, displaced, attempt_key, state };
                    assert_eq!(actual(case), expected(case), "{case:?}");
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
}

fn product<A: Copy, B: Copy, C: Copy>(first: &[A], second: &[B], third: &[C]) -> Vec<(A, B, C)> {
    let mut all = Vec::new();
    for &a in first {
        for &b in second {
            all.extend(third.iter().map(|&c| (a, b, c)));
        }
    }
    all
}

#[test]
fn an_attempt_key_is_16_to_64_characters_of_its_alphabet() {
    for good in ["0123456789abcdef", "ABCDEFGHIJKLMNOP-_", &"x".repeat(64)] {
        assert!(Attempt::parse(good).is_some(), "{good}");
    }
    for bad in ["", "0123456789abcde", &"x".repeat(65), "0123456789abcde ", "0123456789abcde=", "0123456789abcdé"] {
        assert!(Attempt::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(Attempt::parse("0123456789abcdef"), Attempt::parse("0123456789abcdef"));
    assert_ne!(Attempt::parse("0123456789abcdef"), Attempt::parse("0123456789abcdeF"));
}
