//! The oracle: knows when each credential was ended, and judges by that what verifiers have answered.
//!
//! All times are of one clock of one machine, in whatever process. The commit of an end lies between the moment its call
//! was sent and the moment its answer came. Judged is when a check was *begun*: an answer that was on its way is nobody's
//! fault. So a check that begins later than the answer and the bound, or later than a `verifiers` receipt, must not be
//! let in; and one that was turned away for good before the call was even sent, was turned away wrongly.

use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

/// A moment: microseconds since the machine was started, its sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) u64);

impl At {
    pub(crate) fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Self(time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1000)
    }

    pub(crate) fn plus(self, span: Duration) -> Self {
        Self(self.0 + u64::try_from(span.as_micros()).expect("a short span"))
    }

    /// How much later it is than another moment; nothing if it is earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// What a route asks of the index. The first is no promise: it is the oracle's counter-example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    Eventual,
    Bounded,
    Grace,
    Introspect,
    Strict,
}

impl Route {
    pub(crate) const ALL: [Self; 5] = [Self::Eventual, Self::Bounded, Self::Grace, Self::Introspect, Self::Strict];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Eventual => "eventual",
            Self::Bounded => "bounded",
            Self::Grace => "grace",
            Self::Introspect => "introspect",
            Self::Strict => "strict",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }

    /// How long after a commit it may still let in what was ended. (A strict route misses nothing that was committed
    /// before the request.)
    pub(crate) const fn bound(self, lease: Duration, grace: Duration) -> Duration {
        match self {
            Self::Eventual | Self::Bounded | Self::Introspect => lease,
            Self::Grace => lease.saturating_add(grace),
            Self::Strict => Duration::ZERO,
        }
    }
}

/// What a verifier answered to one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    LetIn,
    /// 401: for good.
    TurnedAway,
    /// 503: cannot say now.
    Unknown,
    /// No answer, or none that belongs here.
    Nothing,
}

/// What was answered about one credential on one route, by one verifier or many: as much of it as judging takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) let_in: u64,
    pub(crate) turned_away: u64,
    pub(crate) unknown: u64,
    pub(crate) nothing: u64,
    /// When the latest check that was let in began.
    pub(crate) last_let_in: Option<At>,
    /// When the first check that was turned away was answered.
    pub(crate) first_turned_away: Option<At>,
}

impl Seen {
    pub(crate) fn note(&mut self, verdict: Verdict, begun: At, answered: At) {
        match verdict {
            Verdict::LetIn => {
                self.let_in += 1;
                self.last_let_in = self.last_let_in.max(Some(begun));
            }
            Verdict::TurnedAway => {
                self.turned_away += 1;
                self.first_turned_away = Some(self.first_turned_away.map_or(answered, |first| first.min(answered)));
            }
            Verdict::Unknown => self.unknown += 1,
            Verdict::Nothing => self.nothing += 1,
        }
    }

    pub(crate) const fn checks(&self) -> u64 {
        self.let_in + self.turned_away + self.unknown
    }
}

/// What is known of the end of one credential.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Case {
    /// The call that ends it was sent. Never: it lives.
    pub(crate) sent: Option<At>,
    /// An answer has come that says that it is ended.
    pub(crate) answered: Option<At>,
    /// A receipt has come that says that nobody accepts it any more.
    pub(crate) receipt: Option<At>,
}

/// What must not be, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    AfterBound(Duration),
    AfterReceipt(Duration),
    TurnedAwayAlive,
}

/// Judges what was seen.
pub(crate) fn judge(case: &Case, seen: &Seen, bound: Duration) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if let (Some(last), Some(answered)) = (seen.last_let_in, case.answered)
        && last > answered.plus(bound)
    {
        wrong.push(Wrong::AfterBound(last.since(answered.plus(bound))));
    }
    if let (Some(last), Some(receipt)) = (seen.last_let_in, case.receipt)
        && last > receipt
    {
        wrong.push(Wrong::AfterReceipt(last.since(receipt)));
    }
    if let Some(first) = seen.first_turned_away
        && case.sent.is_none_or(|sent| first < sent)
    {
        wrong.push(Wrong::TurnedAwayAlive);
    }
    wrong
}

/// A credential that verifiers are asked about, and what they have answered.
pub(crate) struct Watched {
    pub(crate) id: u32,
    pub(crate) credential: String,
    answers: Mutex<Answers>,
}

struct Answers {
    seen: [Seen; Route::ALL.len()],
    /// Which verifiers have let it in, and which have turned it away, since they were asked to say so anew.
    let_in_by: Vec<bool>,
    turned_away_by: Vec<bool>,
}

/// What is watched now, by so many verifiers.
pub(crate) struct Board {
    verifiers: usize,
    watched: RwLock<Vec<std::sync::Arc<Watched>>>,
}

/// What one credential met with on one route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) id: u32,
    pub(crate) route: Route,
    pub(crate) seen: Seen,
}

/// How many verifiers have let a credential in, and turned it away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) id: u32,
    pub(crate) let_in_by: usize,
    pub(crate) turned_away_by: usize,
}

impl Board {
    pub(crate) fn new(verifiers: usize) -> Self {
        Self { verifiers, watched: RwLock::default() }
    }

