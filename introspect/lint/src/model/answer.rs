//! Whether nginx itself may answer the subrequest of an `auth_request` with 2xx: then it asks no program.

use std::collections::{BTreeSet, HashMap};

use crate::error_page::ErrorPage;
use crate::location_regex::LocationRegex;
use crate::model::access::{intercepts, limit_excepts, pages};
use crate::model::inheritance::passes;
use crate::model::places::Places;
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::script::{Script, is_sent_to_client};
use crate::model::uri::Uri;
use crate::scope::status;
use crate::source::SourcePosition;
use crate::tree::Directive;
use crate::variables::{Variables, bare, names};

/// Directives of a location that answer in the place of its program.
const HANDLERS: [&str; 12] = [
    "try_files",
    "empty_gif",
    "stub_status",
    "flv",
    "mp4",
    "hls",
    "f4f",
    "api",
    "status",
    "echo_flush",
    "echo_sleep",
    "echo_status",
];

/// Who answers the subrequests of a server, by the URI.
#[derive(Debug)]
pub(crate) struct Answers<'p, 'c> {
    places: &'p Places<'c>,
    variables: &'p Variables<'c>,
    rules: RuleSet,
    known: HashMap<&'c str, Option<SourcePosition>>,
}

impl<'p, 'c> Answers<'p, 'c> {
    pub(crate) fn new(places: &'p Places<'c>, variables: &'p Variables<'c>, rules: RuleSet) -> Self {
        Self { places, variables, rules, known: HashMap::new() }
    }

    /// The block by which nginx itself may answer the subrequest of an `auth_request` with 2xx.
    pub(crate) fn of(&mut self, asked: &'c Directive) -> Option<SourcePosition> {
        let uri = asked.arg(0);
        if let Some(known) = self.known.get(uri) {
            return *known;
        }
        let found = Some(uri).filter(|_| self.rules.has(ModelRule::AuthAnsweredByNginx));
        let found = found.and_then(|uri| self.find(uri));
        self.known.insert(uri, found);
        found
    }

