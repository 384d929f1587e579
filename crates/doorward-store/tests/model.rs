//! Random histories, played into the memory store and into another backend: after every step both must have answered
//! the same and look the same.
//!
//! A step is a few small numbers. What change they stand for depends on what the reference holds by then, so that most
//! steps are sensible and the others are wrong in one point. `DOORWARD_LONG=1` plays more and longer histories.

use doorward_core::change::{
    Confirm, DirectoryChange, MoveRealm, RemoveVerifier, Report, SessionChange, SetTerms, StepSpread, Sweep, TrimFeed,
};
use doorward_core::client::Client;
use doorward_core::data::{self, DataChange, Datum, Expect};
use doorward_core::feed::Draft;
use doorward_core::key::{KeyRecord, Purpose, Stage};
use doorward_core::policy::IDLE_ALLOWANCE;
use doorward_core::session::{EndReason, Ended, Epochs, Generation, Session};
use doorward_core::spread::{BUCKETS, Spread, Turn};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Lifetime, Position, Strength, Timestamp};
use doorward_store::memory::Memory;
use doorward_store::sqlite::Sqlite;
use doorward_store::suite::cast::{self, NOON};
use doorward_store::suite::picture::{NUMBERS, Picture, SECRETS};
use doorward_store::suite::{Change, answer, commit};
use doorward_store::{Opening, Origin, Stores};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// One step of a history.
#[derive(Clone, Copy, Debug)]
struct Step {
    verb: u8,
    /// Which session, user, client or key.
    one: u8,
    /// Which other one, or which secret.
    other: u8,
    /// What is out of the ordinary: below [`SLIPS`] a precondition is wrong.
    slip: u8,
    /// How long after the step before, in seconds.
    wait: i64,
}

const VERBS: u8 = 20;
/// This many of sixteen values of `slip` make a step wrong.
const SLIPS: u8 = 3;

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    // There are many ways to end and few to begin: opening, rotating and upgrading are the likelier verbs.
    let verb = prop_oneof![5 => Just(0_u8), 4 => Just(1_u8), 1 => Just(3_u8), 2 => Just(12_u8), 12 => 0..VERBS];
    let wait = prop_oneof![4 => 1..60_i64, 1 => 60..3_000_i64, 1 => 3_000..20_000_i64];
    let step = (verb, 0..NUMBERS, 0..SECRETS, 0..16_u8, wait).prop_map(|(verb, one, other, slip, wait)| Step {
        verb,
        one,
        other,
        slip,
        wait,
    });
    prop::collection::vec(step, 1..=longest)
}

/// A history as it is being played; everything is read from the reference.
struct History<'a> {
    reference: &'a Stores,
    now: Timestamp,
}