    pub(crate) fn add(&self, id: u32, credential: &str) {
        let by = vec![false; self.verifiers];
        let answers = Answers { seen: Default::default(), let_in_by: by.clone(), turned_away_by: by };
        let credential = credential.to_owned();
        let watched = std::sync::Arc::new(Watched { id, credential, answers: Mutex::new(answers) });
        self.watched.write().unwrap_or_else(PoisonError::into_inner).push(watched);
    }

    pub(crate) fn clear(&self) {
        self.watched.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The one whose turn it is.
    pub(crate) fn pick(&self, turn: usize) -> Option<std::sync::Arc<Watched>> {
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        if watched.is_empty() { None } else { Some(std::sync::Arc::clone(&watched[turn % watched.len()])) }
    }

    /// Forgets who has let in and turned away whom, but not when.
    pub(crate) fn ask_anew(&self) {
        for watched in self.watched.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let mut answers = watched.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.let_in_by.fill(false);
            answers.turned_away_by.fill(false);
        }
    }

    pub(crate) fn tell(&self) -> (Vec<Told>, Vec<Count>) {
        let (mut told, mut counts) = (Vec::new(), Vec::new());
        for watched in self.watched.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let answers = watched.answers.lock().unwrap_or_else(PoisonError::into_inner);
            for (route, seen) in Route::ALL.into_iter().zip(&answers.seen) {
                told.push(Told { id: watched.id, route, seen: *seen });
            }
            let many = |by: &[bool]| by.iter().filter(|has| **has).count();
            let (let_in_by, turned_away_by) = (many(&answers.let_in_by), many(&answers.turned_away_by));
            counts.push(Count { id: watched.id, let_in_by, turned_away_by });
        }
        (told, counts)
    }
}

impl Watched {
    /// Notes an answer of a verifier. (An eventual route lets in and turns away like the others.)
    pub(crate) fn note(&self, verifier: usize, route: Route, verdict: Verdict, begun: At) {
        let answered = At::now();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.seen[route as usize].note(verdict, begun, answered);
        match verdict {
            Verdict::LetIn if route != Route::Eventual => answers.let_in_by[verifier] = true,
            Verdict::TurnedAway => answers.turned_away_by[verifier] = true,
            Verdict::LetIn | Verdict::Unknown | Verdict::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_millis(1000);

    fn check(let_in: &[u64], turned_away: &[u64], case: [Option<u64>; 3], expect: &[Wrong]) {
        let at = |millis: u64| At(millis * 1000);
        let mut seen = Seen::default();
        let_in.iter().for_each(|begun| seen.note(Verdict::LetIn, at(*begun), at(begun + 5)));
        turned_away.iter().for_each(|answered| seen.note(Verdict::TurnedAway, at(answered - 5), at(*answered)));
        let [sent, answered, receipt] = case.map(|millis| millis.map(at));
        assert_eq!(judge(&Case { sent, answered, receipt }, &seen, LEASE), expect);
        assert_eq!(seen.checks(), (let_in.len() + turned_away.len()) as u64);
    }

    #[test]
    fn the_oracle_sees_what_is_let_in_too_late_and_turned_away_too_soon() {
        let late = Duration::from_millis;
        check(&[100, 300, 200], &[], [None; 3], &[]);
        check(&[1510, 400], &[1600], [Some(500), Some(510), None], &[]);
        check(&[1511], &[], [Some(500), Some(510), None], &[Wrong::AfterBound(late(1))]);
        check(&[600], &[700], [Some(500), Some(510), Some(600)], &[]);
        check(&[601], &[], [Some(500), Some(510), Some(600)], &[Wrong::AfterReceipt(late(1))]);
        check(
            &[2511],
            &[],
            [Some(500), Some(510), Some(511)],
            &[Wrong::AfterBound(late(1001)), Wrong::AfterReceipt(late(2000))],
        );
        check(&[], &[499], [Some(500), Some(510), None], &[Wrong::TurnedAwayAlive]);
        check(&[], &[500, 501], [Some(500), Some(510), None], &[]);
        check(&[], &[500], [None; 3], &[Wrong::TurnedAwayAlive]);
    }

    #[test]
    fn a_board_knows_who_has_said_what_since_it_was_asked_anew() {
        let board = Board::new(2);
        assert!(board.pick(0).is_none());
        board.add(7, "one");
        board.add(8, "two");
        let one = board.pick(2).expect("somebody");
        assert_eq!((one.id, one.credential.as_str()), (7, "one"));
        one.note(0, Route::Bounded, Verdict::LetIn, At::now());
        one.note(1, Route::Eventual, Verdict::LetIn, At::now());
        one.note(1, Route::Strict, Verdict::TurnedAway, At::now());
        let (told, counts) = board.tell();
        assert_eq!(told.iter().map(|told| told.seen.checks()).sum::<u64>(), 3);
        assert_eq!((counts[0].id, counts[0].let_in_by, counts[0].turned_away_by), (7, 1, 1));
        board.ask_anew();
        let (told, counts) = board.tell();
        assert_eq!(told.iter().map(|told| told.seen.checks()).sum::<u64>(), 3);
        assert_eq!((counts[0].let_in_by, counts[0].turned_away_by), (0, 0));
        board.clear();
        assert!(board.pick(0).is_none());
    }
}
