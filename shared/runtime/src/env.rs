//! Reads the configuration from environment variables, and reports every mistake at once.

mod unknown;
mod values;

use std::fmt;

use secrecy::SecretString;

pub use unknown::{UnknownVariable, log_unknown, print_unknown, unknown};
pub use values::{between, boolean, duration_between, size_between, text};

/// The exit code of a program whose configuration is wrong (`EX_USAGE` of `sysexits.h`).
pub const EXIT_USAGE: u8 = 64;

/// The source of variables: the process, or a map in a test.
pub trait Vars {
    /// The value of `name`; `None` if it is not set.
    ///
    /// # Errors
    ///
    /// If the value is not UTF-8.
    fn get(&self, name: &str) -> Result<Option<String>, String>;

    /// The names of all variables that are set.
    fn names(&self) -> Vec<String>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessVars;

/// Everything that is wrong with the configuration, one line per mistake. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

/// Reads variables one by one and collects the mistakes.
///
/// An empty value counts as not set, because container tools pass unset variables as empty ones.
///
/// A parser says what the value must be (`must be json or text`); the reader adds the name and the value.
pub struct Reader<'v> {
    vars: &'v dyn Vars,
    asked: Vec<String>,
    mistakes: Vec<String>,
}

impl Vars for ProcessVars {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err("must be UTF-8".to_owned()),
        }
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
    }
}

impl<S: std::hash::BuildHasher> Vars for std::collections::HashMap<&str, String, S> {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        Ok(std::collections::HashMap::get(self, name).cloned())
    }

    fn names(&self) -> Vec<String> {
        self.keys().map(|name| (*name).to_owned()).collect()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// One sentence per mistake.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl<'v> Reader<'v> {
    /// A reader that has read nothing yet.
    pub fn new(vars: &'v dyn Vars) -> Self {
        Self { vars, asked: Vec::new(), mistakes: Vec::new() }
    }

    /// The value of `name`, if it is set.
    pub fn optional<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.mistake(name, &format!("{why}{}", got(&text)));
                None
            }
        }
    }

    /// The value of `name`, or `default` if it is not set.
    pub fn or<T, E: fmt::Display>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// The value of `name`, which must be set. `None` means that [`Self::finish`] will fail.
    pub fn required<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let before = self.mistakes.len();
        let value = self.optional(name, parse);
        if value.is_none() && self.mistakes.len() == before {
            self.mistake(name, "must be set");
        }
        value
    }

    /// A secret from `name`, or from the file whose path is in `<name>_FILE`; not both.
    pub fn optional_secret(&mut self, name: &str) -> Option<SecretString> {
        let file_name = format!("{name}_FILE");
        let direct = self.text(name);
        match (direct, self.text(&file_name)) {
            (Some(_), Some(_)) => {
                self.mistake(name, &format!("must not be set together with {file_name}"));
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => self.secret_file(&file_name, &path),
            (None, None) => None,
        }
    }

    /// As [`Self::optional_secret`], but required.
    pub fn required_secret(&mut self, name: &str) -> Option<SecretString> {
        let before = self.mistakes.len();
        let value = self.optional_secret(name);
        if value.is_none() && self.mistakes.len() == before {
            self.mistake(
                name,
                &format!("must be set, or {name}_FILE must be the path of a file that holds the value"),
            );
        }
        value
    }

    /// Records a mistake that no single parser can find, for example between two variables.
    pub fn mistake(&mut self, name: &str, why: &str) {
        self.mistakes.push(format!("{name}: {why}."));
    }

    /// The names of all variables read so far, in order. A test compares the documentation with it.
    pub fn asked(&self) -> &[String] {
        &self.asked
    }

    /// The configuration, if there were no mistakes.
    ///
    /// # Errors
    ///
    /// Every mistake, in the order of reading. `config` must be `Some` if there were none, which holds
    /// if it is built with `?` from the values that this reader returned.
    pub fn finish<T>(self, config: Option<T>) -> Result<T, Mistakes> {
        match config {
            Some(config) if self.mistakes.is_empty() => Ok(config),
            _ => Err(Mistakes(self.mistakes)),
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.asked.push(name.to_owned());
        match self.vars.get(name) {
            Ok(value) => value.filter(|text| !text.is_empty()),
            Err(why) => {
                self.mistake(name, &why);
                None
            }
        }
    }

    fn secret_file(&mut self, name: &str, path: &str) -> Option<SecretString> {
        match std::fs::read_to_string(path) {
            Ok(text) if text.trim_end().is_empty() => {
                self.mistake(name, &format!("must be the path of a file with a value; {path} is empty"));
                None
            }
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).into()),
            Err(error) => {
                self.mistake(name, &format!("must be the path of a readable file; {path}: {error}"));
                None
            }
        }
    }
}

/// The end of a mistake: the refused value. It is left out if it is long, or has an `@` and so perhaps a password.
fn got(value: &str) -> String {
    let shown = value.len() <= 100 && !value.contains('@') && !value.contains(char::is_control);
    if shown { format!("; got `{value}`") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::time::Duration;

    use secrecy::ExposeSecret as _;
    use shared::duration;

    use super::*;

    fn vars(pairs: &[(&'static str, &str)]) -> HashMap<&'static str, String> {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let vars = vars(&[("A", "x"), ("B", "5 minutes"), ("C", "fine")]);
        let mut reader = Reader::new(&vars);
        let a = reader.required("A", between(1_u16, 9));
        let b = reader.or("B", Duration::from_secs(1), duration::parse);
        let c = reader.required("C", text);
        let d = reader.required("D", text);
        let mistakes = reader.finish((|| Some((a?, b, c?, d?)))()).unwrap_err();
        assert_eq!(
            mistakes.lines(),
            [
                "A: must be a number from 1 to 9; got `x`.",
                "B: must be a whole number and a unit (ms, s, m, h, d), such as 15m; got `5 minutes`.",
                "D: must be set."
            ]
        );
    }

    #[test]
    fn a_value_that_may_hold_a_password_is_not_quoted() {
        let vars = vars(&[("A", "http://user:hunter2@host"), ("B", "two\nlines")]);
        let mut reader = Reader::new(&vars);
        let _missing = (reader.required("A", between(1_u16, 9)), reader.required("B", boolean));
        let mistakes = reader.finish(Some(())).unwrap_err();
        assert_eq!(mistakes.lines(), ["A: must be a number from 1 to 9.", "B: must be true or false."]);
    }

    #[test]
    fn an_empty_value_counts_as_none() {
        let vars = vars(&[("A", "")]);
        let mut reader = Reader::new(&vars);
        assert_eq!(reader.or("A", 7, between(1, 9)), 7);
        assert_eq!(reader.finish(Some(())), Ok(()));
    }

    #[test]
    fn a_secret_comes_from_a_file_without_its_last_line_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"hunter2\n").unwrap();
        let vars = vars(&[("PASSWORD_FILE", file.path().to_str().unwrap())]);
        let mut reader = Reader::new(&vars);
        assert_eq!(reader.required_secret("PASSWORD").unwrap().expose_secret(), "hunter2");
    }

    #[test]
    fn a_secret_set_twice_is_a_mistake_that_does_not_show_it() {
        let vars = vars(&[("PASSWORD", "hunter2"), ("PASSWORD_FILE", "/nowhere")]);
        let mut reader = Reader::new(&vars);
        assert!(reader.required_secret("PASSWORD").is_none());
        let mistakes = reader.finish(Some(())).unwrap_err().to_string();
        assert!(
            mistakes.contains("together with PASSWORD_FILE") && !mistakes.contains("hunter2"),
            "{mistakes}"
        );
    }
}
