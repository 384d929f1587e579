//! Hashes that other programs made. What they have to match was not computed here.

use super::super::{Typed, decoy, is_current, rehash, scheme, verify};
use super::*;

const PASSWORD: &str = "copper-lantern-41";
/// Cheap, for these tests alone.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

/// What other programs keep of [`PASSWORD`].
const KEPT: [(&str, &str); 18] = [
    // Django's hashers.
    ("pbkdf2", "pbkdf2_sha256$1000$seasalt$gq27+8GNiMFXNZif50FGoQtr6bN/p2I2YobDmbZB478="),
    ("pbkdf2", "pbkdf2_sha1$1000$seasalt$jjjM1fU7gKJ9LTCoUzxMIvECkJ8="),
    (
        "scrypt",
        "scrypt$1024$seasalt$8$5$lOCs4Iync1ko2sZ9DcDVuFslGUkmlIiETx4HizswSKCcncfR97SGBFoq55QqtCjgUDFcOvoCv8QJC/y5b3Sezg==",
    ),
    ("bcrypt", "bcrypt_sha256$$2b$05$abcdefghijklmnopqrstuuwM.D7jh19cYyOXe2NEDsC8v9VIUbCtu"),
    ("bcrypt", "bcrypt$$2b$05$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW"),
    ("argon2", "argon2$argon2id$v=19$m=64,t=1,p=2$c2Vhc2FsdHNhbHQ$NBB5DKFWb0XRw427KY0cbxPM8PBxAzXCxTDzYfi2q84"),
    // passlib.
    ("pbkdf2", "$pbkdf2$1000$c2Vhc2FsdCE$c1m4xwT0x24OKVLOBzg9U.DbQYo"),
    ("pbkdf2", "$pbkdf2-sha256$1000$c2Vhc2FsdCH//g$TdSRCi5T2Rdg3agVCTuZS8cfNzmWBSF0KdsFf/cOQjc"),
    (
        "pbkdf2",
        "$pbkdf2-sha512$1000$c2Vhc2FsdCE$DFKuJ/Fiamq8vmUHzRj8ouQhfE2BEG4mEFJqmyjlWst0GWQ6V9WRHapNzhQonJHKEBmaiJQsX7E3IjwPUojDtg",
    ),
    ("scrypt", "$scrypt$ln=10,r=8,p=1$c2Vhc2FsdCE$TI1ba38qbSY5sabLn4PYKWnudvyinNucIsIWkgtYQAQ"),
    // libargon2, of both versions and all kinds.
    ("argon2", "$argon2d$v=16$m=64,t=2,p=1$c2Vhc2FsdCE$SyqNbgS/48SvdaQOYW+UEEevHrG3mVIp"),
    ("argon2", "$argon2i$m=64,t=2,p=1$c2Vhc2FsdCE$UHge2t6UEMPNDugNiID85QAE8qryD6jd"),
    ("argon2", "$argon2i$v=19$m=64,t=2,p=1$c2Vhc2FsdCE$6HWmpX3m6QUQvmeKB0UJJwPWJNzATELb"),
    ("argon2", "$argon2id$v=16$m=64,t=2,p=1$c2Vhc2FsdCE$2A5gxkTVpyIIarBcAL5gMRTsrOjPa198"),
    ("argon2", "$argon2id$v=19$m=64,t=2,p=1$c2Vhc2FsdCE$FP9iNfl/c6PoPUczw7TJy75In/xr6/M9"),
    // Keycloak's numbers, from Python's hashlib.
    (
        "pbkdf2",
        "$pbkdf2-sha512$i=1000,l=64$c2Vhc2FsdCE$DFKuJ/Fiamq8vmUHzRj8ouQhfE2BEG4mEFJqmyjlWst0GWQ6V9WRHapNzhQonJHKEBmaiJQsX7E3IjwPUojDtg",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=1000$c2Vhc2FsdCE$u/HNrGcVvPq9MSRvCwPBEtdaVgpuluRrF6jWQndtjcqv3W7dOa9XlrpVMOeE/kR4+WBUToVlXgvIwF4hE86u6g",
    ),
    // better-auth's numbers but for N, from Python's hashlib.
    (
        "scrypt",
        "$scrypt$ln=10,r=16,p=1$MDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVlZmY$rb+jc9VAqU8vE4Aa/tTOwZp1vK7tt9kNcMQ/j0cc+HVYMke6ZV39Xz8Y/UqqXctVKBZrI/BW3FBIlcZpmEiPUg",
    ),
];

/// Firebase's published example, as its project publishes it with the hash function.
const FIREBASE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

fn is_right(stored: &str, password: &str) -> bool {
    let typed = Typed::read(password).expect("readable");
    verify(stored, &typed, &mut Memory::default()).is_some()
}

