//! The rules of a key's life, one by one and over long random lives.

use proptest::prelude::*;

use super::*;
use crate::policy::{ABSOLUTE_LONGEST, ACCESS_LONGEST, RETENTION, SKEW};

const MOMENT: Lifetime = Lifetime::from_millis(1);

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn made(purpose: Purpose, number: u8, stage: Stage, since: Timestamp) -> KeyRecord {
    let id = KeyId::from_bytes([[purpose as u8; 8], [number; 8]].concat().try_into().expect("16 bytes"));
    KeyRecord { id, purpose, number, stage, sealed: vec![number], created_at: since, since, version: 1 }
}

/// A house of records that turns are done in.
struct House {
    keys: Vec<KeyRecord>,
    now: Timestamp,
}

impl House {
    fn new() -> Self {
        let mut house = Self { keys: Vec::new(), now: at(0) };
        for purpose in Purpose::ALL {
            house.turn(begin(&house.keys, purpose).expect("a beginning"));
        }
        house
    }

    fn turn(&mut self, turn: Turn) {
        let made = turn.steps.iter().filter_map(|step| match *step {
            Step::Make { purpose, number, stage } => {
                let mut record = made(purpose, number, stage, self.now);
                let mut id = [0; 16];
                id[..8].copy_from_slice(&(self.keys.len() as u64).to_be_bytes());
                id[8..].copy_from_slice(&[purpose as u8, number, 0, 0, 0, 0, 0, 0]);
                record.id = KeyId::from_bytes(id);
                Some(record)
            }
            Step::Move { .. } => None,
        });
        for changed in applied(&self.keys, &turn.steps, made.collect(), self.now) {
            match self.keys.iter_mut().find(|key| key.id == changed.id) {
                Some(key) => *key = changed,
                None => self.keys.push(changed),
            }
        }
    }

    fn of(&self, purpose: Purpose, stage: Stage) -> Vec<&KeyRecord> {
        self.keys.iter().filter(|key| key.purpose == purpose && key.stage == stage).collect()
    }

    fn only(&self, purpose: Purpose, stage: Stage) -> KeyRecord {
        let found = self.of(purpose, stage);
        assert_eq!(found.len(), 1, "{purpose:?} {stage:?}: {found:?}");
        found[0].clone()
    }
}

#[test]
fn a_standby_takes_over_once_everybody_can_have_it() {
    let mut house = House::new();
    let (first, second) =
        (house.only(Purpose::SignEs256, Stage::Active), house.only(Purpose::SignEs256, Stage::Published));
    let soon = house.now + LEAD - MOMENT;
    assert_eq!(rotate(&house.keys, Purpose::SignEs256, soon, false), Err(Refusal::TooSoon));
    assert!(rotate(&house.keys, Purpose::SignEs256, soon, true).is_ok(), "in a hurry");
    house.now = soon + MOMENT;
    house.turn(rotate(&house.keys, Purpose::SignEs256, house.now, false).expect("turned"));
    let active = house.only(Purpose::SignEs256, Stage::Active);
    assert_eq!((active.id, active.since, active.version), (second.id, house.now, 2));
    assert_eq!(house.only(Purpose::SignEs256, Stage::Retiring).id, first.id);
    assert_eq!(house.only(Purpose::SignEs256, Stage::Published).number, 3);
    let lonely: Vec<_> = house.keys.iter().filter(|key| key.stage != Stage::Published).cloned().collect();
    assert_eq!(rotate(&lonely, Purpose::SignEs256, house.now, true), Err(Refusal::NoStandby));
}

#[test]
fn the_lead_is_ten_minutes_or_twice_as_long_as_the_set_may_be_kept() {
    assert!(LEAD >= Lifetime::from_mins(10) && LEAD.millis() >= 2 * JWKS_MAX_AGE.millis());
}

#[test]
fn a_key_is_retired_when_nothing_made_with_it_can_be_left_and_not_before() {
    for (purpose, kept) in [
        (Purpose::SignEs256, RETENTION),
        (Purpose::SignRs256, RETENTION),
        (Purpose::SignHs256, RETENTION),
        (Purpose::Refresh, ABSOLUTE_LONGEST + Lifetime::from_hours(1)),
        (Purpose::Handle, Lifetime::from_days(365)),
    ] {
        let key = made(purpose, 1, Stage::Retiring, at(1000));
        let never = Schedule { every: None, jitter: Lifetime::ZERO };
        let over = at(1000) + kept;
        assert_eq!(tend(std::slice::from_ref(&key), never, over - MOMENT), Turn::default(), "{purpose:?}");
        let turn = tend(std::slice::from_ref(&key), never, over);
        assert_eq!(turn.steps, [Step::Move { id: key.id, to: Stage::Retired }]);
        assert_eq!(until(&key, never), Some(over));
        assert_eq!(retire(&key, over - MOMENT, false), Err(Refusal::StillNeeded));
        assert_eq!(retire(&key, over - MOMENT, true), Ok(turn.clone()));
        assert_eq!(retire(&key, over, false), Ok(turn.clone()));
        let gone = applied(std::slice::from_ref(&key), &turn.steps, Vec::new(), over);
        assert!(gone[0].sealed.is_empty(), "a retired key has no private part");
    }
    assert!(RETENTION >= ACCESS_LONGEST + SKEW, "the longest token and the skew");
}

