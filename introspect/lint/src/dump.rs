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
///
/// nginx prints an empty line after each file. So the line after a heading is never one, but the first line of the file; and a dump
/// that ends otherwise is not whole.
pub(crate) fn split(dump: &str) -> Result<Vec<DumpFile<'_>>, NotUnderstood> {
    let mut texts: Vec<(&str, &str)> = Vec::new();
    let (mut begun, mut offset, mut after_heading) = (None, 0, false);
    for (number, line) in (1..).zip(dump.split_inclusive('\n')) {
        let folder = texts.first().map(|(first, _)| *first).or(begun.map(|(first, _)| first)).map(folder);
        let name = heading(line, folder).filter(|_| !after_heading);
        after_heading = name.is_some();
        if let Some(name) = name {
            close(&mut texts, dump, begun.replace((name, offset + line.len())), offset)?;
        } else if begun.is_none() && !is_before_the_first(line) {
            return Err(not_a_dump(number));
        }
        offset += line.len();
    }
    if begun.is_none() {
        return Err(not_a_dump(1));
    }
    if !dump.ends_with("\n\n") {
        return Err(not_whole(begun.map_or("", |(name, _)| name)));
    }
    close(&mut texts, dump, begun, offset)?;
    (0..)
        .zip(texts)
        .map(|(file, (name, text))| Ok(DumpFile { name, directives: tree::parse(name, file, text)? }))
        .collect()
}

/// The name in a heading. It is relative if nginx runs with a relative `-p`: then all of its folder are.
fn heading<'t>(line: &'t str, main: Option<&str>) -> Option<&'t str> {
    let name = line.trim_end_matches(['\r', '\n']).strip_prefix(HEADING)?.strip_suffix(':')?;
    let is_relative =
        main.map_or(name.contains('/'), |main| !main.starts_with('/') && name.starts_with(main));
    (name.starts_with('/') || is_relative).then_some(name)
}

/// The folder of a file, with its slash.
fn folder(name: &str) -> &str {
    name.get(..name.rfind('/').map_or(0, |slash| slash + 1)).unwrap_or_default()
}

fn not_whole(name: &str) -> NotUnderstood {
    NotUnderstood {
        place: format!("{name}:1"),
        why: "the text ends without the empty line that nginx -T prints after each file: it is cut off, or messages of nginx follow it, or this \
              file needs a newline at its end"
            .to_owned(),
    }
}

/// Messages of nginx, with or without a date, if its standard error is in the text too; and comments.
fn is_before_the_first(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("nginx: ") || line.starts_with('#') || is_dated(line)
}

/// `2026/01/31 12:00:00 [warn] 1#1: `, with any digits.
fn is_dated(line: &str) -> bool {
    let shape: String =
        line.chars().take(21).map(|next| if next.is_ascii_digit() { '0' } else { next }).collect();
    shape == "0000/00/00 00:00:00 ["
}

fn close<'t>(
    texts: &mut Vec<(&'t str, &'t str)>,
    dump: &'t str,
    file: Option<(&'t str, usize)>,
    end: usize,
) -> Result<(), NotUnderstood> {
    let Some((name, start)) = file else { return Ok(()) };
    if texts.iter().any(|(known, _)| *known == name) {
        let why = "nginx -T prints each file once: remove the comment that looks like a heading of nginx -T";
        return Err(NotUnderstood { place: format!("{name}:1"), why: why.to_owned() });
    }
    texts.push((name, dump.get(start..end).unwrap_or_default()));
    Ok(())
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
    fn messages_before_the_first_file_are_skipped() {
        let dated = "2026/01/31 12:00:00 [warn] 7#7: duplicate MIME type in /a:1\n";
        let dump = format!("{dated}nginx: ok\n# configuration file /a:\nuser a;\n\n");
        assert_eq!(split(&dump).unwrap().len(), 1);
    }

    #[test]
    fn a_text_that_is_not_whole_is_refused() {
        let whole = "# configuration file /a:\nuser a;\n\n# configuration file /b:\nuser b;\nnginx: c;\n\n";
        assert_eq!(split(whole).unwrap()[1].directives.len(), 2);
        for end in 0..whole.len() {
            let cut = split(whole.get(..end).unwrap());
            let is_after_first = end == whole.find("\n\n").unwrap() + 2;
            assert_eq!(cut.is_ok(), is_after_first, "{end}");
        }
        let messages = format!("{whole}nginx: configuration file /a test is successful\n");
        assert!(split(&messages).unwrap_err().to_string().starts_with("/b:1: the text ends without"));
    }

    #[test]
    fn a_relative_prefix_makes_relative_names() {
        let dump = "# configuration file ./a.conf:\nuser a;\n# configuration file x/b:\n\n# configuration file ./b:\nuser b;\n\n";
        assert_eq!(
            split(dump).unwrap().iter().map(|file| file.name).collect::<Vec<_>>(),
            ["./a.conf", "./b"]
        );
    }

    #[test]
    fn a_comment_that_looks_like_a_heading_hides_nothing() {
        let first = "# configuration file /a:\n# configuration file /b:\nuser a;\n\n";
        let files = split(first).unwrap();
        assert_eq!((files.len(), files[0].name, files[0].directives[0].at.line), (1, "/a", 2));
        let same = "# configuration file /a:\nuser a;\n\n# configuration file /a:\nuser b;\n\n";
        assert!(split(same).unwrap_err().to_string().starts_with("/a:1: nginx -T prints each file once"));
    }

    #[test]
    fn an_error_has_the_file_and_the_line() {
        let refused = split("# configuration file /a:\nuser a;\nhttp {\n\n").unwrap_err();
        assert_eq!(refused.place, "/a:4");
    }
}
