//! What a declaration covers: the paths of its block, and not those of a location that asks.

use crate::lexer::Declaration;
use crate::model::places::{Place, PlaceKind, Places, Uri};
use crate::target::ProxyTarget;
use crate::tree::Directive;

/// The declaration of a block: its own, or that of its location.
pub(crate) fn declaration<'c>(places: &Places<'c>, block: usize) -> Option<&'c Declaration> {
    let of = |index| {
        let block: &'c Directive = places.get(index).scope.block();
        block.open.as_ref()
    };
    let location = places.location_of(block);
    // Without the checks of its location a block is another one than was declared.
    let is_apart = places.get(block).kind == PlaceKind::LimitExcept
        && places.get(location).scope.block().inside().iter().any(|inner| is_check(&inner.name));
    of(block).or_else(|| of(location).filter(|_| !is_apart))
}

/// Whether it is a directive that `limit_except` leaves out.
fn is_check(name: &str) -> bool {
    matches!(name, "if" | "return" | "rewrite" | "set")
}

/// A location that asks, and whose paths a declared block passes on as well: because its regular expression may match them, or because it
/// changes the path.
pub(crate) fn covered_too<'p, 'c>(
    places: &'p Places<'c>,
    block: usize,
    pass: &Directive,
) -> Option<&'p Place<'c>> {
    let location = places.location_of(block);
    let asking = || {
        places.all().filter(|(index, place)| {
            *index != location
                && place.kind == PlaceKind::Location
                && !place.is_named()
                && places.asks(*index)
        })
    };
    let own = places.get(location);
    if let Some(lead) = own.lead() {
        // Exact locations, and prefixes with `^~`, come before regular expressions.
        let takes = |place: &Place<'_>| {
            let path = place.scope.path();
            let is_open = place.parent == own.parent && place.scope.is_prefix() && !place.scope.is_settled();
            is_open && (lead.starts_with(path) || path.starts_with(lead))
        };
        if let Some((_, place)) = asking().find(|(_, place)| takes(place)) {
            return Some(place);
        }
    }
    let sent = sent_paths(places, block, pass);
    asking().find(|(_, place)| sent.iter().any(|uri| may_be_of(uri, place))).map(|(_, place)| place)
}

/// The paths that a block sends instead of the client's, where it changes them.
fn sent_paths(places: &Places<'_>, block: usize, pass: &Directive) -> Vec<Uri> {
    let location = places.location_of(block);
    let blocks = [location].into_iter().chain(places.inner(location, PlaceKind::If));
    let rewrites = blocks.flat_map(|index| places.get(index).scope.own("rewrite"));
    let rewritten =
        rewrites.filter(|rewrite| rewrite.arg(2) == "break").map(|rewrite| Uri::of_text(rewrite.arg(1)));
    let uri = ProxyTarget::parse(pass.arg(0)).uri;
    let scope = &places.get(location).scope;
    // The rest of the client's path follows it.
    let is_whole = scope.is_exact() || uri.contains(['$', '?']);
    let passed = match uri {
        "" => None,
        uri if is_whole => Some(Uri::of_text(uri)),
        uri => Some(Uri::Begins(uri.to_owned())),
    };
    rewritten.chain(passed).collect()
}

fn may_be_of(uri: &Uri, place: &Place<'_>) -> bool {
    let path = place.scope.path();
    let begins = |text: &str| place.scope.is_prefix() && text.starts_with(path);
    match uri {
        // All paths are of the location for all others.
        _ if path == "/" && place.scope.is_prefix() => false,
        Uri::Whole(whole) => begins(whole) || whole == path,
        Uri::Begins(begin) => begins(begin) || path.starts_with(&**begin),
        Uri::Named(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    /// Whether the first location passes on paths of `/films/` too.
    fn takes(location: &str) -> bool {
        let films = "location /films/ { auth_request /q; }";
        let tree = tree::parse("/n", 0, &format!("server {{ location {location} {films} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]));
        let pass = places.get(1).scope.own("proxy_pass").next().unwrap();
        covered_too(&places, 1, pass).is_some()
    }

    #[test]
    fn a_declaration_is_for_the_paths_of_its_block() {
        for (location, expected) in [
            ("/genres/ { proxy_pass http://a; }", false),
            ("~ \\.jpg$ { proxy_pass http://a; }", true),
            ("~ ^/posters/.*\\.(jpg|png)$ { proxy_pass http://a; }", false),
            ("~ ^/f { proxy_pass http://a; }", true),
            ("/public/ { proxy_pass http://a/; }", true),
            ("/public/ { proxy_pass http://a/public/; }", false),
            ("= /public { proxy_pass http://a/list; }", false),
            ("= /public { proxy_pass http://a/films/; }", true),
            ("/public/ { if ($arg_p) { rewrite ^ /films/$arg_p break; } proxy_pass http://a; }", true),
            ("/public/ { rewrite ^/public/(.*)$ /$1 break; proxy_pass http://a; }", true),
            ("/public/ { rewrite ^/public/(.*)$ /pages/$1 break; proxy_pass http://a; }", false),
        ] {
            assert_eq!(takes(location), expected, "{location}");
        }
    }
}