#[test]
fn only_a_key_that_is_no_longer_used_is_retired() {
    for (stage, why) in
        [(Stage::Published, Refusal::InUse), (Stage::Active, Refusal::InUse), (Stage::Retired, Refusal::Retired)]
    {
        assert_eq!(retire(&made(Purpose::SignEs256, 1, stage, at(0)), at(i64::from(u32::MAX)), true), Err(why));
    }
}

#[test]
fn a_killed_key_is_gone_at_once_and_the_feed_says_so() {
    for purpose in Purpose::ALL {
        for stage in [Stage::Published, Stage::Active, Stage::Retiring] {
            let mut house = House::new();
            house.now = house.now + LEAD;
            house.turn(rotate(&house.keys, purpose, house.now, false).expect("turned"));
            house.now = house.now + LEAD;
            let Some(key) = house.of(purpose, stage).first().map(|key| KeyRecord::clone(key)) else {
                assert_eq!((stage, purpose.algorithm()), (Stage::Published, None), "{purpose:?} has no {stage:?}");
                continue;
            };
            let turn = kill(&house.keys, &key, house.now, false).expect("killed");
            let told: Vec<_> = turn.drafts.iter().map(|draft| (draft.scope, draft.key, draft.strength)).collect();
            let killed = (doorward_verify::Scope::SigningKey, key.id.key(), Strength::Terminal);
            match purpose.algorithm() {
                Some(_) => assert_eq!(told, [killed]),
                None => assert_eq!(told.len(), usize::from(purpose == Purpose::Handle && stage == Stage::Active)),
            }
            house.turn(turn);
            assert_eq!(house.keys.iter().find(|other| other.id == key.id).expect("it").stage, Stage::Retired);
            house.only(purpose, Stage::Active);
            if purpose.algorithm().is_some() {
                house.only(purpose, Stage::Published);
            }
            let retired = house.keys.iter().find(|other| other.id == key.id).expect("it");
            assert_eq!(kill(&house.keys, retired, house.now, true), Err(Refusal::Retired));
        }
    }
}

#[test]
fn a_key_in_use_is_killed_only_if_a_ready_one_can_take_over_or_in_a_hurry() {
    let house = House::new();
    let active = house.only(Purpose::SignRs256, Stage::Active);
    assert_eq!(kill(&house.keys, &active, house.now, false), Err(Refusal::TooSoon));
    assert!(kill(&house.keys, &active, house.now, true).is_ok());
    let lonely = [active];
    assert_eq!(kill(&lonely, &lonely[0], house.now, true), Err(Refusal::NoStandby));
}

#[test]
fn a_new_handle_key_has_everybody_renew_their_tokens() {
    let house = House::new();
    let turn = rotate(&house.keys, Purpose::Handle, house.now, false).expect("turned");
    assert_eq!(turn.drafts, [Draft::realm(Strength::RefreshRequired)]);
    assert!(rotate(&house.keys, Purpose::Refresh, house.now, false).expect("turned").drafts.is_empty());
}

#[test]
fn keys_turn_by_themselves_when_they_are_due_and_two_kinds_never() {
    let house = House::new();
    let schedule = Schedule { every: Some(Lifetime::from_days(90)), jitter: Lifetime::from_mins(7) };
    let due = house.now + Lifetime::from_days(90) + Lifetime::from_mins(7);
    assert_eq!(tend(&house.keys, schedule, due - MOMENT), Turn::default());
    let turned: std::collections::BTreeSet<Purpose> = tend(&house.keys, schedule, due)
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Make { purpose, .. } => Some(*purpose),
            Step::Move { .. } => None,
        })
        .collect();
    let expected =
        Purpose::ALL.into_iter().filter(|purpose| !matches!(purpose, Purpose::SignHs256 | Purpose::Handle));
    assert_eq!(turned, expected.collect());
    let never = Schedule { every: None, jitter: Lifetime::ZERO };
    assert_eq!(tend(&house.keys, never, due), Turn::default());
}

#[test]
fn a_missing_standby_is_made_again() {
    let mut house = House::new();
    house.keys.retain(|key| key.stage != Stage::Published);
    let never = Schedule { every: None, jitter: Lifetime::ZERO };
    house.turn(tend(&house.keys, never, house.now));
    for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.algorithm().is_some()) {
        house.only(purpose, Stage::Published);
    }
    assert!(house.of(Purpose::Refresh, Stage::Published).is_empty());
}

