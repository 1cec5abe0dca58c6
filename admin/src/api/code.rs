//! The closed table of possible failures of a request: code, status, title.
//!
//! The codes that nginx returns as well come from the table that the sidecar uses too.

use http::StatusCode;
use shared::refusal;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $code:tt $title:tt,)*) => {
        /// The stable code by which clients distinguish problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* #[doc = concat!("The problem ", stringify!($code), ".")] $variant,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as sent, as in `"code": "not_found"`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The status that always accompanies it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The title that always accompanies it.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    RequestMalformed = BAD_REQUEST "request_malformed" "The request is malformed.",
    StateInvalid = BAD_REQUEST "state_invalid" "The sign-in state is unknown, expired or already used.",

    TokenMissing = UNAUTHORIZED {refusal::TOKEN_MISSING.code} {refusal::TOKEN_MISSING.sentence},
    TokenInvalid = UNAUTHORIZED {refusal::TOKEN_INVALID.code} {refusal::TOKEN_INVALID.sentence},
    TokenExpired = UNAUTHORIZED {refusal::TOKEN_EXPIRED.code} {refusal::TOKEN_EXPIRED.sentence},
    TokenRevoked = UNAUTHORIZED {refusal::TOKEN_REVOKED.code} {refusal::TOKEN_REVOKED.sentence},
    TokenRefreshNeeded = UNAUTHORIZED {refusal::TOKEN_REFRESH_NEEDED.code} {refusal::TOKEN_REFRESH_NEEDED.sentence},
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "The e-mail address, login name or password is \
        wrong.",
    RefreshTokenInvalid = UNAUTHORIZED "refresh_token_invalid" "The refresh token is invalid.",
    RefreshTokenUnknown = UNAUTHORIZED "refresh_token_unknown" "No session exists for this refresh token.",
    RefreshTokenReused = UNAUTHORIZED "refresh_token_reused" "The refresh token was already used; its \
        session has been revoked.",
    SessionRevoked = UNAUTHORIZED "session_revoked" "The session has been revoked.",
    SessionExpired = UNAUTHORIZED "session_expired" "The session has expired.",

    Forbidden = FORBIDDEN {refusal::FORBIDDEN.code} {refusal::FORBIDDEN.sentence},
    PrivilegeEscalation = FORBIDDEN "privilege_escalation" "You cannot grant a privilege that you do not \
        hold.",
    FreshAuthRequired = FORBIDDEN "fresh_auth_required" "This action requires a recent sign-in.",
    CurrentPasswordWrong = FORBIDDEN "current_password_wrong" "The current password is wrong.",
    CodeWrong = FORBIDDEN "code_wrong" "The code is wrong.",
    SystemRole = FORBIDDEN "system_role" "The role is protected. To change it, run `admin roles release` on \
        the command line first.",
    AccessDenied = FORBIDDEN "access_denied" "Access was denied at the identity provider.",
    IdentityOfAnother = FORBIDDEN "identity_of_another" "This account at the identity provider is not linked to the user \
        who has to prove who they are.",
    PrefetchRefused = FORBIDDEN "prefetch_refused" "This link was opened by a prefetch; open it in the \
        browser.",
    CrossSiteRefused = FORBIDDEN "cross_site_refused" "The request did not come from a page of this site; nothing was \
        changed.",
    ErasurePending = FORBIDDEN "erasure_pending" "The account will be erased.",
    AccountFrozen = FORBIDDEN "account_frozen" "The account is frozen: how it is signed in to cannot be changed now.",
    AccountDisabled = FORBIDDEN "account_disabled" "The account is disabled.",
    RegistrationClosed = FORBIDDEN "registration_closed" "Registration is closed.",

    NotFound = NOT_FOUND "not_found" "Not found.",
    ProviderUnknown = NOT_FOUND "provider_unknown" "Unknown identity provider.",
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "This method is not allowed here.",
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "The request took too long to arrive.",

    EmailTaken = CONFLICT "email_taken" "This e-mail address is already in use.",
    LoginTaken = CONFLICT "login_taken" "This login name is already in use.",

    AccountUnproven = CONFLICT "account_unproven" "An account with this e-mail address exists, but the address was \
        never proven; say whether the account is yours.",
    AccountProven = CONFLICT "account_proven" "Another account has proven this e-mail address; say whether your sign-in methods \
        move there.",
    RecoveryDelayed = CONFLICT "recovery_delayed" "The account is in use, so its recovery takes effect later.",
    LinkConfirmationRequired = CONFLICT "link_confirmation_required" "An account with this e-mail address \
        exists; confirm that it is yours, or decline.",
    EmailProofRequired = CONFLICT "email_proof_required" "The identity provider has not verified the e-mail \
        address.",
    EmailProofOffered = CONFLICT "email_proof_offered" "The identity provider has not verified an e-mail \
        address; sign in to your account, or skip that.",
    OauthAccountInUse = CONFLICT "oauth_account_in_use" "This account at the identity provider is already \
        linked to another user.",
    OauthProviderLinked = CONFLICT "oauth_provider_linked" "You have already linked another account of this \
        provider.",
    LastLoginMethod = CONFLICT "last_login_method" "You cannot remove your only sign-in method.",

    RoleExists = CONFLICT "role_exists" "A role with this name already exists.",
    RoleNameRetired = CONFLICT "role_name_retired" "Live tokens may still carry this name from a deleted \
        or renamed role.",
    LastSuperuser = CONFLICT "last_superuser" "The last superuser cannot be removed or disabled.",
    LimitReached = CONFLICT "limit_reached" "The limit has been reached.",

    CodeExpired = GONE "code_expired" "The code is invalid or has expired.",

    PreconditionFailed = PRECONDITION_FAILED "precondition_failed" "The resource has changed since you read \
        it.",
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large" "The request body is too large.",
    UriTooLong = URI_TOO_LONG "uri_too_long" "The request URL is too long.",
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The request body must be \
        application/json.",

    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Some fields are invalid.",
    ReturnToNotAllowed = UNPROCESSABLE_ENTITY "return_to_not_allowed" "This return page is not allowed.",
    RoleCycle = UNPROCESSABLE_ENTITY "role_cycle" "A role cannot inherit itself, directly or indirectly.",
    PasswordWeak = UNPROCESSABLE_ENTITY "password_weak" "The password does not meet the requirements.",
    ConsentRequired = UNPROCESSABLE_ENTITY "consent_required" "The user must consent to the processing of personal data.",
    PasswordReused = UNPROCESSABLE_ENTITY "password_reused" "The new password must differ from the current \
        one.",

    TooManyAttempts = TOO_MANY_REQUESTS "too_many_attempts" "Too many attempts.",
    TooManyExports = TOO_MANY_REQUESTS "too_many_exports" "The account was exported within the last day.",
    TooManySessions = TOO_MANY_REQUESTS "too_many_sessions" "The account has opened too many sessions within an hour.",
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "headers_too_large" "The request headers are too large.",

    Internal = INTERNAL_SERVER_ERROR "internal" "Internal server error.",
    ProviderError = BAD_GATEWAY "provider_error" "The identity provider returned an invalid response.",
    ProviderTimeout = GATEWAY_TIMEOUT "provider_timeout" "The identity provider did not respond in time.",
    ProviderUnavailable = SERVICE_UNAVAILABLE "provider_unavailable" "Sign-in through this provider is \
        temporarily unavailable.",
    MailNotConfigured = NOT_IMPLEMENTED "mail_not_configured" "This service sends no mail.",
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "The service is overloaded.",
    DependencyUnavailable = SERVICE_UNAVAILABLE {refusal::DEPENDENCY_UNAVAILABLE.code}
        {refusal::DEPENDENCY_UNAVAILABLE.sentence},
}
