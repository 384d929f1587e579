//! What a verifier does with what it hears, and how it judges by it, case by case.

use doorward_verify::feed::{Bump, Echo, Event, Hello, Instance, Need, Range, SetId, Snapshot, Statement, StreamId};
use doorward_verify::{
    Cut, Entry, Freshness, Judgement, Key, Lifetime, Marks, Moment, Policy, Position, Rejection, Replica, Scope,
    Strength, Timestamp, Todo,
};
use proptest::prelude::*;

const STREAM: StreamId = StreamId([1; 16]);
const LEASE: Lifetime = Lifetime::from_secs(3);
const GRACE: Lifetime = Lifetime::from_secs(10);

const NOTHING: Todo = Todo { ping: false, snapshot: false, reconnect: false, keys: false };
const KEYS: Todo = Todo { keys: true, ..NOTHING };
const PING: Todo = Todo { ping: true, ..NOTHING };
const SNAPSHOT: Todo = Todo { snapshot: true, ..NOTHING };
const RECONNECT: Todo = Todo { reconnect: true, ..NOTHING };

fn at(secs: i64) -> Moment {
    Moment { running: Lifetime::from_secs(secs), wall: Timestamp::from_secs(1_800_000_000 + secs) }
}

fn place(generation: u64, seq: u64) -> Position {
    Position { generation, seq }
}

fn hello(head: Position) -> Event {
    Event::Hello(Hello {
        version: 1,
        stream: STREAM,
        head,
        lease: LEASE,
        grace: GRACE,
        retention: Lifetime::from_mins(62),
        longest_token: Lifetime::from_mins(60),
        time: at(0).wall,
    })
}

fn session(number: u64) -> (Marks, Entry) {
    let key = Key(u128::from(number).to_be_bytes());
    let entry = Entry { scope: Scope::Session, key, strength: Strength::Terminal, min_rv: None, ttl: GRACE };
    (Marks { session: Some(key), at: Some(place(5, 0)), ..Marks::default() }, entry)
}

/// A range whose entries are sessions of the numbers of its places.
fn range(generation: u64, from: u64, to: u64) -> Event {
    let entries = (from + 1..=to).map(|number| session(number).1).collect();
    Event::Range(Range { generation, from, to, gc_through: Position::START, entries, mac: String::new() })
}

fn echo(n: u64, head: Position, now: Moment) -> Event {
    Event::Echo(Echo { n, stream: Some(STREAM), head, time: now.wall })
}

fn statement(to: Position) -> Statement {
    Statement {
        issuer: String::new(),
        issued_at: at(0).wall,
        expires_at: Timestamp::MAX,
        to,
        gc_through: Position::START,
        count: 0,
        sha256: [0; 32],
    }
}

fn fresh_one() -> Replica {
    let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
    assert_eq!(replica.receive(&hello(place(5, 10)), at(0)), SNAPSHOT.and(PING));
    assert_eq!(replica.finish(&statement(place(5, 10))), PING);
    let ping = replica.ping(at(0), Vec::new(), false);
    assert_eq!((ping.stream, ping.n, ping.applied), (Some(STREAM), 1, place(5, 10)));
    assert_eq!(replica.receive(&echo(1, place(5, 10), at(0)), at(0)), NOTHING);
    replica
}

fn judged(replica: &Replica, marks: &Marks, freshness: Freshness, cut: Cut, now: i64) -> Judgement {
    replica.judge(marks, Policy { freshness, cut }, None, at(now))
}

#[test]
fn each_route_gets_what_it_asked_for() {
    use {
        Cut::*,
        Freshness::*,
        Judgement::{Accept, Unknown, Wait},
    };
    let replica = fresh_one();
    let (good, _) = session(99);
    let more = Grace(Lifetime::from_secs(5));
    let too_much = Grace(Lifetime::from_secs(60));
    for (now, freshness, cut, expect) in [
        (2, Eventual, Deny, Accept),
        (900, Eventual, Deny, Accept),
        (2, Bounded, Deny, Accept),
        (3, Bounded, Deny, Unknown),
        (3, Bounded, Introspect, Judgement::Introspect),
        (7, Bounded, more, Accept),
        (8, Bounded, more, Unknown),
        (12, Bounded, too_much, Accept),
        (13, Bounded, too_much, Unknown),
        (2, Strict, Deny, Wait),
        (9, Strict, Introspect, Wait),
        (9, Strict, more, Wait),
    ] {
        assert_eq!(judged(&replica, &good, freshness, cut, now), expect, "{freshness:?} {cut:?} after {now} s");
    }
    let asked = |n, cut, now| replica.judge(&good, Policy { freshness: Strict, cut }, Some(n), at(now));
    assert_eq!(asked(1, Deny, 2), Accept);
    assert_eq!(asked(2, Deny, 2), Unknown, "the echo has not come");
    assert_eq!(asked(2, more, 2), Unknown, "grace is no proof");
    assert_eq!(asked(2, Introspect, 2), Judgement::Introspect);
    assert_eq!(asked(1, Deny, 3), Unknown, "nor is an old one");
}

