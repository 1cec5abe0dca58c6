//! The directives of a file, with their blocks.

use std::fmt;

use crate::lexer::{ConfigToken, Declaration, Lexer};
use crate::source::{NotUnderstood, SourcePosition};
use crate::variable_name;

/// How deep blocks may be nested; real configurations need half a dozen levels.
const MAX_DEPTH: usize = 32;

/// Directives whose words are texts: nginx expands no variable in them, so that their case counts.
const PLAIN: [&str; 6] =
    ["location", "auth_request", "mirror", "add_before_body", "add_after_body", "post_action"];

/// `name args...;`, or with a block. An entry of a `map` is a directive too: its name is the value to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) block: Option<Vec<Directive>>,
    /// Why it is open to all clients, if its block declares it. Purposefully only for a comment that stands in the same
    /// file as the block: a comment in a snippet would declare every block that includes it.
    pub(crate) open: Option<Declaration>,
    pub(crate) at: SourcePosition,
}

impl Directive {
    /// An argument, from 0; empty if there is none.
    pub(crate) fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", String::as_str)
    }

    /// The content of its block.
    pub(crate) fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// The directives of a name directly in its block.
    pub(crate) fn named<'d>(&'d self, name: &str) -> impl Iterator<Item = &'d Directive> {
        self.inside().iter().filter(move |directive| directive.name == name)
    }
}

/// The text as nginx would read it again.
impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Quoted(&self.name))?;
        for arg in &self.args {
            write!(f, " {}", Quoted(arg))?;
        }
        let Some(block) = &self.block else { return f.write_str(";") };
        f.write_str(" {\n")?;
        if let Some(open) = &self.open {
            writeln!(f, "# open: {}", open.reason)?;
        }
        for directive in block {
            writeln!(f, "{directive}")?;
        }
        f.write_str("}")
    }
}

/// A word, in quotes if it needs them.
struct Quoted<'w>(&'w str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |next: char| next.is_ascii_alphanumeric() || "_-./:=@%,*+?^~$|".contains(next);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// A block that is still open: its directive, and its content so far.
type Begun = (Directive, Vec<Directive>);

/// Reads the text of the file `name`, the `file`th of the dump.
pub(crate) fn parse(name: &str, file: usize, text: &str) -> Result<Vec<Directive>, NotUnderstood> {
    let mut lexer = Lexer::new(text);
    let (mut above, mut here, mut words) = (Vec::<Begun>::new(), Vec::new(), Words::default());
    loop {
        let declared = lexer.skip();
        if let (Some(declared), Some((opened, _))) = (declared, above.last_mut()) {
            opened.open = Some(declared);
        }
        let line = lexer.line();
        let refuse = |why: &str| NotUnderstood { place: format!("{name}:{line}"), why: why.to_owned() };
        let token = lexer.next().map_err(|error| refuse(&error.to_string()))?;
        match token {
            Some(ConfigToken::Word(word)) => words.add(word, file, line),
            Some(ConfigToken::Semicolon) => {
                here.push(words.take(None).ok_or_else(|| refuse("unexpected `;`"))?);
            }
            Some(ConfigToken::Open) => {
                let opened = words.take(Some(Vec::new())).ok_or_else(|| refuse("unexpected `{`"))?;
                check_block(&opened, above.len()).map_err(refuse)?;
                above.push((opened, std::mem::take(&mut here)));
            }
            Some(ConfigToken::Close) if words.is_empty() => {
                let (mut opened, around) = above.pop().ok_or_else(|| refuse("unexpected `}`"))?;
                opened.block = Some(std::mem::replace(&mut here, around));
                here.push(opened);
            }
            Some(ConfigToken::Close) => return Err(refuse("`;` is missing before `}`")),
            None if words.is_empty() && above.is_empty() => return Ok(here),
            None => return Err(refuse("the file ends without `;` or `}`")),
        }
    }
}

fn check_block(opened: &Directive, depth: usize) -> Result<(), &'static str> {
    if opened.name.ends_with("_by_lua_block") {
        return Err("Lua blocks are not supported, and what Lua does is not checked");
    }
    if depth >= MAX_DEPTH { Err("blocks are nested too deeply") } else { Ok(()) }
}

/// The words of the directive that is being read.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    at: SourcePosition,
    /// How many words there were before.
    before: usize,
}

