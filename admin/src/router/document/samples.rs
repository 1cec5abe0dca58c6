//! An example of each problem, with the members that the service really sends. A test provokes every problem and
//! compares.

use crate::api::{Code, Problem};

/// The sentences about an occurrence, of the problems that have one.
const DETAILS: &[(Code, &str)] = &[
    (Code::RequestMalformed, "The body is not valid JSON (line 1, column 1)."),
    (Code::StateInvalid, "Start again and finish the sign-in in the same browser or app."),
    (Code::BodyTooLarge, "The body may be at most 16 KiB."),
    (Code::Forbidden, "Requires the permission `roles:read`."),
    (Code::ErasurePending, "The account will be erased at 2026-12-09T20:15:30.123456Z, unless you keep it."),
    (
        Code::AccountFrozen,
        "It is frozen until 2026-11-28T20:15:30.123456Z, unless an operator ends that earlier.",
    ),
    (Code::ConsentRequired, "Send `consent`: `2026-12` once the user has consented to that version."),
    (
        Code::RecoveryDelayed,
        "The account is in use, so this takes effect at 2026-11-28T20:15:30.123456Z, unless a session of the account objects. Do the \
         same again after that, within seven days.",
    ),
    (Code::PrivilegeEscalation, "You do not hold the permission films:watch."),
    (
        Code::EmailProofRequired,
        "Yandex does not confirm that the address is yours. Sign in with another method, then link the account.",
    ),
    (Code::RoleCycle, "A role cannot inherit itself, directly or indirectly: premium leads back to it."),
    (
        Code::RoleNameRetired,
        "Live tokens may still carry this name from a deleted or renamed role; it is available again after 2026-11-25T20:36:10Z.",
    ),
    (Code::LimitReached, "A role may have at most 200 permissions."),
    (Code::CodeExpired, "Start the sign-in again."),
    (
        Code::TooManyAttempts,
        "Sign in from a device or a network that you have used before, or try again later.",
    ),
    (Code::CodeWrong, "A code that has expired or was used is wrong, too."),
    (
        Code::AccountUnproven,
        "It was created in 2026-03, without a role. Repeat the request with `account`: `mine` or `new`.",
    ),
    (
        Code::AccountProven,
        "It was created in 2026-03, with a role. To move your linked accounts there, repeat the request with `account`: `move`.",
    ),
    (Code::LastLoginMethod, "Set a password or link another account first."),
    (Code::OauthProviderLinked, "Unlink it before you link another one."),
    (Code::ProviderError, "GitHub returned no identity. Start the sign-in again."),
    (Code::ProviderTimeout, "GitHub did not respond in time. Start the sign-in again."),
    (Code::ProviderUnavailable, "GitHub is not responding. Sign in with another method, or try again later."),
];

/// The invalid fields, with their codes and sentences.
const FIELDS: &[(Code, &str, &str, &str)] = &[
    (Code::ValidationFailed, "email", "field_missing", "This field is required."),
    (Code::ValidationFailed, "password", "field_missing", "This field is required."),
    (
        Code::PasswordWeak,
        "password",
        "password_common",
        "This is a commonly used password, or similar to one.",
    ),
    (
        Code::PasswordWeak,
        "password",
        "password_advice",
        "Use four or more unrelated words, or a password that a password manager generates.",
    ),
    (
        Code::ReturnToNotAllowed,
        "return_to",
        "return_to_not_allowed",
        "Must be one of the pages of ADMIN_OAUTH_RETURN_TO.",
    ),
    (Code::PasswordReused, "new_password", "password_reused", Code::PasswordReused.title()),
];

/// The codes with a token that resolves the problem, and the ways to do so.
const FLOWS: &[(Code, &str, &[&str])] = &[
    (Code::LinkConfirmationRequired, "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0", &["password", "decline"]),
    (
        Code::EmailProofOffered,
        "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
        &["password", "provider", "skip"],
    ),
    (
        Code::ErasurePending,
        "AZOhr-J8fX6PmgscLT5PWgAGRGTzWnbAAAAAAAAAAAEAAAAAasKk0Lc2b0c1ZGVmYWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx",
        &["keep", "erase_now"],
    ),
    (Code::OauthAccountInUse, "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0", &["move"]),
];

/// The example of a problem. `providers` is the path of the list of providers.
pub(super) fn sample(code: Code, providers: &str) -> Problem {
    let is_its = |known: &Code| *known == code;
    let mut problem = Problem::new(code);
    if code == Code::ProviderUnknown {
        problem = problem.detail(format!("See GET {providers} for the available providers."));
    }
    for (_, detail) in DETAILS.iter().filter(|(known, _)| is_its(known)) {
        problem = problem.detail(*detail);
    }
    for (_, field, reason, sentence) in FIELDS.iter().filter(|(known, ..)| is_its(known)) {
        problem = problem.field(*field, reason, *sentence);
    }
    for (_, flow, methods) in FLOWS.iter().filter(|(known, ..)| is_its(known)) {
        problem = problem.flow(*flow, methods.iter().map(|method| (*method).to_owned()).collect());
    }
    problem
}
