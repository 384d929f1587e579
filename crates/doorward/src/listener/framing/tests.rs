//! Framing on its own: every limit at its edge, and the same verdict however the bytes are cut.

use proptest::prelude::*;

use super::*;

/// Shows a text whole; gives how much is good, what is wrong, and whether a request may begin behind it.
fn judge(text: &[u8]) -> (usize, Option<Fault>, bool) {
    let mut framing = Framing::default();
    let taken = framing.take(text);
    (taken.good, taken.fault, framing.is_between())
}

/// Shows a text in pieces of some lengths, as a connection would.
fn judge_in_pieces(text: &[u8], lengths: &[usize]) -> (usize, Option<Fault>, bool) {
    let mut framing = Framing::default();
    let (mut good, mut end) = (0, 0);
    for length in lengths.iter().copied().chain([text.len()]) {
        end = (end + length).min(text.len());
        let taken = framing.take(&text[good..end]);
        good += taken.good;
        if taken.fault.is_some() {
            return (good, taken.fault, framing.is_between());
        }
    }
    (good, None, framing.is_between())
}

#[track_caller]
fn check(text: &str, fault: Option<Fault>) {
    let (good, found, _) = judge(text.as_bytes());
    assert_eq!(found, fault, "{text:?}");
    if fault.is_none() {
        assert_eq!(good, text.len(), "{text:?} is whole");
    }
}

const OK: Option<Fault> = None;
const BAD: Option<Fault> = Some(Fault::Malformed);

#[test]
fn requests_of_one_spelling_are_good() {
    for text in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET /a?b=%0d%0a HTTP/1.1\r\nhost:\ta:8420 \r\nx: \u{e4}\t\r\ny:\r\n\r\n",
        "GET http://a:1/b HTTP/1.1\r\nHost: A:1\r\n\r\n",
        "GET https://[::1]?b HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\0\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\n\r\n\n\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n",
    ] {
        check(text, OK);
    }
}

#[test]
fn request_lines_that_two_readers_could_read_in_two_ways_are_malformed() {
    let lines = [
        "GET / HTTP/1.1 ",
        "GET  / HTTP/1.1",
        "GET /\tHTTP/1.1",
        " GET / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / HTTP/0.9",
        "GET /",
        "GET",
        "GET / HTTP/11",
        "GET / HTTP/1.1x",
        "G@T / HTTP/1.1",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET /\u{e4} HTTP/1.1",
        "CONNECT a:1 HTTP/1.1",
        "GET http:///b HTTP/1.1",
        "GET http://b/ HTTP/1.1",
        "GET http://u@a/ HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET http://a\\b/ HTTP/1.1",
        "PRI * HTTP/2.0",
        "\r\n\r\nGET / HTTP/1.1",
    ];
    for line in lines {
        check(&format!("{line}\r\nHost: a\r\n\r\n"), BAD);
    }
}

#[test]
fn fields_that_two_readers_could_read_in_two_ways_are_malformed() {
    let fields = [
        "Host: b",
        "Host : b",
        " Host: b",
        "x",
        ": x",
        "x y: z",
        "x\u{e4}: y",
        "x: a\0b",
        "x: a\x01b",
        "x: a\x7fb",
        "x: a\rb",
        "x: a\nb",
        "x: a\r\n folded",
        "x: a\r\n\tfolded",
        "Content-Length: -1",
        "Content-Length: +1",
        "Content-Length: 1 1",
        "Content-Length: 1,1",
        "Content-Length: 0x1",
        "Content-Length:",
        "Content-Length: \u{0661}",
        "Content-Length: 1000000000000000",
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length : 1",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding:",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding\t: chunked",
    ];
    for field in fields {
        check(&format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"), BAD);
    }
    let hosts =
        ["", "a b", "a/b", "a@b", "a,b", "a#b", "a?b", "a\\b", "\u{e4}", ":", ":1", "a:b", "a:1:2", "a%62", "a[b]"];
    let literals = ["[", "[]", "[::1", "::1", "[::1]a", "[::1]1", "[::1]:a", "[[::1]]", "[::1]:1:2", "[:::::::::]"];
    for host in hosts.into_iter().chain(literals) {
        check(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), BAD);
        check(&format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"), BAD);
    }
    for host in ["a-b._~1", "a:", "127.0.0.1:1", "[::1]", "[::1]:", "[fe80::1%25eth0]:1", "[::ffff:127.0.0.1]:65536"]
    {
        check(&format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"), OK);
    }
    check("GET / HTTP/1.1\r\n\r\n", BAD);
    check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD);
    check("GET / HTTP/1.1\nHost: a\n\n", BAD);
    check("GET / HTTP/1.1\rHost: a\r\r", BAD);
    check("\x16\x03\x01\x02", BAD);
}

/// Is it good to us? And to the library behind, which refuses without a word of ours?
fn taken(line: &[u8], target: &[u8], field: (&[u8], &[u8])) -> (bool, bool) {
    let head = [line, b" ", target, b" HTTP/1.1\r\nHost: a\r\n", field.0, b": ", field.1, b"\r\n\r\n"].concat();
    let behind = http::Method::from_bytes(line).is_ok()
        && http::Uri::try_from(target).is_ok()
        && http::HeaderName::from_bytes(field.0).is_ok()
        && http::HeaderValue::from_bytes(field.1).is_ok();
    (judge(&head).1.is_none(), behind)
}

#[test]
fn whatever_byte_is_good_here_is_good_to_the_library_behind() {
    for byte in 0..=u8::MAX {
        let around = |before: &str, behind: &str| [before.as_bytes(), &[byte], behind.as_bytes()].concat();
        let (field, get) = ((&b"x"[..], &b"y"[..]), &b"GET"[..]);
        let mut all = vec![taken(&around("G", "T"), b"/", field), taken(get, b"/", (b"x", &around("x", "y")))];
        if byte != b':' {
            all.push(taken(get, b"/", (&around("x", "y"), b"y")));
        }
        for target in [around("/a", "b"), around("/", ""), around("/a?b", "c"), around("/?", ""), around("/??", "")] {
            let (here, behind) = taken(get, &target, field);
            let text = String::from_utf8_lossy(&target);
            assert_eq!(
                here,
                behind && byte.is_ascii_graphic() && byte != b'#',
                "{text:?}: no more is refused than needed"
            );
            all.push((here, behind));
        }
        assert!(all.iter().all(|(here, behind)| !here || *behind), "{byte:#x}: {all:?}");
    }
}

/// All hosts of up to six of the characters that matter, alone and in a target.
#[test]
fn whatever_host_is_good_here_is_good_to_the_library_behind() {
    let mut hosts = vec![Vec::new()];
    let mut good = 0;
    for _ in 0..6 {
        let longer = |host: &Vec<u8>| b"a1:[]%.".map(|byte| [host.as_slice(), &[byte]].concat());
        hosts = hosts.iter().flat_map(longer).collect();
        for host in hosts.iter().filter(|host| is_host(host)) {
            let text = String::from_utf8_lossy(host);
            let authority = http::uri::Authority::try_from(host.as_slice());
            assert!(authority.is_ok_and(|authority| authority.as_str() == text), "{text}");
            let absolute = http::Uri::try_from(format!("http://{text}?a"));
            assert!(absolute.is_ok_and(|uri| uri.authority().is_some_and(|own| own.as_str() == text)), "{text}");
            good += 1;
        }
    }
    assert!(good > 1000, "{good}");
}

#[test]
fn chunks_are_spelled_in_one_way() {
    for chunks in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\na\r\n",
        "0x1\r\na\r\n",
        "1 \r\na\r\n",
        " 1\r\na\r\n",
        "1\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1\ra",
        "1;\na\r\n",
        "1;a\0\r\n",
        "1\t;a\r\n",
        "123456789\r\n",
        "0\r\nx: y\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        ";a\r\n",
    ] {
        check(&format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), BAD);
    }
    let extension = |bytes: usize| {
        let extension = "a".repeat(bytes - 1);
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;{extension}\r\na\r\n0\r\n\r\n")
    };
    check(&extension(EXTENSION_LARGEST), OK);
    check(&extension(EXTENSION_LARGEST + 1), BAD);
}

