//! The words of a configuration file, split as nginx splits them (`ngx_conf_read_token`).

use std::iter::Peekable;
use std::str::Chars;

/// A word without its quotes and escapes, or the text between words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigToken {
    Word(String),
    Semicolon,
    Open,
    Close,
}

/// Text that nginx would not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LexError {
    #[error("a quoted word is not closed")]
    Unended,
    #[error("a quoted word must be followed by a space, `;`, `{{` or `)`")]
    Glued,
}

/// A comment that declares why a block is open to all clients: `# open: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) line: usize,
    /// Never empty.
    pub(crate) reason: String,
}

/// Reads tokens and counts lines.
pub(crate) struct Lexer<'t> {
    rest: Peekable<Chars<'t>>,
    line: usize,
    /// The line of the last `;`.
    ended: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text.chars().peekable(), line: 1, ended: 0 }
    }

    /// The line of the next character; after [`Self::next`] the line in which the token ended.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Skips spaces and comments; returns the last declaration among them.
    pub(crate) fn skip(&mut self) -> Option<Declaration> {
        let mut declared = None;
        while let Some(&next) = self.rest.peek() {
            match next {
                '#' => declared = self.comment().or(declared),
                next if is_space(next) => {
                    self.advance();
                }
                _ => break,
            }
        }
        declared
    }

    fn comment(&mut self) -> Option<Declaration> {
        let line = self.line;
        let mut text = String::new();
        while let Some(next) = self.rest.peek().copied().filter(|next| *next != '\n') {
            text.push(next);
            self.advance();
        }
        // After a directive it is a remark about that.
        let reason =
            text.trim_start_matches('#').strip_prefix(" open:").filter(|_| line != self.ended)?.trim();
        is_reason(reason).then(|| Declaration { line, reason: reason.to_owned() })
    }

    /// The next token; `None` at the end. Call [`Self::skip`] first.
    pub(crate) fn next(&mut self) -> Result<Option<ConfigToken>, LexError> {
        let Some(&first) = self.rest.peek() else { return Ok(None) };
        let token = match first {
            ';' => {
                self.ended = self.line;
                ConfigToken::Semicolon
            }
            '{' => ConfigToken::Open,
            '}' => ConfigToken::Close,
            '"' | '\'' => {
                self.advance();
                return self.quoted(first).map(|word| Some(ConfigToken::Word(word)));
            }
            _ => return Ok(Some(ConfigToken::Word(self.bare()))),
        };
        self.advance();
        Ok(Some(token))
    }

    fn quoted(&mut self, quote: char) -> Result<String, LexError> {
        let mut word = String::new();
        loop {
            match self.advance().ok_or(LexError::Unended)? {
                '\\' => self.escaped(&mut word),
                next if next == quote => break,
                next => word.push(next),
            }
        }
        match self.rest.peek() {
            Some(&next) if !is_space(next) && !";{)".contains(next) => Err(LexError::Glued),
            _ => Ok(word),
        }
    }

    fn bare(&mut self) -> String {
        let (mut word, mut variable) = (String::new(), false);
        while let Some(&next) = self.rest.peek() {
            // Only in `${name}` does a brace belong to a word.
            let of_variable = next == '{' && variable;
            if is_space(next) || next == ';' || (next == '{' && !of_variable) {
                break;
            }
            variable = next == '$' || of_variable;
            self.advance();
            if next == '\\' { self.escaped(&mut word) } else { word.push(next) }
        }
        word
    }

    /// The character after a backslash. For quotes and backslashes the backslash is removed, three letters
    /// become control characters, and before all other characters the backslash stays.
    fn escaped(&mut self, word: &mut String) {
        match self.advance() {
            Some(next @ ('"' | '\'' | '\\')) => word.push(next),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            other => {
                word.push('\\');
                word.extend(other);
            }
        }
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }
}

/// Whether a text says why: in words, not as a question, a list of ports or a reminder.
pub(crate) fn is_reason(text: &str) -> bool {
    let words = text.split(|next: char| !next.is_alphabetic()).filter(|word| word.chars().count() > 2);
    let is_reminder = ["TODO", "FIXME", "XXX"]
        .iter()
        .any(|begin| text.get(..begin.len()).is_some_and(|first| first.eq_ignore_ascii_case(begin)));
    words.count() > 0 && !is_reminder && !text.contains('?')
}

fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<String>, LexError> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        loop {
            lexer.skip();
            match lexer.next()? {
                Some(ConfigToken::Word(word)) => words.push(word),
                Some(other) => words.push(format!("{other:?}")),
                None => return Ok(words),
            }
        }
    }

    #[test]
    fn words_are_cut_as_nginx_cuts_them() {
        let cases: &[(&str, &[&str])] = &[
            ("a b;", &["a", "b", "Semicolon"]),
            ("a \"b c\" 'd;'{}", &["a", "b c", "d;", "Open", "Close"]),
            ("a # b\nc", &["a", "c"]),
            ("a#b;", &["a#b", "Semicolon"]),
            (r#""\"\\\n\d" '"'"#, &["\"\\\n\\d", "\""]),
            (r"\.mp4$ a\ b \;", &[r"\.mp4$", r"a\ b", r"\;"]),
            ("${a}b {", &["${a}b", "Open"]),
            ("a{", &["a", "Open"]),
            ("a}b;", &["a}b", "Semicolon"]),
            ("($a = \"\")", &["($a", "=", "", ")"]),
            ("a\"b\"c", &["a\"b\"c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).unwrap(), *expected, "{text}");
        }
    }

    #[test]
    fn a_declaration_is_a_comment_with_a_reason() {
        for (text, expected) in [
            ("# open: for all", Some((1, "for all"))),
            (" # a\n\t# open:public \n#b\n", Some((2, "public"))),
            ("#open: for all", None),
            ("# open: 8080, 8443", None),
            ("# open: todo close again", None),
            ("# open: is it meant to be?", None),
            ("# open:", None),
            ("# it is open: no", None),
            ("open: x", None),
        ] {
            let declared = Lexer::new(text).skip();
            let found = declared.as_ref().map(|declared| (declared.line, &*declared.reason));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn words_that_nginx_refuses_are_refused() {
        assert_eq!(words("a \"b"), Err(LexError::Unended));
        assert_eq!(words("a \"b\\\""), Err(LexError::Unended));
        assert_eq!(words("a \"b\"c;"), Err(LexError::Glued));
        assert_eq!(words("a \"b\"}"), Err(LexError::Glued));
    }
}