#[test]
fn what_is_revoked_is_refused_however_old_the_index_is() {
    let mut replica = fresh_one();
    replica.receive(&range(5, 10, 11), at(0));
    let (dead, _) = session(11);
    for (freshness, now) in
        [(Freshness::Eventual, 0), (Freshness::Bounded, 0), (Freshness::Bounded, 99), (Freshness::Strict, 0)]
    {
        for cut in [Cut::Deny, Cut::Introspect, Cut::Grace(GRACE)] {
            let verdict = judged(&replica, &dead, freshness, cut, now);
            assert_eq!(verdict, Judgement::Reject(Rejection::TokenRevoked), "{freshness:?} {cut:?}");
        }
    }
}

#[test]
fn nothing_is_accepted_before_the_index_was_whole() {
    let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
    let (good, _) = session(99);
    let unknown = |replica: &Replica| {
        for freshness in [Freshness::Eventual, Freshness::Bounded] {
            for cut in [Cut::Deny, Cut::Grace(GRACE)] {
                assert_eq!(judged(replica, &good, freshness, cut, 0), Judgement::Unknown, "{freshness:?} {cut:?}");
            }
        }
    };
    unknown(&replica);
    replica.receive(&hello(place(5, 10)), at(0));
    let n = replica.ping(at(0), Vec::new(), false).n;
    assert_eq!(
        replica.receive(&echo(n, place(5, 10), at(0)), at(0)),
        SNAPSHOT,
        "an echo says nothing to an empty index"
    );
    unknown(&replica);
    replica.finish(&statement(place(5, 9)));
    unknown(&replica);
    replica.receive(&range(5, 9, 10), at(0));
    assert_eq!(judged(&replica, &good, Freshness::Bounded, Cut::Deny, 0), Judgement::Accept, "the echo counts now");
}

#[test]
fn a_gap_is_asked_for_and_closed_by_what_lies_in_it() {
    let mut replica = fresh_one();
    assert_eq!(replica.receive(&range(5, 12, 14), at(0)), PING);
    assert_eq!(replica.applied(), place(5, 10));
    assert!(replica.index().check(&session(14).0).is_err(), "its entries count at once");
    assert_eq!(replica.receive(&range(5, 14, 15), at(0)), PING);
    assert_eq!(replica.receive(&range(5, 10, 13), at(0)), NOTHING);
    assert_eq!(replica.applied(), place(5, 15), "and what came beyond the gap with it");
    assert_eq!(replica.receive(&range(5, 0, 3), at(0)), NOTHING);
    assert_eq!(replica.applied(), place(5, 15), "an old one moves nothing");
    let n = replica.ping(at(1), Vec::new(), false).n;
    assert_eq!(replica.receive(&echo(n, place(5, 16), at(1)), at(1)), PING, "the echo tells of something missing");
    assert_eq!(replica.lease().proven(), 1);
}

#[test]
fn a_new_generation_is_trusted_only_with_its_snapshot() {
    let bump = Event::Bump(Bump { head: place(6, 0), reason: "restart".to_owned() });
    let need = Event::Need(Need::Snapshot { head: place(6, 0) });
    for event in [hello(place(6, 0)), bump, need, range(6, 0, 1), echo(1, place(6, 0), at(0))] {
        let mut replica = fresh_one();
        replica.receive(&range(5, 10, 11), at(0));
        let todo = replica.receive(&event, at(0));
        assert!(todo.snapshot && !todo.reconnect, "{event:?}");
        assert_eq!((replica.generation(), replica.applied()), (6, place(5, 11)));
        assert!(!replica.lease().is_fresh(at(0)), "{event:?}");
        assert!(replica.index().check(&session(11).0).is_err(), "entries are kept");
        // Nothing of the new generation makes it whole, but the snapshot does.
        let n = replica.ping(at(1), Vec::new(), false).n;
        replica.receive(&range(6, 0, 2), at(1));
        replica.receive(&echo(n, place(6, 2), at(1)), at(1));
        assert!(!replica.lease().is_fresh(at(1)), "{event:?}");
        replica.finish(&statement(place(6, 1)));
        assert_eq!(replica.applied(), place(6, 2), "with the range that came before it");
        assert!(replica.lease().is_fresh(at(1)), "{event:?}");
    }
}