#[test]
fn every_limit_of_a_head_holds_at_its_edge_and_one_past_it() {
    let target = |line: usize| {
        let path = "a".repeat(line - "GET / HTTP/1.1".len());
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n")
    };
    check(&target(LINE_LARGEST), OK);
    check(&target(LINE_LARGEST + 1), Some(Fault::LineTooLong));
    let cookie = |line: usize| {
        let value = "a".repeat(line - "Cookie: ".len());
        format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {value}\r\n\r\n")
    };
    check(&cookie(LINE_LARGEST), OK);
    check(&cookie(LINE_LARGEST + 1), Some(Fault::HeadTooLarge));
    let fields = |many: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(many - 1));
    check(&fields(FIELDS_MOST), OK);
    check(&fields(FIELDS_MOST + 1), Some(Fault::HeadTooLarge));
    let head = |bytes: usize| {
        let rest = bytes - "GET / HTTP/1.1\r\nHost: a\r\nx: \r\ny: \r\nz: \r\n\r\n".len();
        let value = |of: usize| "a".repeat(rest / 3 + usize::from(of < rest % 3));
        format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\ny: {}\r\nz: {}\r\n\r\n", value(0), value(1), value(2))
    };
    check(&head(HEAD_LARGEST), OK);
    check(&head(HEAD_LARGEST + 1), Some(Fault::HeadTooLarge));
}

#[test]
fn a_line_without_end_is_refused_as_soon_as_it_is_too_long() {
    let endless = "a".repeat(LINE_LARGEST + 1);
    assert_eq!(judge(&endless.as_bytes()[1..]), (0, None, true));
    assert_eq!(judge(endless.as_bytes()), (0, Some(Fault::LineTooLong), true));
}

/// A request that may be good or bad in any of its parts.
fn requests() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "GET / HTTP/1.1",
        "POST /a HTTP/1.1",
        "GET / HTTP/1.0",
        "\r\nGET / HTTP/1.1",
        "GET",
    ]);
    let field = prop::sample::select(vec![
        "Host: a",
        "x: y",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Content-Length: 0",
        " x: y",
        "x:\0",
    ]);
    let body = prop::sample::select(vec!["", "01234", "5\r\n01234\r\n0\r\n\r\n", "5;a\r\n01234\r\n", "\n", "\r\n"]);
    (line, prop::collection::vec(field, 0..4), body)
        .prop_map(|(line, fields, body)| format!("{line}\r\n{}\r\n\r\n{body}", fields.join("\r\n")))
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_how_the_bytes_are_cut(
        texts in prop::collection::vec(requests(), 1..4),
        lengths in prop::collection::vec(0_usize..20, 0..40),
    ) {
        let text = texts.concat();
        let (good, fault, between) = judge(text.as_bytes());
        let (cut_good, cut_fault, cut_between) = judge_in_pieces(text.as_bytes(), &lengths);
        prop_assert_eq!((good, fault, between), (cut_good, cut_fault, cut_between), "{:?}", text);
    }

    #[test]
    fn no_bytes_make_it_panic_or_go_back(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (good, ..) = judge(&bytes);
        prop_assert!(good <= bytes.len());
    }
}
