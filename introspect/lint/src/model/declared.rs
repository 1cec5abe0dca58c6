//! What a declaration covers: the paths of its block, and not those of a location that asks.

use crate::lexer::Declaration;
use crate::model::places::{Place, PlaceKind, Places};
use crate::model::script::is_sent_to_client;
use crate::model::uri::{Uri, is_comparable};
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

/// A location that asks, and whose paths a declared block passes on as well: because nginx may choose the block for them, or because it
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
    let taken = asking().find(|(index, _)| takes(places, location, *index));
    let sent = sent_paths(places, block, pass);
    let is_sent = |place: &Place<'_>| sent.iter().any(|uri| may_be_of(uri, place));
    taken.or_else(|| asking().find(|(_, place)| is_sent(place))).map(|(_, place)| place)
}

/// Whether nginx may choose `location` for a path of the location `other`, although it is not one for fewer paths that was taken out of
/// it on purpose.
fn takes(places: &Places<'_>, location: usize, other: usize) -> bool {
    let Some((own_index, their_index)) = apart(places, location, other) else { return false };
    let (place, asking) = (places.get(location), places.get(other));
    if place.scope.is_exact() || !may_share(places, location, other) {
        return false;
    }
    let (own, their) = (places.get(own_index), places.get(their_index));
    // Inside of its block an exact location or a regular expression is final.
    let is_final = |inner: &Place<'_>| inner.scope.is_exact() || inner.scope.is_regex();
    match (own.scope.is_regex(), their.scope.is_regex()) {
        (true, true) => own_index < their_index,
        (true, false) => {
            let path = asking.scope.path();
            // The location for all paths is for those of no other.
            let is_narrower = own.begin().len() > path.len() || (path == "/" && own.begin() == path);
            let is_kept = their.scope.is_settled() || is_final(asking);
            !(is_kept || (is_narrower && their_index == other))
        }
        (false, true) => own.scope.is_settled() || is_final(place),
        (false, false) => {
            let is_inside = their_index != other && own.begin().len() > their.begin().len();
            is_inside && is_comparable(own.begin(), places.begin(other))
        }
    }
}

/// The two blocks directly in the innermost block around both locations; none if one location is in the other.
fn apart(places: &Places<'_>, one: usize, other: usize) -> Option<(usize, usize)> {
    let around = |mut index: usize| {
        let mut all = vec![index];
        while places.get(index).parent != index {
            index = places.get(index).parent;
            all.push(index);
        }
        all.reverse();
        all
    };
    let (one, other) = (around(one), around(other));
    one.into_iter().zip(other).find(|(one, other)| one != other)
}

/// Whether a path may be one of both locations.
fn may_share(places: &Places<'_>, one: usize, other: usize) -> bool {
    let (begins, exact) = (places.begin(one), places.get(other));
    if exact.scope.is_exact() {
        return exact.scope.path().starts_with(begins) && !places.get(one).surely_differs(exact.scope.path());
    }
    is_comparable(begins, places.begin(other))
}

/// The paths that a block sends instead of the client's, where it changes them.
fn sent_paths(places: &Places<'_>, block: usize, pass: &Directive) -> Vec<Uri> {
    let location = places.location_of(block);
    let blocks = || [location].into_iter().chain(places.inner(location, PlaceKind::If));
    let rewrites = blocks().flat_map(|index| places.get(index).scope.own("rewrite"));
    // Without a flag a `break` after it keeps the request here.
    let has_break = blocks().any(|index| places.get(index).scope.own("break").next().is_some());
    let stays = |rewrite: &&Directive| match rewrite.arg(2) {
        "break" => true,
        "" => has_break && !is_sent_to_client(rewrite),
        _ => false,
    };
    let rewritten = rewrites.filter(stays).map(|rewrite| captured(rewrite.arg(0), rewrite.arg(1)));
    let uri = ProxyTarget::parse(pass.arg(0)).uri;
    let scope = &places.get(location).scope;
    let passed = match uri {
        "" => None,
        uri if scope.is_exact() || uri.contains('?') => Some(Uri::of_rewrite(uri)),
        uri if uri.contains('$') => Some(captured(scope.path(), uri)),
        // The rest of the client's path follows it, and may begin with `..` where no slash ends the location.
        uri if !scope.path().ends_with('/') && is_folder(uri) => Some(Uri::any()),
        uri => Some(Uri::Begins(uri.to_owned())),
    };
    rewritten.chain(passed).collect()
}

/// The path of a text with captures of a regular expression: one that begins a part of the path can be `..`, unless it begins a part of
/// the client's path too.
fn captured(regex: &str, text: &str) -> Uri {
    let path = text.split('?').next().unwrap_or_default();
    let begin = path.split('$').next().unwrap_or_default();
    let may_climb = begin.len() < path.len() && is_folder(begin) && !regex.contains("/(");
    if may_climb { Uri::any() } else { Uri::of_rewrite(text) }
}