#[test]
fn an_older_generation_is_left_alone() {
    for event in [hello(place(4, 99)), range(4, 0, 99), echo(1, place(4, 0), at(0))] {
        let mut replica = fresh_one();
        assert_eq!(replica.receive(&event, at(0)), RECONNECT, "{event:?}");
        assert_eq!((replica.generation(), replica.applied()), (5, place(5, 10)));
        assert!(replica.lease().is_fresh(at(0)), "what was proven stays so");
    }
    let mut replica = fresh_one();
    assert_eq!(replica.finish(&statement(place(4, 99))), NOTHING);
    assert_eq!(replica.applied(), place(5, 10));
}

#[test]
fn a_token_from_ahead_tells_of_a_lag_and_one_of_a_newer_generation_of_a_cut() {
    let mut replica = fresh_one();
    let minted = |rv| Marks { at: Some(rv), ..session(99).0 };
    for (rv, todo) in [(place(5, 10), NOTHING), (place(4, 99), NOTHING), (place(5, 11), PING)] {
        assert_eq!(judged(&replica, &minted(rv), Freshness::Bounded, Cut::Deny, 0), Judgement::Accept);
        assert_eq!((replica.lags(Some(rv)), replica.notice(rv)), (todo == PING, todo));
    }
    for freshness in [Freshness::Eventual, Freshness::Bounded] {
        assert_eq!(judged(&replica, &minted(place(6, 0)), freshness, Cut::Deny, 0), Judgement::Unknown, "never 401");
    }
    assert_eq!(judged(&replica, &minted(place(6, 0)), Freshness::Bounded, Cut::Introspect, 0), Judgement::Introspect);
    assert_eq!(replica.notice(place(6, 0)), SNAPSHOT.and(PING));
    assert_eq!(judged(&replica, &minted(place(5, 1)), Freshness::Bounded, Cut::Deny, 0), Judgement::Unknown);
    assert_eq!(judged(&replica, &minted(place(5, 1)), Freshness::Bounded, Cut::Grace(GRACE), 0), Judgement::Accept);
}

#[test]
fn another_version_is_not_understood() {
    let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
    let Event::Hello(mut newer) = hello(place(5, 0)) else { unreachable!() };
    newer.version = 2;
    assert_eq!(replica.receive(&Event::Hello(newer), at(0)), RECONNECT);
    assert_eq!((replica.stream(), replica.generation()), (None, 0));
}

#[test]
fn a_server_can_shorten_a_lease_but_not_lengthen_it() {
    for (told, used) in [(1, 1), (3, 3), (60, 3)] {
        let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
        let Event::Hello(mut hello) = hello(place(5, 0)) else { unreachable!() };
        (hello.lease, hello.grace) = (Lifetime::from_secs(told), Lifetime::from_secs(told));
        replica.receive(&Event::Hello(hello), at(0));
        assert_eq!(replica.lease().length(), Lifetime::from_secs(used));
        assert_eq!(replica.grace(), Lifetime::from_secs(told.min(10)));
        let ping = replica.ping(at(0), Vec::new(), false);
        assert_eq!((ping.lease, ping.grace), (LEASE, GRACE), "what was declared stays declared");
    }
}

#[test]
fn a_ping_is_due_three_times_a_lease() {
    let mut replica = fresh_one();
    assert_eq!((replica.tick(at(0)), replica.tick(at(1))), (NOTHING, PING));
    replica.ping(at(1), Vec::new(), false);
    assert_eq!((replica.tick(at(1)), replica.tick(at(2))), (NOTHING, PING));
}

