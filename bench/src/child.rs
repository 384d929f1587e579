//! Child processes: this program again, with another verb. Parent and child exchange a line of JSON at a time, and a
//! child ends when its input does, so that none is ever left behind.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Trouble;

/// A child process.
pub(crate) struct Started {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Started {
    /// Starts this program with other arguments.
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Result<Self, Trouble> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args);
        Self::run(command)
    }

    /// Starts another program, which keeps to the same manners.
    pub(crate) fn run(mut command: Command) -> Result<Self, Trouble> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = output.ok_or("a child without output")?;
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its next line.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Trouble> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("a child process ended too soon".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Says something, and waits for the answer.
    pub(crate) fn ask<Q: Serialize, A: DeserializeOwned>(&mut self, question: &Q) -> Result<A, Trouble> {
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        self.input.as_mut().ok_or("a child without input")?.write_all(&line)?;
        self.hear()
    }

    /// Lets it end, and waits for that.
    pub(crate) fn end(mut self) -> Result<(), Trouble> {
        drop(self.input.take());
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a child process ended with {status}").into()) }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.process.wait());
    }
}

/// In the child: says something to the parent.
pub(crate) fn say<T: Serialize>(what: &T) -> Result<(), Trouble> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&line)?;
    Ok(output.flush()?)
}

/// In the child: what the parent says, line by line, until it says no more.
pub(crate) fn questions<T: DeserializeOwned>() -> impl Iterator<Item = Result<T, Trouble>> {
    io::stdin().lock().lines().map(|line| Ok(serde_json::from_str(&line?)?))
}

/// In the child: waits until the parent says no more.
pub(crate) fn until_the_end() {
    drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
}
