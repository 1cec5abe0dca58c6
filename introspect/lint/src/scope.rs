//! A block that can handle a request, and the directives that apply in it.

use std::collections::HashMap;
use std::rc::Rc;

use crate::headers::response_variable;
use crate::location_regex::{LocationRegex, RegexNotUnderstood};
use crate::source::SourcePosition;
use crate::target::ProxyTarget;
use crate::tree::Directive;
use crate::variables;

/// The directives in a block, by name: a server of a thousand locations is asked for many names in each of them.
#[derive(Debug)]
pub(crate) struct Block<'c> {
    directive: &'c Directive,
    named: HashMap<&'c str, Vec<&'c Directive>>,
}

/// A `server`, a `location`, or an `if` or `limit_except` in one, with the blocks around it.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'c> {
    /// From `http` inwards; the last block is the scope itself.
    chain: Vec<Rc<Block<'c>>>,
    block: &'c Directive,
    /// The modifier and the path of a location.
    matcher: (&'c str, &'c str),
}

impl<'c> Block<'c> {
    fn new(directive: &'c Directive) -> Rc<Self> {
        let mut named: HashMap<&str, Vec<&Directive>> = HashMap::new();
        for inner in directive.inside() {
            named.entry(&inner.name).or_default().push(inner);
        }
        Rc::new(Self { directive, named })
    }

    fn named(&self, name: &str) -> Vec<&'c Directive> {
        self.named.get(name).cloned().unwrap_or_default()
    }

    fn position(&self, wanted: &Directive) -> Option<usize> {
        self.directive.inside().iter().position(|directive| std::ptr::eq(directive, wanted))
    }
}

impl<'c> Scope<'c> {
    /// A block with no other around it.
    pub(crate) fn outermost(block: &'c Directive) -> Self {
        Self { chain: vec![Block::new(block)], block, matcher: matcher(block) }
    }

    /// A block in this one.
    pub(crate) fn inner(&self, block: &'c Directive) -> Self {
        let chain = self.chain.iter().cloned().chain([Block::new(block)]).collect();
        Self { chain, block, matcher: matcher(block) }
    }

