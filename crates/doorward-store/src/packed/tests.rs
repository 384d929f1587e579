//! What is packed comes out as it went in, and nothing that is no record comes out as one.

use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Making;

use super::*;
use crate::slots::LONGEST;
use crate::suite::cast::{handle, secret, session, session_id, user, user_id};

fn times() -> impl Making<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000..1_900_000_000_000_i64].prop_map(Timestamp::from_millis)
}

fn places() -> impl Making<Value = Position> {
    (prop_oneof![Just(0), Just(1_800_000_000), any::<u64>()], prop_oneof![0..1000_u64, any::<u64>()])
        .prop_map(|(generation, seq)| Position { generation, seq })
}

fn rings() -> impl Making<Value = Ring> {
    let attempts = proptest::option::of(any::<[u8; 16]>().prop_map(AttemptHash));
    let rows = (any::<u32>(), attempts, times(), any::<bool>()).prop_map(|(generation, attempt, at, displaced)| {
        Retired { generation: Generation(generation), attempt, at, displaced }
    });
    proptest::collection::vec(rows, 0..=16).prop_map(Ring::from_rows)
}

fn users() -> impl Making<Value = User> {
    let name = proptest::option::of("[^\\pC]{1,128}");
    let may_be = || proptest::option::of(times());
    let org = proptest::option::of(any::<[u8; 16]>().prop_map(OrgId::from_bytes));
    let local = "[a-zA-Z0-9ÄÖé]{1,40}";
    let roles = proptest::collection::vec("[a-zA-Z0-9._:/-]{1,64}", 0..=16);
    (local, (name, roles), [may_be(), may_be(), may_be()], [places(), places()], (times(), any::<u64>(), org))
        .prop_map(
            |(
                local,
                (name, roles),
                [verified, suspended, deleted],
                [terminal, refresh],
                (created_at, version, org),
            )| User {
                org,
                email: Email::parse(&format!("{local}@example.test")).expect("an address"),
                name,
                roles: Roles::of(roles.iter().map(String::as_str)).expect("roles"),
                email_verified_at: verified,
                terminal_epoch: terminal,
                refresh_epoch: refresh,
                suspended_at: suspended,
                deleted_at: deleted,
                created_at,
                version,
                ..user(7)
            },
        )
}

fn sessions() -> impl Making<Value = Session> {
    let previous = proptest::option::of((any::<[u8; 32]>(), times()));
    let ended = proptest::option::of((times(), 0..EndReason::ALL.len()));
    let acr = proptest::option::of(".{0,40}");
    let org = proptest::option::of(any::<[u8; 16]>().prop_map(OrgId::from_bytes));
    let words = ("\\PC{0,60}", "\\PC{0,60}", "[a-z0-9-]{3,64}");
    let numbers = (any::<u32>(), proptest::option::of(any::<u32>()), any::<u8>(), any::<u64>());
    let choices = (0..3_usize, any::<bool>(), any::<bool>(), any::<bool>(), any::<u8>());
    let when = [times(), times(), times(), times()];
    let rest = (previous, ended, acr, org, rings(), places(), any::<i64>());
    (words, numbers, choices, when, rest).prop_map(|(words, numbers, choices, when, rest)| {
        let (name, address, client) = words;
        let (generation, exchange, refresh_key, shelf) = numbers;
        let (strategy, is_body, has_secret, keyed, amr) = choices;
        let [created_at, auth_time, last_seen_at, expires_at] = when;
        let (previous, ended, acr, org, ring, born, idle) = rest;
        Session {
            secret: has_secret.then(|| secret(9)),
            previous: previous.map(|(hash, until)| Previous { hash: SecretHash(hash), until }),
            client: ClientId::parse(&client).expect("a client's id"),
            org,
            born,
            generation: Generation(generation),
            refresh_key,
            keyed,
            ring,
            exchange: exchange.map(Generation),
            strategy: Strategy::ALL[strategy],
            transport: if is_body { Transport::Body } else { Transport::Cookie },
            auth_time,
            amr: Methods(amr),
            acr,
            created_at,
            last_seen_at,
            idle: Lifetime::from_millis(idle),
            expires_at,
            device: Device { name, address },
            ended: ended.map(|(at, why)| Ended { at, why: EndReason::ALL[why] }),
            shelf,
            ..session(9, Some(7), Position::START)
        }
    })
}

fn records() -> impl Making<Value = Record> {
    let subject = proptest::option::of(Just(handle(3)));
    let user = proptest::option::of(users());
    (sessions(), user, subject, [places(), places(), places()], times()).prop_map(
        |(mut session, user, subject, [terminal, refresh, read_at], read)| {
            session.user =
                user.as_ref().map(|user| user.id).or_else(|| session.shelf.is_multiple_of(2).then(|| user_id(5)));
            Record::new(session, user.map(Arc::new), subject, Epochs { terminal, refresh }, (read_at, read))
        },
    )
}