/// Whether text after it begins a part of the path, or makes one of its dots.
fn is_folder(path: &str) -> bool {
    ["/", "/.", "/.."].iter().any(|end| path.ends_with(end))
}

fn may_be_of(uri: &Uri, place: &Place<'_>) -> bool {
    let path = place.scope.path();
    let begins = |text: &str| place.scope.is_prefix() && text.starts_with(path);
    match uri {
        Uri::Begins(begin) if begin.is_empty() => true,
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
    use crate::model::rule::RuleSet;
    use crate::scope::Scope;
    use crate::tree;

    /// Whether the first location passes on paths of `/films/` too.
    fn takes_films(location: &str) -> bool {
        let films = "location /films/ { auth_request /q; }";
        let tree = tree::parse("/n", 0, &format!("server {{ location {location} {films} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
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
            ("/public/ { rewrite ^/public/(.*)$ /films/$1; break; proxy_pass http://a; }", true),
            ("/public/ { rewrite ^/public/(.*)$ /films/$1; proxy_pass http://a; }", false),
            ("/public/ { rewrite ^/public(.*)$ /pages/$1 break; proxy_pass http://a; }", true),
            ("/public { proxy_pass http://a/pages/; }", true),
            ("/public { proxy_pass http://a/pages; }", false),
            ("/public { proxy_pass http://a/pages/.; }", true),
        ] {
            assert_eq!(takes_films(location), expected, "{location}");
        }
    }

    /// The first location with a `proxy_pass` is declared.
    #[test]
    fn a_declaration_is_not_for_paths_that_another_location_would_ask_for() {
        let open = "{ proxy_pass http://a; }";
        let asks = "{ auth_request /q; }";
        for (server, expected) in [
            ("location ~ ^/m/.*4$ OPEN location /m/ { location /m/p/ ASKS }", true),
            ("location ~ ^/m/.*4$ OPEN location /m/ { location ^~ /m/p/ ASKS }", true),
            ("location ~ ^/m/.*4$ OPEN location /m/ { location = /m/p4 ASKS }", false),
            ("location ~ ^/m/.*4$ OPEN location /m/ { location ~ p ASKS }", false),
            ("location ~ ^/m/.*4$ OPEN location = /m/p4 ASKS", false),
            ("location ~ ^/m/.*4$ OPEN location ^~ /m/p ASKS", false),
            ("location ~ ^/m/.*4$ OPEN location /n/p/ ASKS", false),
            ("location ~ ^/m/t/.*4$ OPEN location /m/ ASKS", false),
            ("location ^~ /m/ OPEN location ~ ^/m/p/ ASKS", true),
            ("location /m/ OPEN location ~ ^/m/p/ ASKS", false),
            ("location ^~ /m/ OPEN location ~ ^/n/p/ ASKS", false),
            ("location ~ ^/m/ OPEN location ~ ^/m/p/ ASKS", true),
            ("location ~ ^/m/p/ ASKS location ~ ^/m/ OPEN", false),
            ("location /m/ { location ~ t OPEN location ~ p ASKS }", true),
            ("location /m/ { location ~ p ASKS location ~ t OPEN }", false),
            ("location /m/ { location ~ t OPEN } location ~ /p/ ASKS", true),
            ("location /m/ { location ^~ /m/x/ OPEN location ~ /p ASKS }", true),
            ("location /m/ { location ^~ /m/x/ OPEN } location ~ /p ASKS", false),
            ("location /m/ { auth_request /q; location ~ t OPEN }", false),
            ("location /m/ ASKS location /m/t/ OPEN", false),
            ("location /m/ { location = /m/t/p ASKS } location /m/t/ OPEN", true),
            ("location /m/t/ { location = /m/t/p ASKS } location /m/ OPEN", false),
            ("location / ASKS location ~ ^/(css|js)/ OPEN", false),
            ("location / ASKS location ~ css$ OPEN", true),
            ("location / ASKS location ~ ^/css/ OPEN", false),
        ] {
            let server = server.replace("OPEN", open).replace("ASKS", asks);
            let tree = tree::parse("/n", 0, &format!("server {{ {server} }}")).unwrap();
            let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
            let pass = |place: &Place<'_>| place.scope.own("proxy_pass").next().is_some();
            let (block, place) = places.all().find(|(_, place)| pass(place)).unwrap();
            let pass = place.scope.own("proxy_pass").next().unwrap();
            assert_eq!(covered_too(&places, block, pass).is_some(), expected, "{server}");
        }
    }
}