impl Words {
    fn add(&mut self, word: String, file: usize, line: usize) {
        if self.words.is_empty() {
            self.at = SourcePosition { file, line, word: self.before };
        }
        self.before += 1;
        self.words.push(word);
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn take(&mut self, block: Option<Vec<Directive>>) -> Option<Directive> {
        let mut words = std::mem::take(&mut self.words).into_iter();
        let name = words.next()?;
        if PLAIN.contains(&&*name) {
            return Some(Directive { name, args: words.collect(), block, open: None, at: self.at });
        }
        let args = words.map(variable_name::in_lower_case).collect();
        Some(Directive { name: variable_name::in_lower_case(name), args, block, open: None, at: self.at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lexer::is_reason;

    fn read(text: &str) -> Result<Vec<Directive>, NotUnderstood> {
        parse("/n", 0, text)
    }

    fn print(directives: &[Directive]) -> String {
        directives.iter().map(|directive| format!("{directive}\n")).collect()
    }

    fn without_positions(mut directives: Vec<Directive>) -> Vec<Directive> {
        for directive in &mut directives {
            directive.at = SourcePosition::default();
            directive.open = directive.open.take().map(|open| Declaration { line: 0, ..open });
            directive.block = directive.block.take().map(without_positions);
        }
        directives
    }

    const WORD: &str = "[a-z$\\{\\}\"' ;#\\\\\n]{0,6}|\\PC{0,3}";

    fn directives() -> impl Strategy<Value = Vec<Directive>> {
        let word = || WORD.prop_map(variable_name::in_lower_case);
        let words = move || (word(), prop::collection::vec(word(), 0..3));
        let plain =
            |(name, args)| Directive { name, args, block: None, open: None, at: SourcePosition::default() };
        let deeper = words().prop_map(plain).prop_recursive(4, 24, 4, move |inner| {
            let block = prop::collection::vec(inner, 0..4);
            let reason =
                "[a-z]{3}([a-z #;{}]{0,6}[a-z#;{}])?".prop_filter("a reminder", |text| is_reason(text));
            let open = prop::option::of(reason);
            (words(), block, open).prop_map(|((name, args), block, open)| Directive {
                name,
                args,
                block: Some(block),
                open: open.map(|reason| Declaration { line: 0, reason }),
                at: SourcePosition::default(),
            })
        });
        prop::collection::vec(deeper, 0..4)
    }

    #[test]
    fn a_directive_stands_where_its_first_word_does() {
        let tree = read("user a;\n\nhttp {\n  map \"$a\n\" $b { default\n1; }\n}\n").unwrap();
        let map = &tree[1].block.as_ref().unwrap()[0];
        assert_eq!((tree[1].at.line, map.at.line, map.inside()[0].at.line), (3, 4, 5));
        assert_eq!(map.inside()[0].args, ["1"]);
    }

    #[test]
    fn a_block_is_declared_open_by_a_comment_in_it() {
        let tree = read(
            "# open: no client\na { # open: for all\n  c { d; }\n}\n# open: no client\ne { f # open: as well\n; }",
        )
        .unwrap();
        let reason = |directive: &Directive| directive.open.as_ref().map(|open| open.reason.clone());
        assert_eq!(
            tree.iter().map(reason).collect::<Vec<_>>(),
            [Some("for all".to_owned()), Some("as well".to_owned())]
        );
        assert_eq!(reason(&tree[0].inside()[0]), None);
    }

    #[test]
    fn text_that_nginx_refuses_is_refused_with_its_line() {
        for (text, line) in [
            ("a;\n;", 2),
            ("a\n{", 2),
            ("{", 1),
            ("}", 1),
            ("a { b }", 1),
            ("a", 1),
            ("a {\nb;\n", 3),
            ("access_by_lua_block {\n ngx.say(1)\n}", 1),
        ] {
            assert_eq!(read(text).unwrap_err().place, format!("/n:{line}"), "{text}");
        }
        assert!(read(&"a {".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn a_printed_tree_is_read_as_the_same_tree(tree in directives()) {
            let again = read(&print(&tree));
            prop_assert_eq!(again.map(without_positions), Ok(tree));
        }

        #[test]
        fn a_tree_of_any_text_is_printed_and_read_unchanged(text in "([a-z${}\"'; #\\\\\n]|a b;\n|c \\{|\\}\n){0,40}") {
            if let Ok(tree) = read(&text) {
                let again = read(&print(&tree)).unwrap();
                prop_assert_eq!(without_positions(again), without_positions(tree));
            }
        }
    }
}
