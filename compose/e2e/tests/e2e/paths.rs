//! Which paths reach a program behind nginx: those of which every program has one idea. The rule is written down here a
//! second time, as a decoder of its own, and the real nginx is asked about thousands of paths.

use harness::http::raw;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::gateway::Gateway;

/// What nginx does with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    PassedOn,
    NotFound,
    Unreadable,
}

/// The decoder: the request target without its query.
fn is_allowed(target: &[u8]) -> bool {
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let mut segments: Vec<_> = path.split(|byte| *byte == b'/').collect();
    // A slash at the end leaves an empty segment, which is the only one that may be empty.
    segments.pop_if(|last| last.is_empty());
    !query.contains(&b'#') && segments.into_iter().all(is_allowed_segment)
}

fn is_allowed_segment(segment: &[u8]) -> bool {
    if matches!(segment, b"" | b"." | b"..") {
        return false;
    }
    let mut decoded = Vec::new();
    let mut rest = segment;
    while let [first, after @ ..] = rest {
        let is_plain = first.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(first);
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let Some(byte) = hexadecimal(*high, *low) else { return false };
                if byte.is_ascii_control() || b"/\\.%;?#".contains(&byte) {
                    return false;
                }
                decoded.push(byte);
                after
            }
            (_, after) if is_plain || !first.is_ascii() => {
                decoded.push(*first);
                after
            }
            _ => return false,
        };
    }
    // The segment itself too: a character must not be half encoded.
    let text = std::str::from_utf8(segment).and_then(|_| std::str::from_utf8(&decoded));
    text.is_ok_and(|text| !text.chars().any(char::is_control))
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Sends a request target, byte for byte.
async fn fate(gateway: &Gateway, target: &[u8]) -> Fate {
    let request = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"].concat();
    let answer = raw(&gateway.url(""), &request).await.unwrap();
    let refused = |code| answer.contains("application/problem+json") && answer.contains(code);
    match answer.get(9..12) {
        Some("404") if refused("\"code\":\"not_found\"") => Fate::NotFound,
        Some("400") if refused("\"code\":\"request_malformed\"") => Fate::Unreadable,
        Some(_) if !answer.contains("application/problem+json") => Fate::PassedOn,
        _ => panic!("{}: {answer}", target.escape_ascii()),
    }
}

/// A public, a protected and admin's location, and paths without one.
const PREFIXES: [&str; 3] = ["/api/v1/genres/", "/api/v1/films/", "/api/v1/auth/"];

#[tokio::test]
async fn paths_that_some_program_decodes_otherwise_are_not_found_at_any_location() {
    let gateway = Gateway::start().await;
    let tails: [&[u8]; 34] = [
        b"..;/films/x",
        b"..%3b/films/x",
        b"..%3B",
        b"%252e%252e/x",
        b"a;jsessionid=1",
        b"a\\b",
        b"a%5Cb",
        b"a%2fb",
        b"%2e%2e/x",
        b".%2E/x",
        b"./x",
        b"../genres/x",
        b"..?x",
        b".",
        b"/x",
        b"x//",
        b"%c0%ae",
        b"%e0%80%ae",
        b"%f0%80%80%ae",
        b"%ed%a0%80",
        b"%f4%90%80%80",
        b"%ff",
        b"%d0",
        b"%bf%d0",
        b"%c2%85",
        b"%7f",
        b"%01",
        b"%3f",
        b"%23",
        b"a#b",
        b"a?b#c",
        b"\xff",
        b"a\"b",
        b"a|b",
    ];
    for prefix in PREFIXES.into_iter().chain(["/nothing/", "/_introspect/"]) {
        for tail in tails {
            let target = [prefix.as_bytes(), tail].concat();
            assert!(!is_allowed(&target), "{}", target.escape_ascii());
            assert_eq!(fate(&gateway, &target).await, Fate::NotFound, "{}", target.escape_ascii());
        }
    }
}

