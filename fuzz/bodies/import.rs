//! Files of people.

use doorward::import::judge::judge;
use doorward::import::{Form, Line, Project, read};
use doorward_core::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

fn project() -> Project {
    Project {
        signer_key: "c2lnbmVyLWtleS1vZi1ub2JvZHk".into(),
        salt_separator: "Bw==".into(),
        rounds: 8,
        mem_cost: 14,
    }
}

/// Rows come in order, each once, and are taken or told in a word; what is told is short and holds no value of a row.
fn check(data: &[u8], form: &Form) {
    let mut last = 0;
    let mut each = |line: Line| {
        assert!(line.number > last, "in order");
        last = line.number;
        let unfit = match line.row {
            Ok(row) => judge(&row, NOW).err(),
            Err(unfit) => Some(unfit),
        };
        if let Some(unfit) = unfit {
            assert!(
                unfit.reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
            );
            let detail = unfit.detail.unwrap_or_default();
            assert!(detail.len() <= 160 && !detail.chars().any(char::is_control), "{detail}");
        }
        true
    };
    if let Err(broken) = read(data, form, &mut each) {
        assert!(broken.to_string().len() <= 600, "{broken}");
    }
    assert!(last <= 1 + data.iter().filter(|byte| **byte == b'\n' || **byte == b'{').count() as u64);
}

/// JSON Lines.
pub(super) fn lines(data: &[u8]) {
    check(data, &Form::Lines);
}

/// CSV and exports of Firebase.
pub(super) fn files(data: &[u8]) {
    check(data, &Form::Csv);
    check(data, &Form::Firebase(project()));
}
