//! `conformance/feed.json`: histories of a verifier, made here by dice from a seed, checked in, and run by every verifier
//! of ours in every language. Events in, decisions out.
//!
//! While they are made, an oracle that knows when everything was committed looks on: nothing may be accepted that it knows
//! to be revoked for a lease. `DOORWARD_BLESS=1` writes the file anew.
#![expect(clippy::disallowed_methods, reason = "a test hears from the environment whether to bless")]

use doorward_verify::feed::{Broken, Cutter, Event, Instance, Place, Range, StreamKey, Written, read_entry};
use doorward_verify::{
    Cut, Freshness, Judgement, Key, Lifetime, Marks, Moment, Policy, Position, Replica, Scope, Timestamp, Todo,
    base64url, json as scanner,
};
use serde_json::{Value, json};

mod maker;

use maker::Maker;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/feed.json");
/// How many histories the file has.
const COUNT: u64 = 2000;
/// How many more are made and looked at, but not written.
const UNWRITTEN: u64 = 20_000;

const LEASE: Lifetime = Lifetime::from_secs(3);
const GRACE: Lifetime = Lifetime::from_secs(5);
const INSTANCE: Instance = Instance([1; 16]);

fn code(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Accept => "accepted",
        Judgement::Reject(rejection) => rejection.code(),
        Judgement::Unknown => "revocation_unknown",
        Judgement::Introspect => "introspect",
        Judgement::Wait => "wait",
    }
}

fn todo_json(todo: Todo) -> Value {
    let due = [("ping", todo.ping), ("snapshot", todo.snapshot), ("reconnect", todo.reconnect), ("keys", todo.keys)];
    due.into_iter().filter(|(_, due)| *due).map(|(name, _)| name).collect()
}

fn marks_json(marks: &Marks) -> Value {
    let mut json = json!({});
    for scope in Scope::ALL.into_iter().filter(|scope| !matches!(scope, Scope::Realm | Scope::Bucket)) {
        if let Some(key) = marks.key(scope) {
            json[scope.code()] = base64url::encode(&key.0).into();
        }
    }
    if let Some(at) = marks.at {
        json["rv"] = at.to_string().into();
    }
    json
}

fn marks_of(json: &Value) -> Marks {
    let key = |scope: Scope| {
        json.get(scope.code()).map(|text| {
            let bytes = base64url::decode(text.as_str().unwrap()).unwrap();
            Key(bytes.try_into().unwrap())
        })
    };
    Marks {
        session: key(Scope::Session),
        token: key(Scope::Token),
        subject: key(Scope::Subject),
        client: key(Scope::Client),
        device: key(Scope::Device),
        organization: key(Scope::Organization),
        signing_key: key(Scope::SigningKey),
        at: json.get("rv").map(|rv| rv.as_str().unwrap().parse().unwrap()),
    }
}

fn policy_json(policy: Policy) -> (&'static str, Value) {
    let freshness = match policy.freshness {
        Freshness::Eventual => "eventual",
        Freshness::Bounded => "bounded",
        Freshness::Strict => "strict",
    };
    let cut = match policy.cut {
        Cut::Deny => json!("deny"),
        Cut::Introspect => json!("introspect"),
        Cut::Grace(more) => json!(more.millis()),
    };
    (freshness, cut)
}

fn policy_of(step: &Value) -> Policy {
    let freshness = match step["freshness"].as_str().unwrap() {
        "eventual" => Freshness::Eventual,
        "strict" => Freshness::Strict,
        other => {
            assert_eq!(other, "bounded");
            Freshness::Bounded
        }
    };
    let cut = match step["cut"].as_str() {
        Some("introspect") => Cut::Introspect,
        Some(other) => {
            assert_eq!(other, "deny");
            Cut::Deny
        }
        None => Cut::Grace(Lifetime::from_millis(step["cut"].as_i64().unwrap())),
    };
    Policy { freshness, cut }
}

