//! The record of a session, as the server writes it.

use std::sync::atomic::AtomicI64;

use super::access::{Access, Shown};
use crate::json::{Malformed, Reader, read_object};
use crate::kept::Kept;
use crate::{Handles, Key, Lifetime, Marks, Moment, Position, Timestamp};

/// A session as the server described it.
pub(super) struct Record {
    pub(super) access: Access,
    /// When it was asked for.
    pub(super) read: Moment,
    /// How long it may be kept from then on.
    pub(super) keep: Lifetime,
    pub(super) idle_expires_at: Timestamp,
    /// When its use was reported last, by the running clock.
    pub(super) reported: AtomicI64,
}

impl Record {
    /// The part of it that is judged by.
    pub(super) const fn kept(&self) -> Kept {
        let Access { marks, expires_at, .. } = self.access;
        Kept { marks, read: self.read, keep: self.keep, expires_at, idle_expires_at: self.idle_expires_at }
    }
}

#[derive(Default)]
struct Draft {
    session_id: Option<String>,
    client_id: Option<String>,
    subject: Option<String>,
    roles: Vec<String>,
    handles: Handles,
    rv: Option<Position>,
    expires_at: Option<Timestamp>,
    idle_expires_at: Option<Timestamp>,
    keep: Option<Lifetime>,
    auth_time: Option<Timestamp>,
    acr: Option<String>,
    amr: Vec<String>,
}

impl Draft {
    fn read(&mut self, name: &str, value: &mut Reader<'_>) -> Result<(), Malformed> {
        let moment = |value: &mut Reader<'_>| value.integer().map(Timestamp::from_millis);
        match name {
            "sid" => self.session_id = Some(value.string()?.to_owned()),
            "client_id" => self.client_id = Some(value.string()?.to_owned()),
            "user" => {
                value.unless_null(|user| {
                    user.object(|name, value| {
                        match name {
                            "id" => self.subject = Some(value.string()?.to_owned()),
                            "roles" => read_texts(value, &mut self.roles)?,
                            _ => value.skip()?,
                        }
                        Ok::<(), Malformed>(())
                    })
                })?;
            }
            "rh" => {
                let handles = value.unless_null(|rh| Handles::parse(rh.string()?).ok_or(Malformed))?;
                self.handles = handles.unwrap_or_default();
            }
            "rv" => self.rv = Some(value.string()?.parse().map_err(|_| Malformed)?),
            "expires_at" => self.expires_at = Some(moment(value)?),
            "idle_expires_at" => self.idle_expires_at = Some(moment(value)?),
            "keep_ms" => self.keep = Some(Lifetime::from_millis(value.integer()?)),
            "session" => value.object(|name, value| self.read_session(name, value))?,
            _ => value.skip()?,
        }
        Ok(())
    }