#[tokio::test]
async fn titles_in_any_language_are_passed_on_as_they_are_and_encoded() {
    let gateway = Gateway::start().await;
    for tail in [
        "",
        "a",
        "a/b/",
        "кино",
        "%D0%BA%d0%b8%d0%bd%d0%be",
        "映画/🎬",
        "%F0%9F%8E%AC",
        "C%C3%B4te%20d'Azur%2C%202",
        "...",
        "..a/a..",
        "!$&'()*+,=:@-_~",
        "%61",
        "a?b=/../;%00\\",
    ] {
        for target in [format!("/api/v1/genres/{tail}"), format!("http://a/api/v1/genres/{tail}")] {
            assert_eq!(fate(&gateway, target.as_bytes()).await, Fate::PassedOn, "{target}");
        }
    }
}

#[tokio::test]
async fn paths_that_nginx_cannot_decode_are_problems() {
    let gateway = Gateway::start().await;
    for tail in ["%", "%2", "%zz", "%u002e%u002e/", "%00", "a%00b", "\u{1}", "\u{7f}"] {
        let target = format!("/api/v1/genres/{tail}");
        assert!(!is_allowed(target.as_bytes()), "{target}");
        assert_eq!(fate(&gateway, target.as_bytes()).await, Fate::Unreadable, "{target}");
    }
    for target in ["*", "genres", "?x", "http://a?x"] {
        assert_ne!(fate(&gateway, target.as_bytes()).await, Fate::PassedOn, "{target}");
    }
}

#[tokio::test]
async fn a_location_of_the_operator_is_guarded_too() {
    let gateway = Gateway::start_with("", "location /lists/ { include snippets/origin.conf; }").await;
    assert_eq!(fate(&gateway, b"/lists/a").await, Fate::PassedOn);
    for target in ["/lists/..;/a", "/lists/%252e", "/lists/a;b"] {
        assert_eq!(fate(&gateway, target.as_bytes()).await, Fate::NotFound, "{target}");
    }
}

/// Parts of which confusing paths are made.
const PARTS: [&[u8]; 50] = [
    b"/",
    b"//",
    b".",
    b"..",
    b"%2e",
    b"%2F",
    b"%5c",
    b"%25",
    b"%3B",
    b"%3f",
    b"%23",
    b";",
    b"\\",
    b"?",
    b"#",
    b"a",
    b"films",
    b"%41",
    b"%20",
    b"%7e",
    b"%7F",
    b"%1f",
    b"%c2",
    b"%80",
    b"%9f",
    b"%a0",
    b"%bf",
    b"%C3",
    b"%df",
    b"%e0",
    b"%e1",
    b"%ed",
    b"%ef",
    b"%f0",
    b"%f1",
    b"%f4",
    b"%8f",
    b"%90",
    b"%d0%ba",
    b"%e2%82%ac",
    b"%f0%9f%8e%ac",
    b"\xd0\xba",
    b"\xd0",
    b"\xba",
    b"\xf0\x9f\x8e\xac",
    b"\xc2\x85",
    b"'",
    b"+",
    b"@",
    b"|",
];

/// Paths of these parts, and of any bytes that a request line may have.
fn targets() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        6 => select(PARTS.to_vec()).prop_map(<[u8]>::to_vec),
        1 => (0x21_u8..=0xff).prop_filter("a control character", |byte| *byte != 0x7f).prop_map(|byte| vec![byte]),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
        1 => any::<char>().prop_filter("not visible", |it| !it.is_control() && *it != ' ')
            .prop_map(|it| it.to_string().into_bytes()),
    ];
    (select(PREFIXES.to_vec()), vec(part, 0..8))
        .prop_map(|(prefix, parts)| [prefix.as_bytes(), &parts.concat()].concat())
}

#[tokio::test]
async fn nginx_passes_on_exactly_what_the_decoder_allows() {
    let gateway = Gateway::start().await;
    let (mut runner, mut passed) = (TestRunner::default(), 0);
    for _ in 0..1500 {
        let target = targets().new_tree(&mut runner).unwrap().current();
        // A protected location and admin's answer 503 here, which is a problem: only their refusals are of interest.
        let is_public = target.starts_with(b"/api/v1/genres/");
        let expected = is_allowed(&target);
        if expected && !is_public {
            continue;
        }
        let seen = fate(&gateway, &target).await;
        assert_eq!(seen == Fate::PassedOn, expected, "{} {seen:?}", target.escape_ascii());
        passed += usize::from(expected);
    }
    assert!(passed > 20, "{passed}");
}
