//! The rewrite phase of a block: which blocks can handle the request after it, and where it can lead before.
//!
//! No condition and no expression is decided: an `if` may match or not, and so may a `rewrite`.

use std::collections::BTreeSet;

use crate::model::places::{PlaceKind, Places};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::uri::Uri;
use crate::scope::status;
use crate::source::SourcePosition;
use crate::tree::Directive;

/// A request that continues at another URI.
#[derive(Debug)]
pub(crate) struct Jump {
    /// The block that has the `rewrite`.
    pub(crate) from: usize,
    pub(crate) at: SourcePosition,
    pub(crate) to: Uri,
}

/// What can happen in the rewrite phase.
#[derive(Debug, Default)]
pub(crate) struct Script<'c> {
    /// The blocks that handle the request afterwards: the location, or one of its `if`s; none if it always ends.
    pub(crate) content: BTreeSet<usize>,
    pub(crate) jumps: Vec<Jump>,
    /// The `return`s: the block and the status.
    pub(crate) ends: BTreeSet<(usize, u16)>,
    /// The `return`s, whose body passes through the filters of its block.
    pub(crate) bodies: Vec<(usize, &'c Directive)>,
}

impl<'c> Script<'c> {
    /// Of a location, or of a server before a location is chosen.
    pub(crate) fn new(places: &Places<'c>, index: usize, rules: RuleSet) -> Self {
        let mut script = Self::default();
        let mut alive = BTreeSet::from([index]);
        script.run(places, index, &mut alive, rules);
        script.content.append(&mut alive);
        script
    }

    /// Runs the directives of a block; `alive` are the blocks whose settings the request can have meanwhile.
    fn run(&mut self, places: &Places<'c>, index: usize, alive: &mut BTreeSet<usize>, rules: RuleSet) {
        let block: &'c Directive = places.get(index).scope.block();
        let mut ifs = places.inner(index, PlaceKind::If);
        for directive in block.inside() {
            match &*directive.name {
                "if" => {
                    let Some(inner) = ifs.next() else { continue };
                    let mut matched = BTreeSet::from([inner]);
                    if alive.is_empty() || !rules.has(ModelRule::IfBlock) {
                        continue;
                    }
                    self.run(places, inner, &mut matched, rules);
                    alive.append(&mut matched);
                }
                "rewrite" if !alive.is_empty() => self.rewrite(places, index, directive, alive, rules),
                "return" => {
                    let code = status(directive);
                    self.ends.extend(alive.iter().map(|place| (*place, code)));
                    self.bodies.extend(alive.iter().map(|place| (*place, directive)));
                    alive.clear();
                }
                "break" if rules.has(ModelRule::Break) => self.content.append(alive),
                _ => {}
            }
        }
    }

    fn rewrite(
        &mut self,
        places: &Places<'_>,
        index: usize,
        rewrite: &Directive,
        alive: &BTreeSet<usize>,
        rules: RuleSet,
    ) {
        let is_server = places.get(places.location_of(index)).kind == PlaceKind::Server;
        let to = rewrite.arg(1);
        if is_sent_to_client(rewrite) {
            let code = if rewrite.arg(2) == "permanent" { 301 } else { 302 };
            self.ends.extend(alive.iter().map(|place| (*place, code)));
            return;
        }
        // With `break` a location keeps the request; a server has not chosen one yet.
        if rewrite.arg(2) == "break" && !is_server {
            self.content.extend(alive);
            return;
        }
        let known = if is_server { ModelRule::ServerRewrite } else { ModelRule::LocationRewrite };
        if rules.has(known) {
            // Captures are variables.
            self.jumps.push(Jump { from: index, at: rewrite.at, to: Uri::of_rewrite(to) });
        }
    }
}

/// Whether a `rewrite` redirects the client.
pub(crate) fn is_sent_to_client(rewrite: &Directive) -> bool {
    let to = rewrite.arg(1);
    matches!(rewrite.arg(2), "redirect" | "permanent")
        || ["http://", "https://", "$scheme"].iter().any(|begin| to.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    /// The labels of the blocks that handle a request, the URIs that it is rewritten to, and the statuses.
    fn run(location: &str) -> String {
        let text = format!("server {{ location / {{ {location} }} }}");
        let tree = tree::parse("/n", 0, &text).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
        let script = Script::new(&places, 1, RuleSet::ALL);
        let content = script.content.iter().map(|index| places.get(*index).scope.block().name.clone());
        let jumps = script.jumps.iter().map(|jump| format!("{:?}", jump.to));
        let ends = script.ends.iter().map(|(_, status)| status.to_string());
        content.chain(jumps).chain(ends).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_rewrite_phase_ends_in_every_way_that_it_may() {
        for (location, expected) in [
            ("", "location"),
            ("return 404;", "404"),
            ("return http://a;", "302"),
            ("if ($a) { return 403; }", "location 403"),
            ("if ($a) { break; } return 404;", "if 404"),
            ("break; return 404;", "location"),
            ("rewrite ^ /a last;", "location Whole(\"/a\")"),
            ("rewrite ^/(.*) /a/$1; return 404;", "Begins(\"/a/\") 404"),
            ("rewrite ^ /a break; return 404;", "location 404"),
            ("rewrite ^ /a redirect; return 404;", "302 404"),
            ("rewrite ^ /a permanent;", "location 301"),
            ("if ($a) { rewrite ^ /b last; }", "location if Whole(\"/b\")"),
            ("if ($a) { } if ($b) { }", "location if if"),
            ("rewrite ^ $scheme://a last;", "location 302"),
            ("rewrite ^ $Scheme/a last;", "location Begins(\"\")"),
            ("rewrite ^ @a last;", "location Whole(\"@a\")"),
        ] {
            assert_eq!(run(location), expected, "{location}");
        }
    }
}
