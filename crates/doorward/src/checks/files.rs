//! Checks of the files: who else can read them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Finding, table};

/// What lies in a data folder and concerns nobody else.
const FILES: [&str; 6] =
    ["doorward.db", "doorward.db-wal", "doorward.db-shm", "doorward.sock", "doorward.lock", "head.mark"];

/// Keys that are kept in files.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFiles<'a> {
    /// The master key.
    pub master: Option<&'a Path>,
    /// The private key of the certificate.
    pub tls: Option<&'a Path>,
}

/// Looks at the data folder, and at the files of keys.
pub fn look(folder: &Path, keys: KeyFiles<'_>, is_demo: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(file) = keys.tls.filter(|file| is_open(file)) {
        found.push(Finding::new(&table::TLS_KEY_OPEN, file.display().to_string()));
    }
    if let Some(file) = keys.master {
        if is_open(file) {
            found.push(Finding::new(&table::KEY_FILE_OPEN, file.display().to_string()));
        }
        if !is_demo && is_inside(file, folder) {
            found.push(Finding::new(&table::KEY_BESIDE_DATABASE, file.display().to_string()));
        }
    }
    let inside = FILES.iter().map(|name| folder.join(name));
    for path in [folder.to_owned()].into_iter().chain(inside).filter(|path| is_open(path)) {
        found.push(Finding::new(&table::FILES_OPEN, path.display().to_string()));
    }
    found
}

/// Can anybody but its owner do anything with it? What is not there is not open.
fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

fn is_inside(file: &Path, folder: &Path) -> bool {
    match (fs::canonicalize(file), fs::canonicalize(folder)) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_read_is_found_and_nothing_else() {
        let place = tempfile::tempdir().expect("a place");
        let folder = place.path().join("data");
        let key = place.path().join("key");
        fs::create_dir(&folder).expect("a folder");
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        for name in ["doorward.db", "doorward.db-wal"] {
            fs::write(folder.join(name), "").expect("a file");
            set(&folder.join(name), 0o600);
        }
        fs::write(&key, "").expect("a file");
        set(&key, 0o400);
        set(&folder, 0o700);
        let found = |key: &Path| {
            let found = look(&folder, KeyFiles { master: Some(key), tls: None }, false);
            found.iter().map(|finding| finding.check.id).collect::<Vec<_>>()
        };
        assert_eq!(found(&key), Vec::<&str>::new());
        for (path, id) in [(&key, "DW201"), (&folder, "DW202"), (&folder.join("doorward.db-wal"), "DW202")] {
            for mode in [0o740, 0o704, 0o710, 0o720] {
                set(path, mode);
                assert_eq!(found(&key), [id], "{}: {mode:o}", path.display());
            }
            set(path, 0o700);
        }
        let inside = folder.join("master");
        fs::write(&inside, "").expect("a file");
        set(&inside, 0o600);
        assert_eq!(found(&inside), ["DW203"]);
        let its = KeyFiles { master: Some(&inside), tls: Some(&key) };
        set(&key, 0o600);
        assert!(look(&folder, its, true).is_empty(), "a demo keeps it there");
        set(&key, 0o640);
        let found: Vec<_> = look(&folder, its, true).iter().map(|finding| finding.check.id).collect();
        assert_eq!(found, ["DW204"]);
    }
}
