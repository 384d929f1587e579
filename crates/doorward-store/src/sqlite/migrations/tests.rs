//! What a file of an earlier layout holds, it holds afterwards.

use doorward_core::Position;
use doorward_core::client::{Strategy, Transport};
use doorward_core::data::{DataKey, Datum};
use doorward_core::id::{OrgId, SessionId};
use doorward_core::session::{
    AttemptHash, Device, EndReason, Ended, Generation, Methods, Previous, Retired, Ring, Session,
};

use super::super::cells::{counted, placed};
use super::super::scratch::Scratch;
use super::super::{Sqlite, client_rows, connection, ring, user_rows};
use super::*;
use crate::suite::cast::{self, NOON, after, secret, user_id};
use crate::suite::{self, answer};
use crate::{Opening, Origin, StoreError, Stores};

const OPENING: Opening = Opening { now: NOON, database: [1; 16], origin: Origin::Serve };

#[test]
fn migrations_are_numbered_as_their_files_are_named() {
    for (place, migration) in (1..).zip(&ALL) {
        assert_eq!(migration.number, place);
        assert!(migration.name.starts_with(&format!("{place:04}_")), "{}", migration.name);
    }
}

/// A file as the fifth layout has it.
fn of_the_fifth(scratch: &Scratch) -> Connection {
    let path = scratch.folder().join("doorward.db");
    drop(Connection::open(&path).expect("a file"));
    let mut file = connection::writing(&path).expect("a connection");
    run_through(&mut file, &ALL[..5], NOON).expect("the fifth layout");
    for number in [1, 2] {
        assert!(user_rows::insert(&file, &cast::user(number)).expect("a user"));
        client_rows::write(&file, &cast::client(number)).expect("a client");
    }
    file
}

/// Writes a session as that layout's program did.
fn insert(file: &Connection, session: &Session) {
    let Session { previous, ended, device, .. } = session;
    let over_at = ended.map_or(session.expires_at, |ended| ended.at + doorward_core::Lifetime::from_millis(1));
    file.execute(
        "INSERT INTO sessions (id, secret, previous_secret, previous_until, user, client, org, born, salt, generation, \
         refresh_key, keyed, exchange, strategy, transport, auth_time, amr, acr, created_at, last_seen_at, idle, \
         expires_at, device_name, device_address, ended_at, ended_why, shelf, ring, sweep_at) VALUES (?1, ?2, ?3, ?4, \
         ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, \
         ?28, ?29)",
        params![
            session.id.bytes(),
            session.secret.map(|hash| hash.0),
            previous.map(|previous| previous.hash.0),
            previous.map(|previous| previous.until.millis()),
            session.user.map(doorward_core::id::UserId::bytes),
            session.client.as_str(),
            session.org.map(OrgId::bytes),
            placed(session.born),
            session.salt.0,
            session.generation.0,
            session.refresh_key,
            session.keyed,
            session.exchange.map(|generation| generation.0),
            session.strategy.name(),
            session.transport.name(),
            session.auth_time.millis(),
            session.amr.0,
            session.acr,
            session.created_at.millis(),
            session.last_seen_at.millis(),
            session.idle.millis(),
            session.expires_at.millis(),
            device.name,
            device.address,
            ended.map(|ended| ended.at.millis()),
            ended.map(|ended| ended.why.name()),
            counted(session.shelf),
            ring::ringed(&session.ring),
            over_at.millis(),
        ],
    )
    .expect("a row");
}

/// One of each kind, of two users and of guests.
fn of_all_kinds() -> Vec<Session> {
    let addresses = ["192.0.2.1", "2001:db8::7", "", "unix", "::FFFF"];
    let retired = |generation| Retired {
        generation: Generation(generation),
        attempt: generation.is_multiple_of(2).then_some(AttemptHash([7; 16])),
        at: after(i64::from(generation)),
        displaced: generation == 3,
    };
    (1..=120_u8)
        .map(|number| {
            let has = |every: u8| number.is_multiple_of(every);
            let mut session = cast::session(number, (!has(5)).then_some(1 + number % 2), Position::START);
            session.strategy = Strategy::ALL[usize::from(number) % 3];
            session.transport = Transport::ALL[usize::from(number) % 2];
            session.secret = (session.strategy == Strategy::Session).then(|| secret(number));
            session.previous = has(12).then(|| Previous { hash: secret(number + 100), until: after(60) });
            session.born = Position { generation: 1_900_000_000, seq: u64::from(number) };
            session.generation = Generation(u32::from(number) * 30_000_000);
            session.keyed = has(2);
            session.ring = Ring::from_rows((0..u32::from(number % 17)).map(retired).collect());
            session.exchange = has(7).then_some(Generation(3));
            session.org = has(11).then(|| OrgId::from_bytes([number; 16]));
            session.acr = has(13).then(|| String::from("urn:example:gold"));
            session.amr = Methods(number % 4);
            // Some began in the same millisecond, some proved who they are again, or before.
            session.created_at = after(i64::from(number / 4));
            session.auth_time = session.created_at + doorward_core::Lifetime::from_mins(i64::from(number) - 20);
            session.last_seen_at = session.created_at + doorward_core::Lifetime::from_millis(i64::from(number));
            session.expires_at = session.created_at + doorward_core::Lifetime::from_days(i64::from(number));
            session.device = Device {
                name: "Möbius on Plan 9".repeat(usize::from(number % 3)),
                address: addresses[usize::from(number) % 5].into(),
            };
            session.ended = has(9)
                .then(|| Ended { at: after(50), why: EndReason::ALL[usize::from(number) % EndReason::ALL.len()] });
            session.shelf = if has(8) { u64::MAX - u64::from(number) } else { 0 };
            session
        })
        .collect()
}

