//! What the scanner takes and what it refuses.

use proptest::prelude::*;

use super::*;

fn accepts(text: &[u8]) -> bool {
    read_object(&mut text.to_vec(), |_, value| value.skip()).is_ok()
}

/// The string that the object's one member has.
fn text_of(json: &str) -> Result<String, Malformed> {
    let mut found = Err(Malformed);
    read_object(&mut json.as_bytes().to_vec(), |_, value| {
        found = value.string().map(str::to_owned);
        found.clone().map(drop)
    })?;
    found
}

fn integer_of(number: &str) -> Option<i64> {
    let mut found = None;
    let mut json = format!("{{\"n\":{number}}}").into_bytes();
    read_object(&mut json, |_, value| {
        found = Some(value.integer()?);
        Ok::<_, Malformed>(())
    })
    .ok()?;
    found
}

#[test]
fn plain_objects_are_read() {
    for good in [
        "{}",
        " {\t}\r\n",
        r#"{"a":1}"#,
        r#"{"a" : [ 1 , "b" , null , true , false , {} , [] ] }"#,
        r#"{"":""}"#,
        r#"{"a":-0.0e-10,"b":1E+2,"c":0}"#,
        r#"{"a":{"a":{"a":1}},"b":{"a":2}}"#,
        "{\"é\":\"\u{10ffff}\u{7f}\"}",
    ] {
        assert!(accepts(good.as_bytes()), "{good}");
    }
}