impl History<'_> {
    async fn change(&self, step: Step) -> Change {
        match step.verb {
            0 => self.open(step).await.into(),
            1 => self.rotate(step).await.into(),
            2 if step.slip > 11 => cast::tally(step.one, u32::from(step.other % 4), self.now).into(),
            2 => self.touch(step).into(),
            3 => self.confirm(step).await.into(),
            4 => self.data(step).await.into(),
            5 => self.sweep(step).await.into(),
            verb => match self.durable(verb, step).await {
                Change::Durable(change, event) => {
                    // A change without a time of its own happens now.
                    Change::Durable(change, doorward_core::audit::Event { at: self.now, ..event })
                }
                hot @ Change::Hot(_) => hot,
            },
        }
    }

    async fn durable(&self, verb: u8, step: Step) -> Change {
        match verb {
            6 => {
                let user = cast::user(1 + step.one % 4);
                let email = if step.wrong() { cast::user(1 + step.other % 4).email } else { user.email.clone() };
                cast::add_user(User { email, ..user }).into()
            }
            7 => self.set_password(step).await,
            8 | 9 if step.slip.is_multiple_of(3) => self.set_roles(step).await,
            8 | 9 => self.suspend_or_resume(verb == 8, step).await,
            10 => cast::end_user(person(step), self.now).into(),
            11 => self.end(step).await,
            12 => self.upgrade(step).await,
            13 => cast::add_client(cast::client(step.one % 4)).into(),
            14 => self.set_client(step).await,
            15 => self.turn_keys(step).await,
            16 => self.realm(step),
            17 => self.spread(step).await,
            18 => self.trim(step).await,
            _ => self.verifiers(step),
        }
    }

    fn realm(&self, step: Step) -> Change {
        let strength = if step.wrong() { Strength::Terminal } else { Strength::RefreshRequired };
        DirectoryChange::MoveRealm(MoveRealm { draft: Draft::realm(strength) }).into()
    }

    /// Begins everybody's turn, or takes it for the next bucket or, wrongly, for the one after.
    async fn spread(&self, step: Step) -> Change {
        let realm = answer(self.reference.directory.realm()).await;
        let Some(spread) = realm.spread else {
            let cut = answer(self.reference.directory.head()).await;
            let turn = if step.other.is_multiple_of(2) { Turn::End } else { Turn::Renew };
            let next = if step.slip > 8 { BUCKETS - 1 } else { u16::from(step.one) << 8 | u16::from(step.one) };
            let spread = Spread { turn, cut, next, began: self.now, over: Lifetime::from_mins(1) };
            return DirectoryChange::BeginSpread(spread).into();
        };
        let bucket = spread.next + u16::from(step.slip == 0);
        let ended = Ended { at: self.now, why: EndReason::EndedByOperator };
        DirectoryChange::StepSpread(StepSpread { bucket, draft: spread.draft(), ended }).into()
    }

    async fn trim(&self, step: Step) -> Change {
        let lines = answer(self.reference.directory.feed_after(Position::START, 1_000)).await;
        let line = lines.get(usize::from(step.one) % lines.len().max(1));
        let through = line.filter(|_| !step.wrong()).map_or(Position::START, |line| line.place);
        DirectoryChange::TrimFeed(TrimFeed { through, limit: u32::from(step.other) }).into()
    }

    fn verifiers(&self, step: Step) -> Change {
        match step.slip % 3 {
            0 => {
                let name = cast::verifier(step.other % 4).name;
                let verifier = VerifierRecord { name, ..cast::verifier(step.one) };
                DirectoryChange::AddVerifier(Box::new(verifier)).into()
            }
            1 => {
                let verifier = cast::verifier(step.one).id;
                DirectoryChange::RemoveVerifier(RemoveVerifier { verifier, at: self.now }).into()
            }
            _ => {
                let terms = |number: u8| Lifetime::from_secs(i64::from(number % 3));
                DirectoryChange::SetTerms(SetTerms { from: terms(step.one), most: terms(step.other) }).into()
            }
        }
    }

    /// A session as it is stored, or one that never was.
    async fn session(&self, number: u8) -> Session {
        let stored = answer(self.reference.sessions.session(cast::session_id(number))).await;
        stored.unwrap_or_else(|| cast::session(number, None, Position::START))
    }

    /// One that is alive, if there is any and the step is to be right.
    async fn some_session(&self, step: Step) -> Session {
        let mut alive = Vec::new();
        for session in answer(self.reference.sessions.sessions_newest(100, self.now)).await {
            let epochs = answer(self.reference.directory.epochs(session.user, &session.client)).await;
            if session.check(epochs, self.now).is_ok() {
                alive.push(session);
            }
        }
        match alive.len() {
            0 => self.session(step.one).await,
            _ if step.wrong() && step.other.is_multiple_of(2) => self.session(step.one).await,
            many => alive[usize::from(step.one) % many].clone(),
        }
    }

    /// The number of a session that is not there, if there is any and the step is to be right.
    async fn free_number(&self, step: Step) -> u8 {
        let mut number = step.one;
        for _ in 0..NUMBERS {
            let taken = answer(self.reference.sessions.session(cast::session_id(number))).await.is_some();
            if step.wrong() || !taken {
                break;
            }
            number = (number + 1) % NUMBERS;
        }
        number
    }

    async fn fresh(&self, step: Step) -> Session {
        let number = self.free_number(step).await;
        let head = answer(self.reference.directory.head()).await;
        let of = Some(if step.slip == 0 { 3 } else { step.other % 3 }).filter(|user| *user > 0);
        let born = if step.wrong() { Position { seq: head.seq / 2, ..head } } else { head };
        Session {
            secret: Some(cast::secret(step.other)).filter(|_| step.slip % 4 != 3),
            client: cast::client_id(1 + step.slip % 2),
            created_at: self.now,
            last_seen_at: self.now,
            auth_time: self.now,
            idle: Lifetime::from_hours(1 + i64::from(step.slip % 3)),
            expires_at: self.now + Lifetime::from_hours(if step.slip > 12 { 1 } else { 6 }),
            ..cast::session(number, of, born)
        }
    }

    async fn open(&self, step: Step) -> SessionChange {
        cast::open(self.fresh(step).await)
    }

    async fn rotate(&self, step: Step) -> SessionChange {
        let mut session = self.some_session(step).await;
        let mut epochs = answer(self.reference.directory.epochs(session.user, &session.client)).await;
        match step.slip {
            0 => session.generation = session.generation.next(),
            1 => session.generation = Generation(session.generation.0.saturating_sub(1)),
            2 => epochs = Epochs::default(),
            _ => {}
        }
        // Some of them hand out a secret, which now and then is somebody's.
        if step.slip % 2 == 1 {
            cast::rotate_to(&session, epochs, step.other, self.now)
        } else {
            cast::rotate(&session, epochs, self.now)
        }
    }

    fn touch(&self, step: Step) -> SessionChange {
        let earlier = self.now - Lifetime::from_secs(i64::from(step.slip) * 100);
        let other = cast::session_id(step.other % NUMBERS);
        let one = (cast::session_id(step.one), self.now);
        let seen = vec![one, (other, earlier), one];
        // Now and then a verifier says so, whose business some applications are.
        if step.slip.is_multiple_of(3) {
            return SessionChange::Report(Report { seen, of: (0..step.other % 4).map(cast::client_id).collect() });
        }
        SessionChange::Touch(seen)
    }

    async fn confirm(&self, step: Step) -> SessionChange {
        let session = self.some_session(step).await;
        let secret = session.secret.filter(|_| !step.wrong()).unwrap_or(cast::secret(step.other));
        SessionChange::Confirm(Confirm { session: session.id, secret })
    }

    async fn data(&self, step: Step) -> SessionChange {
        let session = self.some_session(step).await;
        let mut shelf = answer(self.reference.sessions.shelf(session.id)).await;
        if step.wrong() {
            shelf.revision = [shelf.revision + 1, shelf.revision.saturating_sub(1), 0][usize::from(step.slip)];
        }
        let key = cast::data_key(["cart", "draft", "seen"][usize::from(step.other % 3)]);
        if step.other > 16
            && let Ok(removal) = data::remove(&session, &shelf, key.clone(), Expect::Anything)
        {
            return SessionChange::Data(removal);
        }
        let value =
            Datum { value: vec![step.other; 3], version: shelf.revision + 1, keep: step.slip.is_multiple_of(2) };
        SessionChange::Data(DataChange { session: session.id, from: shelf.revision, key, value: Some(value) })
    }

    /// Sweeps what has been over for a while, or cuts finely at the edge of one session.
    async fn sweep(&self, step: Step) -> SessionChange {
        let session = self.session(step.one).await;
        let edge = match (step.other % 4, session.ended) {
            (0, Some(ended)) => ended.at,
            (1, _) => session.expires_at,
            (2, _) => session.last_seen_at + session.idle + IDLE_ALLOWANCE,
            _ => self.now - Lifetime::from_mins(i64::from(step.slip) * 20),
        };
        let before = edge + Lifetime::from_millis(i64::from(step.slip % 3) - 1);
        SessionChange::Sweep(Sweep { before: before.min(self.now), limit: 1_000, latest: self.now })
    }

    async fn set_password(&self, step: Step) -> Change {
        let user = person(step);
        let stored = answer(self.reference.directory.credential(cast::user_id(user))).await;
        let from = stored.map_or(1, |credential| credential.version);
        let from = if step.slip == 0 { from + 1 } else { from };
        if step.one.is_multiple_of(4) {
            return cast::rehash(user, from).into();
        }
        let mine = answer(self.reference.sessions.sessions_of(cast::user_id(user), self.now)).await;
        let kept =
            if step.slip == 1 { Some(self.session(step.other % NUMBERS).await) } else { mine.into_iter().next() };
        let kept = kept.filter(|_| step.slip < 12).map(|session| {
            let session = if step.slip == 2 { Session { generation: Generation(77), ..session } } else { session };
            let mut kept = cast::keep(&session, step.other, self.now);
            kept.alone = step.slip > 9;
            kept.secret = kept.secret.filter(|_| step.slip.is_multiple_of(2));
            kept
        });
        cast::set_password(user, from, kept, self.now).into()
    }

    async fn suspend_or_resume(&self, suspend: bool, step: Step) -> Change {
        let user = person(step);
        let stored = answer(self.reference.directory.user(cast::user_id(user))).await;
        let from = stored.map_or(1, |user| user.version) + u64::from(step.wrong());
        if suspend { cast::suspend(user, from, self.now).into() } else { cast::resume(user, from).into() }
    }

    async fn set_roles(&self, step: Step) -> Change {
        let user = person(step);
        let stored = answer(self.reference.directory.user(cast::user_id(user))).await;
        let from = stored.map_or(1, |user| user.version) + u64::from(step.wrong());
        cast::set_roles(user, from, ["", "admin", "admin writer"][usize::from(step.other) % 3]).into()
    }

    async fn end(&self, step: Step) -> Change {
        let mut sessions = vec![self.some_session(step).await];
        for more in 0..step.slip % 3 {
            sessions.push(self.session((step.other + more) % NUMBERS).await);
        }
        cast::end(&sessions.iter().collect::<Vec<_>>(), self.now).into()
    }

    async fn upgrade(&self, step: Step) -> Change {
        let newest = answer(self.reference.sessions.sessions_newest(100, self.now)).await;
        let guest = newest.into_iter().find(|session| session.is_guest() && !step.wrong());
        let guest = match guest {
            Some(guest) => guest,
            None => self.session(step.other % NUMBERS).await,
        };
        cast::upgrade(&guest, self.fresh(step).await, self.now).into()
    }

    async fn set_client(&self, step: Step) -> Change {
        let id = cast::client_id(1 + step.one % 3);
        let stored = answer(self.reference.directory.client(&id)).await;
        let client = stored.unwrap_or_else(|| cast::client(1 + step.one % 3));
        let from = client.version + u64::from(step.wrong());
        let strength = if step.other.is_multiple_of(4) { Strength::Terminal } else { Strength::RefreshRequired };
        let foreign = cast::client_id(1 + step.other % 3);
        let drafts = match step.slip {
            ..8 => vec![Draft::client(&id, strength)],
            8..10 => vec![Draft::client(&id, strength), Draft::client(&foreign, Strength::Terminal)],
            _ => Vec::new(),
        };
        let client = Client {
            disabled_at: Some(self.now).filter(|_| step.other > 20),
            origins: vec![format!("https://app-{}.example.test", step.other)],
            refresh_epoch: Position::START,
            ..client
        };
        cast::set_client(client, from, drafts).into()
    }

    async fn turn_keys(&self, step: Step) -> Change {
        let keys = answer(self.reference.directory.keys()).await;
        let record = |number: u8| {
            let fresh = cast::key_record(number, Purpose::ALL[usize::from(number) % Purpose::ALL.len()]);
            let stage = Stage::ALL[usize::from(step.other) % Stage::ALL.len()];
            keys.iter().find(|key| key.id == fresh.id).map_or(fresh, |stored| cast::moved(stored, stage))
        };
        let mut turned = vec![record(step.one), record(NUMBERS + step.other)];
        if step.wrong() {
            turned[1] = KeyRecord { version: turned[1].version + 1, ..turned[1].clone() };
        }
        let drafts = if step.slip > 8 { vec![Draft::signing_key(turned[0].id)] } else { Vec::new() };
        cast::turn_keys(turned, drafts).into()
    }
}

