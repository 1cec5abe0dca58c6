//! Reads the configuration from environment variables, and reports every mistake at once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use shared::duration;

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

/// The most letters by which a misspelt name differs from the right one.
const MAX_DISTANCE: usize = 4;

/// A variable that is set but unknown: most likely misspelt, or of another version of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The known variable that it may stand for.
    pub nearest: Option<String>,
}

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

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set, but this program does not know it", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => f.write_str("."),
        }
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

    /// The variables that begin with `prefix`, in any case, and are set, but were not read: most likely misspelt.
    /// Without those that container platforms set for their own purposes. Sorted.
    pub fn unknown(&self, prefix: &str) -> Vec<UnknownVariable> {
        let begins =
            |name: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let mut names = self.vars.names();
        names.retain(|name| begins(name) && !self.asked.contains(name));
        names.retain(|name| !is_of_a_platform(name, &self.vars.get(name).ok().flatten().unwrap_or_default()));
        names.sort_unstable();
        names.into_iter().map(|name| UnknownVariable { nearest: self.nearest(&name), name }).collect()
    }

    /// The most similar name that was read, if one is similar at all.
    fn nearest(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_uppercase();
        let distance = |known: &String| strsim::damerau_levenshtein(known, &name);
        let nearest = self.asked.iter().min_by_key(|known| distance(known))?;
        (distance(nearest) <= MAX_DISTANCE).then(|| nearest.clone())
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

/// Whether a container platform sets such a variable. Kubernetes does for every service, Docker for every link, and
/// a service may be called `admin`:
/// `ADMIN_SERVICE_HOST`, `ADMIN_SERVICE_PORT_HTTP`, `ADMIN_PORT`, `ADMIN_PORT_8001_TCP_ADDR`, `ADMIN_NAME`, `ADMIN_ENV_*`.
fn is_of_a_platform(name: &str, value: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_port = |rest: &str| {
        let mut words = rest.split('_');
        let is_number = words.next().is_some_and(|word| word.parse::<u16>().is_ok());
        let is_protocol = words.next().is_some_and(|word| ["TCP", "UDP", "SCTP"].contains(&word));
        let is_part = words.next().is_none_or(|word| ["PROTO", "PORT", "ADDR"].contains(&word));
        is_number && is_protocol && is_part && words.next().is_none()
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_url)
        || name
            .match_indices("_PORT_")
            .any(|(start, found)| name.get(start + found.len()..).is_some_and(is_port))
        || (name.ends_with("_NAME") && value.starts_with('/'))
        || name.split_once('_').is_some_and(|(_, rest)| rest.starts_with("ENV_"))
}

/// The end of a mistake: the refused value. It is left out if it is long, or has an `@` and so perhaps a password.
fn got(value: &str) -> String {
    let shown = value.len() <= 100 && !value.contains('@') && !value.contains(char::is_control);
    if shown { format!("; got `{value}`") } else { String::new() }
}

/// Any text.
///
/// # Errors
///
/// Never.
pub fn text(value: &str) -> Result<String, std::convert::Infallible> {
    Ok(value.to_owned())
}

/// A whole number within bounds, both included.
pub fn between<T>(least: T, most: T) -> impl FnOnce(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + fmt::Display,
{
    move |value| match value.parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("must be a number from {least} to {most}")),
    }
}

/// A duration within bounds, both included.
pub fn duration_between(least: Duration, most: Duration) -> impl FnOnce(&str) -> Result<Duration, String> {
    move |value| match duration::parse(value).map_err(|why| why.to_string())? {
        span if span >= least && span <= most => Ok(span),
        _ => {
            Err(format!("must be a duration from {} to {}", duration::format(least), duration::format(most)))
        }
    }
}

/// A size in bytes within bounds, both included: a whole number and a unit.
pub fn size_between(least: u64, most: u64) -> impl FnOnce(&str) -> Result<u64, String> {
    let bytes = |text: &str| {
        let (number, unit) = text.split_at(text.find(|byte: char| !byte.is_ascii_digit())?);
        let (_, shift) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(1 << shift)
    };
    move |value| match bytes(value) {
        Some(size) if (least..=most).contains(&size) => Ok(size),
        Some(_) => Err(format!("must be from {} to {}", size(least), size(most))),
        None => Err("must be a whole number and a unit (KiB, MiB, GiB), such as 128MiB".to_owned()),
    }
}