    /// How the person proved who they are; the rest of the session is not needed here.
    fn read_session(&mut self, name: &str, value: &mut Reader<'_>) -> Result<(), Malformed> {
        match name {
            "auth_time" => self.auth_time = value.unless_null(|at| instant(at.string()?).ok_or(Malformed))?,
            "acr" => self.acr = value.unless_null(|acr| acr.string().map(str::to_owned))?,
            "amr" => read_texts(value, &mut self.amr)?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

impl Record {
    /// Reads a record that was asked for at `read`.
    pub(super) fn parse(body: &mut [u8], read: Moment) -> Result<Self, Malformed> {
        let mut draft = Draft::default();
        read_object(body, |name, value| draft.read(name, value))?;
        let session_id = draft.session_id.ok_or(Malformed)?;
        let client_id = draft.client_id.ok_or(Malformed)?;
        let marks = Marks {
            session: Some(Key::of(&session_id)),
            token: None,
            subject: draft.handles.subject,
            client: Some(Key::of(&client_id)),
            device: draft.handles.device,
            organization: draft.handles.organization,
            signing_key: None,
            at: draft.rv,
        };
        let access = Access {
            shown: Shown::Session,
            subject: draft.subject,
            client_id,
            session_id: Some(session_id),
            token_id: None,
            scope: String::new(),
            roles: draft.roles,
            audience: Vec::new(),
            expires_at: draft.expires_at.ok_or(Malformed)?,
            auth_time: draft.auth_time,
            acr: draft.acr,
            amr: draft.amr,
            rv: draft.rv,
            marks,
        };
        Ok(Self {
            access,
            read,
            keep: draft.keep.ok_or(Malformed)?,
            idle_expires_at: draft.idle_expires_at.ok_or(Malformed)?,
            reported: AtomicI64::new(i64::MIN / 2),
        })
    }
}

fn read_texts(value: &mut Reader<'_>, texts: &mut Vec<String>) -> Result<(), Malformed> {
    value.array(|text| {
        texts.push(text.string()?.to_owned());
        Ok(())
    })
}

/// Reads an instant of RFC 3339 in UTC, as `2026-11-26T20:59:16Z` or with a fraction of a second.
fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str, digits: usize| -> Option<i64> {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
    };
    let mut parts = date.splitn(3, '-');
    let (year, month) = (number(parts.next()?, 4)?, number(parts.next()?, 2)?);
    let day = number(parts.next()?, 2)?;
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (second, fraction) = parts.next()?.split_once('.').unwrap_or((time.get(6..)?, "0"));
    let second = number(second, 2)?;
    let millis = number(fraction.get(..3.min(fraction.len()))?, 3.min(fraction.len()))?;
    let millis = millis * [0, 100, 10, 1][3.min(fraction.len())];
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970 in the calendar of March, where the odd day comes last (Howard Hinnant's `days_from_civil`).
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp::from_millis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_they_are_written() {
        for (text, secs, millis) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("2000-03-01T00:00:00.5Z", 951_868_800, 500),
            ("2026-11-26T20:59:16.123456Z", 1_795_726_756, 123),
            ("2027-01-15T08:00:00Z", 1_800_000_000, 0),
            ("2027-01-15T08:00:00.07Z", 1_800_000_000, 70),
            ("2016-12-31T23:59:60Z", 1_483_228_800, 0),
            ("2100-02-28T00:00:00Z", 4_107_456_000, 0),
            ("2100-03-01T00:00:00Z", 4_107_542_400, 0),
            ("2400-02-29T00:00:00Z", 13_574_563_200, 0),
        ] {
            assert_eq!(instant(text).map(Timestamp::millis), Some(secs * 1000 + millis), "{text}");
        }
        for bad in [
            "",
            "2026-11-26",
            "2026-11-26T20:59:16",
            "2026-11-26T20:59:16+01:00",
            "2026-13-26T20:59:16Z",
            "2026-11-32T20:59:16Z",
            "2026-11-26T24:59:16Z",
            "2026-11-26T24:00:00Z",
            "2026-11-26T23:60:00Z",
            "2026-11-26T23:59:61Z",
            "2026-00-26T20:59:16Z",
            "2026-11-00T20:59:16Z",
            "26-11-26T20:59:16Z",
            "2026-11-26T20:59Z",
            "2026-11-26T20:59:16.Z",
            "2026-11-26T20:59:1éZ",
            "+026-11-26T20:59:16Z",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_record_is_read_or_refused_whole() {
        let json = |from: &str, to: &str| {
            let whole = r#"{"session":{"id":"ses_a","auth_time":"2027-01-15T08:00:00Z","acr":"2","amr":["pwd","otp"],"device":{}},"user":{"id":"usr_a","email":"a@b","roles":["admin","writer"]},"sid":"ses_a","client_id":"web","rh":null,"rv":"7:9","expires_at":5,"idle_expires_at":4,"keep_ms":3,"new":1}"#;
            assert!(whole.contains(from));
            Record::parse(&mut whole.replacen(from, to, 1).into_bytes(), Moment::default())
        };
        let record = json("new", "newer").unwrap_or_else(|_| panic!("readable"));
        assert_eq!(record.access.subject.as_deref(), Some("usr_a"));
        assert!(record.access.has_role("writer") && !record.access.has_role("writ"));
        assert_eq!(record.access.acr.as_deref(), Some("2"));
        assert_eq!(record.access.auth_time, Some(Timestamp::from_secs(1_800_000_000)));
        assert_eq!(
            (record.access.amr.len(), record.keep, record.access.marks.subject),
            (2, Lifetime::from_millis(3), None)
        );
        let guest = json(r#"{"id":"usr_a","email":"a@b","roles":["admin","writer"]}"#, "null")
            .unwrap_or_else(|_| panic!("a guest"));
        assert_eq!(guest.access.subject, None);
        for (from, to) in [
            ("\"sid\"", "\"s\""),
            ("\"rv\":\"7:9\"", "\"rv\":\"7:09\""),
            ("\"keep_ms\":3", "\"keep_ms\":\"3\""),
            ("\"expires_at\"", "\"e\""),
            ("\"rh\":null", "\"rh\":\"2.x\""),
            ("2027-01-15T08", "2027-01-15 08"),
        ] {
            assert!(json(from, to).is_err(), "{to}");
        }
    }
}
