//! What came of it: one row for each fault, and the verdict.

use std::time::Duration;

use super::faults::Fault;
use super::oracle::{At, Route, Seen, Wrong, judge};
use super::world::{Wave, World};

/// What one fault showed.
pub(crate) struct Row {
    fault: &'static str,
    checks: u64,
    unknown: u64,
    /// The longest time from the answer that ended something to a check that let it in, by route.
    latest: [Duration; Route::ALL.len()],
    after_bound: u64,
    after_receipt: u64,
    turned_away_alive: u64,
    /// How often the route that promises nothing did what the others must not.
    eventual: [u64; 2],
    /// After which everybody lets in the living again, and nobody else.
    healed: Duration,
    /// How often each verifier of a target was asked something, on average.
    paces: Vec<(&'static str, Duration)>,
    told: Vec<String>,
}

impl Row {
    /// Judges what everybody has answered about a wave.
    pub(crate) fn judge(world: &mut World, wave: &Wave, fault: Fault, healed: Duration) -> Self {
        let mut row = Self {
            fault: fault.name(),
            checks: 0,
            unknown: 0,
            latest: [Duration::ZERO; Route::ALL.len()],
            after_bound: 0,
            after_receipt: 0,
            turned_away_alive: 0,
            eventual: [0; 2],
            healed,
            paces: Vec::new(),
            told: Vec::new(),
        };
        for target in &mut world.targets {
            let (told, _) = target.tell();
            let checks: u64 = told.iter().map(|told| told.seen.checks()).sum();
            let pace = At::now().since(wave.since).as_secs_f64() * target.size() as f64 / checks.max(1) as f64;
            row.paces.push((target.name, Duration::from_secs_f64(pace)));
            let mut unknown = 0;
            for told in told.iter().filter(|told| told.seen.checks() > 0) {
                let member = wave.all().find(|member| member.id == told.id).expect("one of the wave");
                let case = member.case();
                let bound = told.route.bound(target.terms.lease, target.terms.grace);
                row.count(told.route, &told.seen, case.answered);
                unknown += told.seen.unknown;
                for wrong in judge(&case, &told.seen, bound) {
                    row.add(target.name, told.route, wrong);
                }
            }
            if fault.leaves_in_the_dark(target) && unknown == 0 {
                row.told.push(format!("{}: {} was never in the dark", row.fault, target.name));
            }
        }
        row
    }

    fn count(&mut self, route: Route, seen: &Seen, answered: Option<At>) {
        self.checks += seen.checks();
        self.unknown += seen.unknown;
        if let (Some(last), Some(answered)) = (seen.last_let_in, answered) {
            let latest = &mut self.latest[route as usize];
            *latest = last.since(answered).max(*latest);
        }
    }

    fn add(&mut self, target: &str, route: Route, wrong: Wrong) {
        if route == Route::Eventual && wrong != Wrong::TurnedAwayAlive {
            self.eventual[usize::from(matches!(wrong, Wrong::AfterReceipt(_)))] += 1;
            return;
        }
        match wrong {
            Wrong::AfterBound(_) => self.after_bound += 1,
            Wrong::AfterReceipt(_) => self.after_receipt += 1,
            Wrong::TurnedAwayAlive => self.turned_away_alive += 1,
        }
        self.told.push(format!("{}: {target}, {}: {wrong:?}", self.fault, route.name()));
    }
}

/// Prints all rows; fails if anything is wrong, or if too little was seen to know.
pub(crate) fn conclude(rows: &[Row], seed: u64, least: u64, bare: u64) {
    println!(
        "{:<38} {:>9} {:>8}  {:>8} {:>8} {:>10} {:>7}  {:>6} {:>6} {:>6}  {:>8}  {:>9}",
        "",
        "checks",
        "503",
        "bounded",
        "grace",
        "introspect",
        "strict",
        "bound!",
        "rcpt!",
        "401!",
        "healed",
        "eventual"
    );
    let millis = |span: Duration| format!("{} ms", span.as_millis());
    for row in rows {
        let [_, bounded, grace, introspect, strict] = row.latest.map(millis);
        println!(
            "{:<38} {:>9} {:>8}  {:>8} {:>8} {:>10} {:>7}  {:>6} {:>6} {:>6}  {:>8}  {:>4} {:>4}",
            row.fault,
            row.checks,
            row.unknown,
            bounded,
            grace,
            introspect,
            strict,
            row.after_bound,
            row.after_receipt,
            row.turned_away_alive,
            millis(row.healed),
            row.eventual[0],
            row.eventual[1],
        );
    }
    for (name, pace) in rows.first().map(|row| row.paces.as_slice()).unwrap_or_default() {
        println!("{name}: each is asked every {:.1} ms while nothing is wrong", pace.as_secs_f64() * 1e3);
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let (checks, eventual) = (sum(|row| row.checks), [sum(|row| row.eventual[0]), sum(|row| row.eventual[1])]);
    let wrong: Vec<&String> = rows.iter().flat_map(|row| &row.told).collect();
    println!(
        "{checks} checks, seed {seed:#x}: {} after the bound, {} after a receipt, {} turned away alive, {bare} 503s \
         without Retry-After; the route that promises nothing: {eventual:?}",
        sum(|row| row.after_bound),
        sum(|row| row.after_receipt),
        sum(|row| row.turned_away_alive),
    );
    assert!(wrong.is_empty(), "seed {seed:#x}: {wrong:#?}");
    assert_eq!(bare, 0, "a 503 says when to come again");
    assert!(checks >= least, "{checks} checks are too few to mean anything");
    assert!(
        eventual.iter().all(|count| *count > 0),
        "an oracle that sees nothing wrong where something is: {eventual:?}"
    );
}
