//! One tree of all files: each `include` is replaced by the files that it names.
//!
//! `nginx -T` prints every file once, however often it is included, so the nesting is restored from the `include`s.
//! Their paths are relative to the folder of the first file. nginx prints a file when it first includes it, so the order
//! of the dump is known: a heading in another place is a comment of a file that looks like one, and would hide the rest of
//! that file. It is refused.

use crate::dump::DumpFile;
use crate::source::{NotUnderstood, SourcePosition};
use crate::tree::Directive;

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;

/// How many directives the tree may have: a few files that include each other several times would grow without
/// limit. A `map` of a large site has hundreds of thousands of entries.
const MAX_DIRECTIVES: usize = 2_000_000;

/// Blocks whose content is a table, not directives.
pub(crate) const TABLES: [&str; 6] = ["map", "geo", "split_clients", "types", "charset_map", "match"];

/// The words in a table that are no entries.
const PARAMETERS: [&str; 8] =
    ["default", "hostnames", "volatile", "ranges", "delete", "proxy", "proxy_recursive", "include"];

struct Includer<'f, 't> {
    files: &'f [DumpFile<'t>],
    folder: &'t str,
    taken: usize,
    /// How many files have been included so far. They are the first ones of the dump.
    included: usize,
}

/// The tree of the whole configuration.
pub(crate) fn expand(files: &[DumpFile<'_>]) -> Result<Vec<Directive>, NotUnderstood> {
    let Some(first) = files.first() else { return Ok(Vec::new()) };
    let folder = first.name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut includer = Includer { files, folder, taken: 0, included: 1 };
    let tree = includer.all(&first.directives, 0, "")?;
    match files.get(includer.included) {
        Some(file) => Err(out_of_order(file.name)),
        None => Ok(tree),
    }
}

fn out_of_order(name: &str) -> NotUnderstood {
    NotUnderstood {
        place: format!("{name}:1"),
        why: "nginx -T prints a file where it is first included, and no `include` leads to this one here: remove the \
              comment that looks like a heading of nginx -T, or run nginx -T again"
            .to_owned(),
    }
}

impl Includer<'_, '_> {
    fn all(
        &mut self,
        from: &[Directive],
        depth: usize,
        around: &str,
    ) -> Result<Vec<Directive>, NotUnderstood> {
        let mut to = Vec::with_capacity(from.len());
        for directive in from {
            self.taken += 1;
            if self.taken > MAX_DIRECTIVES || depth > MAX_DEPTH {
                return Err(self.refuse(directive.at, "files include each other without end"));
            }
            if directive.name == "include" && directive.block.is_none() {
                let included = self.included(directive, depth, around)?;
                // What a `geo` includes in binary is unknown: the `include` stays.
                let is_unknown = included.is_none();
                to.extend(included.into_iter().flatten());
                to.extend(is_unknown.then(|| directive.clone()));
                continue;
            }
            let block = directive.block.as_ref();
            let block = block.map(|block| self.all(block, depth, &directive.name)).transpose()?;
            let (name, args) = (directive.name.clone(), directive.args.clone());
            let open = directive.open.clone();
            to.push(Directive { name, args, block, open, at: directive.at });
        }
        Ok(to)
    }

    fn included(
        &mut self,
        include: &Directive,
        depth: usize,
        around: &str,
    ) -> Result<Option<Vec<Directive>>, NotUnderstood> {
        let path = include.arg(0);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.folder) };
        let files = self.files;
        let mut named: Vec<_> = (0..).zip(files).filter(|(_, file)| matches(&path, file.name)).collect();
        // As glob(3) orders them; nginx has no locale.
        named.sort_by_key(|(_, file)| file.name);
        // A pattern may match nothing; a `geo` may have its file in binary, which is not printed.
        if named.is_empty() && !is_pattern(&path) {
            let missing = self.refuse(include.at, &format!("{path} is included, but is not in the dump"));
            return if around == "geo" { Ok(None) } else { Err(missing) };
        }
        let mut directives = Vec::new();
        for (index, file) in named {
            if index > self.included {
                return Err(out_of_order(file.name));
            }
            self.included = self.included.max(index + 1);
            let own = self.all(&file.directives, depth + 1, around)?;
            if is_pattern(&path) && TABLES.contains(&around) {
                self.check_entries(&own)?;
            }
            directives.extend(own);
        }
        Ok(Some(directives))
    }

    /// Refuses directives in the files of a pattern in a table: where the pattern has no file, the heading of one would be a comment of
    /// another file, and hide the rest of that.
    fn check_entries(&self, entries: &[Directive]) -> Result<(), NotUnderstood> {
        let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_directive = |entry: &&Directive| {
            entry.block.is_some() || (is_word(&entry.name) && !PARAMETERS.contains(&&*entry.name))
        };
        match entries.iter().find(is_directive) {
            Some(entry) => {
                let why = format!(
                    "`{}` may be a directive after a comment that looks like a heading of nginx -T; include the files of a table by their names",
                    entry.name
                );
                Err(self.refuse(entry.at, &why))
            }
            None => Ok(()),
        }
    }

    fn refuse(&self, at: SourcePosition, why: &str) -> NotUnderstood {
        let file = self.files.get(at.file).map_or("", |file| file.name);
        NotUnderstood { place: format!("{file}:{}", at.line), why: why.to_owned() }
    }
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether a path matches the pattern (glob(7)); a plain path matches itself.
fn matches(pattern: &str, path: &str) -> bool {
    if !is_pattern(pattern) {
        return pattern == path;
    }
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    let (mut at, mut asked, mut star) = (0, 0, None);
    while let Some(&next) = path.get(asked) {
        let first = asked.checked_sub(1).and_then(|before| path.get(before)) == Some(&'/');
        match one(&pattern, at, next, first) {
            One::Star => {
                star = Some((at + 1, asked));
                at += 1;
            }
            One::Yes(after) => (at, asked) = (after, asked + 1),
            One::No => match star {
                // The star matches one more character, but no slash.
                Some((after, from)) if path.get(from) != Some(&'/') => {
                    star = Some((after, from + 1));
                    (at, asked) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

/// The element of the pattern at one position, for one character.
enum One {
    Star,
    Yes(usize),
    No,
}

fn one(pattern: &[char], at: usize, next: char, first: bool) -> One {
    // A dot at the beginning of a name matches only a dot.
    let wild = next != '/' && !(first && next == '.');
    match pattern.get(at) {
        Some('*') if !(first && next == '.') => One::Star,
        Some('?') if wild => One::Yes(at + 1),
        Some('\\') if pattern.get(at + 1) == Some(&next) => One::Yes(at + 2),
        Some('[') => match class(pattern, at + 1, next) {
            Some((true, after)) if wild => One::Yes(after),
            _ => One::No,
        },
        Some(same) if *same == next && !"*?".contains(next) => One::Yes(at + 1),
        _ => One::No,
    }
}

/// Whether `[...]`, whose inside begins at `at`, has the character, and where it ends.
fn class(pattern: &[char], at: usize, next: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    let first = at + usize::from(negated);
    let (mut at, mut found) = (first, false);
    loop {
        match pattern.get(at..)? {
            [']', ..] if at > first => return Some((found != negated, at + 1)),
            ['[', ':', named @ ..] => {
                let name: String = named.iter().take_while(|letter| letter.is_ascii_lowercase()).collect();
                let [':', ']', ..] = named.get(name.len()..)? else { return None };
                found |= is_of_class(&name, next)?;
                at += name.len() + ":]".len() * 2;
            }
            [low, '-', high, ..] if *high != ']' => {
                found |= (*low..=*high).contains(&next);
                at += 3;
            }
            [one, ..] => {
                found |= *one == next;
                at += 1;
            }
            [] => return None,
        }
    }
}

/// The classes of POSIX, as in the locale C.
fn is_of_class(name: &str, next: char) -> Option<bool> {
    Some(match name {
        "alnum" => next.is_ascii_alphanumeric(),
        "alpha" => next.is_ascii_alphabetic(),
        "blank" => matches!(next, ' ' | '\t'),
        "cntrl" => next.is_ascii_control(),
        "digit" => next.is_ascii_digit(),
        "graph" => next.is_ascii_graphic(),
        "lower" => next.is_ascii_lowercase(),
        "print" => next.is_ascii_graphic() || next == ' ',
        "punct" => next.is_ascii_punctuation(),
        "space" => next.is_ascii_whitespace() || next == '\x0b',
        "upper" => next.is_ascii_uppercase(),
        "xdigit" => next.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump;

    fn names(dump: &str) -> Result<Vec<String>, NotUnderstood> {
        let files = dump::split(dump)?;
        Ok(expand(&files)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn files_stand_where_they_are_included_in_the_order_of_their_names() {
        let dump = "# configuration file /etc/nginx.conf:\ninclude c.d/*.conf;\ninclude /opt/x;\nlast;\n\
            # configuration file /etc/c.d/a.conf:\na;\n# configuration file /etc/c.d/b.conf:\nb;\n\
            # configuration file /opt/x:\nx;\n\n";
        assert_eq!(names(dump).unwrap(), ["a;", "b;", "x;", "last;"]);
    }

    #[test]
    fn a_file_that_is_missing_or_includes_itself_is_refused() {
        let missing = names("# configuration file /a:\nuser a;\ninclude b;\n\n").unwrap_err();
        assert_eq!(missing.to_string(), "/a:2: /b is included, but is not in the dump.");
        let binary = names("# configuration file /a:\ninclude b*;\ngeo $a { include b; }\n\n").unwrap();
        assert_eq!(binary, ["geo $a {\ninclude b;\n}"]);
        let endless = names("# configuration file /a:\ninclude a;\n\n").unwrap_err();
        assert_eq!(endless.place, "/a:1");
    }

    #[test]
    fn a_file_that_is_not_where_nginx_prints_it_is_refused() {
        let [main, a, b] = ["/m:\ninclude a;\n\n", "/a:\na;\n\n", "/b:\nb;\n\n"]
            .map(|file| format!("# configuration file {file}"));
        assert_eq!(names(&format!("{main}{a}")).unwrap(), ["a;"]);
        // A comment in `a`: nginx includes `b` nowhere.
        assert_eq!(names(&format!("{main}{a}{b}")).unwrap_err().place, "/b:1");
        assert_eq!(names(&format!("{main}{b}{a}")).unwrap_err().place, "/a:1");
    }

    #[test]
    fn a_pattern_in_a_table_includes_no_directives() {
        let dump = |text: &str| {
            format!(
                "# configuration file /m:\nmap $a $b {{ include maps/*; }}\n\n# configuration file /maps/a:\n{text}\n\n"
            )
        };
        for text in ["default 1;", "~^a 1;", "10.0.0.1 1; A 2;"] {
            assert!(names(&dump(text)).is_ok(), "{text}");
        }
        for text in ["server { listen 80; }", "auth_request off;", "a 1; js_content b;"] {
            assert_eq!(names(&dump(text)).unwrap_err().place, "/maps/a:1", "{text}");
        }
    }

    #[test]
    fn patterns_are_those_of_glob() {
        for (pattern, path, expected) in [
            ("/a/*.conf", "/a/b.conf", true),
            ("/a/*.conf", "/a/.b.conf", false),
            ("/a/*.conf", "/a/b/c.conf", false),
            ("/a/*/c.conf", "/a/b/c.conf", true),
            ("/a/*b*.c", "/a/abab.c", true),
            ("/a/?", "/a/b", true),
            ("/a/?", "/a/", false),
            ("/a/[bc]", "/a/c", true),
            ("/a/[!bc]", "/a/c", false),
            ("/a/[a-c]x", "/a/bx", true),
            ("/a/[", "/a/[", false),
            ("/a/[[:digit:]]*", "/a/0b", true),
            ("/a/[![:alpha:]x-z]", "/a/0", true),
            ("/a/[[:alpha:]_]", "/a/0", false),
            ("/a/[[:none:]]", "/a/0", false),
            ("/a/[]]*", "/a/]b", true),
            ("/a/[a-]*", "/a/-", true),
            ("/a/\\*?", "/a/*b", true),
            ("/a/b", "/a/b", true),
            ("/a/*", "/a/*", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
