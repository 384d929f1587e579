//! What is written is read alike, what is not genuine is refused, and no bytes make the reader panic.

use proptest::prelude::*;

use super::*;
use crate::json::read_value;
use crate::{Entry, Key, Lifetime, Position, Scope, Strength, Timestamp};

const SECRET: [u8; 32] = [7; 32];

fn key() -> StreamKey {
    StreamKey::new(&SECRET, &Instance([1; 16]))
}

fn place(seq: u64) -> Position {
    Position { generation: 5, seq }
}

fn range() -> Event {
    let entry = |scope, min_rv| Entry {
        scope,
        key: Key([9; 16]),
        strength: Strength::Terminal,
        min_rv,
        ttl: Lifetime::from_secs(3720),
    };
    let entries = vec![entry(Scope::Session, None), entry(Scope::Subject, Some(place(3)))];
    Event::Range(Range { generation: 5, from: 2, to: 4, gc_through: place(1), entries, mac: "m".to_owned() })
}

fn sealed(event: &Event, at: Place) -> Vec<u8> {
    let written = Written::of(event);
    let mut out = written.shared().to_vec();
    written.seal(&key(), at, &mut out);
    out
}

fn cut(bytes: &[u8]) -> Result<Vec<Sealed>, Broken> {
    let mut cutter = Cutter::new();
    cutter.push(bytes);
    let mut events = Vec::new();
    while let Some(event) = cutter.next()? {
        events.push(event);
    }
    Ok(events)
}

#[test]
fn an_event_looks_as_the_page_says() {
    let text = String::from_utf8(sealed(&range(), Place::Stream(0))).unwrap();
    let json = r#"{"gen":5,"from":2,"to":4,"gc_through":"5:1","entries":[["sid","CQkJCQkJCQkJCQkJCQkJCQ","T",null,3720,0],["sub","CQkJCQkJCQkJCQkJCQkJCQ","T","5:3",3720,0]],"mac":"m"}"#;
    assert!(text.starts_with(&format!("id: 5:4\nevent: range\ndata: {json}\ndata: ")), "{text}");
    assert!(text.ends_with("\n\n"));
    assert_eq!(text.lines().last(), Some(""));
    let tag = text.lines().nth(3).unwrap().strip_prefix("data: ").unwrap();
    let parent = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &SECRET);
    let own = aws_lc_rs::hmac::sign(&parent, b"doorward feed 1\0AQEBAQEBAQEBAQEBAQEBAQ");
    let own = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, own.as_ref());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, json.as_bytes());
    let message = [b"stream:0\0range\x005:4\0", digest.as_ref()].concat();
    assert_eq!(tag, base64url::encode(&aws_lc_rs::hmac::sign(&own, &message).as_ref()[..16]));
}

#[test]
fn a_genuine_event_opens_at_its_place_and_nowhere_else() {
    let at = Place::Ping { ping: 7, number: 2 };
    let event = cut(&sealed(&range(), at)).unwrap().remove(0);
    assert_eq!(event.clone().open(&key(), at), Ok(range()));
    for other in [Place::Stream(2), Place::Ping { ping: 7, number: 3 }, Place::Ping { ping: 72, number: 2 }] {
        assert_eq!(event.clone().open(&key(), other), Err(Broken::Forged), "{other}");
    }
    for other in [StreamKey::new(&[8; 32], &Instance([1; 16])), StreamKey::new(&SECRET, &Instance([2; 16]))] {
        assert_eq!(event.clone().open(&other, at), Err(Broken::Forged));
    }
    assert_eq!(Place::Stream(3).next(), Place::Stream(4));
    assert_eq!(at.next(), Place::Ping { ping: 7, number: 3 });
}

#[test]
fn no_flipped_bit_is_overlooked() {
    let good = sealed(&range(), Place::Stream(0));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // What is left may be a comment or an event cut short; whatever opens must be the same event.
            for event in cut(&bad).unwrap_or_default() {
                if let Ok(event) = event.open(&key(), Place::Stream(0)) {
                    assert_eq!(event, range(), "bit {bit} of byte {at}");
                }
            }
        }
    }
}