/// What stands on a shelf, if anything does.
fn datum(session: &Session) -> Option<(DataKey, Datum)> {
    let value = vec![session.id.bytes()[0]; 3_000];
    (session.shelf > 0).then(|| (cast::data_key("cart"), Datum { value, version: session.shelf, keep: true }))
}

#[tokio::test]
async fn sessions_of_all_kinds_are_the_same_in_fewer_bytes() {
    let scratch = Scratch::make().expect("a folder");
    let file = of_the_fifth(&scratch);
    let all = of_all_kinds();
    for session in &all {
        insert(&file, session);
        if let Some((key, datum)) = datum(session) {
            file.execute(
                "INSERT INTO session_data (session, key, value, version, keep) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![session.id.bytes(), key.as_str(), datum.value, counted(datum.version), datum.keep],
            )
            .expect("a value");
        }
    }
    drop(file);

    let stores = Stores::of(Sqlite::open(scratch.folder(), OPENING).expect("it opens"));
    for session in &all {
        assert_eq!(answer(stores.sessions.session(session.id)).await.as_ref(), Some(session));
        for hash in session.secret.into_iter().chain(session.previous.map(|previous| previous.hash)) {
            assert_eq!(answer(stores.sessions.session_by_secret(&hash)).await.as_ref(), Some(session));
        }
        let shelf = answer(stores.sessions.shelf(session.id)).await;
        let (expected, items) = (datum(session), shelf.items.len());
        assert_eq!((shelf.revision, items), (session.shelf, usize::from(expected.is_some())));
        if let Some((key, expected)) = expected {
            assert_eq!(answer(stores.sessions.datum(session.id, &key)).await, Some(expected));
        }
    }
    let living = |of: Option<u8>| {
        let mut living: Vec<_> = all.iter().filter(|session| session.ended.is_none()).collect();
        living.retain(|session| of.is_none_or(|of| session.user == Some(user_id(of))));
        living.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
        living.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    let ids = |sessions: Vec<Session>| sessions.iter().map(|session| session.id).collect::<Vec<SessionId>>();
    let now = after(60);
    assert_eq!(ids(answer(stores.sessions.sessions_newest(1_000, now)).await), living(None));
    for of in [1, 2] {
        assert_eq!(ids(answer(stores.sessions.sessions_of(user_id(of), now)).await), living(Some(of)));
    }
    assert_eq!(answer(stores.sessions.sessions_open()).await, living(None).len() as u64);

    // And it works on: what is written now is beside what was written then.
    let fresh = Session { id: SessionId::from_bytes([200; 16]), secret: Some(secret(250)), ..all[0].clone() };
    suite::done(&stores, cast::open(fresh.clone())).await;
    assert_eq!(suite::load(&stores, fresh.id).await, fresh);
    assert_eq!(suite::done(&stores, cast::end_user(1, now)).await.count, living(Some(1)).len() as u64);
}

#[tokio::test]
async fn what_should_not_be_there_stops_nobody() {
    let scratch = Scratch::make().expect("a folder");
    let file = of_the_fifth(&scratch);
    let all = of_all_kinds();
    for session in &all[..2] {
        insert(&file, session);
    }
    file.execute("UPDATE sessions SET strategy = 'telepathy' WHERE id = ?1", [all[0].id.bytes()]).expect("a row");
    file.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO session_data VALUES (x'99', 'cart', x'', 1, 0)")
        .expect("a value of nobody's");
    drop(file);
    let stores = Stores::of(Sqlite::open(scratch.folder(), OPENING).expect("it opens"));
    assert_eq!(stores.sessions.session(all[0].id).await, Err(StoreError::Corrupt { what: "sessions.strategy" }));
    assert_eq!(answer(stores.sessions.session(all[1].id)).await.as_ref(), Some(&all[1]));
}

#[test]
fn a_layout_that_fails_half_way_leaves_the_one_before() {
    let scratch = Scratch::make().expect("a folder");
    let mut file = of_the_fifth(&scratch);
    insert(&file, &of_all_kinds()[0]);
    let [one, two, three, four, five, six] = ALL;
    let text = concat!(include_str!("../../../migrations/sqlite/0006_narrow.sql"), "INSERT INTO nowhere VALUES (1);");
    let failing = [one, two, three, four, five, Migration { text, ..six }];
    assert!(matches!(run_through(&mut file, &failing, NOON), Err(Refused::Fault(_))));
    let count = |table: &str| {
        file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0)).expect("a table")
    };
    assert_eq!((count("sessions"), count("session_data"), count("migrations")), (1, 0, 5));
    assert!(file.prepare("SELECT auth_time FROM sessions").is_ok(), "of the old layout");
    run(&mut file, NOON).expect("and the next start does it");
    assert!(file.prepare("SELECT auth_after FROM sessions").is_ok());
}

#[test]
fn the_program_of_the_layout_before_refuses_the_new_one() {
    let scratch = Scratch::make().expect("a folder");
    let mut file = of_the_fifth(&scratch);
    run(&mut file, NOON).expect("today's layout");
    assert!(matches!(run_through(&mut file, &ALL[..5], NOON), Err(Refused::Newer { found: 6, known: 5 })));
}