/// Plays a history from the file into a fresh verifier; gives how many decisions there were. They must not depend on
/// whether it forgets what it may forget.
fn replay(history: &Value, forgets: bool) -> usize {
    let span = |name: &str| Lifetime::from_millis(history[name].as_i64().unwrap());
    let mut replica = Replica::new(INSTANCE, span("lease"), span("grace"));
    let mut now = Moment::default();
    let mut decisions = 0;
    for (place, step) in history["steps"].as_array().unwrap().iter().enumerate() {
        let what = || format!("history {}, step {place}: {step}", history["id"]);
        if let Some(at) = step.get("at") {
            let [running, wall] = [&at[0], &at[1]].map(|millis| millis.as_i64().unwrap());
            now = Moment { running: Lifetime::from_millis(running), wall: Timestamp::from_millis(wall) };
        }
        if let Some(event) = step.get("event") {
            let event = Event::read(event.as_str().unwrap(), &mut step["json"].to_string().into_bytes()).unwrap();
            assert_eq!(todo_json(replica.receive(&event, now)), step["todo"], "{}", what());
        } else if let Some(lines) = step.get("snapshot") {
            let whole = |name: &str| step[name].as_u64().unwrap();
            let to = Position { generation: whole("gen"), seq: whole("to") };
            let entries: Vec<_> = lines.as_array().unwrap().iter().map(|line| entry_of(line, to)).collect();
            let statement = maker::statement(to, step["gc_through"].as_str().unwrap().parse().unwrap());
            replica.learn(&entries, to);
            assert_eq!(todo_json(replica.finish(&statement)), step["todo"], "{}", what());
        } else if let Some(expect) = step.get("ping") {
            let ping = replica.ping(now, Vec::new(), false);
            let stream = ping.stream.map(|stream| stream.to_string());
            let sent = json!({ "n": ping.n, "applied": ping.applied.to_string(), "stream": stream });
            assert_eq!(&sent, expect, "{}", what());
        } else if step.get("closed").is_some() {
            replica.close();
        } else {
            let (marks, asked) = (marks_of(&step["judge"]), step.get("asked").map(|n| n.as_u64().unwrap()));
            let judgement = replica.judge(&marks, policy_of(step), asked, now);
            assert_eq!(code(judgement), step["expect"], "{}", what());
            decisions += 1;
        }
        while forgets && replica.sweep() {}
    }
    decisions
}

fn entry_of(line: &Value, end: Position) -> doorward_verify::Entry {
    scanner::read_value(&mut line.to_string().into_bytes(), |value| read_entry(value, end)).unwrap()
}

/// Events as they are on the wire, good and bad, and what opening them gives.
fn wire_cases() -> Vec<Value> {
    let (secret, mut cases) = ([7; 32], Vec::new());
    let hash: [u8; 32] = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &secret).as_ref().try_into().unwrap();
    let key = StreamKey::new(&hash, &INSTANCE);
    let mut add = |name: &str, place: Place, sse: String| {
        let mut cutter = Cutter::new();
        cutter.push(sse.as_bytes());
        let expect = match cutter.next() {
            Ok(Some(sealed)) => match sealed.open(&key, place) {
                Ok(event) => event.name().to_owned(),
                Err(broken) => broken.code().to_owned(),
            },
            Ok(None) => "nothing".to_owned(),
            Err(broken) => broken.code().to_owned(),
        };
        cases.push(json!({ "name": name, "place": place.to_string(), "sse": sse, "expect": expect }));
    };
    let stream = Place::Stream(3);
    for (number, event) in maker::samples().into_iter().enumerate() {
        for place in [stream, Place::Ping { ping: 12, number: number as u64 }] {
            let written = Written::of(&event);
            let mut bytes = written.shared().to_vec();
            written.seal(&key, place, &mut bytes);
            let good = String::from_utf8(bytes).unwrap();
            add("as it was sent", place, good.clone());
            add("one place on", place.next(), good.clone());
            add("with CRLF and a comment", place, format!(": hello\r\n\r\n{}", good.replace('\n', "\r\n")));
            add("with a changed digit", place, good.replacen(":1", ":2", 1));
            add("under another name", place, good.replacen("event: ", "event: x", 1));
            add("with another id", place, format!("id: 9:9\n{good}"));
            add(
                "without its tag",
                place,
                good.lines()
                    .filter(|line| line.contains(": ") && line.len() != 28)
                    .map(|line| format!("{line}\n"))
                    .collect::<String>()
                    + "\n",
            );
            add("cut short", place, good.trim_end_matches('\n').to_owned());
            add("with a third line of data", place, good.replacen("\n\n", "\ndata: x\n\n", 1));
        }
    }
    cases
}

