//! `doorward audit`: what happened, and whether the log of it is whole.

use doorward_core::Lifetime;
use serde_json::Value;

use super::{items, tell, tell_list, users};
use crate::cli::args::{AuditVerb, Reaching};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::cell;
use crate::cli::stop::{Exit, Stop};
use crate::door::{Clock, SystemClock};

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: AuditVerb) -> Result<Exit, Stop> {
    let office = Office::reach(reaching).await?;
    match verb {
        AuditVerb::List { kind, user, session, since, before, limit } => {
            let user = match user {
                Some(user) => Some(users::find(&office, &user).await?),
                None => None,
            };
            let since = since.map(|text| time(&text)).transpose()?;
            let words = [
                ("kind", kind),
                ("user_id", user),
                ("session_id", session),
                ("since", since),
                ("before", before.map(|number| number.to_string())),
            ];
            let words = words.into_iter().filter_map(|(name, word)| Some(format!("&{name}={}", encoded(&word?))));
            let path = format!("/admin/v1/audit?limit={limit}{}", words.collect::<String>());
            tell_list(reaching.format, items(&office, &path).await?, &TITLES, row);
            Ok(Exit::Well)
        }
        AuditVerb::Verify { expect } => {
            let expect = expect.map(|noted| format!("?expect={}", encoded(&noted))).unwrap_or_default();
            let answer = office.ask("GET", &format!("/admin/v1/audit/verify{expect}"), None).await?;
            tell(reaching.format, &answer, in_words);
            Ok(if answer["well"] == true { Exit::Well } else { Exit::Negative })
        }
    }
}

const TITLES: [&str; 9] = ["number", "at", "kind", "by", "user", "session", "client", "address", "detail"];

fn row(link: &Value) -> Vec<String> {
    let members = ["number", "at", "kind", "by", "user_id", "session_id", "client_id", "address", "detail"];
    members.map(|member| cell(&link[member])).to_vec()
}

/// A time as it was said, or so long ago, as RFC 3339.
fn time(text: &str) -> Result<String, Stop> {
    let ago = text.strip_suffix(['s', 'm', 'h', 'd']).and_then(|number| number.parse::<u32>().ok()).map(|number| {
        let unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            _ => 86_400,
        };
        SystemClock.now() - Lifetime::from_secs(i64::from(number) * unit)
    });
    let time = match ago {
        Some(time) => jiff::Timestamp::from_millisecond(time.millis()).ok(),
        None => text.parse().ok(),
    };
    time.map(|time| time.to_string()).ok_or_else(|| {
        Stop::new(Exit::Usage, format!("`{text}` is no time"))
            .advise("write it as 2026-11-21T12:00:00Z, or how long ago it was: 90s, 15m, 2h, 7d")
    })
}

fn in_words(verdict: &Value) -> String {
    let head = &verdict["head"];
    let place = format!("{}:{}", cell(&head["number"]), cell(&head["hash"]));
    let number = cell(&verdict["broken"]["number"]);
    let chain = match verdict["broken"]["why"].as_str() {
        None => format!("the chain holds from the first event to the last\nhead: {place}"),
        Some("missing") => format!("BROKEN: event {number} is missing; the chain holds up to {place}"),
        Some("changed") => {
            format!("BROKEN: event {number} is not what was written in this place; the chain holds up to {place}")
        }
        Some(why) => format!("BROKEN: event {number} is {why}; the chain holds up to {place}"),
    };
    match verdict["expected"].as_str() {
        None => chain,
        Some("kept") => format!("{chain}\nthe expected event is there"),
        Some("replaced") => {
            format!("{chain}\nWRITTEN ANEW: the event of the expected number is another one than was noted")
        }
        Some(_) => format!("{chain}\nCUT OFF: the log ends before the expected event"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_as_it_is_or_as_so_long_ago() {
        assert_eq!(time("2026-11-21T12:00:00Z").ok().as_deref(), Some("2026-11-21T12:00:00Z"));
        for ago in ["90s", "15m", "2h", "7d"] {
            let then: jiff::Timestamp = time(ago).expect("a time").parse().expect("RFC 3339");
            assert!(then.as_millisecond() < SystemClock.now().millis(), "{ago}");
        }
        for wrong in ["", "h", "yesterday", "-3h", "2w", "2026-11-21"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
