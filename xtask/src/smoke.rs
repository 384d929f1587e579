//! Starts the built binary as a newcomer would, and sees whether it opens its door.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cargo::{cargo, run};
use crate::workspace::Workspace;

/// How long the binary may take to say that it is ready, and to stop when asked; generous, for busy machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// Variables that speak to the tests; for the server, `DOORWARD_*` is configuration.
pub(crate) const OURS: [&str; 4] = ["DOORWARD_REQUIRE", "DOORWARD_SKIPS", "DOORWARD_LONG", "DOORWARD_BLESS"];

/// Builds `doorward`, runs `doorward dev` on a free port in an empty data folder, asks whether it is well, and ends it.
pub(crate) fn smoke(workspace: &Workspace) -> Result<(), String> {
    run(cargo(workspace, &["build", "--workspace", "--bin", "doorward"]))?;
    let target = workspace.target();
    let data = target.join(format!("smoke-{}", std::process::id()));
    let log = target.join("smoke.log");
    let stderr = fs::File::create(&log).map_err(|error| format!("no log file for the smoke test: {error}"))?;
    let mut command = Command::new(target.join("debug").join("doorward"));
    command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    for name in OURS {
        command.env_remove(name);
    }
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn();
    let mut child = started.map_err(|error| format!("the binary did not start: {error}"))?;
    let verdict = visit(&mut child).and_then(|()| stop(&mut child));
    drop(child.kill());
    drop(child.wait());
    drop(fs::remove_dir_all(&data));
    verdict.map_err(|why| format!("{why}\n{}", tail(&log)))
}

fn visit(child: &mut Child) -> Result<(), String> {
    let stdout = child.stdout.take().ok_or("the binary's output is not ours to read")?;
    let first = first_line(stdout)
        .recv_timeout(PATIENCE)
        .map_err(|_| format!("`doorward dev` printed no line within {} s", PATIENCE.as_secs()))?;
    let address = ready(&first).ok_or_else(|| format!("the first line should be `ready http://…`: `{first}`"))?;
    for path in ["/healthz", "/readyz"] {
        let status = get(address, path).map_err(|error| format!("GET {path}: {error}"))?;
        if status != "200" {
            return Err(format!("GET {path} answered {status}"));
        }
    }
    Ok(())
}

/// Reads on after the first line, so that the binary never waits for a reader.
fn first_line(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Only the first line has a listener; the others are read to be forgotten.
            drop(sender.send(line));
        }
    });
    receiver
}

/// The address in `ready http://127.0.0.1:PORT`.
fn ready(line: &str) -> Option<&str> {
    line.strip_prefix("ready http://").map(str::trim_end).filter(|address| address.contains(':'))
}

fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.split(' ').nth(1).unwrap_or("nothing").to_owned())
}

/// Asks politely, as an init system does, and waits.
fn stop(child: &mut Child) -> Result<(), String> {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    if !asked.is_ok_and(|status| status.success()) {
        return Err("the binary was gone before it was asked to stop".to_owned());
    }
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(format!("waiting for the binary: {error}")),
        }
    }
    Err(format!("the binary did not stop within {} s of being asked", PATIENCE.as_secs()))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_carries_an_address() {
        assert_eq!(ready("ready http://127.0.0.1:8420"), Some("127.0.0.1:8420"));
        assert_eq!(ready("listening on 127.0.0.1:8420"), None);
        assert_eq!(ready("ready http://nowhere"), None);
    }

    #[test]
    fn the_first_line_comes_at_once_and_the_rest_is_swallowed() {
        let lines = first_line("ready http://127.0.0.1:1\nmore\n".as_bytes());
        assert_eq!(lines.recv().as_deref(), Ok("ready http://127.0.0.1:1"));
    }
}
