//! New passwords are judged by lists that are not made from our dictionary: common ones and good ones.

use super::judge::judge;
use super::password::{LEAST_LENGTH, Password};

/// The first 3,000 with at least eight characters of a list of leaked passwords, the commonest first.
const COMMON: &str = include_str!("tests/common.txt");
/// 200 of the commonest Russian ones: transliterated, typed in the other layout, and in Russian letters.
const COMMON_RUSSIAN: &str = include_str!("tests/common_russian.txt");
/// 200 generated ones, passphrases and sentences.
const GOOD: &str = include_str!("tests/good.txt");

fn codes(password: &str) -> Vec<&'static str> {
    let password = Password::new(password);
    let form = password.form_weaknesses(LEAST_LENGTH);
    let weaknesses = if form.is_empty() { judge(&password, &[]) } else { form };
    weaknesses.iter().map(|weakness| weakness.code).collect()
}

/// Those of a list that are accepted.
fn accepted(list: &str) -> Vec<&str> {
    list.lines().filter(|password| codes(password).is_empty()).collect()
}

#[test]
fn the_three_thousand_commonest_passwords_are_refused() {
    assert_eq!(COMMON.lines().count(), 3000);
    assert_eq!(accepted(COMMON), Vec::<&str>::new());
}

#[test]
fn the_commonest_russian_passwords_are_refused() {
    assert_eq!(COMMON_RUSSIAN.lines().count(), 200);
    let accepted = accepted(COMMON_RUSSIAN);
    assert!(accepted.len() <= 10, "{accepted:?}");
}

#[test]
fn good_passwords_are_accepted() {
    assert_eq!(GOOD.lines().count(), 200);
    let refused: Vec<&str> = GOOD.lines().filter(|password| !codes(password).is_empty()).collect();
    assert!(refused.len() <= 4, "{refused:?}");
}

#[test]
fn each_kind_of_weakness_has_its_own_code() {
    for (password, code) in [
        ("пароль12", "password_word"),
        ("йцукенгш", "password_keyboard"),
        ("наташа1990", "password_name"),
        ("gfhjkm12", "password_word"),
        ("ghbdtn123", "password_word"),
        ("zxcvbnm123", "password_keyboard"),
        ("parol123", "password_word"),
        ("marina1985", "password_name"),
        ("любимая12345", "password_word"),
        ("password1", "password_common"),
        ("aaaaaaaaaa", "password_pattern"),
        ("12.05.1987", "password_pattern"),
    ] {
        assert_eq!(codes(password), [code, "password_advice"], "{password}");
    }
    assert_eq!(codes(&"a".repeat(300)), ["password_too_long"]);
}
