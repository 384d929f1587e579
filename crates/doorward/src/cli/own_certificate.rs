//! The certificate that `dev --tls` makes for itself and keeps in its folder: for this machine's own names, signed by
//! nobody else. Browsers warn of it once; programs can be told to trust the file.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::folder::write_whole;
use super::stop::{Exit, Stop};
use crate::door::{Clock, SystemClock};
use crate::listener::tls::TlsFiles;

/// The names of the machine itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long it is good: Apple's systems take no more, even from an authority that was added by hand.
const DAYS: i64 = 825;
/// It is made anew when it has fewer days left than a demo may run.
const DAYS_SPARE: i64 = 30;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// The certificate of a folder, made if there is none or it is about to run out.
pub(super) fn of(folder: &Path) -> Result<TlsFiles, Stop> {
    let files = TlsFiles { cert_file: folder.join("tls-cert.pem"), key_file: folder.join("tls-key.pem") };
    let today = SystemClock.now().secs() / DAY;
    // The key is written last: where it is, the rest is.
    if made_on(&files.key_file).is_none_or(|day| !(day..day + DAYS - DAYS_SPARE).contains(&today)) {
        make(&files, today).map_err(|why| {
            Stop::new(Exit::Configuration, format!("no certificate could be made in {}: {why}", folder.display()))
        })?;
    }
    Ok(files)
}

/// The day a file was written.
fn made_on(path: &Path) -> Option<i64> {
    let written = fs::metadata(path).ok()?.modified().ok()?;
    let seconds = written.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(seconds).ok()? / DAY)
}

fn make(files: &TlsFiles, today: i64) -> Result<(), String> {
    let failed = |error: rcgen::Error| error.to_string();
    let names: Vec<_> = NAMES.into_iter().map(String::from).collect();
    let mut wanted = CertificateParams::new(names).map_err(failed)?;
    wanted.distinguished_name.push(DnType::CommonName, "Doorward on this machine");
    let on = |day: i64| {
        let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (wanted.not_before, wanted.not_after) = (on(today - 1), on(today + DAYS - 1));
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = wanted.self_signed(&key).map_err(failed)?;
    let write = |path: &Path, text: &str| write_whole(path, text).map_err(|error| error.to_string());
    write(&files.cert_file, &certificate.pem())?;
    write(&files.key_file, &key.serialize_pem())
}
