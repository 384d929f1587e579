//! Checks of the settled configuration.

use doorward_core::password::Cost;

use super::Finding;
use super::table;
use crate::config::settled::Management;
use crate::config::{Mode, Settled};

/// Limits that slow nobody who matters: as many a minute as a machine asks in earnest.
const SLOWS_NOBODY: u32 = 1_000;

/// Looks at the configuration.
pub fn look(settled: &Settled, mode: Mode) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut note = |is_so: bool, check, place: &str| {
        if is_so {
            found.push(Finding::new(check, place));
        }
    };
    // A demo is one finding, and not all that makes it one.
    let serving = mode != Mode::Dev;
    note(!serving, &table::DEMO, "doorward dev");
    let is_https = settled.issuer.as_deref().is_some_and(|issuer| issuer.starts_with("https://"));
    note(serving && !is_https, &table::ISSUER_HTTP, "issuer");
    note(serving && settled.signup_open, &table::SIGNUP_OPEN, "signup");
    note(settled.hash_cost == Cost::FLOOR, &table::HASHING_FLOOR, "hashing");
    let all = settled.trusted_proxies.iter().any(|range| range.bits() == 0);
    let wide = settled.trusted_proxies.iter().any(|range| range.bits() < if range.is_ipv4() { 8 } else { 32 });
    note(all, &table::PROXIES_ALL, "trusted_proxies");
    note(wide && !all, &table::PROXIES_WIDE, "trusted_proxies");
    let plain_behind_https = is_https && settled.tls.is_none();
    note(
        serving && plain_behind_https && settled.trusted_proxies.is_empty(),
        &table::PROXIES_NONE,
        "trusted_proxies",
    );
    let rate = settled.throttle.rate;
    let a_minute = 60_000 / rate.every.millis().max(1);
    note(
        serving && (rate.burst > SLOWS_NOBODY || a_minute > i64::from(SLOWS_NOBODY)),
        &table::THROTTLE_OFF,
        "throttle",
    );
    let open = matches!(settled.management, Management::At(address) if !address.ip().is_loopback());
    note(open, &table::MANAGEMENT_OPEN, "management.listen");
    note(settled.rotate_every.is_none(), &table::KEYS_STAY, "keys.rotate_days");
    note(settled.refresh.leeway.millis() == 0, &table::NO_LEEWAY, "refresh.leeway_seconds");
    note(settled.log.level > tracing::Level::INFO, &table::LOG_CHATTY, "log_level");
    note(settled.master_previous.is_some(), &table::KEY_BEFORE, "master_key_previous");
    found
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::config::{Raw, settle};

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    /// What `serve` needs at least, with the proxy that https takes.
    const LEAST: [(&str, &str); 3] = [
        ("DOORWARD_ISSUER", "https://id.example.com"),
        ("DOORWARD_MASTER_KEY", KEY),
        ("DOORWARD_TRUSTED_PROXIES", "127.0.0.1"),
    ];

    fn found(more: &[(&str, &str)], mode: Mode) -> Vec<&'static str> {
        let least = LEAST.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let environment =
            least.chain(more).map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        let settled = settle(Raw::gather_from(None, environment, &[], mode), mode).expect("settled");
        look(&settled, mode).iter().map(|finding| finding.check.id).collect()
    }

    #[test]
    fn what_serve_takes_by_default_has_no_error_and_no_warning() {
        assert_eq!(found(&[], Mode::Serve), ["DW103"], "a hint alone: the hash may cost more");
        let dear = [("DOORWARD_HASHING_MEMORY_KIB", "65536")];
        assert_eq!(found(&dear, Mode::Serve), Vec::<&str>::new());
    }

    #[test]
    fn each_weakness_is_found_by_itself() {
        for (name, value, id) in [
            ("DOORWARD_ISSUER", "http://localhost:8420", "DW101"),
            ("DOORWARD_SIGNUP", "true", "DW102"),
            ("DOORWARD_TRUSTED_PROXIES", "0.0.0.0/0", "DW104"),
            ("DOORWARD_TRUSTED_PROXIES", "::/0", "DW104"),
            ("DOORWARD_TRUSTED_PROXIES", "192.0.0.0/7", "DW105"),
            ("DOORWARD_TRUSTED_PROXIES", "2000::/3", "DW105"),
            ("DOORWARD_TRUSTED_PROXIES", "", "DW106"),
            ("DOORWARD_THROTTLE_BURST", "1001", "DW107"),
            ("DOORWARD_THROTTLE_PER_MINUTE", "60000", "DW107"),
            ("DOORWARD_MANAGEMENT_LISTEN", "0.0.0.0:8421", "DW108"),
            ("DOORWARD_KEYS_ROTATE_DAYS", "0", "DW109"),
            ("DOORWARD_REFRESH_LEEWAY_SECONDS", "0", "DW110"),
            ("DOORWARD_LOG_LEVEL", "trace", "DW111"),
            ("DOORWARD_MASTER_KEY_PREVIOUS", KEY, "DW113"),
        ] {
            let mut expected = vec!["DW103", id];
            expected.sort_unstable();
            assert_eq!(found(&[(name, value)], Mode::Serve), expected, "{name}={value}");
        }
        for (name, value) in [
            ("DOORWARD_TRUSTED_PROXIES", "10.0.0.0/8,2001:db8::/32"),
            ("DOORWARD_THROTTLE_BURST", "1000"),
            ("DOORWARD_MANAGEMENT_LISTEN", "off"),
            ("DOORWARD_MANAGEMENT_LISTEN", "[::1]:9000"),
            ("DOORWARD_LOG_LEVEL", "info"),
        ] {
            assert_eq!(found(&[(name, value)], Mode::Serve), ["DW103"], "{name}={value}");
        }
    }

    #[test]
    fn a_demo_is_one_finding() {
        assert_eq!(found(&[], Mode::Dev), ["DW301", "DW103"]);
    }
}