impl Step {
    const fn wrong(self) -> bool {
        self.slip < SLIPS
    }
}

fn person(step: Step) -> u8 {
    1 + step.one % 4
}

/// Plays a history into both and compares after every step.
async fn play(reference: &Stores, backend: &Stores, steps: &[Step]) {
    let mut history = History { reference, now: NOON };
    let people = [1, 2].map(|number| Change::from(cast::add_user(cast::user(number))));
    let clients = [1, 2].map(|number| Change::from(cast::add_client(cast::client(number))));
    for change in people.into_iter().chain(clients) {
        same_answer(reference, backend, &change).await;
    }
    for step in steps {
        history.now = history.now + Lifetime::from_secs(step.wait);
        let change = history.change(*step).await;
        same_answer(reference, backend, &change).await;
        let (one, other) =
            (Picture::take_at(reference, history.now).await, Picture::take_at(backend, history.now).await);
        one.assert_same(&other, &format!("{change:?}"));
    }
}

async fn same_answer(reference: &Stores, backend: &Stores, change: &Change) {
    let expected = commit(reference, change.clone()).await;
    let found = commit(backend, change.clone()).await;
    assert!(expected == found, "reference: {expected:#?}\nbackend: {found:#?}\nfor {change:#?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test takes is its caller's choice; there is no settled value"
)]
fn long() -> bool {
    std::env::var_os("DOORWARD_LONG").is_some()
}

