//! Session, JWT and hybrid beside one another: the eight rows that every comparison has (S4-04 to S4-11).

/// A row of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is compared.
    pub about: &'static str,
    /// With strategy `session`.
    pub session: &'static str,
    /// With strategy `jwt`.
    pub jwt: &'static str,
    /// With strategy `hybrid`.
    pub hybrid: &'static str,
}

/// The rows.
pub const ROWS: [Row; 8] = [
    Row {
        about: "The server keeps",
        session: "a row for each sign-in",
        jwt: "nothing that a check needs; a row, so that the sign-in can be listed and ended",
        hybrid: "a row for each sign-in, and no usable token",
    },
    Row {
        about: "Ending it at once",
        session: "the row goes, and it is over",
        jwt: "at Doorward at once, at services that follow the feed within milliseconds; elsewhere when it runs out",
        hybrid: "no refresh from then on; the token as with jwt",
    },
    Row {
        about: "More servers",
        session: "all ask one store, or follow the feed and remember",
        jwt: "any server checks by itself",
        hybrid: "any server checks by itself; only refreshing goes to the store",
    },
    Row {
        about: "Size of a request's credential",
        session: "a secret, about 53 bytes",
        jwt: "claims and signature, about 600 bytes",
        hybrid: "as with jwt; the refresh token travels only to be turned",
    },
    Row {
        about: "Look-up at each request",
        session: "yes, in memory if it was there lately",
        jwt: "no, a signature is checked",
        hybrid: "no, except to refresh",
    },
    Row {
        about: "Data in the credential",
        session: "none, it is only a secret",
        jwt: "who, for whom, by which client, until when; readable by whoever holds it",
        hybrid: "as with jwt",
    },
    Row {
        about: "Across domains",
        session: "a cookie stays on its host; CORS for exact origins",
        jwt: "a header goes anywhere",
        hybrid: "the token anywhere, the refresh cookie only home",
    },
    Row {
        about: "Mobile and native apps",
        session: "harder with cookies; here the secret can come in the body instead",
        jwt: "a header is easy, but there is nothing to renew it with",
        hybrid: "a header, and a refresh token in the keystore",
    },
];