#[test]
fn now_is_never_before_what_the_server_has_shown() {
    let mut replica = fresh_one();
    let behind = |secs: i64| Moment { wall: at(secs - 3600).wall, ..at(secs) };
    assert_eq!(replica.time(at(5)), at(5).wall);
    assert_eq!(replica.time(behind(5)), at(5).wall, "our wall clock is an hour slow");
    let ahead = Moment { wall: at(3600).wall, ..at(5) };
    assert_eq!(replica.time(ahead), at(3600).wall);
    replica.receive(&echo(0, place(5, 10), at(-100)), at(6));
    assert_eq!(replica.time(behind(6)), at(6).wall, "an older time changes nothing");
    replica.receive(&echo(0, place(5, 10), at(90)), at(6));
    assert_eq!(replica.time(behind(7)), at(91).wall, "a later one does");
}

#[test]
fn a_watermark_ahead_of_its_own_range_is_not_believed() {
    let mut replica = fresh_one();
    let Event::Range(mut deaf) = range(5, 10, 11) else { unreachable!() };
    deaf.gc_through = place(u64::MAX >> 1, 0);
    replica.receive(&Event::Range(deaf), at(0));
    replica.receive(&range(5, 11, 12), at(0));
    assert!(replica.index().check(&session(12).0).is_err());
    assert!(replica.index().check(&session(11).0).is_err());
}

#[test]
fn what_a_snapshot_says_may_go_goes_unless_that_lies_ahead_of_it() {
    let learned = || {
        let mut replica = fresh_one();
        replica.receive(&range(5, 10, 11), at(0));
        replica
    };
    let (dead, _) = session(11);
    let mut replica = learned();
    assert!(!replica.sweep(), "nothing may go yet");
    assert_eq!(replica.finish(&Statement { gc_through: place(5, 11), ..statement(place(5, 12)) }), PING);
    assert!(replica.sweep());
    while replica.sweep() {}
    assert!(replica.index().check(&dead).is_ok() && replica.index().is_empty());
    let mut replica = learned();
    replica.finish(&Statement { gc_through: place(5, 13), ..statement(place(5, 12)) });
    assert!(!replica.sweep());
    assert!(replica.index().check(&dead).is_err());
    replica.receive(&range(5, 12, 13), at(0));
    assert!(replica.index().check(&session(13).0).is_err(), "it is not deaf to what comes");
}

#[test]
fn a_whole_snapshot_is_taken_in_with_its_entries_and_asks_for_the_proof() {
    let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
    replica.receive(&hello(place(5, 10)), at(0));
    assert_eq!((replica.behind(), replica.was_whole()), (None, false), "of another generation");
    let snapshot = Snapshot { statement: statement(place(5, 7)), entries: vec![session(3).1] };
    assert_eq!(replica.restore(&snapshot), PING);
    assert!(replica.index().check(&session(3).0).is_err());
    assert_eq!((replica.applied(), replica.behind(), replica.was_whole()), (place(5, 7), Some(3), false));
    let ping = replica.ping(at(0), Vec::new(), false);
    replica.receive(&range(5, 7, 10), at(0));
    replica.receive(&echo(ping.n, place(5, 10), at(0)), at(0));
    assert_eq!((replica.behind(), replica.was_whole()), (Some(0), true));
}

#[test]
fn a_stream_may_end_and_another_of_the_same_generation_begin() {
    let mut replica = fresh_one();
    assert_eq!(replica.stream(), Some(STREAM));
    replica.close();
    assert_eq!((replica.stream(), replica.ping(at(1), Vec::new(), false).stream), (None, None));
    let (good, _) = session(99);
    assert_eq!(judged(&replica, &good, Freshness::Bounded, Cut::Deny, 1), Judgement::Accept, "the lease runs on");
    assert_eq!(replica.receive(&hello(place(5, 10)), at(1)), PING);
    assert_eq!(replica.stream(), Some(STREAM));
    assert_eq!(replica.receive(&hello(place(4, 99)), at(1)), RECONNECT);
    assert_eq!(replica.stream(), None);
}

#[test]
fn a_snapshot_is_fetched_only_for_what_is_not_there() {
    let need = |head| Event::Need(Need::Snapshot { head });
    let mut replica = fresh_one();
    assert_eq!(replica.receive(&need(place(5, 10)), at(0)), NOTHING);
    assert_eq!(replica.receive(&need(place(5, 9)), at(0)), NOTHING);
    assert!(!replica.wants_snapshot());
    assert_eq!(replica.receive(&need(place(5, 12)), at(0)), SNAPSHOT);
    assert!(replica.wants_snapshot());
}

