//! Microsoft's common issuer: one provider, whose tenants have an issuer each. And the issuer of one tenant.

use mock_providers::Provider::Microsoft;
use mock_providers::{Fault, Person};

use crate::support::Cinema;
use crate::witness::user_of;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// The tenant of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A user of a tenant, whose administrator may write anything about the address.
fn add(cinema: &Cinema, key: &str, email: Option<&str>, tenant: Option<&str>) {
    let person = Person {
        name: Some(key.to_owned()),
        email: email.map(str::to_owned),
        email_verified: email.is_some(),
        tenant: tenant.map(str::to_owned),
        ..Person::new(Microsoft, key, "same-subject")
    };
    cinema.providers.put_person(person).unwrap();
}

#[tokio::test]
async fn users_of_all_tenants_sign_in_and_are_recognised_the_next_time() {
    let cinema = Cinema::start_with_microsoft().await;
    add(&cinema, "of-a-tenant", None, Some(TENANT));
    add(&cinema, "personal", None, None);
    let first = cinema.browser().sign_in(Microsoft, "of-a-tenant").await;
    let again = cinema.browser().sign_in(Microsoft, "of-a-tenant").await;
    assert_eq!(user_of(&first), user_of(&again));
    // A subject is unique in its tenant only.
    let other = cinema.browser().sign_in(Microsoft, "personal").await;
    assert_ne!(user_of(&first), user_of(&other));
    cinema.providers.set_fault(Microsoft, Fault::LargeIdToken);
    cinema.browser().sign_in(Microsoft, "of-a-tenant").await;
}

#[tokio::test]
async fn an_address_of_a_tenant_is_not_vouched_for() {
    let cinema = Cinema::start_with_microsoft().await;
    let neo = cinema.app.client.new_user("neo@example.org").await;
    let verified = "update auth.users set verified_email_key = email_key";
    cinema.app.sql().await.batch_execute(verified).await.unwrap();
    add(&cinema, "attacker", Some("neo@example.org"), Some(TENANT));
    let attacker = cinema.browser().sign_in(Microsoft, "attacker").await;
    assert_ne!(user_of(&attacker), user_of(&neo));
    assert_eq!(cinema.linked(&attacker).await, [("microsoft".to_owned(), 9)]);
}

#[tokio::test]
async fn a_token_whose_key_belongs_to_another_issuer_is_refused() {
    let cinema = Cinema::start_with_microsoft().await;
    add(&cinema, "of-a-tenant", None, Some(TENANT));
    cinema.providers.set_fault(Microsoft, Fault::WrongKeyIssuer);
    cinema.browser().try_to_sign_in(Microsoft, "of-a-tenant").await.problem(502, "provider_error");
}

#[tokio::test]
async fn the_key_of_a_tenant_is_compared_too() {
    let cinema = Cinema::start_with_tenant(PERSONAL).await;
    add(&cinema, "personal", None, None);
    cinema.providers.set_fault(Microsoft, Fault::WrongKeyIssuer);
    cinema.browser().try_to_sign_in(Microsoft, "personal").await.problem(502, "provider_error");
}

#[tokio::test]
async fn only_users_of_the_tenant_sign_in_by_its_issuer() {
    let cinema = Cinema::start_with_tenant(PERSONAL).await;
    add(&cinema, "personal", None, None);
    add(&cinema, "of-a-tenant", None, Some(TENANT));
    cinema.browser().sign_in(Microsoft, "personal").await;
    cinema.browser().try_to_sign_in(Microsoft, "of-a-tenant").await.problem(502, "provider_error");
}

#[tokio::test]
async fn a_token_of_another_issuer_than_that_of_its_tenant_is_refused() {
    let cinema = Cinema::start_with_microsoft().await;
    add(&cinema, "of-a-tenant", None, Some(TENANT));
    for fault in [Fault::WrongIssuer, Fault::WrongTenant, Fault::NoSubject] {
        cinema.providers.set_fault(Microsoft, fault);
        cinema.browser().try_to_sign_in(Microsoft, "of-a-tenant").await.problem(502, "provider_error");
    }
    cinema.providers.clear_fault(Microsoft);
    cinema.browser().sign_in(Microsoft, "of-a-tenant").await;
}