#[test]
fn everything_else_is_refused() {
    for bad in [
        "",
        " ",
        "[]",
        "\"a\"",
        "1",
        "null",
        "{",
        "}",
        "{}{}",
        "{} x",
        "{}\0",
        "\u{feff}{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,,\"b\":2}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1}",
        "{\"a\":{]}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":nullx}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":undefined}",
        "{\"a\":/*x*/1}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":0x1}",
        "{\"a\":1_000}",
        "{\"a\":-01}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\\\"}",
        "{\"a\":\"unended}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":1}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":[{\"b\":1,\"c\":0,\"b\":2}]}",
    ] {
        assert!(!accepts(bad.as_bytes()), "{bad}");
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for bad in
        [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xe2\\n\x82\xac", b"\x80\\n"]
    {
        assert!(!accepts(&[b"{\"a\":\"", bad, b"\"}"].concat()), "{bad:?} as a value");
        assert!(!accepts(&[b"{\"", bad, b"\":1}"].concat()), "{bad:?} as a name");
    }
}

#[test]
fn escapes_mean_what_they_say() {
    assert_eq!(text_of(r#"{"a":"\"\\\/\b\f\n\r\t"}"#).unwrap(), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(text_of(r#"{"a":"x\u00e9y\u20acz\uD83D\ude00\u0000"}"#).unwrap(), "x\u{e9}y\u{20ac}z\u{1f600}\0");
    assert_eq!(text_of(r#"{"a":"\uffff\u007F"}"#).unwrap(), "\u{ffff}\u{7f}");
    for lone in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800x", r"\ud800\n", r"\udbff\u0041", r"\udc00\ud800"] {
        assert!(text_of(&format!("{{\"a\":\"{lone}\"}}")).is_err(), "{lone}");
    }
}

#[test]
fn only_integers_are_integers() {
    assert_eq!(integer_of("0"), Some(0));
    assert_eq!(integer_of("-0"), Some(0));
    assert_eq!(integer_of("9223372036854775807"), Some(i64::MAX));
    assert_eq!(integer_of("-9223372036854775808"), Some(i64::MIN));
    let others =
        ["9223372036854775808", "1.0", "1e0", "1E5", "1e400", "\"1\"", "null", "true", "[]", "{}", "", "--1", "1 2"];
    for other in others {
        assert_eq!(integer_of(other), None, "{other}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(accepts(nested(DEEPEST).as_bytes()));
    assert!(!accepts(nested(DEEPEST + 1).as_bytes()));
    assert!(!accepts(format!("{{\"a\":{}", "[".repeat(1_000_000)).as_bytes()));
    assert!(!accepts("{\"a\":".repeat(100_000).as_bytes()));
    // Depth counts what is open, not what was.
    assert!(accepts(format!("{{\"a\":[{}[]]}}", "[],".repeat(100)).as_bytes()));
}

#[test]
fn members_are_counted() {
    let object = |count: usize| {
        let members: Vec<_> = (0..count).map(|name| format!("\"{name}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert!(accepts(object(MOST_MEMBERS).as_bytes()));
    assert!(!accepts(object(MOST_MEMBERS + 1).as_bytes()));
    assert!(!accepts(format!("{{\"a\":{}}}", object(MOST_MEMBERS + 1)).as_bytes()));
}

#[test]
fn a_repeated_name_is_found_wherever_it_stands() {
    // Names of all shapes, so that the filter in front of the comparison is tried with hits and misses.
    let names: Vec<_> = (0..40).map(|i| format!("{}{i}", "n".repeat(i % 7))).collect();
    let object = |names: &[&str]| {
        let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    let plain: Vec<_> = names.iter().map(String::as_str).collect();
    assert!(accepts(object(&plain).as_bytes()));
    for first in 0..names.len() {
        let mut doubled = plain.clone();
        doubled.push(plain[first]);
        assert!(!accepts(object(&doubled).as_bytes()), "{first}");
    }
}

#[test]
fn the_writer_writes_what_the_reader_reads() {
    let mut out = Vec::new();
    ObjectWriter::begin(&mut out).end();
    assert_eq!(out, b"{}");
    out.clear();
    let mut object = ObjectWriter::begin(&mut out);
    object.text("a", "b\"\\\n\u{1f}\u{7f}é");
    object.text_if("none", None);
    object.texts("c", ["d", ""].into_iter());
    object.texts("e", [].into_iter());
    object.integer("f", i64::MIN);
    object.end();
    let expect = "{\"a\":\"b\\\"\\\\\\u000a\\u001f\u{7f}é\",\"c\":[\"d\",\"\"],\"e\":[],\"f\":-9223372036854775808}";
    assert_eq!(String::from_utf8(out.clone()).unwrap(), expect);
    assert!(accepts(&out));
}

#[test]
fn the_end_of_plain_text_is_found_wherever_it_is() {
    for filler in 0..=u8::MAX {
        for end in 0..=u8::MAX {
            for length in 0..20 {
                let mut text = vec![filler; length];
                text.extend([end, b'#', b'!', b'x', 0x21, b']', 0x80, 0xff, b'"']);
                let slowly = text.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
                assert_eq!(Some(plain_length(&text)), slowly, "{filler} {end} {length}");
            }
        }
    }
    assert_eq!(plain_length(b"no end, which is longer than a word"), 35);
}

/// Any JSON that is not too deep for us.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        accepts(&bytes);
        accepts(&[b"{\"a\":", &bytes[..]].concat());
        accepts(&[b"{\"a\":\"", &bytes[..], b"\"}"].concat());
    }

    #[test]
    fn what_looks_like_json_makes_no_panic(text in r#"[{}\[\]:,"\\u0-9a-fDtrulse.+ -]{0,60}"#) {
        let object = format!("{{\"a\":{text}}}");
        if accepts(object.as_bytes()) {
            // A number beyond all numbers is a number to us: nobody asks for its value.
            let refusal = serde_json::from_str::<serde_json::Value>(&object).err().map(|error| error.to_string());
            prop_assert!(refusal.as_ref().is_none_or(|why| why.starts_with("number out of range")), "{}: {:?}", object, refusal);
        }
    }

    #[test]
    fn an_escape_somewhere_changes_nothing_elsewhere(text in "[{}\\[\\]:,\"0-9a-f\u{e9}trulse.+ -]{0,60}", bytes: Vec<u8>) {
        // Not under the same name twice, whatever the text is.
        let read = |before: &str, text: &[u8]| accepts(&[before.as_bytes(), text, b"}"].concat());
        prop_assert_eq!(read(r#"{"\n":0,"a":"#, text.as_bytes()), read(r#"{"N":0,"a":"#, text.as_bytes()));
        let plain: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\".contains(byte)).collect();
        let string = [b"\"", &plain[..], b"\""].concat();
        prop_assert_eq!(read(r#"{"\n":0,"a":"#, &string), read(r#"{"N":0,"a":"#, &string));
    }

    #[test]
    fn all_json_of_others_is_read(value in value()) {
        let compact = serde_json::to_vec(&serde_json::json!({ "a": value })).unwrap();
        prop_assert!(accepts(&compact));
        let pretty = serde_json::to_vec_pretty(&serde_json::json!({ "a": value })).unwrap();
        prop_assert!(accepts(&pretty));
        prop_assert!(!accepts(&pretty[..pretty.len() - 1]), "cut");
    }

    #[test]
    fn strings_survive_the_writer(text: String) {
        let mut out = b"{\"a\":".to_vec();
        write_string(&text, &mut out);
        out.push(b'}');
        let json = String::from_utf8(out).unwrap();
        prop_assert_eq!(text_of(&json), Ok(text.clone()));
        let theirs: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(theirs["a"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn escaped_strings_are_read_as_others_read_them(units: Vec<u16>) {
        use std::fmt::Write as _;
        let mut json = String::from("{\"a\":\"");
        for unit in &units {
            write!(json, "\\u{unit:04x}").unwrap();
        }
        json.push_str("\"}");
        prop_assert_eq!(text_of(&json).ok(), String::from_utf16(&units).ok());
    }
}