#[test]
fn numbers_come_round_and_never_meet_one_that_is_in_use() {
    let mut keys = vec![made(Purpose::Refresh, 255, Stage::Active, at(9))];
    assert_eq!(next_number(&keys, Purpose::Refresh), Ok(1));
    keys.push(made(Purpose::Refresh, 1, Stage::Retiring, at(1)));
    keys.push(made(Purpose::Refresh, 2, Stage::Retired, at(2)));
    assert_eq!(next_number(&keys, Purpose::Refresh), Ok(2));
    assert_eq!(next_number(&keys, Purpose::Handle), Ok(1));
    let all: Vec<_> = (1..=255).map(|number| made(Purpose::Refresh, number, Stage::Retiring, at(0))).collect();
    assert_eq!(next_number(&all, Purpose::Refresh), Err(Refusal::Exhausted));
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Wait(i64),
    Tend,
    Rotate(usize, bool),
    Kill(usize, bool),
    Retire(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_i64..4000).prop_map(Act::Wait),
        1 => (0_i64..10_000_000).prop_map(Act::Wait),
        4 => Just(Act::Tend),
        3 => (0..Purpose::ALL.len(), prop::bool::weighted(0.2)).prop_map(|(of, hurry)| Act::Rotate(of, hurry)),
        1 => (0_usize..100, prop::bool::weighted(0.2)).prop_map(|(of, hurry)| Act::Kill(of, hurry)),
        1 => (0_usize..100, prop::bool::weighted(0.2)).prop_map(|(of, hurry)| Act::Retire(of, hurry)),
    ]
}

proptest! {
    /// Whatever operators and the job do, and in whatever order: one key of each purpose is in use, one that signs stands
    /// by, nothing signs before its lead, and nothing retires before its time, unless somebody was in a hurry.
    #[test]
    fn lives_of_keys_hold_what_verifiers_rely_on(acts in prop::collection::vec(act(), 1..120)) {
        let mut house = House::new();
        let schedule = Schedule { every: Some(Lifetime::from_days(30)), jitter: Lifetime::from_mins(3) };
        for act in acts {
            let before = house.keys.clone();
            let (turn, hurry, killed) = match act {
                Act::Wait(secs) => {
                    house.now = house.now + Lifetime::from_secs(secs);
                    continue;
                }
                Act::Tend => (Ok(tend(&before, schedule, house.now)), false, None),
                Act::Rotate(of, hurry) => (rotate(&before, Purpose::ALL[of], house.now, hurry), hurry, None),
                Act::Kill(of, hurry) => {
                    let key = &before[of % before.len()];
                    (kill(&before, key, house.now, hurry), hurry, Some(key.id))
                }
                Act::Retire(of, hurry) => (retire(&before[of % before.len()], house.now, hurry), hurry, None),
            };
            let Ok(turn) = turn else { continue };
            house.turn(turn);
            for key in &house.keys {
                let Some(was) = before.iter().find(|was| was.id == key.id) else { continue };
                prop_assert!(key.stage >= was.stage, "a life goes one way");
                if (was.stage, key.stage) == (Stage::Published, Stage::Active) && !hurry {
                    prop_assert!(house.now - was.since >= LEAD);
                }
                if (was.stage, key.stage) == (Stage::Retiring, Stage::Retired) && !hurry && killed != Some(key.id) {
                    prop_assert!(house.now - was.since >= was.purpose.kept());
                }
                if was.stage < Stage::Retiring && key.stage == Stage::Retired {
                    prop_assert_eq!(killed, Some(key.id));
                }
            }
            for purpose in Purpose::ALL {
                prop_assert_eq!(house.of(purpose, Stage::Active).len(), 1);
                let standing = usize::from(purpose.algorithm().is_some());
                prop_assert_eq!(house.of(purpose, Stage::Published).len(), standing);
                let mut numbers: Vec<_> = house.keys.iter().filter(|key| key.purpose == purpose)
                    .filter(|key| key.stage != Stage::Retired).map(|key| key.number).collect();
                let all = numbers.len();
                numbers.sort_unstable();
                numbers.dedup();
                prop_assert_eq!(numbers.len(), all, "no number stands for two");
            }
        }
    }
}

#[test]
fn no_more_keys_are_published_than_verifiers_read_in_one_set() {
    let standby = made(Purpose::SignEs256, 1, Stage::Published, at(0));
    let active = made(Purpose::SignEs256, 2, Stage::Active, at(0));
    let retiring = |number| made(Purpose::SignEdDsa, number, Stage::Retiring, at(0));
    let with = |many: usize| {
        let others = (1..=many as u8).map(retiring);
        others.chain([standby.clone(), active.clone()]).collect::<Vec<_>>()
    };
    let turn = |many| rotate(&with(many), Purpose::SignEs256, at(0), true).map(drop);
    assert_eq!(turn(MOST_KEYS - 3), Ok(()));
    assert_eq!(turn(MOST_KEYS - 2), Err(Refusal::Exhausted));
    assert_eq!(begin(&with(MOST_KEYS - 3), Purpose::SignRs256).map(drop), Err(Refusal::Exhausted));
    let full = with(MOST_KEYS - 2);
    assert!(kill(&full, &full[MOST_KEYS - 1], at(0), true).is_ok(), "what leaked is ended however full it is");
    assert!(
        rotate(&full, Purpose::Handle, at(0), true).map(drop) != Err(Refusal::Exhausted),
        "those are not published"
    );
}
