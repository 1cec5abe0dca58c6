//! The cookie by which pages know a browser before anyone signs in: random bits, to which the tokens of its forms belong, the
//! language that was chosen, and what the page before has to say. The latter is here, and not in the address: a link of
//! another site must not make a page say that an account was erased.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};

use super::site::PageSite;
use crate::actor::cookie;
use crate::api::{Code, Problem};
use crate::config::Language;
use crate::random::Random;

/// How long a browser keeps it, in seconds: a year, for the language.
const LIFE: u32 = 31_536_000;

/// 144 random bits as letters.
const LETTERS: usize = 24;

/// The longest word of news.
const LONGEST_WORD: usize = 48;

/// What the page before has done, or what went wrong there, by a word of a fixed list.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PageNews {
    pub(super) is_problem: bool,
    pub(super) word: String,
}

impl PageNews {
    pub(super) fn done(word: &str) -> Self {
        Self { is_problem: false, word: word.to_owned() }
    }

    pub(super) fn problem(code: Code) -> Self {
        Self { is_problem: true, word: code.as_str().to_owned() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, word) = text.split_once('-')?;
        let is_word = |byte: u8| byte.is_ascii_lowercase() || b"_-".contains(&byte);
        let is_known = matches!(kind, "done" | "problem");
        let is_good = is_known && word.len() <= LONGEST_WORD && word.bytes().all(is_word);
        is_good.then(|| Self { is_problem: kind == "problem", word: word.to_owned() })
    }

    fn text(&self) -> String {
        format!("{}-{}", if self.is_problem { "problem" } else { "done" }, self.word)
    }
}

/// Purposefully without `Debug`: who knows it and can set cookies could write tokens of forms.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BrowserMark {
    secret: String,
    pub(super) language: Option<Language>,
    /// What the next page has to say.
    pub(super) news: Option<PageNews>,
}

impl BrowserMark {
    /// That of the browser at a site; `None` if it sends none, several, or another text.
    pub(super) fn of(site: PageSite, headers: &HeaderMap) -> Option<Self> {
        let (secret, rest) = cookie(headers, site.mark_cookie())?.split_once('.')?;
        let (language, news) = rest.split_once('.').unwrap_or((rest, ""));
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_secret = secret.len() == LETTERS && secret.bytes().all(is_letter);
        let (language, news) = (Language::of_tag(language), PageNews::parse(news));
        is_secret.then(|| Self { secret: secret.to_owned(), language, news })
    }

    /// A new one.
    pub(super) fn new(random: &dyn Random) -> Result<Self, Problem> {
        let mut bytes = [0; LETTERS / 4 * 3];
        random.fill(&mut bytes).map_err(|_| {
            tracing::error!("Request failed: the operating system provides no randomness.");
            Problem::new(Code::Internal)
        })?;
        Ok(Self { secret: URL_SAFE_NO_PAD.encode(bytes), language: None, news: None })
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// The same mark with these news for the next page.
    pub(super) fn with_news(&self, news: Option<PageNews>) -> Self {
        Self { news, ..self.clone() }
    }

    /// The cookie. `__Host-`: no subdomain can put its own in.
    pub(super) fn line(&self, site: PageSite) -> Option<HeaderValue> {
        let (language, secret) = (self.language.map_or("", Language::tag), &self.secret);
        let news = self.news.as_ref().map(|news| format!(".{}", news.text())).unwrap_or_default();
        let (name, same_site) = (site.mark_cookie(), site.same_site());
        let text = format!(
            "{name}={secret}.{language}{news}; Path=/; Max-Age={LIFE}; Secure; HttpOnly; SameSite={same_site}"
        );
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use http::header;
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    fn read(text: &str) -> Option<BrowserMark> {
        let line = HeaderValue::try_from(text).unwrap();
        BrowserMark::of(PageSite::Account, &HeaderMap::from_iter([(header::COOKIE, line)]))
    }

    #[test]
    fn a_mark_is_read_back_with_its_language_and_its_news() {
        for language in [None, Some(Language::Russian), Some(Language::English)] {
            for news in [None, Some(PageNews::done("end-session")), Some(PageNews::problem(Code::CodeWrong))]
            {
                let mark = BrowserMark { language, news, ..BrowserMark::new(&SystemRandom).unwrap() };
                let line = mark.line(PageSite::Account).unwrap();
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                assert!(read(pair) == Some(mark));
            }
        }
    }

    #[test]
    fn other_texts_are_no_mark() {
        let good = format!("__Host-page={}.ru", "a".repeat(LETTERS));
        assert!(read(&good).is_some() && read(&format!("{good}; {good}")).is_none());
        for bad in ["done", "done-A", "x-saved", &format!("done-{}", "a".repeat(LONGEST_WORD + 1))] {
            assert!(read(&format!("{good}.{bad}")).unwrap().news.is_none(), "{bad}");
        }
        for bad in ["", "__Host-page=", "__Host-page=.ru", &good.replace("aa", "a"), &good.replace('.', "")] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_cookie_is_read_without_panic(text in "[ -~]{0,60}") {
            let _either = (read(&text).is_some(), read(&format!("__Host-page={text}")).is_some());
        }
    }
}
