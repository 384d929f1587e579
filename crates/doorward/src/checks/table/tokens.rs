//! The twelve checks of a token.

use super::{Check, Grade, check};

/// The algorithm is `none`, or nobody's.
pub const UNSIGNED: Check = check(
    "DW601",
    Grade::Error,
    "The token is unsigned, or signed by an algorithm that is in no registry: a verifier that takes it takes anything.",
    "Sign with ES256 or EdDSA, and have verifiers know the algorithm from the key, never from the token (RFC 8725 section 3.1).",
);
/// The algorithm has one key for both sides.
pub const SHARED: Check = check(
    "DW602",
    Grade::Hint,
    "The token is signed with a shared secret: whoever can verify it can make one.",
    "With more than one verifier, sign with ES256 or EdDSA.",
);
/// The header says how it is to be verified.
pub const HEADER_COMMANDS: Check = check(
    "DW603",
    Grade::Error,
    "The header tells the verifier what to do: bring a key along, fetch one, unpack, or understand an extension.",
    "Leave `jwk`, `jku`, `x5c`, `x5u`, `crit`, `b64` and `zip` out; name the key by `kid` (RFC 8725 section 3.10).",
);
/// The type is not said.
pub const TYPE_UNSAID: Check = check(
    "DW604",
    Grade::Warn,
    "The header does not say what kind of token it is, so one kind can be passed off as another.",
    "Set `typ`: `at+jwt` for access tokens (RFC 9068 section 2.1, RFC 8725 section 3.11).",
);
/// Two readers may read two tokens.
pub const AMBIGUOUS: Check = check(
    "DW605",
    Grade::Error,
    "Its JSON is not strict (a member that comes twice, a number beyond all numbers), so two readers can read two tokens in it.",
    "Have it written by a serializer that writes each member once (RFC 7519 section 4, RFC 8259 section 4).",
);
/// It never ends.
pub const ENDLESS: Check = check(
    "DW606",
    Grade::Error,
    "It never expires: whoever has it once has it for good.",
    "Set `exp`, a quarter of an hour ahead for an access token.",
);
/// It lives too long.
pub const LONG_LIFE: Check = check(
    "DW607",
    Grade::Warn,
    "It lives for more than an hour.",
    "Let access tokens live for minutes, and renew them by a refresh token: the strategy `hybrid`.",
);
/// Whose it is, and for whom, is not said.
pub const NOBODYS: Check = check(
    "DW608",
    Grade::Error,
    "It does not say who made it or for whom, so a token for one service opens another.",
    "Set `iss` and `aud`, and have every verifier ask for both (RFC 8725 sections 3.8 and 3.9).",
);
/// It cannot be told apart.
pub const NAMELESS: Check = check(
    "DW609",
    Grade::Warn,
    "It has no subject, no id or no birth, so it cannot be ended by itself or with what was made before a moment.",
    "Set `sub`, `jti` and `iat` (RFC 9068 section 2.2).",
);
/// Its times cannot be.
pub const IMPOSSIBLE: Check = check(
    "DW610",
    Grade::Warn,
    "Its times cannot be: over before it began, made in the future, or no whole seconds.",
    "Set the clock of whoever makes it, and write times as whole seconds since 1970.",
);
/// It says what is nobody's business.
pub const TELLING: Check = check(
    "DW611",
    Grade::Warn,
    "It tells of people or secrets to everybody on its way: base64 is no encryption.",
    "Let it name things by ids, and keep what they mean on the server; `sub` is enough to ask for the rest.",
);
/// It is large.
pub const LARGE: Check = check(
    "DW612",
    Grade::Hint,
    "It is longer than 1,000 bytes, and travels with every request.",
    "Leave out what a service can ask for; a session's cookie has 53 bytes.",
);

/// All twelve, in order.
pub const ALL: [&Check; 12] = [
    &UNSIGNED,
    &SHARED,
    &HEADER_COMMANDS,
    &TYPE_UNSAID,
    &AMBIGUOUS,
    &ENDLESS,
    &LONG_LIFE,
    &NOBODYS,
    &NAMELESS,
    &IMPOSSIBLE,
    &TELLING,
    &LARGE,
];
