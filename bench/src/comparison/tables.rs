//! The tables: the same work by others, and the articles' own comparison with figures in its cells.

use super::{Facts, Way};
use crate::report::{Sheet, figure};

/// Nobody measured it in this run.
const UNKNOWN: &str = "not measured";

/// Who am I, by cookie over HTTP.
pub(super) fn checks(facts: &Facts) -> Sheet {
    let [many, few, _] = facts.sessions;
    let first = facts.checks.first().map(|way| way.cpu);
    let cells = facts.checks.iter().map(|way| {
        vec![
            way.name.clone(),
            figure(way.cpu),
            way.store.map_or_else(String::new, figure),
            times(way, first),
            figure(way.rate),
            figure(way.p50),
            figure(way.p99),
        ]
    });
    Sheet {
        title: format!("A session check over HTTP, 64 clients, {many} sessions ({few} with better-auth)"),
        columns: columns(&["", "CPU, µs", "of it the store", "× Doorward", "per second", "p50, µs", "p99, µs"]),
        cells: cells.collect(),
    }
}

/// Verifying a token.
pub(super) fn tokens(facts: &Facts) -> Sheet {
    let [es256, hs256] = facts.tokens_of;
    let cells = facts.tokens.iter().map(|way| {
        // Each against ours with the same algorithm.
        let same = |one: &&Way| one.name.rsplit(", ").next() == way.name.rsplit(", ").next();
        let first = facts.tokens.iter().find(same).map(|way| way.cpu);
        vec![way.name.clone(), figure(way.cpu), times(way, first), figure(way.rate)]
    });
    Sheet {
        title: format!("Verifying a token in process, {es256} bytes with ES256 and {hs256} with HS256"),
        columns: columns(&["", "CPU, µs", "× Doorward", "per second"]),
        cells: cells.collect(),
    }
}

/// Refreshing and introspection.
pub(super) fn turns(facts: &Facts) -> Sheet {
    let cells = facts.turns.iter().map(|way| {
        let same = |one: &&Way| one.name.split(':').next() == way.name.split(':').next();
        let first = facts.turns.iter().find(same).map(|way| way.cpu);
        let figures = [way.rate, way.p50, way.p99].map(figure);
        [vec![way.name.clone(), figure(way.cpu), times(way, first)], figures.to_vec()].concat()
    });
    Sheet {
        title: format!("Refreshing and introspection over HTTP, 64 clients, {} sessions", facts.sessions[2]),
        columns: columns(&["", "CPU, µs", "× Doorward", "per second", "p50, µs", "p99, µs"]),
        cells: cells.collect(),
    }
}

/// The articles' comparison, with figures. What cannot be measured stands in docs/choosing.md.
pub(super) fn articles(facts: &Facts) -> Sheet {
    let cells = [storage(facts), size(facts), work(facts), numbers(facts), servers(facts), revocation(facts)];
    Sheet {
        title: String::from("Sessions and tokens, the articles' table with figures"),
        columns: columns(&["", "session", "token"]),
        cells: cells.map(Vec::from).into(),
    }
}

fn storage(facts: &Facts) -> [String; 3] {
    let held: Vec<String> = facts.held.iter().map(|(whose, bytes)| format!("{bytes:.0} bytes ({whose})")).collect();
    [
        String::from("what a server keeps for each, in memory (S0-05, S4-04)"),
        known(&held.join("; ")),
        String::from("nothing that a check needs"),
    ]
}

fn size(facts: &Facts) -> [String; 3] {
    let (ours, theirs) = facts.cookies;
    let [es256, hs256] = facts.tokens_of;
    let theirs = theirs.map_or_else(String::new, |bytes| format!("; {bytes} with express-session"));
    let refresh = if facts.refresh > 0 { format!("; a refresh token {}", facts.refresh) } else { String::new() };
    let many = es256 as f64 / ours.max(1) as f64;
    [
        String::from("bytes of every request (S0-07, S1-17, S3-03, S4-07)"),
        format!("{ours}{theirs}"),
        if es256 == 0 { known("") } else { format!("{es256} with ES256, {hs256} with HS256: {many:.0} ×{refresh}") },
    ]
}

fn work(facts: &Facts) -> [String; 3] {
    let whole = |name: &str| facts.check(name).map(|way| format!("{} µs of CPU", figure(way.cpu)));
    let ours = whole("Doorward").map(|cost| format!("in memory, {cost} for the whole request"));
    let theirs = whole("express-session").map(|cost| format!("in Redis by express-session, {cost}"));
    let verify = |name: &str, what: &str| facts.token(name).map(|way| format!("{what} {} µs", figure(way.cpu)));
    let tokens = [
        verify("doorward-verify, ES256", "a signature: ES256"),
        verify("doorward-verify, HS256", "HS256"),
        verify("doorward-verify, a token seen before, ES256", "seen before"),
    ];
    [
        String::from("work of every request (S0-10, S4-08)"),
        known(&joined(&[ours, theirs], "; ")),
        known(&joined(&tokens, ", ")),
    ]
}

