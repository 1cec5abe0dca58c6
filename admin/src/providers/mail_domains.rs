//! The mail domains of a provider: it alone decides whose an address there is.

/// The mail domains of a provider, in lower case.
#[derive(Debug)]
pub struct MailDomains {
    /// The domains, each with its source where the provider is described.
    pub domains: &'static [&'static str],
    /// Whether one local part is the same mailbox in all of them. If not, it belongs to different people.
    pub is_one_mailbox: bool,
}

impl MailDomains {
    /// For a provider that operates no mailboxes.
    pub const NONE: Self = Self { domains: &[], is_one_mailbox: false };

    /// Whether the provider operates the mailbox of this address.
    pub(super) fn include(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    }

    /// The addresses of the mailbox of `email`, which is in lower case: itself first.
    pub(super) fn same_mailbox(&self, email: &str) -> Vec<String> {
        let mut all = vec![email.to_owned()];
        if let Some((local, domain)) = email.rsplit_once('@').filter(|_| self.is_one_mailbox)
            && self.domains.contains(&domain)
        {
            let others = self.domains.iter().filter(|other| **other != domain);
            all.extend(others.map(|other| format!("{local}@{other}")));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: MailDomains = MailDomains { domains: &["ya.example", "yandex.example"], is_one_mailbox: true };
    const SEVERAL: MailDomains = MailDomains { is_one_mailbox: false, ..ONE };

    #[test]
    fn an_address_is_included_by_its_whole_domain() {
        for (email, expected) in [
            ("anna@ya.example", true),
            ("Anna@YA.Example", true),
            ("anna@a.ya.example", false),
            ("anna@ya.example.org", false),
            ("anna@ya", false),
            ("ya.example", false),
            ("@ya.example@example.org", false),
        ] {
            assert_eq!(ONE.include(email), expected, "{email}");
        }
        assert!(!MailDomains::NONE.include("anna@ya.example"));
    }

    #[test]
    fn the_addresses_of_a_mailbox_are_those_of_all_domains_only_if_it_is_one() {
        assert_eq!(ONE.same_mailbox("anna@ya.example"), ["anna@ya.example", "anna@yandex.example"]);
        assert_eq!(ONE.same_mailbox("anna@yandex.example"), ["anna@yandex.example", "anna@ya.example"]);
        assert_eq!(ONE.same_mailbox("anna@example.org"), ["anna@example.org"]);
        assert_eq!(SEVERAL.same_mailbox("anna@ya.example"), ["anna@ya.example"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _is_included = ONE.include(&text);
            prop_assert_eq!(&ONE.same_mailbox(&text)[0], &text);
        }
    }
}