/// As written elsewhere, and as it is stored here.
fn check(family: &str, text: &str, password: &str) {
    let foreign = Foreign::read(text).unwrap_or_else(|refusal| panic!("{refusal:?} for {text}"));
    assert_eq!(foreign.family(), family, "{text}");
    let stored = foreign.text();
    assert_eq!(Foreign::read(&stored).map(|again| again.text()).as_deref(), Ok(&*stored), "one spelling of {text}");
    for spelling in [text, &stored] {
        assert!(is_right(spelling, password), "{spelling}");
        assert!(!is_right(spelling, &format!("{password}!")), "{spelling}");
        assert!(!is_right(spelling, ""), "{spelling}");
    }
}

#[test]
fn what_other_programs_hashed_is_verified() {
    for (family, text) in KEPT {
        check(family, text, PASSWORD);
    }
    check("firebase-scrypt", FIREBASE, "user1password");
}

#[test]
fn published_vectors_are_verified() {
    // jBCrypt's.
    for (password, text) in [
        ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("abcdefghijklmnopqrstuvwxyz", "$2y$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
        ("zo\u{e9}-lantern", "$2b$05$abcdefghijklmnopqrstuuhaxYkDjpKa6RwnUG2VnUUm0Sk61QKby"),
    ] {
        assert!(is_right(text, password), "{text}");
        assert!(!is_right(text, "b"), "{text}");
    }
    // RFC 7914 section 12, and RFC 6070 number 2 by its bytes.
    assert!(is_right(
        "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
        "password"
    ));
    assert!(is_right("$pbkdf2$2$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc", "password"));
}

#[test]
fn bcrypt_compares_seventy_two_bytes_and_django_all_of_them() {
    let text = "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    let x = |count: usize| "x".repeat(count);
    assert!(is_right(text, &x(72)) && is_right(text, &(x(72) + "y")), "as the other house compared it");
    assert!(!is_right(text, &x(71)) && !is_right(text, &(x(71) + "y")));
    // From the sign-in on that hashes it anew, byte 73 counts.
    let (mut memory, typed) = (Memory::default(), Typed::read(&(x(72) + "y")).expect("readable"));
    let right = verify(text, &typed, &mut memory).expect("right");
    let anew = rehash(&typed, &right, [7; 16], CHEAP, &mut memory).expect("a hash");
    assert!(is_right(&anew, &(x(72) + "y")) && !is_right(&anew, &x(72)) && !is_right(&anew, &(x(72) + "z")));
    assert!(is_current(&anew, CHEAP) && !is_current(&anew, Cost::FLOOR) && !is_current(text, CHEAP));
}

#[test]
fn fast_digests_are_stored_inside_argon2id_only() {
    let of = |digest: Digest, salt: &str, place: Place| {
        let text = match place {
            Place::Prefix => format!("{salt}{PASSWORD}"),
            Place::Suffix => format!("{PASSWORD}{salt}"),
        };
        let value = digest.of(text.as_bytes());
        value.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    for digest in Digest::ALL {
        for (salt, place) in [("", Place::Prefix), ("sea", Place::Prefix), ("sea", Place::Suffix)] {
            let text = of(digest, salt, place);
            let weak = Weak::read(digest, &text, salt, place).expect("a digest");
            let wrapped = Foreign::wrap(&weak, [7; 16], CHEAP, &mut Memory::default()).expect("a hash");
            check(digest.name(), &wrapped.text(), PASSWORD);
            let stored = wrapped.text().to_lowercase();
            assert!(stored.contains("argon2id") && !stored.contains(&text.to_lowercase()), "{stored}");
            assert_eq!(Foreign::read(&text), Err(Refusal::Bare), "never as it is");
        }
    }
    // Python's hashlib and Django agree on what a digest is.
    assert_eq!(of(Digest::Md5, "", Place::Prefix), "0C1C33CF94C36B35E7E7EF52870C7A94");
    assert_eq!(of(Digest::Sha1, "sea", Place::Prefix), "B37347FA3A046A94E67D6C89FE7D6F46E40BC854");
    assert_eq!(
        of(Digest::Sha256, "sea", Place::Suffix),
        "8B7DC7F34EDAAFD9D4487E261D19654F5D02E2443C9C41C7C19A79F5CD8C757C"
    );
    let weak = Weak::read_django("md5$seasalt$bcd54b72be11fb7828760641dfe8f56c").expect("a digest");
    let wrapped = Foreign::wrap(&weak, [7; 16], CHEAP, &mut Memory::default()).expect("a hash");
    check("md5", &wrapped.text(), PASSWORD);
    assert_eq!(Foreign::read("md5$seasalt$bcd54b72be11fb7828760641dfe8f56c"), Err(Refusal::Bare));
}

#[test]
fn hostile_costs_are_refused_before_anything_is_computed() {
    let (salt, tag) = ("c2Vhc2FsdCE", "A".repeat(43));
    for scheme in [
        "$argon2id$v=19$m=262145,t=1,p=1",
        "$argon2id$v=19$m=4294967295,t=1,p=1",
        "$argon2id$v=19$m=99999999999,t=1,p=1",
        "$argon2id$v=19$m=64,t=11,p=1",
        "$argon2id$v=19$m=1024,t=1,p=17",
        "$scrypt$ln=19,r=8,p=1",
        "$scrypt$ln=255,r=1,p=1",
        "$scrypt$ln=63,r=4294967295,p=4294967295",
        "$scrypt$ln=1,r=1,p=4294967295",
        "$scrypt$ln=17,r=8,p=5",
        "$pbkdf2-sha256$i=10000001",
        "$pbkdf2-sha1$i=5000001",
        "$pbkdf2-sha512$4294967295",
        "$md5-prefix$argon2id$v=19$m=4294967295,t=1,p=1$",
    ] {
        assert_eq!(Foreign::read(&format!("{scheme}${salt}${tag}")), Err(Refusal::Dear), "{scheme}");
    }
    for text in [
        format!("$2b$15${}", ".".repeat(53)),
        format!("$2b$99${}", ".".repeat(53)),
        format!("scrypt$1073741824$salt$8$1${tag}"),
        FIREBASE.replace("n=14", "n=30"),
    ] {
        assert_eq!(Foreign::read(&text), Err(Refusal::Dear), "{text}");
    }
}

#[test]
fn what_is_not_as_its_scheme_says_is_refused() {
    let (salt, tag) = ("c2Vhc2FsdCE", "A".repeat(43));
    for text in [
        String::from("$argon2id$v=19$m=64,t=1,p=1"),
        format!("$argon2id$v=18$m=64,t=1,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=+64,t=1,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=064,t=1,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=4,t=1,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${salt}${tag}"),
        format!("$argon2id$v=19$m=64,t=1,p=1,keyid=a${salt}${tag}"),
        format!("$argon2id$v=19$m=64,t=1,p=1$c2Vh${tag}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${tag}$"),
        format!("$2b$12${}", ".".repeat(52)),
        format!("$2b$3${}", ".".repeat(53)),
        format!("$2b$03${}", ".".repeat(53)),
        format!("$2b$12${}!", ".".repeat(52)),
        format!("$2b$12${}\u{e9}", ".".repeat(51)),
        format!("$pbkdf2-sha256$i=0${salt}${tag}"),
        format!("$pbkdf2-sha256$i=1000,l=16${salt}${tag}"),
        format!("$pbkdf2-sha256$i=1000${salt}$AAAA"),
        format!("$scrypt$ln=0,r=8,p=1${salt}${tag}"),
        format!("$scrypt$ln=10,r=8${salt}${tag}"),
        format!("scrypt$1000$salt$8$1${tag}"),
        FIREBASE.replace("v=1", "v=2"),
        FIREBASE.replace("lSrfV15c", ""),
        format!("$md5-middle$argon2id$v=19$m=64,t=1,p=1$${salt}${tag}"),
        String::new(),
        String::from("a space"),
        "A".repeat(LONGEST + 1),
    ] {
        assert_eq!(Foreign::read(&text), Err(Refusal::Malformed), "{text}");
    }
    for text in
        ["deadbeef", "$1$salt$hash", "$2x$12$abc", "$6$salt$hash", "$P$B12345678", "plain-text", "$pbkdf2-md5$1$a$b"]
    {
        let refused = Foreign::read(text).expect_err(text);
        assert!(matches!(refused, Refusal::Scheme | Refusal::Bare), "{text}: {refused:?}");
    }
}

#[test]
fn there_is_a_decoy_for_every_scheme_that_costs_as_much_and_is_nobodys() {
    let wrapped = |salt: &str, place| {
        let weak = Weak::read(Digest::Md5, "0C1C33CF94C36B35E7E7EF52870C7A94", salt, place).expect("a digest");
        Foreign::wrap(&weak, [7; 16], CHEAP, &mut Memory::default()).expect("a hash").text()
    };
    let (plain, salted) = (wrapped("", Place::Prefix), wrapped("sea", Place::Suffix));
    let stored = KEPT.iter().map(|(_, text)| Foreign::read(text).expect("readable").text());
    let dearest = "$pbkdf2$10000000$c2Vhc2FsdCE$c1m4xwT0x24OKVLOBzg9U.DbQYo";
    let decoy_of_dearest =
        Foreign::decoy(&scheme(dearest)).expect("of one block, and not of two that would be refused");
    assert_eq!(scheme(&decoy_of_dearest), "$pbkdf2-sha1$i=10000000,l=20");
    for stored in stored.chain([plain, salted, Foreign::read(FIREBASE).expect("readable").text()]) {
        let scheme_of = scheme(&stored);
        let decoy = Foreign::decoy(&scheme_of).unwrap_or_else(|| panic!("none for {scheme_of}"));
        assert_eq!(scheme(&decoy), scheme_of);
        assert!(!is_right(&decoy, PASSWORD), "{decoy}");
    }
    assert_eq!(scheme(&decoy(Cost::FLOOR)), "$argon2id$v=19$m=19456,t=2,p=1");
    assert_eq!((scheme("nonsense"), Foreign::decoy("nonsense")), (String::new(), None));
}
