//! One tree of all files: each `include` is replaced by the files that it names.
//!
//! `nginx -T` prints every file once, however often it is included, so the nesting is restored from the `include`s.
//! Their paths are relative to the folder of the first file.

use crate::dump::DumpFile;
use crate::source::{NotUnderstood, SourcePosition};
use crate::tree::Directive;

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;

/// How many directives the tree may have: a few files that include each other several times would grow without
/// limit.
const MAX_DIRECTIVES: usize = 200_000;

struct Includer<'f, 't> {
    files: &'f [DumpFile<'t>],
    folder: &'t str,
    taken: usize,
}

/// The tree of the whole configuration.
pub(crate) fn expand(files: &[DumpFile<'_>]) -> Result<Vec<Directive>, NotUnderstood> {
    let Some(first) = files.first() else { return Ok(Vec::new()) };
    let folder = first.name.rsplit_once('/').map_or("", |(folder, _)| folder);
    Includer { files, folder, taken: 0 }.all(&first.directives, 0, "")
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
                to.extend(self.included(directive, depth, around)?);
                continue;
            }
            let block = directive.block.as_ref();
            let block = block.map(|block| self.all(block, depth, &directive.name)).transpose()?;
            let (name, args) = (directive.name.clone(), directive.args.clone());
            to.push(Directive { name, args, block, at: directive.at });
        }
        Ok(to)
    }

    fn included(
        &mut self,
        include: &Directive,
        depth: usize,
        around: &str,
    ) -> Result<Vec<Directive>, NotUnderstood> {
        let path = include.arg(0);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.folder) };
        let files = self.files;
        let mut named: Vec<_> = files.iter().filter(|file| matches(&path, file.name)).collect();
        // As glob(3) orders them; nginx has no locale.
        named.sort_by_key(|file| file.name);
        // A pattern may match nothing; a `geo` may have its file in binary, which is not printed.
        if named.is_empty() && !is_pattern(&path) && around != "geo" {
            return Err(self.refuse(include.at, &format!("{path} is included, but is not in the dump")));
        }
        let mut directives = Vec::new();
        for file in named {
            directives.extend(self.all(&file.directives, depth + 1, around)?);
        }
        Ok(directives)
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
    let from = at + usize::from(negated);
    let to = from + 1 + pattern.iter().skip(from + 1).position(|end| *end == ']')?;
    let inside = pattern.get(from..to)?;
    let ranges =
        inside.windows(3).any(|range| matches!(range, [low, '-', high] if (low..=high).contains(&&next)));
    Some(((ranges || inside.contains(&next)) != negated, to + 1))
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
            # configuration file /etc/c.d/b.conf:\nb;\n# configuration file /etc/c.d/a.conf:\na;\n\
            # configuration file /opt/x:\nx;\n";
        assert_eq!(names(dump).unwrap(), ["a;", "b;", "x;", "last;"]);
    }

    #[test]
    fn a_file_that_is_missing_or_includes_itself_is_refused() {
        let missing = names("# configuration file /a:\nuser a;\ninclude b;\n").unwrap_err();
        assert_eq!(missing.to_string(), "/a:2: /b is included, but is not in the dump.");
        assert!(names("# configuration file /a:\ninclude b*;\ngeo $a { include b; }\n").is_ok());
        let endless = names("# configuration file /a:\ninclude a;\n").unwrap_err();
        assert_eq!(endless.place, "/a:1");
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
            ("/a/b", "/a/b", true),
            ("/a/*", "/a/*", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
