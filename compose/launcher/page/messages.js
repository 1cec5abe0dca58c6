// Messages for users, by the problem codes of the service.

const WORDS = {
    access_denied: "You chose not to sign in there, so nothing has changed.",
    account_disabled: "This account is disabled. Please contact the cinema.",
    account_unproven: "That account is in use. If it is yours, confirm it with its password.",
    code_expired: "That took too long, or there were too many attempts. Please start again.",
    code_wrong: "That is not the code, or it has expired. Please try again, or ask for another one.",
    dependency_unavailable: "The cinema cannot answer at the moment. Please try again soon.",
    email_proof_offered: "The provider does not say that the e-mail address is yours. Do you have an account here?",
    email_proof_required:
        "The provider does not say that the e-mail address is yours. Register here first, then link the account.",
    email_taken: "That account cannot be confirmed by mail. Please use its password.",
    fresh_auth_required: "You signed in a while ago. For this, please sign out and in again.",
    invalid_credentials: "That is not the password. Please try again.",
    last_login_method:
        "This is your only way to sign in, and without it you could not come back. Link another account first.",
    link_confirmation_required:
        "There is an account here with the same e-mail address. Sign in as you did before, and link this one then.",
    mail_not_configured: "No mail can be sent here.",
    not_found: "That account is not linked any more.",
    oauth_account_in_use: "That account is linked to another user here.",
    oauth_provider_linked: "An account at this provider is linked already. Unlink it before you link another.",
    overloaded: "The service is overloaded at the moment. Please try again soon.",
    provider_error:
        "The provider could not be reached, or sent an invalid response. Please try again, or choose another one.",
    provider_timeout: "The provider did not answer in time. Please try again, or choose another one.",
    provider_unavailable: "The provider does not answer at the moment. Please choose another one.",
    provider_unknown: "This provider is not available here any more.",
    rate_limited: "Too many requests. Please wait a moment and try again.",
    recovery_delayed: "That account is in use. If it is yours, it opens to you in 72 hours, unless a device that is signed in objects. Please do the same again then.",
    refresh_token_invalid: "Your session has ended. Please sign in again.",
    refresh_token_reused: "Your session has ended, because it was used in two places. Please sign in again.",
    refresh_token_unknown: "Your session has ended. Please sign in again.",
    registration_closed: "New accounts cannot be created at the moment.",
    request_malformed: "The provider sent an invalid response. Please start again.",
    return_to_not_allowed: "Sign-in works only from this page's own address. Did you open it by another one?",
    session_expired: "Your session has ended. Please sign in again.",
    session_revoked: "Your session has ended. Please sign in again.",
    state_invalid: "This sign-in started in another browser, or too long ago. Please start again.",
    token_expired: "Your session has ended. Please sign in again.",
    token_invalid: "Your session has ended. Please sign in again.",
    token_revoked: "Your session has ended. Please sign in again.",
    too_many_attempts: "Too many attempts. Please wait for some minutes.",
    unreachable: "The cinema cannot be reached. Are you online?",
};

// The words for any code, which may come from the address and so be anything.
export function words(code) {
    return Object.hasOwn(WORDS, code) ? WORDS[code] : "Something went wrong. Please try again.";
}
