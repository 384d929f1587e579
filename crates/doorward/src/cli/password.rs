//! Where a new password comes from: the terminal without echo, stdin, or the dice. Never an argument.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use super::args::PasswordArgs;
use super::stop::{Exit, Stop};
use crate::door::{Dice, SystemDice};

/// A password, and whether its reader has to be told.
pub(super) struct Obtained {
    /// As it will be typed.
    pub(super) password: Zeroizing<String>,
    /// Was it drawn? Then nobody knows it yet.
    pub(super) generated: bool,
}

/// Obtains a new password.
pub(super) fn obtain(args: PasswordArgs) -> Result<Obtained, Stop> {
    if args.generate {
        return Ok(Obtained { password: generate()?, generated: true });
    }
    let password = if args.password_stdin { from_stdin()? } else { from_terminal()? };
    Ok(Obtained { password, generated: false })
}

/// Far more than any password has.
const LONGEST: u64 = 4096;

fn from_stdin() -> Result<Zeroizing<String>, Stop> {
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Stop::new(Exit::Usage, format!("the password could not be read from stdin: {error}")))?;
    cut_line_end(&mut text);
    Ok(text)
}

fn cut_line_end(text: &mut String) {
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
}

fn from_terminal() -> Result<Zeroizing<String>, Stop> {
    let nobody = || {
        Stop::new(Exit::Usage, "there is no terminal to ask for the password on")
            .advise("pipe it in with --password-stdin, or have one drawn with --generate")
    };
    if !io::stdin().is_terminal() {
        return Err(nobody());
    }
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| nobody())?;
    let first = ask(&terminal, "New password: ").map_err(|_| nobody())?;
    let again = ask(&terminal, "Once more: ").map_err(|_| nobody())?;
    if first == again {
        Ok(first)
    } else {
        Err(Stop::new(Exit::Usage, "the two passwords differ; nothing was changed"))
    }
}

fn ask(mut terminal: &File, prompt: &str) -> io::Result<Zeroizing<String>> {
    let _silent = Silent::begin(terminal)?;
    write!(terminal, "{prompt}")?;
    let mut text = Zeroizing::new(String::new());
    BufReader::new(terminal).take(LONGEST).read_line(&mut text)?;
    cut_line_end(&mut text);
    Ok(text)
}

/// The terminal without echo, until this is dropped.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = termios::tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        termios::tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Letters and digits that are not taken for one another: five bits each.
pub(super) const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Four groups of five characters: 100 drawn bits.
fn generate() -> Result<Zeroizing<String>, Stop> {
    let mut drawn = Zeroizing::new([0_u8; 20]);
    if !SystemDice.fill(&mut *drawn) {
        return Err(Stop::new(Exit::Unreachable, "the machine gives no random bytes, so no password can be drawn"));
    }
    let mut password = Zeroizing::new(String::with_capacity(24));
    for (place, byte) in drawn.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_are_long_readable_and_never_the_same() {
        let one = generate().expect("dice");
        let other = generate().expect("dice");
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [5, 5, 5, 5]);
    }

    #[test]
    fn only_the_end_of_the_line_is_cut() {
        for (text, cut) in [("a \n", "a "), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("", "")] {
            let mut given = text.to_owned();
            cut_line_end(&mut given);
            assert_eq!(given, cut, "{text:?}");
        }
    }
}
