//! The browser and the operating system of a client, each of a fixed list: the raw user agent is text of the client, and
//! mails contain none.

macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal $shown:literal $($mark:literal)|*,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $(#[doc = concat!("`", $shown, "`")] $variant,)*
        }

        impl $name {
            /// All of them, in the order in which they are searched: a browser names those that it is compatible with too.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stored form.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The name for people.
            pub(crate) const fn shown(self) -> &'static str {
                match self { $(Self::$variant => $shown,)* }
            }

            /// By its stored form.
            pub(crate) fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            fn of_user_agent(text: &str) -> Option<Self> {
                $(if [$($mark),*].iter().any(|mark| text.contains(mark)) { return Some(Self::$variant); })*
                None
            }
        }
    };
}

listed! {
    /// A browser.
    Browser {
        Yandex = "yandex" "Yandex Browser" "YaBrowser/" | "YaApp_",
        Opera = "opera" "Opera" "OPR/" | "Opera",
        Edge = "edge" "Edge" "Edg/" | "EdgA/" | "EdgiOS/" | "Edge/",
        Samsung = "samsung" "Samsung Internet" "SamsungBrowser/",
        Vivaldi = "vivaldi" "Vivaldi" "Vivaldi/",
        Firefox = "firefox" "Firefox" "Firefox/" | "FxiOS/",
        Chrome = "chrome" "Chrome" "Chrome/" | "CriOS/" | "Chromium/",
        Safari = "safari" "Safari" "Safari/",
    }
}

listed! {
    /// An operating system.
    System {
        Tizen = "tizen" "Tizen" "Tizen",
        WebOs = "webos" "webOS" "Web0S" | "webOS",
        Android = "android" "Android" "Android",
        Ios = "ios" "iOS" "iPhone" | "iPad" | "iPod",
        Windows = "windows" "Windows" "Windows",
        MacOs = "macos" "macOS" "Mac OS X" | "Macintosh",
        ChromeOs = "chromeos" "ChromeOS" "CrOS",
        Linux = "linux" "Linux" "Linux",
    }
}

/// What is known about a client's software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Software {
    browser: Option<Browser>,
    system: Option<System>,
}

impl Software {
    /// By a user agent.
    pub(crate) fn of(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default();
        Self { browser: Browser::of_user_agent(text), system: System::of_user_agent(text) }
    }

    /// As stored.
    pub(crate) fn of_words(browser: Option<&str>, system: Option<&str>) -> Self {
        Self { browser: browser.and_then(Browser::of_word), system: system.and_then(System::of_word) }
    }

    /// The stored forms of the browser and the system.
    pub(crate) fn words(self) -> (Option<&'static str>, Option<&'static str>) {
        (self.browser.map(Browser::word), self.system.map(System::word))
    }

    /// For people: `Firefox, Linux`; `None` if neither is known.
    pub(crate) fn shown(self) -> Option<String> {
        let names = [self.browser.map(Browser::shown), self.system.map(System::shown)];
        let names: Vec<_> = names.into_iter().flatten().collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_user_agents_are_recognised() {
        for (text, shown) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 YaBrowser/25.10.0.0 Safari/537.36",
                "Yandex Browser, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari, iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/87.0 Safari/537.36",
                "Chrome, webOS",
            ),
        ] {
            assert_eq!(Software::of(Some(text)).shown().as_deref(), Some(shown), "{text}");
        }
        assert_eq!(Software::of(Some("curl/8.5.0")).shown(), None);
        assert_eq!(Software::of(None).shown(), None);
    }

    #[test]
    fn every_stored_form_is_read_again() {
        for browser in Browser::ALL {
            assert_eq!(Browser::of_word(browser.word()), Some(*browser));
        }
        for system in System::ALL {
            assert_eq!(System::of_word(system.word()), Some(*system));
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_of_a_user_agent_is_of_the_list(text in "\\PC*|<script>(Chrome/|Linux)?.{0,20}") {
            let known: Vec<_> = Browser::ALL.iter().map(|one| one.shown())
                .chain(System::ALL.iter().map(|one| one.shown())).collect();
            let shown = Software::of(Some(&text)).shown().unwrap_or_default();
            prop_assert!(shown.split(", ").filter(|word| !word.is_empty()).all(|word| known.contains(&word)));
        }
    }
}