fn write(histories: &[Value]) -> String {
    let lines = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n");
    format!(
        "{{\n\"about\": {},\n\"secret\": {},\n\"instance\": {},\n\"wire\": [\n{}\n],\n\"histories\": [\n{}\n]\n}}\n",
        json!("docs/flows/feed.md says what these are and how they are run."),
        json!(base64url::encode(&[7; 32])),
        json!(INSTANCE.to_string()),
        lines(&wire_cases()),
        lines(histories),
    )
}

fn file() -> Value {
    serde_json::from_slice(&std::fs::read(FILE).unwrap()).unwrap()
}

#[test]
fn the_histories_are_what_is_made_here() {
    let mut seen = maker::Seen::default();
    let histories: Vec<Value> = (0..COUNT).map(|id| Maker::make(id, &mut seen)).collect();
    let text = write(&histories);
    if std::env::var_os("DOORWARD_BLESS").is_some_and(|word| word == "1") {
        // In one step: the other test may be reading.
        let fresh = format!("{FILE}.new");
        std::fs::write(&fresh, &text).unwrap();
        std::fs::rename(fresh, FILE).unwrap();
    }
    let found = std::fs::read_to_string(FILE).unwrap();
    let difference = text.lines().zip(found.lines()).find(|(made, found)| made != found);
    assert!(text == found, "run with DOORWARD_BLESS=1 and read the difference: {difference:?}");
    seen.check();
}

#[test]
fn every_history_comes_to_its_decisions() {
    let file = file();
    let histories = file["histories"].as_array().unwrap();
    let decisions: usize = histories.iter().map(|history| replay(history, true)).sum();
    assert_eq!(decisions, histories.iter().map(|history| replay(history, false)).sum::<usize>());
    println!("assure: histories of a feed = {}", histories.len());
    println!("assure: decisions of verifiers = {decisions}");
    assert!(histories.len() >= 2000 && decisions >= 8_000, "{decisions}");
    let key = |instance: &str| {
        let secret = base64url::decode(file["secret"].as_str().unwrap()).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &secret);
        StreamKey::new(&digest.as_ref().try_into().unwrap(), &instance.parse().unwrap())
    };
    let key = key(file["instance"].as_str().unwrap());
    let cases = file["wire"].as_array().unwrap();
    for case in cases {
        let numbers: Vec<u64> =
            case["place"].as_str().unwrap().split(':').skip(1).map(|number| number.parse().unwrap()).collect();
        let place = match numbers[..] {
            [number] => Place::Stream(number),
            [ping, number] => Place::Ping { ping, number },
            _ => panic!("{case}"),
        };
        let mut cutter = Cutter::new();
        cutter.push(case["sse"].as_str().unwrap().as_bytes());
        let opened = cutter.next().and_then(|sealed| sealed.map(|sealed| sealed.open(&key, place)).transpose());
        let said = opened.map_or_else(Broken::code, |event| event.map_or("nothing", |event| event.name()));
        assert_eq!(said, case["expect"], "{case}");
    }
    for code in ["hello", "range", "event_forged", "event_malformed", "nothing"] {
        assert!(cases.iter().any(|case| case["expect"] == code), "{code}");
    }
}

#[test]
fn the_oracle_finds_nothing_in_many_more() {
    let mut seen = maker::Seen::default();
    for id in COUNT..COUNT + UNWRITTEN {
        Maker::make(id, &mut seen);
    }
    seen.check();
}

/// The JSON of an event, as the file has it.
fn event_json(event: &Event) -> Value {
    let mut bytes = Vec::new();
    event.write(&mut bytes);
    serde_json::from_slice(&bytes).unwrap()
}

fn lines_of(entries: &[doorward_verify::Entry]) -> Value {
    let range = Range {
        generation: 0,
        from: 0,
        to: 0,
        gc_through: Position::START,
        entries: entries.to_vec(),
        mac: String::new(),
    };
    event_json(&Event::Range(range))["entries"].clone()
}
