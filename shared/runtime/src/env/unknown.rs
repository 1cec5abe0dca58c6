//! Variables that are set but that the program does not know, and the warnings of them.

use std::fmt;
use std::io::Write as _;

use super::Vars;

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

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set, but this program does not know it", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => f.write_str("."),
        }
    }
}

/// Warns of them on the terminal of a person who runs `program`.
pub fn print_unknown(program: &str, unknown: &[UnknownVariable]) {
    let mut terminal = std::io::stderr();
    for variable in unknown {
        let _unheard = writeln!(terminal, "{program}: warning: {variable}");
    }
}

/// Warns of them in the log of a program that serves.
pub fn log_unknown(unknown: &[UnknownVariable]) {
    for UnknownVariable { name, nearest } in unknown {
        let nearest = nearest.as_deref();
        tracing::warn!(name, nearest, "An unknown configuration variable is set; check its name.");
    }
}

/// The variables of `vars` that begin with `prefix`, in upper or lower case, and are none of the `known` ones: most likely
/// misspelt. Without those that container platforms set for their own purposes. Sorted. Reads no file.
pub fn unknown(vars: &dyn Vars, prefix: &str, known: &[String]) -> Vec<UnknownVariable> {
    let begins =
        |name: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let mut names = vars.names();
    names.retain(|name| begins(name) && !known.contains(name));
    names.retain(|name| !is_of_a_platform(name, &vars.get(name).ok().flatten().unwrap_or_default()));
    names.sort_unstable();
    names.into_iter().map(|name| UnknownVariable { nearest: nearest(&name, known), name }).collect()
}

/// The most similar known name, if one is similar at all.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let distance = |known: &String| strsim::damerau_levenshtein(known, &name);
    let nearest = known.iter().min_by_key(|known| distance(known))?;
    (distance(nearest) <= MAX_DISTANCE).then(|| nearest.clone())
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn found(pairs: &[(&'static str, &str)]) -> Vec<String> {
        let vars: HashMap<&str, String> =
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let known = ["ADMIN_LISTEN", "ADMIN_MASTER_KEYS", "ADMIN_MASTER_KEYS_FILE"].map(str::to_owned);
        unknown(&vars, "ADMIN_", &known).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_nearest_known_one() {
        let said = found(&[
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
        assert_eq!(found(&platform), Vec::<String>::new());
        for (name, value) in [
            ("ADMIN_PORT", "8001"),
            ("ADMIN_PORT_TCP", "a"),
            ("ADMIN_PORT_8001_TCP_X", "a"),
            ("ADMIN_NAME", "a"),
        ] {
            assert_eq!(found(&[(name, value)]).len(), 1, "{name}");
        }
    }
}