    fn find(&self, uri: &str) -> Option<SourcePosition> {
        let places = self.places;
        // The text is used as it is: a `?` begins no query, and a `$` no variable.
        let mut open = places.candidates(&Uri::Whole(uri.to_owned())).to_vec();
        match self.by_server(uri, places.get(0).scope.block(), &mut false) {
            ServerAnswer::Success(at) => return Some(at),
            ServerAnswer::Leads(to) => open.extend(to.iter().flat_map(|to| places.candidates(to).to_vec())),
        }
        let mut seen = BTreeSet::new();
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let script = Script::new(places, index, self.rules);
            if index == 0 || script.ends.iter().any(|(_, status)| (200..300).contains(status)) {
                return Some(places.get(index).at());
            }
            open.extend(script.jumps.iter().flat_map(|jump| places.candidates(&jump.to).to_vec()));
            let excepted: Vec<_> = limit_excepts(places, index, self.rules).collect();
            for content in script.content.iter().chain(&excepted) {
                if is_answered(places, *content) {
                    return Some(places.get(*content).at());
                }
            }
            let blocks = script.content.iter().chain(script.ends.iter().map(|(block, _)| block));
            for block in blocks.chain(&excepted) {
                let mut pages =
                    pages(places, *block).into_iter().filter(|page| replaces(places, *block, page, &script));
                if let Some(page) = pages.find(|page| lets_in(places, page, self.rules)) {
                    return Some(page.at);
                }
            }
        }
        None
    }

    /// What the rewrite directives of the server do with the subrequest, which runs them again. `skipped` becomes whether the request
    /// before may have left out the directives after.
    fn by_server(&self, uri: &str, block: &Directive, skipped: &mut bool) -> ServerAnswer {
        let mut to = Vec::new();
        for directive in block.inside() {
            match &*directive.name {
                "return" if (200..300).contains(&status(directive)) && (block.name == "if" || *skipped) => {
                    return ServerAnswer::Success(directive.at);
                }
                "if" if *skipped || self.may_hold(directive, uri) => {
                    match self.by_server(uri, directive, skipped) {
                        ServerAnswer::Leads(more) => to.extend(more),
                        success @ ServerAnswer::Success(_) => return success,
                    }
                }
                "rewrite" if !is_sent_to_client(directive) && may_match(directive.arg(0), uri) => {
                    to.push(Uri::of_rewrite(directive.arg(1)));
                }
                _ => {}
            }
            *skipped |= ends_rewrites(directive);
        }
        ServerAnswer::Leads(to)
    }

    /// Whether a condition can hold in the subrequest and did not end the request before.
    fn may_hold(&self, condition: &Directive, uri: &str) -> bool {
        let texts = condition.args.iter().map(|text| text.trim_start_matches('(').trim_end_matches(')'));
        let words: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
        match words.as_slice() {
            // A file depends on the URI.
            [test, ..] if test.starts_with(['-', '!']) => true,
            ["$uri" | "$document_uri", "~" | "~*", regex] => may_match(regex, uri),
            ["$uri" | "$document_uri", "!~", regex] => matches(regex, uri, false) != Some(true),
            ["$uri" | "$document_uri", "=", text] => *text == uri,
            _ => !condition.args.iter().all(|text| self.is_of_the_client(text)),
        }
    }

    /// Whether a text has only variables that are the same in a subrequest as before.
    fn is_of_the_client(&self, text: &'_ str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = names(text).into_iter().map(str::to_owned).collect();
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let blocks = self.variables.blocks(&name);
            // `geo` reads the address of the client by default, which a location can change by `real_ip_header`.
            let is_same = !is_of_address(&name, blocks) || !self.address_changes();
            if !is_same {
                return false;
            }
            let sources = blocks.iter().filter(|block| block.args.len() > 1);
            open.extend(
                sources
                    .flat_map(|block| block.args.iter().rev().skip(1).flat_map(|arg| names(arg)))
                    .map(str::to_owned),
            );
            let values = self.variables.values(&name).into_iter().flatten();
            open.extend(values.flat_map(names).map(str::to_owned));
            match self.set_by_server(&name) {
                Some(texts) => open.extend(texts.iter().flat_map(|text| names(text)).map(str::to_owned)),
                None if blocks.is_empty() && !is_constant(&name) => return false,
                None => {}
            }
        }
        true
    }

    /// Whether a location has another address for the client than the server.
    fn address_changes(&self) -> bool {
        let names = ["real_ip_header", "set_real_ip_from", "real_ip_recursive"];
        let changes =
            |index: usize| names.iter().any(|name| self.places.get(index).scope.own(name).next().is_some());
        self.places.all().skip(1).any(|(index, _)| changes(index))
    }

    /// The texts to which the server itself sets a variable; none if a location sets it, which a subrequest would still see.
    fn set_by_server(&self, name: &str) -> Option<Vec<&'c str>> {
        let sets = |index: usize| {
            let own = self.places.get(index).scope.own("set");
            own.filter(|set| bare(set.arg(0)) == name).map(|set| set.arg(1)).collect::<Vec<_>>()
        };
        let is_elsewhere = self.places.all().skip(1).any(|(index, _)| !sets(index).is_empty());
        Some(sets(0)).filter(|texts| !texts.is_empty() && !is_elsewhere)
    }
}

/// What the server does with a request.
enum ServerAnswer {
    Success(SourcePosition),
    Leads(Vec<Uri>),
}

/// Whether a directive of the server may end its rewrite phase, and leave the request alive.
fn ends_rewrites(directive: &Directive) -> bool {
    match &*directive.name {
        "break" => true,
        "rewrite" => matches!(directive.arg(2), "last" | "break"),
        "if" => directive.inside().iter().any(ends_rewrites),
        _ => false,
    }
}

