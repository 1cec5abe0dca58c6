//! The people of a provider without configured ones.

use crate::person::Person;
use crate::provider::Provider;

/// The default people of a provider. Keys mean the same everywhere:
///
/// * `anna` has an address, verified where the provider has a flag; at Google it is a gmail.com one.
/// * `boris` has an address, unverified where the provider has a flag.
/// * `clara` has no address.
/// * `dora`, at Google only, has a verified address of a domain that is not Google's.
/// * `egor`, at Google only, is of a Workspace domain; his `email_verified` is the string `"true"`, and his
///   tokens have the issuer without a scheme.
#[must_use]
pub fn default_people(provider: Provider) -> Vec<Person> {
    let [anna, boris, clara] = subjects(provider);
    let mut people = vec![
        Person {
            name: Some("Anna Petrova".to_owned()),
            email: Some(address(provider, "anna")),
            email_verified: true,
            birthday: birthday(provider),
            ..Person::new(provider, "anna", anna)
        },
        Person {
            name: Some("Boris Volkov".to_owned()),
            email: Some(address(provider, "boris")),
            numeric_id: true,
            ..Person::new(provider, "boris", boris)
        },
        Person {
            // GitHub does not require a name.
            name: (provider != Provider::GitHub).then(|| "Clara Weiss".to_owned()),
            empty_email: provider == Provider::Yandex,
            ..Person::new(provider, "clara", clara)
        },
    ];
    if provider == Provider::Google {
        people.extend(of_other_domains());
    }
    people
}

fn of_other_domains() -> [Person; 2] {
    [
        Person {
            name: Some("Dora Lind".to_owned()),
            email: Some("dora@example.org".to_owned()),
            email_verified: true,
            ..Person::new(Provider::Google, "dora", "100000000000000000004")
        },
        Person {
            name: Some("Egor Orlov".to_owned()),
            email: Some("egor@workspace.example.org".to_owned()),
            email_verified: true,
            hd: Some("workspace.example.org".to_owned()),
            verified_as_string: true,
            short_issuer: true,
            ..Person::new(Provider::Google, "egor", "100000000000000000005")
        },
    ]
}

/// Three providers vouch for Anna's address. Google and X have a different one each, so that a user who signs in through
/// one after the other gets different accounts.
fn address(provider: Provider, key: &str) -> String {
    match (provider, key) {
        (Provider::Google, "anna") => "anna.pretended.example@gmail.com".to_owned(),
        (Provider::X, "anna") => "anna.on.x@example.org".to_owned(),
        _ => format!("{key}@example.org"),
    }
}

/// Identifiers of the shape that the provider gives.
fn subjects(provider: Provider) -> [&'static str; 3] {
    match provider {
        Provider::Google => ["100000000000000000001", "100000000000000000002", "100000000000000000003"],
        Provider::Yandex => ["1130000000000001", "1130000000000002", "1130000000000003"],
        Provider::Vk => ["500000001", "500000002", "500000003"],
        Provider::MailRu => ["A0000000000000000001", "A0000000000000000002", "A0000000000000000003"],
        Provider::GitHub => ["9000001", "9000002", "9000003"],
        Provider::X => ["1600000000000000001", "1600000000000000002", "1600000000000000003"],
        Provider::Facebook => ["10000000000000001", "10000000000000002", "10000000000000003"],
        Provider::Microsoft => {
            ["AAAAAAAAAAAAAAAAAAAAAAAAAAA1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA2", "AAAAAAAAAAAAAAAAAAAAAAAAAAA3"]
        }
    }
}

fn birthday(provider: Provider) -> Option<String> {
    match provider {
        // Yandex returns zeros for what its user hides.
        Provider::Yandex => Some("0000-12-23".to_owned()),
        Provider::Vk | Provider::MailRu => Some("23.12.1990".to_owned()),
        Provider::Google | Provider::GitHub | Provider::X | Provider::Facebook | Provider::Microsoft => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_default_people_are_valid() {
        for person in Provider::ALL.into_iter().chain([Provider::OPENID]).flat_map(default_people) {
            assert_eq!(person.check(), Ok(()), "{person:?}");
        }
    }
}