/// What the articles say, and what is so here.
fn numbers(facts: &Facts) -> [String; 3] {
    let look_up = facts
        .look_up
        .as_ref()
        .map(|way| format!("{} µs here, alone on loopback ({} of Redis's CPU)", figure(way.p50), figure(way.cpu)));
    let token = |name: &str, what: &str| facts.token(name).map(|way| format!("{} µs {what}", figure(way.cpu)));
    let all = [
        token("jsonwebtoken for Node, ES256", "with ES256 by jsonwebtoken for Node"),
        token("jsonwebtoken for Node, HS256", "with HS256"),
        token("jsonwebtoken for Node, its key as text, HS256", "with HS256 and its secret as text"),
        token("doorward-verify, ES256", "with ES256 by doorward-verify"),
    ];
    [
        String::from("the articles' numbers (S0-28)"),
        format!("“a look-up in Redis takes about 1 ms”: {}", known(&look_up.unwrap_or_default())),
        format!("“verifying takes about 0.1 ms”: {}", known(&joined(&all, ", "))),
    ]
}

fn servers(facts: &Facts) -> [String; 3] {
    let store = facts.check("express-session").and_then(|way| way.store).filter(|cpu| *cpu > 0.0);
    let redis = store.map(|store| format!("one Redis, one thread: {:.0} checks a second at most", 1e6 / store));
    let ours = facts.check("Doorward").map(|way| format!("a core of Doorward's: {:.0}", 1e6 / way.cpu));
    let verify =
        facts.token("doorward-verify, ES256").map(|way| format!("a core of any service: {:.0}", 1e6 / way.cpu));
    [
        String::from("more servers (S0-06, S0-12, S4-06)"),
        known(&joined(&[redis, ours], "; ")),
        known(&verify.unwrap_or_default()),
    ]
}

fn revocation(facts: &Facts) -> [String; 3] {
    let heard = facts.windows.map_or_else(
        || String::from("see *Revocation*"),
        |[p50, p99]| format!("p50 {} ms, p99 {} ms at the last of 100", figure(p50 / 1000.0), figure(p99 / 1000.0)),
    );
    [
        String::from("until a sign-out counts (S0-08, S0-09, S4-05)"),
        String::from("0: before the answer"),
        format!("at services that follow: {heard}, 3 s at most; at others until it runs out, 15 minutes"),
    ]
}

/// How many times as much as ours.
fn times(way: &Way, first: Option<f64>) -> String {
    first.map_or_else(String::new, |first| figure(way.cpu / first))
}

fn joined(parts: &[Option<String>], between: &str) -> String {
    parts.iter().flatten().cloned().collect::<Vec<_>>().join(between)
}

fn known(text: &str) -> String {
    if text.is_empty() { UNKNOWN.to_owned() } else { text.to_owned() }
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::round_facts;

    #[test]
    fn the_articles_table_has_what_was_measured_in_its_cells() {
        let sheet = articles(&round_facts());
        let cell = |row: usize, column: usize| sheet.cells[row][column].as_str();
        assert_eq!(cell(0, 1), "430 bytes (Doorward); 420 bytes (connect-redis in Redis 7)");
        assert_eq!((cell(1, 1), cell(1, 2)), ("53; 80 with express-session", "600 with ES256, 560 with HS256: 11 ×"));
        assert!(cell(2, 1).contains("10.00 µs of CPU") && cell(2, 1).contains("320.0 µs of CPU"), "{}", cell(2, 1));
        assert!(cell(3, 1).contains("250.0 µs here"), "{}", cell(3, 1));
        assert!(cell(3, 2).contains("100.0 µs with ES256"), "{}", cell(3, 2));
        assert!(cell(4, 1).contains("50000 checks a second at most"), "{}", cell(4, 1));
        assert!(cell(5, 2).contains("see *Revocation*"), "{}", cell(5, 2));
        let ids: Vec<&str> = ["S0-05", "S1-17", "S3-03", "S0-10", "S0-28", "S4-06", "S4-05"].into();
        assert!(ids.iter().all(|id| sheet.cells.iter().any(|row| row[0].contains(id))));
    }

    #[test]
    fn a_cell_whose_figure_is_missing_says_so() {
        let mut facts = round_facts();
        (facts.tokens, facts.look_up, facts.tokens_of) = (Vec::new(), None, [0, 0]);
        let sheet = articles(&facts);
        for (row, column) in [(1, 2), (2, 2), (3, 1), (3, 2), (4, 2)] {
            assert!(sheet.cells[row][column].contains(UNKNOWN), "{row} {column}: {}", sheet.cells[row][column]);
        }
    }

    #[test]
    fn each_is_compared_with_ours_at_the_same_work() {
        let facts = round_facts();
        assert_eq!(checks(&facts).cells[1][..4], ["express-session + connect-redis", "320.0", "20.00", "32.00"]);
        assert_eq!(tokens(&facts).cells[1][..3], ["jsonwebtoken for Node, ES256", "100.0", "2.50"]);
        assert_eq!(turns(&facts).cells[0][2], "1.00");
    }
}
