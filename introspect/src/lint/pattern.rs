//! The regular expressions of locations, as far as they are usual: whether a path is matched.
//!
//! Purposefully small, because the sidecar has no library for it and needs none: what is not read here, such as
//! looking ahead, matches nothing.

use std::cell::Cell;

/// The longest expression that is read.
const MAX_CHARS: usize = 500;

/// The most repetitions that are demanded of a part.
const MAX_LEAST: usize = 32;

/// How many steps a match may take from one place of the path; it bounds the depth of the stack too.
const MAX_STEPS: usize = 1000;

/// An expression.
#[derive(Debug)]
pub(super) struct Pattern {
    whole: Alternatives,
    any_case: bool,
}

/// Alternatives, each a sequence of parts.
#[derive(Debug)]
struct Alternatives(Vec<Vec<Part>>);

/// Something, and how often.
#[derive(Debug)]
struct Part {
    what: What,
    least: usize,
    most: usize,
}

#[derive(Debug)]
enum What {
    Start,
    End,
    Any,
    /// Ranges, and whether all but them are meant.
    Class(Vec<(char, char)>, bool),
    Group(Alternatives),
}

impl Pattern {
    /// Reads an expression; none when it is not one that is read here.
    pub(super) fn parse(text: &str, any_case: bool) -> Option<Self> {
        let pattern: Vec<char> = cased(text, any_case).chars().take(MAX_CHARS + 1).collect();
        let mut reader = Reader { pattern: &pattern, at: 0 };
        let whole = reader.alternatives(0)?;
        (pattern.len() <= MAX_CHARS && reader.at == pattern.len()).then_some(Self { whole, any_case })
    }

    /// Whether it matches somewhere in the path.
    pub(super) fn is_match(&self, path: &str) -> bool {
        let path: Vec<char> = cased(path, self.any_case).chars().collect();
        let matches =
            |start| Matcher { path: &path, steps: Cell::new(0) }.any_of(&self.whole, start, &|_| true);
        (0..=path.len()).any(matches)
    }
}

fn cased(text: &str, any_case: bool) -> String {
    if any_case { text.to_ascii_lowercase() } else { text.to_owned() }
}

struct Reader<'p> {
    pattern: &'p [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let there = self.pattern.iter().skip(self.at).take(text.len()).copied().eq(text.chars());
        self.at += if there { text.len() } else { 0 };
        there
    }

    fn alternatives(&mut self, depth: usize) -> Option<Alternatives> {
        let mut all = vec![Vec::new()];
        while let Some(next) = self.peek().filter(|next| *next != ')') {
            if next == '|' {
                self.at += 1;
                all.push(Vec::new());
            } else {
                let part = self.part(depth)?;
                all.last_mut()?.push(part);
            }
        }
        Some(Alternatives(all))
    }

    fn part(&mut self, depth: usize) -> Option<Part> {
        let what = match self.take()? {
            '^' => What::Start,
            '$' => What::End,
            '.' => What::Any,
            '[' => self.class()?,
            '(' => self.group(depth)?,
            '\\' => What::Class(escaped(self.take()?)?, false),
            '*' | '+' | '?' => return None,
            one => What::Class(vec![(one, one)], false),
        };
        let (least, most) = self.count()?;
        Some(Part { what, least, most })
    }

    fn group(&mut self, depth: usize) -> Option<What> {
        if depth > 16 {
            return None;
        }
        if self.skip("?<") || self.skip("?P<") {
            // A name; `?<=` and `?<!` are no group but a look behind.
            while self.take()? != '>' {
                self.peek().filter(|next| next.is_alphanumeric() || "_>".contains(*next))?;
            }
        } else if !self.skip("?:") && self.peek() == Some('?') {
            return None;
        }
        let inside = self.alternatives(depth + 1)?;
        (self.take()? == ')').then_some(What::Group(inside))
    }

    fn class(&mut self) -> Option<What> {
        let negated = self.skip("^");
        let mut ranges = Vec::new();
        loop {
            let next = self.take()?;
            match next {
                ']' if !ranges.is_empty() => return Some(What::Class(ranges, negated)),
                '\\' => ranges.extend(escaped(self.take()?)?),
                low if self.peek() == Some('-') && self.pattern.get(self.at + 1) != Some(&']') => {
                    self.at += 1;
                    ranges.push((low, self.take()?));
                }
                one => ranges.push((one, one)),
            }
        }
    }

    fn count(&mut self) -> Option<(usize, usize)> {
        let count = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => return self.braces(),
            _ => return Some((1, 1)),
        };
        self.at += 1;
        // Lazy or greedy, the same paths are matched.
        self.skip("?");
        Some(count)
    }

    fn braces(&mut self) -> Option<(usize, usize)> {
        self.at += 1;
        let mut inside = String::new();
        while let Some(next) = self.take().filter(|next| *next != '}') {
            inside.push(next);
        }
        self.skip("?");
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let least = least.parse().ok().filter(|least| *least <= MAX_LEAST)?;
        Some((least, if most.is_empty() { usize::MAX } else { most.parse().ok()? }))
    }
}

