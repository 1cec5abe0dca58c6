use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const HASH: &str = "sha256$Z$56e1e14c3db1991ed7ed90abf1b25fb106c394d1da3ac852c9a73b252a3beba1";

fn lines(text: &[u8]) -> Vec<Result<usize, String>> {
    let mut file = Cursor::new(text);
    std::iter::from_fn(|| next_line(&mut file).unwrap()).map(|line| line.map(|line| line.len())).collect()
}

#[test]
fn a_line_that_is_too_long_is_skipped() {
    let long = "a".repeat(MAX_LINE + 1);
    let text = format!("ab\n{long}\n\n{}\nc", &long[1..]);
    let found = lines(text.as_bytes());
    assert_eq!(found[0], Ok(2));
    assert!(found[1].is_err());
    assert_eq!(found[2..], [Ok(0), Ok(MAX_LINE), Ok(1)]);
    assert!(lines(long.as_bytes())[0].is_err());
}

#[test]
fn a_line_is_one_account() {
    let good = format!(
        r#"{{"email": "neo@example.org", "hash": "{HASH}", "name": "Neo", "created_at": "2015-01-31T00:00:00Z"}}"#
    );
    assert!(parse(good.as_bytes()).is_ok_and(|account| account.is_some()));
    assert!(parse(b" \r").is_ok_and(|account| account.is_none()));
    for bad in [
        "{}".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        format!(r#"{{"hash": "{HASH}"}}"#),
        r#"{"email": "neo@example.org"}"#.to_owned(),
        format!(r#"{{"email": "neo", "hash": "{HASH}"}}"#),
        format!(r#"{{"email": "neo@example.org", "hash": "{HASH}", "is_superuser": true}}"#),
        format!(r#"{{"email": "neo@example.org", "email": "neo@example.org", "hash": "{HASH}"}}"#),
        r#"{"email": "neo@example.org", "hash": "scrypt:1073741824:8:1$salt$aa"}"#.to_owned(),
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
    // No part of a line is repeated, which may contain a password.
    let secret = parse(br#"{"email": "s3cret", "hash": "plain$$s3cret"}"#).err().unwrap();
    assert!(!secret.contains("s3cret"), "{secret}");
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused_without_panic(bytes: Vec<u8>) {
        for line in lines(&bytes) {
            prop_assert!(line.is_ok());
        }
        let _any = parse(&bytes);
    }
}
