//! The output of `nginx -T`, split into the files that it contains.

use crate::source::NotUnderstood;
use crate::tree::{self, Directive};

/// The line before each file's text.
const HEADING: &str = "# configuration file ";

/// A file of the configuration. The first of a dump is the one that nginx was started with.
#[derive(Debug)]
pub(crate) struct DumpFile<'t> {
    /// Its path, as nginx prints it.
    pub(crate) name: &'t str,
    /// Its content; lines are counted from 1.
    pub(crate) directives: Vec<Directive>,
}

/// The files, in the order of the dump.
pub(crate) fn split(dump: &str) -> Result<Vec<DumpFile<'_>>, NotUnderstood> {
    let mut texts: Vec<(&str, &str)> = Vec::new();
    let mut begun = None;
    let mut offset = 0;
    for (number, line) in (1..).zip(dump.split_inclusive('\n')) {
        if let Some(name) = heading(line) {
            close(&mut texts, dump, begun.replace((name, offset + line.len())), offset);
        } else if begun.is_none() && !is_before_the_first(line) {
            return Err(not_a_dump(number));
        }
        offset += line.len();
    }
    if begun.is_none() {
        return Err(not_a_dump(1));
    }
    close(&mut texts, dump, begun, offset);
    (0..)
        .zip(texts)
        .map(|(file, (name, text))| Ok(DumpFile { name, directives: tree::parse(name, file, text)? }))
        .collect()
}

fn heading(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix(HEADING)?.strip_suffix(':')?;
    name.starts_with('/').then_some(name)
}

/// Messages of nginx, if its standard error is in the text too; and comments.
fn is_before_the_first(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("nginx: ") || line.starts_with('#')
}

fn close<'t>(texts: &mut Vec<(&'t str, &'t str)>, dump: &'t str, file: Option<(&'t str, usize)>, end: usize) {
    // A file with the same name as one before would be the same file.
    if let Some((name, start)) = file.filter(|(name, _)| texts.iter().all(|(known, _)| known != name)) {
        texts.push((name, dump.get(start..end).unwrap_or_default()));
    }
}

fn not_a_dump(line: usize) -> NotUnderstood {
    NotUnderstood {
        place: format!("input:{line}"),
        why: format!(
            "this is not the output of nginx -T, which begins with `{HEADING}...:`; run `nginx -T -c FILE | introspect lint-nginx`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_in_each_file() {
        let dump = "nginx: the configuration file /a syntax is ok\n# configuration file /a:\n\nuser a;\n\n# configuration file /b:\nuser b;\n\n";
        let files = split(dump).unwrap();
        let seen: Vec<_> = files.iter().map(|file| (file.name, file.directives[0].at.line)).collect();
        assert_eq!(seen, [("/a", 2), ("/b", 1)]);
    }

    #[test]
    fn text_that_is_not_a_dump_is_refused() {
        for text in ["", "http {\n}\n", "# configuration file a\n", "user a;\n# configuration file /a:\n"] {
            let refused = split(text).unwrap_err().to_string();
            assert!(refused.starts_with("input:1: this is not the output of nginx -T"), "{refused}");
        }
    }

    #[test]
    fn an_error_has_the_file_and_the_line() {
        let refused = split("# configuration file /a:\nuser a;\nhttp {\n").unwrap_err();
        assert_eq!(refused.place, "/a:3");
    }
}