/// What a backslash and a character stand for.
fn escaped(next: char) -> Option<Vec<(char, char)>> {
    match next {
        'd' => Some(vec![('0', '9')]),
        'w' => Some(vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')]),
        's' => Some(vec![(' ', ' '), ('\t', '\r')]),
        next if next.is_ascii_alphanumeric() => None,
        next => Some(vec![(next, next)]),
    }
}

struct Matcher<'p> {
    path: &'p [char],
    steps: Cell<usize>,
}

impl Matcher<'_> {
    fn any_of(&self, all: &Alternatives, at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        all.0.iter().any(|parts| self.in_turn(parts, at, then))
    }

    fn in_turn(&self, parts: &[Part], at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        let Some((first, rest)) = parts.split_first() else { return then(at) };
        self.again(first, 0, at, &|at| self.in_turn(rest, at, then))
    }

    fn again(&self, part: &Part, done: usize, at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return false;
        }
        // One that matched nothing would do so for ever.
        let more = |next: usize| (next > at || done < part.least) && self.again(part, done + 1, next, then);
        (done < part.most && self.once(&part.what, at, &more)) || (done >= part.least && then(at))
    }

    fn once(&self, what: &What, at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        let next = self.path.get(at);
        match what {
            What::Start => at == 0 && then(at),
            What::End => at == self.path.len() && then(at),
            What::Any => next.is_some() && then(at + 1),
            What::Class(ranges, negated) => {
                let among = |next: &char| ranges.iter().any(|(low, high)| (low..=high).contains(&next));
                next.is_some_and(|next| among(next) != *negated) && then(at + 1)
            }
            What::Group(inside) => self.any_of(inside, at, then),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_match(pattern: &str, path: &str, any_case: bool) -> bool {
        Pattern::parse(pattern, any_case).is_some_and(|pattern| pattern.is_match(path))
    }

    #[test]
    fn usual_expressions_are_understood() {
        for (pattern, path, expected) in [
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/me", true),
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/me/x", true),
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/menu", false),
            (r"\.(jpg|png)$", "/a/b.png", true),
            (r"\.(jpg|png)$", "/a/bxpng", false),
            (r"^/(?<id>[0-9]+)/[^/]*$", "/12/ab", true),
            (r"^/(?<id>[0-9]+)/[^/]*$", "/12/ab/", false),
            (r"^/v\d{1,2}/", "/v12/", true),
            (r"^/v\d{1,2}/", "/v123/", false),
            (r"^/(?:a*)*b", "/aaab", true),
            (r"^/a.*?c", "/abc", true),
            (r"[]a]", "]", true),
            (r"^(?!/admin)", "/films", false),
            (r"(?<=a)b", "ab", false),
            ("(", "(", false),
            ("*", "*", false),
        ] {
            assert_eq!(is_match(pattern, path, false), expected, "{pattern} {path}");
        }
        assert!(is_match("^/ADMIN", "/admin", true));
    }

    #[test]
    fn endless_expressions_end() {
        assert!(!is_match("^(a*)*(a*)*(a*)*$", &"ab".repeat(100), false));
        assert!(!is_match(&"((){32}){32}".repeat(40), "", false));
    }

    proptest! {
        #[test]
        fn any_expression_is_run_without_panic(pattern in "[a/(){}|*+?^$\\[\\]\\\\.,0-9<>:P-]{0,30}", path in "[a/0.]{0,12}") {
            let _any = is_match(&pattern, &path, true);
        }
    }
}
