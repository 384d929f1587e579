//! SQLite passes the suite.

use doorward_core::Timestamp;
use doorward_store::sqlite::Sqlite;
use doorward_store::{Opening, Origin, Stores};

fn opening() -> Opening {
    Opening { now: Timestamp::from_secs(1_900_000_000), database: [1; 16], origin: Origin::Dev }
}

doorward_store::store_suite!(async { Stores::of(Sqlite::open_in_memory(opening()).expect("an empty database")) });
