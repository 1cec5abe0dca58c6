//! The language of a mail: that of the recipient's locale, or else of the request.

use crate::config::Language;

impl Language {
    /// The stored form.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// The language of a tag (BCP 47), by its first part; `None` for a language without texts.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        [Self::English, Self::Russian]
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// The language of a recipient with this locale, or else of a request with this `Accept-Language` (RFC 9110, section
/// 12.5.4). `None` if neither names a language that has texts.
pub(crate) fn language_of(locale: Option<&str>, accepted: Option<&str>) -> Option<Language> {
    locale.and_then(Language::of_tag).or_else(|| accepted.and_then(preferred))
}

/// The language with the highest quality; the first one of several with the same.
fn preferred(accepted: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in accepted.split(',') {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(Language::of_tag) else { continue };
        let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
        let quality = quality.map_or(1.0, |text| text.parse().unwrap_or(0.0));
        if quality > 0.0 && best.is_none_or(|(highest, _)| quality > highest) {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_locale_comes_before_the_request() {
        let (english, russian) = (Some(Language::English), Some(Language::Russian));
        for (locale, accepted, expected) in [
            (Some("ru-RU"), Some("en"), russian),
            (Some("EN"), None, english),
            (Some("de"), Some("ru"), russian),
            (None, Some("de, en;q=0.5, ru;q=0.7"), russian),
            (None, Some("ru;q=0, en-GB;q=0.1"), english),
            (None, Some("en,ru"), english),
            (None, Some("*"), None),
            (Some("rus"), None, None),
            (None, None, None),
        ] {
            assert_eq!(language_of(locale, accepted), expected, "{locale:?} {accepted:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in "\\PC*|[a-z,;=q.0-9 -]{0,60}") {
            let _either = language_of(Some(&text), Some(&text));
        }
    }
}