/// Compares the memory store with a backend.
fn compare(cases: u32, open: impl Fn(Opening) -> Stores) {
    let (cases, longest) = if long() { (cases * 15, 200) } else { (cases, 60) };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let played = TestRunner::new(config).run(&steps(longest), |steps| {
        let opening = Opening { now: NOON, database: [1; 16], origin: Origin::Dev };
        runtime.block_on(play(&Stores::of(Memory::open(opening)), &open(opening), &steps));
        Ok(())
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
}

#[test]
fn sqlite_does_as_the_reference_does() {
    compare(128, |opening| Stores::of(Sqlite::open_in_memory(opening).expect("an empty database")));
}

/// A history in which everything conflicts would prove nothing.
#[test]
fn histories_do_most_of_what_they_try() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut done = [0_u32; VERBS as usize];
    let mut refused = done;
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let mut counted = TestRunner::new_with_rng(
        config.clone(),
        proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm),
    );
    for _ in 0..64 {
        let tree = steps(60).new_tree(&mut counted).expect("a history");
        runtime.block_on(count(&proptest::strategy::ValueTree::current(&tree), &mut done, &mut refused));
    }
    println!("done {done:?}\nrefused {refused:?}");
    for verb in 0..usize::from(VERBS) {
        assert!(done[verb] >= 10, "verb {verb} was done {} times, refused {}", done[verb], refused[verb]);
    }
    assert!(done.iter().sum::<u32>() > refused.iter().sum(), "done {done:?}, refused {refused:?}");
}

async fn count(steps: &[Step], done: &mut [u32], refused: &mut [u32]) {
    let opening = Opening { now: NOON, database: [1; 16], origin: Origin::Dev };
    let reference = Stores::of(Memory::open(opening));
    play(&reference, &Stores::of(Memory::open(opening)), &[]).await;
    for change in [cast::add_client(cast::client(1)), cast::add_user(cast::user(1))] {
        drop(commit(&reference, change).await);
    }
    let mut history = History { reference: &reference, now: NOON };
    for step in steps {
        history.now = history.now + Lifetime::from_secs(step.wait);
        let change = history.change(*step).await;
        let tally = match commit(&reference, change).await.expect("an answer") {
            doorward_store::Committed::Done(_) => &mut *done,
            doorward_store::Committed::Conflict => &mut *refused,
        };
        tally[usize::from(step.verb)] += 1;
    }
}
