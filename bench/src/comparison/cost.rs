//! What a million requests a second would take, by the CPU time of one: cores, machines, money, and what their credentials
//! take of a wire. An extrapolation, and the table says which.

use super::Facts;
use crate::report::{Sheet, figure};

/// Requests a second.
const MILLION: f64 = 1e6;
/// No server is planned for more of its cores than this.
const BUSY: f64 = 0.6;
/// Cores of a machine.
const CORES: f64 = 8.0;
/// Hours of a month.
const MONTH: f64 = 730.0;

/// Whose checks are told.
const WHOLE: [&str; 4] = ["Doorward", "express-session", "tower-sessions", "better-auth"];

/// What a core costs for an hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    pub(super) core_hour: f64,
}

/// What so many requests a second take.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    /// Cores that do nothing else.
    busy: f64,
    /// Machines of eight cores, of which no more is planned for than may be.
    machines: f64,
    /// What their cores cost in a month.
    month: f64,
}

impl Cost {
    /// Of requests that cost so many microseconds of CPU.
    fn of(cpu: f64, per_second: f64, price: Price) -> Self {
        let busy = cpu * per_second / 1e6;
        let machines = (busy / BUSY / CORES).ceil();
        Self { busy, machines, month: machines * CORES * price.core_hour * MONTH }
    }
}

/// Gigabits a second of credentials of so many bytes.
fn wire(bytes: usize, per_second: f64) -> f64 {
    bytes as f64 * 8.0 * per_second / 1e9
}

/// How many servers of one thread such a store takes.
fn stores(store: f64, per_second: f64) -> f64 {
    (store * per_second / 1e6 / BUSY).ceil()
}

/// The table.
pub(super) fn sheet(facts: &Facts) -> Sheet {
    let [es256, hs256] = facts.tokens_of;
    let (ours, theirs) = facts.cookies;
    // Who does the whole work, each once.
    let is_whole = |name: &str| WHOLE.iter().any(|begins| name.starts_with(begins));
    let over_http = facts.checks.iter().filter(|way| is_whole(&way.name));
    let bytes = |name: &str| match name {
        name if name.starts_with("Doorward") => Some(ours),
        name if name.starts_with("express-session") => theirs,
        _ => None,
    };
    let mut cells: Vec<Vec<String>> = over_http
        .map(|way| row(&format!("{}, over HTTP", way.name), way.cpu, way.store, bytes(&way.name), facts.price))
        .collect();
    cells.extend(facts.tokens.iter().map(|way| {
        let bytes = if way.name.ends_with("HS256") { hs256 } else { es256 };
        row(&format!("{}, in process", way.name), way.cpu, None, Some(bytes), facts.price)
    }));
    let columns =
        ["a million a second", "cores, all busy", "machines of 8", "a month", "stores of one thread", "Gbit/s"];
    Sheet {
        title: format!(
            "A million requests a second, at {BUSY} of every core and {} a core and hour",
            figure(facts.price.core_hour)
        ),
        columns: columns.map(String::from).into(),
        cells,
    }
}

fn row(name: &str, cpu: f64, store: Option<f64>, bytes: Option<usize>, price: Price) -> Vec<String> {
    let cost = Cost::of(cpu, MILLION, price);
    vec![
        name.to_owned(),
        figure(cost.busy),
        format!("{:.0}", cost.machines),
        format!("{:.0}", cost.month),
        store.map_or_else(String::new, |store| format!("{:.0}", stores(store, MILLION))),
        bytes.map_or_else(String::new, |bytes| figure(wire(bytes, MILLION))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::round_facts;

    #[test]
    fn a_million_requests_of_ten_microseconds_keep_ten_cores_busy() {
        let cost = Cost::of(10.0, MILLION, Price { core_hour: 0.05 });
        // Ten cores at six tenths are 16.7, so three machines of eight.
        assert_eq!(cost, Cost { busy: 10.0, machines: 3.0, month: 24.0 * 0.05 * 730.0 });
        let dear = Cost::of(317.0, MILLION, Price { core_hour: 0.05 });
        assert_eq!((dear.busy, dear.machines), (317.0, 67.0));
        // Twice as many requests of half the cost are the same.
        assert_eq!(Cost::of(5.0, 2.0 * MILLION, Price { core_hour: 0.05 }), cost);
    }

    #[test]
    fn credentials_take_bits_of_a_wire_and_stores_of_one_thread_are_counted() {
        assert!((wire(53, MILLION) - 0.424).abs() < 1e-9);
        assert!((wire(600, MILLION) - 4.8).abs() < 1e-9);
        assert!((stores(7.0, MILLION) - 12.0).abs() < 1e-9);
    }

    #[test]
    fn the_cost_of_a_million_stands_beside_every_way_that_was_measured() {
        let sheet = sheet(&round_facts());
        let cells: Vec<Vec<&str>> = sheet.cells.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        assert_eq!(cells[0], ["Doorward, session at hand, over HTTP", "10.00", "3", "876", "", "0.42"]);
        assert_eq!(cells[1], ["express-session + connect-redis, over HTTP", "320.0", "67", "19564", "34", "0.64"]);
        assert_eq!(cells[2][..3], ["doorward-verify, ES256, in process", "40.00", "9"]);
        assert!(sheet.title.contains("0.05"), "{}", sheet.title);
    }
}
