//! Times as people read them. A page without scripts does not know where its reader lives: it says UTC.

use doorward_core::{Lifetime, Timestamp};
use minijinja::{Value, context};

/// A time for machines and for people.
#[derive(Debug)]
pub struct When {
    /// RFC 3339.
    pub iso: String,
    /// Such as `21 November 2026, 09:30 UTC`.
    pub text: String,
}

impl From<When> for Value {
    fn from(When { iso, text }: When) -> Self {
        context! { iso, text }
    }
}

/// Writes a time.
pub fn when(time: Timestamp) -> When {
    let time = jiff::Timestamp::from_second(time.secs()).unwrap_or_default();
    let text = time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string();
    When { iso: time.to_string(), text }
}

/// Says how long ago something was. The last use of a session is known to the minute.
pub fn ago(span: Lifetime) -> String {
    let minutes = span.secs() / 60;
    let (count, unit) = match minutes {
        ..2 => return String::from("just now"),
        2..120 => (minutes, "minutes"),
        120..2880 => (minutes / 60, "hours"),
        _ => (minutes / 1440, "days"),
    };
    format!("{count} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_both_readers() {
        let time = when(Timestamp::from_secs(1_790_000_000));
        assert_eq!((time.iso.as_str(), time.text.as_str()), ("2026-09-21T14:13:20Z", "21 September 2026, 14:13 UTC"));
    }

    #[test]
    fn spans_are_rounded_down() {
        for (seconds, text) in [
            (-5, "just now"),
            (119, "just now"),
            (120, "2 minutes ago"),
            (7199, "119 minutes ago"),
            (7200, "2 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(Lifetime::from_secs(seconds)), text);
        }
    }
}