#[test]
fn an_entry_that_is_not_understood_is_read_as_the_realm() {
    let end = place(9);
    let read = |text: &str| read_value(&mut text.as_bytes().to_vec(), |entry| read_entry(entry, end));
    let realm = |secs| Entry {
        scope: Scope::Realm,
        key: Key::REALM,
        strength: Strength::RefreshRequired,
        min_rv: Some(end),
        ttl: Lifetime::from_secs(secs),
    };
    let zeros = "AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(read(r#"["grant",{"a":[1]},"T",["x"],60,0]"#), Ok(realm(60)));
    assert_eq!(read(&format!(r#"["sid","{zeros}","Q","?",60,0]"#)), Ok(realm(60)));
    assert_eq!(
        read(&format!(r#"["sid","{zeros}","T",null,60,0,"more"]"#)).map(|entry| entry.scope),
        Ok(Scope::Session)
    );
    for bad in [
        r"[]",
        r#"["sid"]"#,
        &format!(r#"["sid","{zeros}","T",null,60]"#),
        &format!(r#"["sid","{zeros}A","T",null,60,0]"#),
        r#"["sid","AAAAAAAAAAAAAAAAAAAAAB","T",null,60,0]"#,
        &format!(r#"["sid","{zeros}","T","5:03",60,0]"#),
        &format!(r#"["sid","{zeros}","T","5:9223372036854775808",60,0]"#),
        &format!(r#"["sid","{zeros}","T",null,-1,0]"#),
        &format!(r#"["sid","{zeros}","T",null,"60",0]"#),
        &format!(r#"[7,"{zeros}","T",null,60,0]"#),
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn events_with_members_missing_are_refused_and_with_more_are_read() {
    let whole = [
        (
            "hello",
            r#""version":1,"stream":"AAAAAAAAAAAAAAAAAAAAAA","gen":5,"head":"5:9","lease":3000,"grace":0,"retention":1,"longest_token":1,"time":1"#,
        ),
        ("range", r#""gen":5,"from":1,"to":2,"gc_through":"5:0","entries":[],"mac":"""#),
        ("echo", r#""n":1,"stream":null,"head":"5:9","time":1"#),
        ("need", r#""what":"snapshot","head":"5:9""#),
        ("bump", r#""gen":5,"head":"5:9","reason":"restart""#),
    ];
    for (name, members) in whole {
        let read = |members: &str| Event::read(name, &mut format!("{{{members}}}").into_bytes());
        let event = read(members).unwrap();
        assert_eq!(read(&format!(r#"{members},"new":[{{}}]"#)), Ok(event.clone()), "{name}");
        let mut written = Vec::new();
        event.write(&mut written);
        assert_eq!(written, format!("{{{members}}}").into_bytes(), "{name}");
        for member in members.split(',') {
            let fewer = members.replacen(member, r#""x":0"#, 1);
            assert_eq!(read(&fewer), Err(Broken::Malformed), "{name} without {member}");
        }
        assert_eq!(read(&members.replace("\"5:9\"", "\"05:9\"").replace("5:0", "5:-1")), Err(Broken::Malformed));
    }
    let read = |name: &str, json: &str| Event::read(name, &mut json.as_bytes().to_vec());
    assert_eq!(read("bump", r#"{"gen":4,"head":"5:9","reason":"x"}"#), Err(Broken::Malformed), "two generations");
    let backwards = r#"{"gen":5,"from":3,"to":2,"gc_through":"5:0","entries":[],"mac":""}"#;
    assert_eq!(read("range", backwards), Err(Broken::Malformed));
    assert_eq!(read("need", r#"{"what":"tea"}"#), Ok(Event::Need(Need::Unknown)));
    assert_eq!(read("news", r#"{"a":1}"#), Ok(Event::Unknown));
    assert_eq!(read("news", "[]"), Err(Broken::Malformed));
}

#[test]
fn a_range_may_name_its_end_behind_its_entries() {
    let read = |text: &str| Event::read("range", &mut text.as_bytes().to_vec());
    let members = [r#""entries":[["new","?","T",null,60,0]]"#, r#""gen":5"#, r#""from":1"#, r#""to":2"#];
    let rest = r#""gc_through":"5:0","mac":"""#;
    let first = read(&format!("{{{},{rest}}}", members.join(","))).unwrap();
    let [entries, others @ ..] = members;
    assert_eq!(read(&format!("{{{},{rest},{entries}}}", others.join(","))), Ok(first.clone()));
    let Event::Range(range) = first else { unreachable!() };
    assert_eq!(range.entries[0].min_rv, Some(place(2)));
}

#[test]
fn a_ping_with_anything_strange_is_refused() {
    let base = r#"{"instance":"AQEBAQEBAQEBAQEBAQEBAQ","stream":null,"n":7,"applied":"5:9","lease":3000,"grace":0"#;
    let read = |tail: &str| Ping::read(&mut format!("{base}{tail}}}").into_bytes());
    assert!(read("").is_ok());
    assert_eq!(
        read(r#","seen":[["ses_a",5]],"leaving":true"#).unwrap().seen,
        [("ses_a".to_owned(), Timestamp::from_millis(5))]
    );
    let many = |count: usize| format!(r#","seen":[{}]"#, vec![r#"["s",1]"#; count].join(","));
    assert_eq!(read(&many(MOST_SEEN)).unwrap().seen.len(), MOST_SEEN);
    let long = format!(r#","seen":[["{}",5]]"#, "s".repeat(65));
    for bad in [
        r#","more":1"#,
        r#","seen":[["s"]]"#,
        r#","seen":[["s",1,2]]"#,
        r#","leaving":1"#,
        &many(MOST_SEEN + 1),
        &long,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let numbered = |n: &str| Ping::read(&mut format!("{base}}}").replace("\"n\":7", n).into_bytes());
    assert!(numbered("\"n\":1").is_ok());
    assert!(numbered("\"n\":0").is_err(), "counted from 1");
    let padded = |length: usize| format!("{base}}}{}", " ".repeat(length - base.len() - 1)).into_bytes();
    assert!(Ping::read(&mut padded(LONGEST_PING)).is_ok());
    assert!(Ping::read(&mut padded(LONGEST_PING + 1)).is_err());
}

#[test]
fn what_is_too_long_is_refused_before_it_is_held() {
    let mut cutter = Cutter::new();
    cutter.push(b"data: ");
    for _ in 0..LONGEST_EVENT / 4096 {
        cutter.push(&[b'x'; 4096]);
        if cutter.next() == Err(Broken::TooLarge) {
            return;
        }
    }
    panic!("an endless line was held");
}

/// Whether an event of these lines is cut, each of a field, a colon and as much text as makes it so long.
fn lengths_are_taken(lengths: &[usize]) -> bool {
    let mut cutter = Cutter::new();
    for (line, length) in lengths.iter().enumerate() {
        let field = ["id:", "event:", "data:", "data:"][line];
        cutter.push(format!("{field}{}\n", "x".repeat(length - field.len())).as_bytes());
        if cutter.next().is_err() {
            return false;
        }
    }
    cutter.push(b"\n");
    matches!(cutter.next(), Ok(Some(_)))
}

#[test]
fn all_lines_of_an_event_together_have_a_longest_length() {
    assert!(lengths_are_taken(&[LONGEST_EVENT]));
    assert!(!lengths_are_taken(&[LONGEST_EVENT + 1]));
    let third = LONGEST_EVENT / 3;
    assert!(lengths_are_taken(&[third, third, LONGEST_EVENT - 2 * third]));
    assert!(!lengths_are_taken(&[third, third, LONGEST_EVENT - 2 * third + 1]));
}

#[test]
fn a_line_that_has_not_ended_is_held_up_to_that_length_whatever_came_before_it() {
    let event = format!("event: echo\ndata: {}\n\n", "x".repeat(LONGEST_EVENT / 2));
    for before in ["", &event] {
        let mut cutter = Cutter::new();
        cutter.push(format!("{before}data:{}", "x".repeat(LONGEST_EVENT - 5)).as_bytes());
        if !before.is_empty() {
            assert!(cutter.next().unwrap().is_some());
        }
        assert!(cutter.next().unwrap().is_none(), "it is waited for");
        cutter.push(b"x");
        assert_eq!(cutter.next().err(), Some(Broken::TooLarge));
    }
}

#[test]
fn an_event_without_data_is_no_silence() {
    for text in ["event: echo\n\n", "id: 5:4\n\n"] {
        let events = cut(text.as_bytes()).unwrap();
        assert_eq!(events.len(), 1, "{text:?}");
        for event in events {
            assert_eq!(event.open(&key(), Place::Stream(0)), Err(Broken::Malformed));
        }
    }
    assert!(cut(b"\n\n: a comment\n\n").unwrap().is_empty());
}

#[test]
fn comments_and_other_fields_are_no_events() {
    assert_eq!(cut(b": hello\n\n\nretry: 5\n\n:\r\n\r\n"), Ok(vec![]));
    let crlf: Vec<u8> = String::from_utf8(sealed(&range(), Place::Stream(0))).unwrap().replace('\n', "\r\n").into();
    assert_eq!(cut(&crlf).unwrap().remove(0).open(&key(), Place::Stream(0)), Ok(range()));
    let untagged = cut(b"event: bump\ndata: {}\n\n").unwrap().remove(0);
    assert_eq!(untagged.open(&key(), Place::Stream(0)), Err(Broken::Malformed));
    assert_eq!(cut(b"data: a\ndata: b\ndata: c\n\n"), Err(Broken::Malformed));
    assert_eq!(cut(b"data: \xff\n\n"), Err(Broken::Malformed));
}

fn any_position() -> impl Strategy<Value = Position> {
    (0..i64::MAX as u64, 0..i64::MAX as u64).prop_map(|(generation, seq)| Position { generation, seq })
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let scope = prop::sample::select(&Scope::ALL[..]);
    let strength = prop_oneof![Just(Strength::Terminal), Just(Strength::RefreshRequired)];
    (scope, any::<[u8; 16]>(), strength, prop::option::of(any_position()), 0..1_000_000_i64).prop_map(
        |(scope, key, strength, min_rv, secs)| Entry {
            scope,
            key: Key(key),
            strength,
            min_rv,
            ttl: Lifetime::from_secs(secs),
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let span = || (0..i64::MAX).prop_map(Lifetime::from_millis);
    let time = || any::<i64>().prop_map(Timestamp::from_millis);
    let stream = || any::<[u8; 16]>().prop_map(StreamId);
    let hello = (0..9_u64, stream(), any_position(), span(), span(), span(), span(), time()).prop_map(
        |(version, stream, head, lease, grace, retention, longest_token, time)| {
            Event::Hello(Hello { version, stream, head, lease, grace, retention, longest_token, time })
        },
    );
    let entries = prop::collection::vec(any_entry(), 0..6);
    let range = (any_position(), 0..9_u64, any_position(), entries, ".{0,9}").prop_map(
        |(end, back, gc_through, entries, mac)| {
            let from = end.seq.saturating_sub(back);
            Event::Range(Range { generation: end.generation, from, to: end.seq, gc_through, entries, mac })
        },
    );
    let echo = (0..i64::MAX as u64, prop::option::of(stream()), any_position(), time())
        .prop_map(|(n, stream, head, time)| Event::Echo(Echo { n, stream, head, time }));
    let need =
        prop_oneof![Just(Need::Ping), Just(Need::Keys), any_position().prop_map(|head| Need::Snapshot { head })];
    let bump = (any_position(), ".{0,9}").prop_map(|(head, reason)| Event::Bump(Bump { head, reason }));
    prop_oneof![hello, range, echo, need.prop_map(Event::Need), bump]
}

fn any_ping() -> impl Strategy<Value = Ping> {
    let seen = prop::collection::vec((".{0,9}", any::<i64>().prop_map(Timestamp::from_millis)), 0..5);
    let stream = prop::option::of(any::<[u8; 16]>().prop_map(StreamId));
    let keys = prop::option::of(any::<[u8; 16]>().prop_map(SetId));
    let last = (any::<bool>(), keys);
    (any::<[u8; 16]>(), stream, 1..i64::MAX as u64, any_position(), (0..i64::MAX, 0..i64::MAX), seen, last).prop_map(
        |(instance, stream, n, applied, (lease, grace), seen, (leaving, keys))| Ping {
            instance: Instance(instance),
            stream,
            n,
            applied,
            lease: Lifetime::from_millis(lease),
            grace: Lifetime::from_millis(grace),
            seen,
            leaving,
            keys,
        },
    )
}

proptest! {
    #[test]
    fn events_survive_the_wire_however_it_is_cut(
        events in prop::collection::vec(any_event(), 1..6),
        pieces in prop::collection::vec(1..200_usize, 1..40),
    ) {
        let mut wire = Vec::new();
        let mut at = Place::Stream(0);
        for event in &events {
            wire.extend(sealed(event, at));
            at = at.next();
        }
        let (mut cutter, mut read, mut due, mut rest) = (Cutter::new(), Vec::new(), Place::Stream(0), &wire[..]);
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            cutter.push(now);
            rest = later;
            while let Some(event) = cutter.next().unwrap() {
                read.push(event.open(&key(), due).unwrap());
                due = due.next();
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read, events);
    }

    #[test]
    fn a_ping_survives_its_text(ping in any_ping()) {
        let mut json = Vec::new();
        ping.write(&mut json);
        prop_assert_eq!(Ping::read(&mut json), Ok(ping));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes: Vec<u8>,
        text in "(event: (range|echo|hello|need|bump|)|data: |id: 5:4|\\{\"gen\":|[0-9]|\\[|\\}|,|\"|\n|\n\n){0,40}",
        name in "(hello|range|echo|need|bump|other)",
    ) {
        for event in cut(&bytes).unwrap_or_default().into_iter().chain(cut(text.as_bytes()).unwrap_or_default()) {
            prop_assert!(event.open(&key(), Place::Stream(0)).is_err());
        }
        let _ = Event::read(&name, &mut bytes.clone());
        let _ = Event::read(&name, &mut text.clone().into_bytes());
        prop_assert!(Ping::read(&mut bytes.clone()).is_err());
    }

    #[test]
    fn a_cut_event_is_refused_or_waited_for(event in any_event(), length in 0..1000_usize) {
        let whole = sealed(&event, Place::Stream(0));
        let part = &whole[..whole.len() * length / 1000];
        for event in cut(part).unwrap_or_default() {
            prop_assert!(event.open(&key(), Place::Stream(0)).is_err());
        }
    }
}