    /// Its own block.
    pub(crate) fn block(&self) -> &'c Directive {
        self.block
    }

    pub(crate) fn at(&self) -> SourcePosition {
        self.block.at
    }

    /// Its name in findings.
    pub(crate) fn label(&self) -> String {
        let words = [&*self.block.name].into_iter().chain(self.block.args.iter().map(String::as_str));
        words.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn is_location(&self) -> bool {
        self.block.name == "location"
    }

    /// The path that a location matches, without the modifier.
    pub(crate) fn path(&self) -> &'c str {
        self.matcher.1
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.matcher.0 == "="
    }

    /// Whether the location is a regular expression.
    pub(crate) fn is_regex(&self) -> bool {
        self.is_location() && matches!(self.matcher.0, "~" | "~*")
    }

    /// Whether it matches by a prefix.
    pub(crate) fn is_prefix(&self) -> bool {
        !self.is_exact() && !self.is_regex() && !self.path().starts_with('@')
    }

    /// Whether its prefix takes precedence over regular expressions.
    pub(crate) fn is_settled(&self) -> bool {
        self.matcher.0 == "^~"
    }

    /// The regular expression of its location, if it has one.
    pub(crate) fn regex(&self) -> Option<Result<LocationRegex, RegexNotUnderstood>> {
        let (modifier, text) = self.matcher;
        self.is_regex().then(|| LocationRegex::parse(text, modifier == "~*"))
    }

    /// Whether no client can request it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.path().starts_with('@') || self.the("internal").is_some()
    }

    /// The directives of a name in its own block.
    pub(crate) fn own(&self, name: &str) -> impl Iterator<Item = &'c Directive> {
        self.chain.last().map(|own| own.named(name)).unwrap_or_default().into_iter()
    }

    /// The directives of a name that apply here: those of the innermost block that has any.
    pub(crate) fn effective(&self, name: &str) -> Vec<&'c Directive> {
        let levels = self.chain.iter().rev().map(|block| block.named(name));
        levels.into_iter().find(|level| !level.is_empty()).unwrap_or_default()
    }

    /// The directives of several names that nginx inherits together, in their order.
    pub(crate) fn effective_of(&self, names: &[&str]) -> Vec<&'c Directive> {
        let level = |block: &Rc<Block<'c>>| {
            let mut level: Vec<_> = names.iter().flat_map(|name| block.named(name)).collect();
            level.sort_by_key(|directive| block.position(directive));
            level
        };
        self.chain.iter().rev().map(level).find(|level| !level.is_empty()).unwrap_or_default()
    }

    /// The directives that would apply if its own block had none.
    pub(crate) fn inherited(&self, name: &str) -> Vec<&'c Directive> {
        let levels = self.chain.iter().rev().skip(1).map(|block| block.named(name));
        levels.into_iter().find(|level| !level.is_empty()).unwrap_or_default()
    }

    /// The directives of the outer blocks that do not apply here, because its own block has some, but not
    /// these.
    pub(crate) fn lost(&self, name: &str) -> Vec<&'c Directive> {
        let own: Vec<_> = self.own(name).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let again = |lost: &&Directive| own.iter().any(|own| own.arg(0).eq_ignore_ascii_case(lost.arg(0)));
        self.inherited(name).into_iter().filter(|lost| !again(lost)).collect()
    }

    /// Whether its addresses are refused, whatever they are; with `satisfy any` something else may still let them in.
    pub(crate) fn denies_all(&self) -> bool {
        let first = self.effective_of(&["allow", "deny"]).first().copied();
        first.is_some_and(|first| first.name == "deny" && first.arg(0) == "all")
    }

    /// Whether it refuses every client.
    pub(crate) fn is_closed(&self) -> bool {
        self.denies_all() && !self.says("satisfy", "any")
    }

    /// The first directive of this name in its own block.
    pub(crate) fn first(&self, name: &str) -> Option<&'c Directive> {
        self.own(name).next()
    }

    /// The directive of this name that applies; for directives that appear once.
    pub(crate) fn the(&self, name: &str) -> Option<&'c Directive> {
        self.effective(name).last().copied()
    }

    /// Whether a flag or an enumeration has this value here; nginx compares both without case.
    pub(crate) fn says(&self, name: &str, value: &str) -> bool {
        self.the(name).is_some_and(|directive| directive.arg(0).eq_ignore_ascii_case(value))
    }

    /// The `auth_request` that applies here.
    pub(crate) fn auth_request(&self) -> Option<&'c Directive> {
        self.the("auth_request").filter(|asked| asked.arg(0) != "off")
    }

    /// Where its `proxy_pass` leads.
    pub(crate) fn target(&self) -> Option<ProxyTarget<'c>> {
        self.own("proxy_pass").next().map(|pass| ProxyTarget::parse(pass.arg(0)))
    }

    /// The value of a header for the program behind nginx; the name may have any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'c str> {
        header(&self.effective("proxy_set_header"), name)
    }

    /// The variables that get this header of the sidecar's response.
    pub(crate) fn answered(&self, header: &str) -> Vec<&'c str> {
        let source = response_variable(header);
        // The last one counts.
        let set: HashMap<_, _> =
            self.effective("auth_request_set").into_iter().map(|set| (set.arg(0), set.arg(1))).collect();
        let answered = set.into_iter().filter(|(_, value)| variables::only(value) == Some(&*source));
        answered.map(|(name, _)| variables::bare(name)).collect()
    }

    /// The `if` blocks in its own block.
    pub(crate) fn ifs(&self) -> impl Iterator<Item = &'c Directive> {
        self.own("if")
    }

    /// The status of the `return` in its own block.
    pub(crate) fn answer(&self) -> Option<u16> {
        self.own("return").next().map(status)
    }
}

/// The modifier and the path, which nginx also accepts as one word.
fn matcher(block: &Directive) -> (&str, &str) {
    match block.args.as_slice() {
        [modifier, path] => (modifier, path),
        [one] => {
            let modifiers = ["=", "^~", "~*", "~"].into_iter();
            let mut apart = modifiers.filter_map(|modifier| Some((modifier, one.strip_prefix(modifier)?)));
            apart.next().unwrap_or(("", one))
        }
        _ => ("", ""),
    }
}

/// The value that a list of `proxy_set_header` gives a header.
pub(crate) fn header<'c>(set: &[&'c Directive], name: &str) -> Option<&'c str> {
    set.iter().rev().find(|set| set.arg(0).eq_ignore_ascii_case(name)).map(|set| set.arg(1))
}

/// The status of a `return`; if it has only an address, 302.
pub(crate) fn status(answer: &Directive) -> u16 {
    answer.arg(0).parse().unwrap_or(302)
}