proptest! {
    #[test]
    fn a_record_comes_out_as_it_went_in(record in records()) {
        let packed = Packed::of(&record);
        let again = packed.unpacked().expect("a record");
        prop_assert_eq!(&again.session, &record.session);
        prop_assert_eq!(again.user.as_deref(), record.user.as_deref());
        prop_assert_eq!((again.epochs, again.read), (record.epochs, record.read));
        prop_assert_eq!(again.marks(), record.marks());
    }

    #[test]
    fn a_check_reads_what_the_record_says(record in records()) {
        let packed = Packed::of(&record);
        let (seen, session) = (packed.seen().expect("a record"), &record.session);
        prop_assert_eq!((seen.session, seen.client, seen.strategy), (session.id, session.client.as_str(), session.strategy));
        prop_assert_eq!((seen.vitals, seen.amr, seen.auth_time), (session.vitals(), session.amr, session.auth_time));
        prop_assert_eq!((seen.created_at, seen.read), (session.created_at, record.read));
        prop_assert_eq!(seen.device, (session.device.name.as_str(), session.device.address.as_str()));
        prop_assert_eq!((seen.has_previous, seen.epochs), (session.previous.is_some(), record.epochs));
        prop_assert_eq!(&seen.marks(session.client.key()), record.marks());
        let told = seen.user.map(|user| (user.id, user.email, user.name, user.created_at));
        let user = record.user.as_deref();
        prop_assert_eq!(told, user.map(|user| (user.id, user.email.typed(), user.name.as_deref(), user.created_at)));
    }

    #[test]
    fn a_record_is_found_by_its_own_names_alone(record in records()) {
        let packed = Packed::of(&record);
        prop_assert!(is(packed.bytes(), &Name::Session(record.session.id)));
        prop_assert!(!is(packed.bytes(), &Name::Session(session_id(10))));
        prop_assert_eq!(is(packed.bytes(), &Name::Secret(secret(9))), record.session.secret.is_some());
        prop_assert!(!is(packed.bytes(), &Name::Secret(secret(10))));
    }

    #[test]
    fn what_is_cut_is_no_record(record in records(), cut in any::<proptest::sample::Index>()) {
        let Packed(whole) = Packed::of(&record);
        let cut = Packed(whole[..cut.index(whole.len())].to_vec());
        prop_assert!(cut.unpacked().is_none());
    }
}

#[test]
fn an_ordinary_record_takes_less_than_210_bytes_and_without_texts_155() {
    let mut session = session(9, Some(7), Position { generation: 1_800_000_000, seq: 1_000_000 });
    session.strategy = Strategy::Session;
    let read_at = Position { generation: 1_800_000_000, seq: 2_000_000 };
    let record = Record::new(
        session.clone(),
        Some(Arc::new(user(7))),
        Some(handle(7)),
        Epochs::default(),
        (read_at, session.last_seen_at),
    );
    let packed = Packed::of(&record);
    assert!(packed.0.len() < 210, "{} bytes", packed.0.len());
    let told =
        record.user.as_deref().map_or(0, |user| user.email.typed().len() + user.name.as_ref().map_or(0, String::len));
    let told = told + session.device.name.len() + session.device.address.len();
    assert!(packed.0.len() - told < 155, "{} bytes", packed.0.len() - told);
}

#[test]
fn the_longest_record_is_not_too_long_to_be_kept() {
    let far = Position { generation: u64::MAX / 2, seq: u64::MAX };
    let late = Timestamp::from_secs(253_402_300_799);
    let retired = |generation| Retired {
        generation: Generation(u32::MAX - generation),
        attempt: Some(AttemptHash([7; 16])),
        at: late,
        displaced: true,
    };
    let role = |number: char| format!("{number}{}", "r".repeat(63));
    let roles: Vec<String> = ('a'..='p').map(role).collect();
    let email =
        format!("{}@{}.example.test", "l".repeat(64), ["d".repeat(58), "e".repeat(58), "f".repeat(57)].join("."));
    let user = User {
        org: Some(OrgId::from_bytes([1; 16])),
        email: Email::parse(&email).expect("an address"),
        name: Some("\u{10ffff}".repeat(128)),
        roles: Roles::of(roles.iter().map(String::as_str)).expect("roles"),
        email_verified_at: Some(late),
        suspended_at: Some(late),
        deleted_at: Some(late),
        terminal_epoch: far,
        refresh_epoch: far,
        version: u64::MAX,
        ..user(7)
    };
    let session = Session {
        previous: Some(Previous { hash: secret(8), until: late }),
        client: ClientId::parse(&"c".repeat(64)).expect("a client's id"),
        org: Some(OrgId::from_bytes([1; 16])),
        generation: Generation(u32::MAX),
        ring: Ring::from_rows((0..16).map(retired).collect()),
        exchange: Some(Generation(u32::MAX)),
        acr: Some("a".repeat(128)),
        device: Device { name: "d".repeat(128), address: "a".repeat(45) },
        ended: Some(Ended { at: late, why: EndReason::ALL[EndReason::ALL.len() - 1] }),
        shelf: u64::MAX,
        ..session(9, Some(7), far)
    };
    let epochs = Epochs { terminal: far, refresh: far };
    let record = Record::new(session, Some(Arc::new(user)), Some(handle(7)), epochs, (Position::START, late));
    let length = Packed::of(&record).0.len();
    assert!((2_500..LONGEST).contains(&length), "{length} bytes");
}