/// The units of sizes, and by how many bits each shifts a number; the greatest first.
const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// A size as text, in the greatest unit of which it is a multiple.
fn size(bytes: u64) -> String {
    let unit = UNITS.into_iter().find(|(_, shift)| bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| bytes.to_string(), |(name, shift)| format!("{}{name}", bytes >> shift))
}

/// `true` or `false`.
///
/// # Errors
///
/// If it is neither.
pub fn boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Write as _;

    use secrecy::ExposeSecret as _;

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

    fn unknown(pairs: &[(&'static str, &str)]) -> Vec<String> {
        let vars = vars(pairs);
        let mut reader = Reader::new(&vars);
        let _known = (reader.optional("ADMIN_LISTEN", text), reader.optional_secret("ADMIN_MASTER_KEYS"));
        reader.unknown("ADMIN_").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_nearest_known_one() {
        let said = unknown(&[
            ("ADMIN_LISTEN", "a"),
            ("ADMIN_LISTN", "a"),
            ("ADMIN_MASTER_KEY", "a"),
            ("ADMIN_MASTER_KEYS_FIEL", "a"),
            ("admin_listen", "a"),
            ("ADMIN_COLOUR_OF_THE_PAGE", ""),
            ("ADMINISTRATOR", "a"),
            ("INTROSPECT_LISTEN", "a"),
            ("É", "a"),
        ]);
        let known = |name: &str, nearest: &str| {
            format!("{name} is set, but this program does not know it; did you mean {nearest}?")
        };
        assert_eq!(
            said,
            [
                "ADMIN_COLOUR_OF_THE_PAGE is set, but this program does not know it.".to_owned(),
                known("ADMIN_LISTN", "ADMIN_LISTEN"),
                known("ADMIN_MASTER_KEY", "ADMIN_MASTER_KEYS"),
                known("ADMIN_MASTER_KEYS_FIEL", "ADMIN_MASTER_KEYS_FILE"),
                known("admin_listen", "ADMIN_LISTEN"),
            ]
        );
    }

    #[test]
    fn variables_of_a_container_platform_are_not_misspelt() {
        let platform = [
            ("ADMIN_SERVICE_HOST", "10.0.0.1"),
            ("ADMIN_SERVICE_PORT", "8001"),
            ("ADMIN_SERVICE_PORT_HTTP", "8001"),
            ("ADMIN_PORT", "tcp://10.0.0.1:8001"),
            ("ADMIN_PORT_8001_TCP", "tcp://10.0.0.1:8001"),
            ("ADMIN_PORT_8001_TCP_PROTO", "tcp"),
            ("ADMIN_PORT_8001_TCP_PORT", "8001"),
            ("ADMIN_PORT_8001_TCP_ADDR", "10.0.0.1"),
            ("ADMIN_OPS_SERVICE_HOST", "10.0.0.1"),
            ("ADMIN_OPS_PORT_9001_UDP", "udp://10.0.0.1:9001"),
            ("ADMIN_NAME", "/gateway/admin"),
            ("ADMIN_ENV_PATH", "/bin"),
        ];
        assert_eq!(unknown(&platform), Vec::<String>::new());
        for (name, value) in [
            ("ADMIN_PORT", "8001"),
            ("ADMIN_PORT_TCP", "a"),
            ("ADMIN_PORT_8001_TCP_X", "a"),
            ("ADMIN_NAME", "a"),
        ] {
            assert_eq!(unknown(&[(name, value)]).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_size_has_a_unit_and_lies_within_its_bounds() {
        let read = |value: &str| size_between(1 << 20, 1 << 31)(value);
        for (value, bytes) in
            [("1MiB", 1 << 20), ("1024KiB", 1 << 20), ("2GiB", 1 << 31), ("007MiB", 7 << 20)]
        {
            assert_eq!(read(value), Ok(bytes), "{value}");
        }
        for value in
            ["", "128", "MiB", "-1MiB", "1 MiB", "1MB", "1mib", "1.5MiB", "99999999999999999999GiB", "1MiB "]
        {
            assert!(read(value).unwrap_err().starts_with("must be a whole number and a unit"), "{value}");
        }
        for value in ["1KiB", "3GiB", "0MiB"] {
            assert_eq!(read(value), Err("must be from 1MiB to 2GiB".to_owned()), "{value}");
        }
        assert!(read("18014398509481984KiB").is_err());
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
