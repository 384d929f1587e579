//! Where the workspace is, and which files belong to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Folders that hold what programs made, never what people wrote.
const MADE: [&str; 4] = ["target", ".git", ".doorward", "node_modules"];

/// The workspace on disk.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
}

/// A text file of the workspace.
pub(crate) struct File {
    /// From the root, with `/` between the parts.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Workspace {
    /// Looks upwards from the working directory for the manifest that says `[workspace]`.
    pub(crate) fn find() -> Result<Self, String> {
        let here = std::env::current_dir().map_err(|error| format!("no working directory: {error}"))?;
        let root = here.ancestors().find(|folder| {
            fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]\n"))
        });
        match root {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => Err("not inside the Doorward workspace".to_owned()),
        }
    }

    /// Whether a path from the root exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder),
            None => self.root.join("target"),
        }
    }

    /// Every text file that is, or could be, under version control, in the order of its path. What is not UTF-8 is no
    /// text and is left out.
    pub(crate) fn files(&self) -> Vec<File> {
        let mut paths = match self.listed() {
            Some(paths) => paths,
            None => {
                let mut paths = Vec::new();
                walk(&self.root, "", &mut paths);
                paths
            }
        };
        paths.sort();
        paths.dedup();
        let read = |path: String| match fs::read_to_string(self.root.join(&path)) {
            Ok(text) => Some(File { path, text }),
            Err(_) => None,
        };
        paths.into_iter().filter_map(read).collect()
    }

    /// What git tracks, and what it would track; `None` outside a checkout.
    fn listed(&self) -> Option<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&self.root)
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let listing = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| listing.split_terminator('\0').map(str::to_owned).collect())
    }
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !MADE.contains(&name.as_str()) => walk(root, &path, paths),
            Ok(kind) if kind.is_file() => paths.push(path),
            _ => {}
        }
    }
}