/// Whether a variable depends on the address of the client.
fn is_of_address(name: &str, blocks: &[&Directive]) -> bool {
    let is_geo = blocks.iter().any(|block| block.name == "geo" && block.args.len() == 1);
    is_geo || name.starts_with("remote_") || name == "binary_remote_addr"
}

/// Variables that a request and its subrequests share, whatever its URI.
fn is_constant(name: &str) -> bool {
    let prefixes = ["http_", "cookie_", "ssl_", "server_", "remote_", "proxy_protocol_"];
    let wholes =
        ["request_method", "request_uri", "host", "scheme", "https", "binary_remote_addr", "hostname"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || wholes.contains(&name)
}

fn may_match(regex: &str, uri: &str) -> bool {
    matches(regex, uri, true) != Some(false)
}

/// Whether a regular expression matches, in any case of the letters for `true`; `None` if that is not known.
fn matches(regex: &str, uri: &str, any_case: bool) -> Option<bool> {
    let regex = LocationRegex::parse(regex, any_case).ok()?;
    regex.is_certain(uri).then(|| regex.is_match(uri).ok())?
}

fn is_answered(places: &Places<'_>, content: usize) -> bool {
    let has = |name: &str| places.the(content, name).is_some();
    !passes().any(has) || HANDLERS.into_iter().any(has)
}

/// Whether a page can replace the answer to a subrequest. nginx itself has no 401 and no 403 in one, which skips the access
/// phase, unless it returns them; those of a program stay unless it intercepts them.
fn replaces(places: &Places<'_>, block: usize, page: &ErrorPage<'_>, script: &Script<'_>) -> bool {
    let returned = |code: &u16| script.ends.iter().any(|(_, status)| status == code);
    intercepts(places, block) || page.codes.iter().any(|code| !matches!(*code, 401 | 403) || returned(code))
}

/// Whether an `error_page` can make a success of a failed subrequest.
fn lets_in(places: &Places<'_>, page: &ErrorPage<'_>, rules: RuleSet) -> bool {
    if page.is_success() {
        return true;
    }
    let refuses = |index: &usize| {
        let script = Script::new(places, *index, rules);
        *index != 0
            && script.content.is_empty()
            && script.jumps.is_empty()
            && script.ends.iter().all(|(_, status)| *status >= 300)
    };
    let is_known = !page.to.contains('$');
    page.is_status_of_page()
        && page.is_internal()
        && !(is_known && targets(places, page.to).iter().all(refuses))
}

/// The locations of a URI or a name; none for a status.
fn targets(places: &Places<'_>, to: &str) -> Vec<usize> {
    if to.starts_with('=') { Vec::new() } else { places.candidates(&Uri::of_page(to)).to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    fn is_answered(server: &str) -> bool {
        let maps = "geo $lan { default \"\"; 10.0.0.0/8 1; } map $host $by_host { default $scheme; } map $uri $by_uri { default 1; }";
        let tree = tree::parse("/n", 0, &format!("http {{ {maps} server {{ {server} }} }}")).unwrap();
        let block = tree[0].named("server").next().unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]).inner(block), RuleSet::ALL);
        let variables = Variables::new(&tree);
        let asked = places.all().find_map(|(_, place)| place.scope.auth_request()).unwrap();
        Answers::new(&places, &variables, RuleSet::ALL).of(asked).is_some()
    }

    #[test]
    fn a_subrequest_must_reach_a_program() {
        for (server, expected) in [
            ("location = /q { proxy_pass http://a; }", false),
            ("location = /q { proxy_pass http://a; error_page 500 =200 /x; }", true),
            ("location = /q { proxy_pass http://a; error_page 500 = @x; } location @x { return 204; }", true),
            (
                "location = /q { proxy_pass http://a; error_page 500 = @x; } location @x { return 503; }",
                false,
            ),
            ("location = /q { proxy_pass http://a; error_page 401 =200 /x; }", false),
            (
                "location = /q { proxy_pass http://a; error_page 401 =200 /x; proxy_intercept_errors On; }",
                true,
            ),
            ("location = /q { return 401; error_page 401 =200 /x; }", true),
            ("location = /q { return 204; }", true),
            ("location = /q { return 401; }", false),
            ("location = /q { if ($a) { return 200; } proxy_pass http://a; }", true),
            ("location = /q { rewrite ^ /b last; proxy_pass http://a; } location = /b { return 204; }", true),
            ("location = /q { }", true),
            ("", true),
            ("location ~ \\.php$ { proxy_pass http://a; } location /q { proxy_pass http://b; }", false),
            ("location /q { proxy_pass http://b; } location ~ ^/[&&q] { return 204; }", true),
            (
                "location = /q { proxy_pass http://a; error_page 502 =0 @x; } location @x { return 204; }",
                true,
            ),
            ("location = /q { proxy_pass http://a; error_page 502 =0204 /x; }", true),
            ("location = /q { proxy_pass http://a; error_page 0500 = @$x; }", true),
            ("location = /q { proxy_pass http://a; try_files /x =204; }", true),
            ("location = /q { proxy_pass http://a; empty_gif; }", true),
            ("location = /q { stub_status; proxy_pass http://a; }", true),
        ] {
            let server = format!("location = /p {{ auth_request /q; }} {server}");
            assert_eq!(is_answered(&server), expected, "{server}");
        }
    }

    #[test]
    fn a_subrequest_runs_the_directives_of_the_server_again() {
        for (server, expected) in [
            ("if ($uri !~ ^/p) { return 200; } location = /q { proxy_pass http://a; }", true),
            ("if ($uri ~ ^/r) { return 200; } location = /q { proxy_pass http://a; }", false),
            ("if ($request_method = OPTIONS) { return 204; } location = /q { proxy_pass http://a; }", false),
            ("if ($by_host) { return 204; } location = /q { proxy_pass http://a; }", false),
            ("if ($by_uri) { return 204; } location = /q { proxy_pass http://a; }", true),
            ("if ($arg_a) { return 403; } location = /q { proxy_pass http://a; }", false),
            (
                "set $a $request_method; if ($a = OPTIONS) { return 204; } location = /q { proxy_pass http://a; }",
                false,
            ),
            (
                "if ($a = 1) { return 204; } location = /r { set $a 1; } location = /q { proxy_pass http://a; }",
                true,
            ),
            ("if ($uri !~ ^/q) { break; } return 204; location = /q { proxy_pass http://a; }", true),
            (
                "if ($uri !~ ^/q) { break; } if ($request_method = GET) { return 204; } location = /q { proxy_pass http://a; }",
                true,
            ),
            (
                "rewrite ^/p /p last; if ($request_method = GET) { return 204; } location = /q { proxy_pass http://a; }",
                true,
            ),
            (
                "return 403; if ($request_method = GET) { return 204; } location = /q { proxy_pass http://a; }",
                false,
            ),
            ("if ($lan) { return 204; } location = /q { proxy_pass http://a; }", false),
            (
                "if ($lan) { return 204; } location = /r { real_ip_header X-Real-IP; } location = /q { proxy_pass http://a; }",
                true,
            ),
            ("location = /q { proxy_pass http://a; echo_flush; }", true),
            ("if (!-f /x) { return 204; } location = /q { proxy_pass http://a; }", true),
            ("rewrite ^/(?!p).* /x last; location = /x { } location = /q { proxy_pass http://a; }", true),
            ("rewrite ^/r/(.*) /x last; location = /x { } location = /q { proxy_pass http://a; }", false),
            ("rewrite ^/(?!p).* /x permanent; location = /q { proxy_pass http://a; }", false),
        ] {
            let server = format!("location = /p {{ auth_request /q; }} {server}");
            assert_eq!(is_answered(&server), expected, "{server}");
        }
    }
}