#[test]
fn of_two_lists_of_things_to_do_each_thing_is_done() {
    let all = |bits: u8| Todo {
        ping: bits & 1 != 0,
        snapshot: bits & 2 != 0,
        reconnect: bits & 4 != 0,
        keys: bits & 8 != 0,
    };
    for (one, other) in (0..16).flat_map(|one| (0..16).map(move |other| (one, other))) {
        assert_eq!(all(one).and(all(other)), all(one | other));
    }
}

proptest! {
    #[test]
    fn applied_never_claims_what_did_not_come(
        ranges in prop::collection::vec((0..12_u64, 0..4_u64), 0..20),
        to in 0..12_u64,
        snapshot_at in 0..20_usize,
    ) {
        let mut replica = Replica::new(Instance([0; 16]), LEASE, GRACE);
        replica.receive(&hello(place(5, 12)), at(0));
        for (step, (from, length)) in ranges.iter().enumerate() {
            if step == snapshot_at {
                let entries: Vec<Entry> = (1..=to).map(|number| session(number).1).collect();
                replica.learn(&entries, place(5, to));
                replica.finish(&statement(place(5, to)));
            }
            replica.receive(&range(5, *from, from + length), at(0));
            if replica.applied().generation == 5 {
                for number in 1..=replica.applied().seq {
                    prop_assert!(replica.index().check(&session(number).0).is_err(), "{number} is not there");
                }
            }
        }
    }
}

#[test]
fn who_is_told_that_the_server_is_behind_trusts_nothing_before_a_snapshot() {
    let bump = |head, reason: &str| Event::Bump(Bump { head, reason: reason.to_owned() });
    let mut replica = fresh_one();
    replica.receive(&range(5, 10, 12), at(0));
    let ((good, _), (dead, _)) = (session(99), session(12));
    for (head, reason) in [(place(5, 12), "behind"), (place(5, 13), "behind"), (place(5, 3), "restart")] {
        assert_eq!(replica.receive(&bump(head, reason), at(1)), NOTHING, "{head} {reason}");
        assert_eq!(judged(&replica, &good, Freshness::Bounded, Cut::Deny, 1), Judgement::Accept);
    }
    assert_eq!(replica.receive(&bump(place(5, 11), "behind"), at(1)), SNAPSHOT);
    assert_eq!(judged(&replica, &good, Freshness::Bounded, Cut::Deny, 1), Judgement::Unknown);
    let revoked = Judgement::Reject(Rejection::TokenRevoked);
    assert_eq!(judged(&replica, &dead, Freshness::Bounded, Cut::Deny, 1), revoked, "entries stay");
    let ping = replica.ping(at(1), Vec::new(), false);
    assert_eq!(ping.applied, Position::START, "it acknowledges nothing");
    assert_eq!(replica.receive(&range(5, 11, 11), at(1)), SNAPSHOT, "a range from there on proves nothing");
    assert_eq!(replica.receive(&echo(ping.n, place(5, 11), at(1)), at(1)), SNAPSHOT);
    assert_eq!(judged(&replica, &good, Freshness::Bounded, Cut::Deny, 1), Judgement::Unknown);
    assert_eq!(replica.finish(&statement(place(5, 11))), PING);
    assert_eq!(
        (replica.applied(), judged(&replica, &good, Freshness::Bounded, Cut::Deny, 1)),
        (place(5, 11), Judgement::Accept)
    );
    assert_eq!(judged(&replica, &dead, Freshness::Bounded, Cut::Deny, 1), revoked);
}

#[test]
fn which_keys_are_held_is_said_in_every_ping_and_at_once_when_they_are_others() {
    let mut replica = fresh_one();
    assert_eq!(replica.ping(at(1), Vec::new(), false).keys, None);
    assert_eq!(replica.receive(&Event::Need(Need::Keys), at(1)), KEYS);
    let (first, second) = (SetId::of(b"one"), SetId::of(b"two"));
    for (set, todo) in [(first, PING), (first, NOTHING), (second, PING), (first, PING)] {
        assert_eq!(replica.hold_keys(set), todo);
        assert_eq!(replica.ping(at(1), Vec::new(), false).keys, Some(set));
    }
}
