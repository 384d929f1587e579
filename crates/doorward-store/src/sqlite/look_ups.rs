//! What is asked of the sessions, held against the indexes: a look-up that reads a whole table is only noticed when there
//! are many rows.

use rusqlite::Connection;

use super::session_changes::{TURN, TURN_TO_ANOTHER_IDLE};
use super::session_rows::{
    ALL_OPEN, BY_ID, BY_PREVIOUS, BY_SECRET, NEWEST, OF_ANOTHER, OF_USER, OPEN_OF_BUCKET, OPEN_OF_USER,
};
use super::sweep::CANDIDATES;
use super::{connection, migrations};

/// The steps in which SQLite does it that touch sessions or sort.
fn steps(file: &Connection, query: &str) -> Vec<String> {
    let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("a query");
    let mut steps = plan.raw_query();
    let mut words = Vec::new();
    while let Some(step) = steps.next().expect("a step") {
        words.push(step.get::<_, String>(3).expect("words"));
    }
    words.retain(|step| step.contains(" sessions ") || step.contains("TEMP"));
    words
}

#[test]
fn every_look_up_has_its_index() {
    let folder = super::scratch::Scratch::make().expect("a folder");
    let path = folder.folder().join("doorward.db");
    drop(Connection::open(&path).expect("a file"));
    // As the store's own connections are: how a query is planned depends on it.
    let file = connection::writing(&path).expect("a connection");
    file.execute_batch(&migrations::layout()).expect("the layout");
    let by_id = ["SEARCH sessions USING INDEX sessions_by_id (id=?)"];
    let sorted = "USE TEMP B-TREE FOR ORDER BY";
    let cases: [(&str, &[&str]); 15] = [
        (&BY_ID, &by_id),
        (&BY_SECRET, &["SEARCH sessions USING INDEX sessions_by_secret (<expr>=?)"]),
        (&BY_PREVIOUS, &["SEARCH sessions USING INDEX sessions_by_previous_secret (previous_secret=?)"]),
        (&OF_USER, &["SEARCH sessions USING INDEX sessions_by_user (<expr>=?)", sorted]),
        (OPEN_OF_USER, &["SEARCH sessions USING INDEX sessions_by_user (<expr>=?)"]),
        // Only those of one millisecond are sorted.
        (&NEWEST, &["SCAN sessions USING INDEX sessions_by_age", "USE TEMP B-TREE FOR LAST TERM OF ORDER BY"]),
        // No row is read: what the query asks for is what the index is made of.
        (ALL_OPEN, &["SCAN sessions USING INDEX sessions_by_age"]),
        (OPEN_OF_BUCKET, &["SEARCH sessions USING INDEX sessions_by_id (id>? AND id<?)"]),
        (CANDIDATES, &["SEARCH sessions USING INDEX sessions_by_sweep (sweep_at<?)"]),
        (
            OF_ANOTHER,
            &[
                "SEARCH sessions USING INDEX sessions_by_secret (<expr>=?)",
                "SEARCH sessions USING INDEX sessions_by_previous_secret (previous_secret=?)",
            ],
        ),
        (&TURN, &by_id),
        (&TURN_TO_ANOTHER_IDLE, &by_id),
        ("UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2 AND ended_at IS NULL", &by_id),
        ("UPDATE sessions SET sweep_at = ?2 WHERE id = ?1", &by_id),
        ("DELETE FROM sessions WHERE id = ?1", &by_id),
    ];
    for (query, expected) in cases {
        assert_eq!(steps(&file, query), expected, "{query}");
    }
}

/// A refresh writes one row and no index: none holds what it writes.
#[test]
fn a_turn_touches_no_index() {
    let file = Connection::open_in_memory().expect("a database");
    file.execute_batch(&migrations::layout()).expect("the layout");
    let mut program = file.prepare(&format!("EXPLAIN {}", *TURN)).expect("a statement");
    let mut steps = program.raw_query();
    let mut written = Vec::new();
    while let Some(step) = steps.next().expect("a step") {
        let operation: String = step.get(1).expect("an operation");
        if ["Insert", "Delete", "IdxInsert", "IdxDelete"].contains(&operation.as_str()) {
            written.push(operation);
        }
    }
    assert_eq!(written, ["Insert"]);
}
