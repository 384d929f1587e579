//! What is no compact token, or one that is too large, and honest tokens of every algorithm.

use doorward_verify::{Algorithm, base64url};

use super::world::{encode, good, header, is_random, kid};
use super::{ACCEPTED, Corpus};
use crate::signer::payload;

const MALFORMED: &str = "token_malformed";

pub(super) fn add(corpus: &mut Corpus) {
    honest(corpus);
    segments(corpus);
    letters(corpus);
    sizes(corpus);
    other_forms(corpus);
    pieces(corpus);
}

fn honest(corpus: &mut Corpus) {
    for algorithm in Algorithm::ALL {
        let token = corpus.world.mint(algorithm);
        let case = corpus.add("honest", algorithm.name(), token, ACCEPTED);
        case.stable = !is_random(algorithm);
        if algorithm == Algorithm::Hs256 {
            case.keys = "shared";
        }
    }
    for (name, spelling) in [
        ("header in another order", format!(r#"{{"typ":"at+jwt","kid":"{}","alg":"EdDSA"}}"#, kid(Algorithm::EdDsa))),
        ("header with space", header(Algorithm::EdDsa).replace(',', " ,\n\t")),
        ("header with escapes", header(Algorithm::EdDsa).replace("EdDSA", r"\u0045dDSA")),
        ("typ in capitals", header(Algorithm::EdDsa).replace("at+jwt", "AT+JWT")),
        ("typ with application/", header(Algorithm::EdDsa).replace("at+jwt", r"application\/at+jwt")),
        ("unknown members", header(Algorithm::EdDsa).replace("{", r#"{"x5t":"AA","cty":"JWT","new":[1,{"a":2}],"#)),
    ] {
        let token = corpus.world.head(&spelling);
        corpus.add("honest", name, token, ACCEPTED);
    }
}

fn segments(corpus: &mut Corpus) {
    let token = corpus.world.mint(Algorithm::EdDsa);
    let parts: Vec<_> = token.split('.').collect();
    let (head, body, seal) = (parts[0], parts[1], parts[2]);
    for (name, bad) in [
        ("nothing", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("header alone", head.to_owned()),
        ("no signature and no dot", format!("{head}.{body}")),
        ("no signature", format!("{head}.{body}.")),
        ("no header", format!(".{body}.{seal}")),
        ("no payload", format!("{head}..{seal}")),
        ("dot at the end", format!("{token}.")),
        ("dot at the start", format!(".{token}")),
        ("four segments", format!("{token}.{seal}")),
        ("five segments", format!("{token}.{seal}.{seal}")),
        ("token twice", format!("{token}.{token}")),
        ("8192 dots", ".".repeat(8192)),
        ("two dots and much", "..".to_owned() + &"A".repeat(8000)),
    ] {
        corpus.add("form/segments", name, bad, MALFORMED);
    }
}

fn letters(corpus: &mut Corpus) {
    let token = corpus.world.mint(Algorithm::EdDsa);
    let parts: Vec<_> = token.split('.').collect();
    let (head, body, seal) = (parts[0], parts[1], parts[2]);
    for (name, bad) in [
        ("space before", format!(" {token}")),
        ("space behind", format!("{token} ")),
        ("line feed behind", format!("{token}\n")),
        ("carriage return behind", format!("{token}\r\n")),
        ("NUL behind", format!("{token}\0")),
        ("byte order mark", format!("\u{feff}{token}")),
        ("space in the header", format!("{head} .{body}.{seal}")),
        ("tab before the payload", format!("{head}.\t{body}.{seal}")),
        ("line feed in the payload", format!("{head}.{body}\n.{seal}")),
        ("padding in the header", format!("{head}=.{body}.{seal}")),
        ("padding in the payload", format!("{head}.{body}=.{seal}")),
        ("padding in the signature", format!("{head}.{body}.{seal}==")),
        ("letter of plain base64", format!("{head}.{body}.{}+", &seal[1..])),
        ("other letter of plain base64", format!("{head}.{body}.{}/", &seal[1..])),
        ("percent", format!("{head}.{body}.{}%", &seal[1..])),
        ("letter beyond ASCII", format!("{head}.{body}.{}\u{e9}", &seal[2..])),
        ("letter of full width", format!("{head}.{body}.{}\u{ff21}", &seal[3..])),
        ("4n+1 letters", format!("{head}.{body}.{seal}AAA")),
        ("trailing bits in the signature", format!("{head}.{body}.{}B", &seal[..85])),
        ("Bearer", format!("Bearer {token}")),
        ("quotes", format!("\"{token}\"")),
        ("comma", format!("{token},{token}")),
    ] {
        corpus.add("enc/letters", name, bad, MALFORMED);
    }
}

fn sizes(corpus: &mut Corpus) {
    let token = corpus.world.mint(Algorithm::EdDsa);
    for (name, text, times) in
        [("million dots", ".", 1_000_000), ("8193 dots", ".", 8193), ("million letters", "A", 1_000_000)]
    {
        corpus.add("enc/size", name, text.to_owned(), "token_too_large").token.1 = times;
    }
    corpus.add("enc/size", "a token a thousand times", token, "token_too_large").token.1 = 1000;
    let large = corpus.world.claim(&payload("read write", &"x".repeat(7000)));
    corpus.add("enc/size", "rightly signed", large, "token_too_large");
}

fn other_forms(corpus: &mut Corpus) {
    let token = corpus.world.mint(Algorithm::EdDsa);
    let parts: Vec<_> = token.split('.').collect();
    let (head, body, seal) = (parts[0], parts[1], parts[2]);
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good()));
    let jwe = |header: &str, inner: &str| format!("{}.AAAA.AAAA.{}.AAAA", encode(header), encode(inner));
    for (name, bad) in [
        ("flattened JSON", format!(r#"{{"protected":"{head}","payload":"{body}","signature":"{seal}"}}"#)),
        (
            "general JSON",
            format!(r#"{{"payload":"{body}","signatures":[{{"protected":"{head}","signature":"{seal}"}}]}}"#),
        ),
        (
            "format confusion",
            format!(
                r#"{{"  {head}.{}.":"","protected":"{head}","payload":"{body}","signature":"{seal}"}}"#,
                encode("{}")
            ),
        ),
        ("array", format!("[\"{token}\"]")),
        ("jwe around an unsigned jwt", jwe(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}"#, &unsigned)),
        ("jwe around claims", jwe(r#"{"alg":"dir","enc":"A256GCM"}"#, &good())),
        ("jwe around a token", jwe(r#"{"alg":"ECDH-ES","enc":"A128GCM","cty":"JWT"}"#, &token)),
        ("jwe decompression bomb", jwe(r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, &"\0".repeat(2000))),
        ("pbes2", jwe(r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}"#, "{}")),
        ("SD-JWT", format!("{token}~")),
        ("PASETO", "v4.public.AAAA.AAAA".to_owned()),
        ("detached", format!("{head}..{seal}")),
    ] {
        corpus.add("form/other", name, bad, MALFORMED);
    }
    for (name, header, expect) in [
        ("jwe header in three segments", r#"{"alg":"dir","enc":"A256GCM","typ":"at+jwt"}"#, "algorithm_unexpected"),
        (
            "pbes2 header in three segments",
            r#"{"alg":"PBES2-HS256+A128KW","p2c":9,"typ":"at+jwt"}"#,
            "algorithm_unexpected",
        ),
        ("zip in three segments", r#"{"alg":"EdDSA","zip":"DEF","typ":"at+jwt"}"#, "header_invalid"),
    ] {
        let token = corpus.world.head(header);
        corpus.add("form/other", name, token, expect);
    }
    let nested = corpus.world.claim(&token);
    corpus.add("form/other", "token in a token", nested, "claims_invalid");
    let nested = corpus.world.claim(&format!("\"{token}\""));
    corpus.add("form/other", "token as a JSON string", nested, "claims_invalid");
}

/// Row 25: a piece of a good token is worth nothing, nor is a good token with more behind it.
fn pieces(corpus: &mut Corpus) {
    let token = corpus.world.mint(Algorithm::EdDsa);
    let length = token.len();
    for cut in [1, 2, 3, 4, 43, 85] {
        // What is left may be no base64url at all, or well-formed and no signature.
        let expect = if base64url::decode(&token[token.rfind('.').unwrap() + 1..length - cut]).is_some() {
            "signature_invalid"
        } else {
            MALFORMED
        };
        corpus.add("enc/cut", format!("without the last {cut}"), token[..length - cut].to_owned(), expect);
    }
    for more in ["A", "AA", "AAAAAA", "_"] {
        let expect = if base64url::decode(&format!("{}{more}", &token[token.rfind('.').unwrap() + 1..])).is_some() {
            "signature_invalid"
        } else {
            MALFORMED
        };
        corpus.add("enc/cut", format!("with {more} behind"), format!("{token}{more}"), expect);
    }
}
