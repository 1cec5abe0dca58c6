//! The texts of the pages in English.

use super::list::Texts;
use crate::api::Code;

pub(super) static ENGLISH: Texts = Texts {
    language_name: "English",
    skip: "Skip to the content",
    menu: "Your account",
    menu_overview: "Overview",
    menu_profile: "Profile",
    menu_security: "Sign-in",
    menu_sessions: "Devices",
    menu_history: "History",
    menu_data: "Your data",
    sign_out: "Sign out",
    optional: "(optional)",
    show_password: "Show",
    hide_password: "Hide",
    save: "Save",
    cancel: "Cancel",
    back: "Back",
    go_on: "Continue",
    to_overview: "To your account",
    to_sign_in: "To the sign-in",
    problem_title: "That did not work",
    problem_number: "For the support:",
    try_again_in: "Try again in",
    minutes: "min",
    seconds: "s",
    email: "E-mail address",
    password: "Password",
    new_password: "New password",
    password_hint: "At least {least} characters. Several words in a row are easy to remember and hard to guess.",
    code: "Code from the mail",
    code_hint: "Six digits, or ten letters and digits. It is valid for ten minutes.",
    login_name: "Login name",
    login_hint: "3 to 64 letters and digits of one alphabet, and . _ -",
    display_name: "Display name",
    first_name: "First name",
    last_name: "Last name",
    phone: "Phone number",
    phone_hint: "With the country code, such as +79991234567",
    language: "Language",
    language_of_browser: "As in the browser",
    consent: "I consent to the processing of my personal data.",
    sign_in_title: "Sign in",
    sign_in: "Sign in",
    name_or_email: "E-mail address or login name",
    forgot_link: "Forgot the password?",
    code_link: "Sign in with a code by mail",
    or_by_provider: "Or use another account",
    provider_button: "Continue with {}",
    no_account: "No account yet?",
    register_link: "Register",
    code_title: "Sign in with a code",
    code_text: "We send a code to your e-mail address.",
    send_code: "Send a code",
    code_sent: "If the address has an account, a mail with a code is on its way. It may take a minute.",
    send_again: "Send another code",
    other_way: "Sign in another way",
    register_title: "Register",
    register_text: "We send a mail to your address. With its code you set the password.",
    register_open_text: "Choose how you sign in.",
    register: "Register",
    have_account: "Already registered?",
    registration_closed: "New accounts cannot be created here. If you have an invitation, open its link.",
    prove_title: "Confirm your address",
    prove_text: "We have sent you a mail. Type its code, and choose a password.",
    create_account: "Create the account",
    unproven_question: "An account has this address, but the address was never confirmed. Whose is it?",
    unproven_mine: "It is my account",
    unproven_mine_hint: "Everyone else is signed out. If the account is in use, this takes effect after 72 hours.",
    unproven_new: "It is not mine: I want a new account",
    unproven_new_hint: "The other account loses the address, and keeps everything else.",
    address_new_hint: "The address moves to your account; the other account keeps everything else.",
    address_hint: "A mail is on its way. Check the address: did you mean {}? If so, go back and enter it again.",
    address_hint_scripts: "A mail is on its way. Check the address: it mixes Latin and Cyrillic letters.",
    confirm_continue: "Continue",
    address_move: "Both accounts are mine: use the one that has the address",
    address_move_hint: "You sign in there with the services that you linked here. This account is erased after a while.",
    forgot_title: "Set a new password",
    forgot_text: "We send a link to your e-mail address. It is valid for an hour.",
    forgot: "Send the link",
    forgot_sent: "If an account has this address, a mail is on its way. Open the link in it.",
    no_mail: "This site sends no mail. Ask its support for a link.",
    link_token: "The part of the link after #",
    link_token_hint: "Copy it from the address in the mail.",
    reset_title: "Set a new password",
    reset: "Set the password",
    confirm_title: "Your new account",
    address_link_title: "Confirm your new address",
    address_link: "Confirm the address",
    undo_title: "Your address was changed",
    undo_question: "What do you want to do?",
    undo_freeze: "Stop further changes for now",
    undo_freeze_hint: "For 72 hours the ways to sign in cannot be changed.",
    undo_undo: "Undo the change and set a new password",
    undo_undo_hint: "The account has this address again, and all devices are signed out.",
    undo: "Continue",
    former_password: "The password from before the change",
    former_password_hint: "Not needed on a device that you have used before.",
    export_link_title: "Your data",
    export_link: "Download the data",
    link_title: "You already have an account",
    link_frozen: "An account here has this e-mail address. Its address was changed, so until {} no sign-in method can be added. \
        Sign in as before.",
    link_text: "An account here has the e-mail address of your account at {}. If it is yours, confirm that.",
    link_created_in: "It was created in {}.",
    link_has_role: "It has a subscription or another role.",
    link_no_method: "Sign in as before. Then you can link the other account on the page “Sign-in”.",
    link_by_password: "With its password",
    link_confirm: "Confirm",
    link_by_mail: "With a code by mail",
    link_mail_send: "Send a code to its address",
    link_mail_sent: "A mail with a code is on its way to the address of the account.",
    link_by_provider: "With another linked account",
    link_provider_button: "Confirm with {}",
    decline_title: "This account is not mine",
    decline_gives: "You get a new account with this address. The other account keeps everything else.",
    decline_gives_not: "You get a new account without an e-mail address. The other account loses nothing.",
    decline: "Create a new account",
    proof_title: "Do you have an account already?",
    proof_text: "{} did not confirm an e-mail address. If you have an account here, sign in to it, and both are linked.",
    proof_by_password: "Yes, and I know the password",
    proof_by_mail: "Confirm an e-mail address",
    proof_by_provider: "Yes, through another provider",
    skip_title: "No, this is my first visit",
    skip_text: "You get a new account without an e-mail address. You can add one later.",
    skip_button: "Create a new account",
    move_title: "Linked to another account",
    move_text: "This account at {} is linked to another account here, which is yours too. Move it to this one? \
        The devices that signed in with it there are signed out.",
    move_button: "Move it here",
    continue_title: "You are leaving this site",
    continue_text: "You go on at {}.",
    continue_link: "Continue to {}",
    erasure_title: "Your account will be erased",
    erasure_text: "The account and all its data will be erased on {}. Until then you can keep it.",
    erasure_keep: "Keep the account",
    erasure_now: "Erase it now",
    erasure_now_hint: "This cannot be undone.",
    overview_title: "Your account",
    your_name: "Name",
    your_address: "E-mail address",
    address_unproven: "not confirmed",
    address_none: "none",
    address_needed: "Your former address belongs to another user. Please set a new one.",
    member_since: "Member since",
    roles_title: "What you have",
    roles_none: "No subscription or other role.",
    roles_text: "Subscriptions and other roles of this account:",
    role_until: "until {}",
    role_forever: "without an end",
    notices_title: "What happened recently",
    notices_none: "Nothing in the last 30 days.",
    notices_text: "If something was not you, end the device and change the password.",
    recovery_text: "A new password for this account was asked for by mail to your address, and can be set from {} on. If that was \
        not you, another person reads your mail or you entered a wrong address: press the button, and enter another address.",
    recovery_object: "That was not me",
    profile_title: "Profile",
    profile_text: "What the cinema calls you, and in which language it writes to you.",
    security_title: "How you sign in",
    security_password: "A password is set.",
    security_password_none: "No password is set.",
    security_password_change: "Change the password",
    security_password_set: "Set a password",
    security_address_change: "Change the address",
    security_login: "Login name",
    security_login_none: "No login name is set.",
    security_login_change: "Change the login name",
    accounts_title: "Linked accounts",
    accounts_text: "You can also sign in with these.",
    accounts_none: "No account is linked.",
    account_since: "Linked on {}",
    account_last: "Last used on {}",
    account_link: "Link {}",
    account_unlink: "Unlink {}",
    unlink_title: "Unlink the account?",
    unlink_text: "You can no longer sign in with {}. Devices that signed in with it are signed out.",
    password_title: "Change the password",
    password_text: "All other devices are signed out.",
    password_set_title: "Set a password",
    current_password: "Current password",
    address_title: "Change the e-mail address",
    address_text: "We send a code to the new address. The change takes effect when you type it; all other devices are signed \
        out.",
    address_set_text: "The new address takes effect at once. All other devices are signed out.",
    address_prove_title: "Confirm the new address",
    login_title: "Login name",
    login_text: "With it you can sign in without your e-mail address. All other devices are signed out.",
    proof_needed: "To go on, show that it is you.",
    proof_by_sign_in: "Sign in again through one of your linked accounts, and come back.",
    proof_password: "Your password",
    sessions_title: "Devices",
    sessions_text: "Where this account is signed in.",
    session_this: "This device",
    session_since: "Signed in on {}",
    session_last: "Last used on {}",
    session_network: "Network address",
    session_end: "Sign out",
    sessions_others: "Sign out all other devices",
    sessions_others_hint: "This device stays signed in.",
    session_unknown_device: "Unknown device",
    history_title: "History",
    history_text: "Sign-ins and changes of the last months.",
    history_none: "Nothing yet.",
    history_older: "Older",
    history_attempts: "{} attempts",
    data_title: "Your data",
    export_title: "Export",
    export_text: "All that is stored about you, as a file. Once a day; a link arrives by mail if your address is confirmed.",
    export: "Export the data",
    erase_title: "Erase the account",
    erase_text: "All devices are signed out, and the account is erased after some days. Until then you can keep it by signing in.",
    erase: "Erase the account",
    erase_confirm_title: "Erase the account?",
    erase_confirm_text: "Everything is erased: the profile, the sign-in, subscriptions and history. A role or subscription that \
        has been paid for ends too.",
    erase_days: "Days until then:",
    address_link_elsewhere: "Open the link on the device on which you asked for the change, or type its code there.",
    codes,
    fields,
    done,
    events,
    notices,
};

#[expect(
    clippy::too_many_lines,
    reason = "a sentence for each code, and the compiler lists those that are missing"
)]
fn codes(code: Code) -> &'static str {
    match code {
        Code::RequestMalformed => {
            "The browser sent something that cannot be read. Open the page again and repeat it."
        }
        Code::StateInvalid => "This sign-in took too long, or began in another browser. Start again.",
        Code::TokenMissing
        | Code::TokenInvalid
        | Code::TokenExpired
        | Code::TokenRevoked
        | Code::TokenRefreshNeeded => "You are not signed in any more. Sign in again.",
        Code::InvalidCredentials => {
            "The name or the password is wrong. Check both, or use another way to sign in."
        }
        Code::RefreshTokenInvalid
        | Code::RefreshTokenUnknown
        | Code::RefreshTokenReused
        | Code::SessionRevoked
        | Code::SessionExpired => "Your session has ended. Sign in again.",
        Code::Forbidden | Code::PrivilegeEscalation | Code::SystemRole => {
            "You may not do this. Ask the support if you need it."
        }
        Code::FreshAuthRequired => "Show that it is you: type your password, or sign in again.",
        Code::CurrentPasswordWrong => "The current password is wrong. Type it again.",
        Code::CodeWrong => "The code is wrong. Check the mail, or ask for another code.",
        Code::AccessDenied => {
            "You stopped the sign-in at the provider. Nothing has changed; you can start again."
        }
        Code::PrefetchRefused => "The browser opened this link in advance. Open it again.",
        Code::CrossSiteRefused => {
            "The form is out of date, or did not come from this site. Nothing was changed. Open the page again and send it once \
             more."
        }
        Code::ErasurePending => "The account will be erased, unless you keep it.",
        Code::AccountFrozen => {
            "The address of this account was changed. So its password, address and sign-in methods stay as they are for 72 hours, unless \
             the support ends that."
        }
        Code::AccountDisabled => "The account is disabled. Only the support of this site can enable it.",
        Code::RegistrationClosed => "New accounts cannot be created. Sign in to the account that you have.",
        Code::NotFound | Code::ProviderUnknown => "There is no such page or entry. It may have been removed.",
        Code::MethodNotAllowed => "This address does not take that. Go back and use the buttons of the page.",
        Code::RequestTimeout => "The connection was too slow. Try again.",
        Code::EmailTaken => "An account has this address. Sign in to it, or ask for a new password.",
        Code::LoginTaken => "This login name is taken, or looks like one that is. Choose another one.",
        Code::AccountUnproven => {
            "An account has this address, but the address was never confirmed. Say whose it is."
        }
        Code::AccountProven => {
            "You have another account with this address. Your sign-in methods can move there; this account is erased then."
        }
        Code::RecoveryDelayed => {
            "This account is in use, so you have to wait 72 hours. If the person who uses it does not refuse, come back then and do the \
             same again."
        }
        Code::LinkConfirmationRequired => {
            "An account has this e-mail address. Confirm that it is yours, or decline."
        }
        Code::EmailProofRequired => {
            "The provider did not confirm your e-mail address. Register with the address, and link the provider then."
        }
        Code::EmailProofOffered => {
            "The provider did not confirm an e-mail address. Sign in to your account, or skip that."
        }
        Code::OauthAccountInUse => {
            "This account at the provider is linked to another account here. Ask the support to merge them."
        }
        Code::OauthProviderLinked => "Another account of this provider is linked already. Unlink it first.",
        Code::LastLoginMethod => {
            "This is your only way to sign in. Set a password or link another account first."
        }
        Code::RoleExists | Code::RoleNameRetired | Code::RoleCycle | Code::LimitReached => {
            "This cannot be saved as it is. Change it and try again."
        }
        Code::LastSuperuser => "The last superuser must stay. Make another one first.",
        Code::CodeExpired => "The code or link is invalid, used or too old. Ask for another one.",
        Code::PreconditionFailed => {
            "This was changed meanwhile, perhaps in another tab. Open the page again."
        }
        Code::BodyTooLarge | Code::UriTooLong | Code::HeadersTooLarge => {
            "This is too long. Shorten it and try again."
        }
        Code::UnsupportedMediaType => {
            "The browser sent the form in a way that is not supported. Try another browser."
        }
        Code::ValidationFailed => "Something is not right yet. Correct the marked fields.",
        Code::ReturnToNotAllowed => {
            "The page to which you wanted to go is not allowed. Sign in here and open it then."
        }
        Code::PasswordWeak => {
            "This password cannot be used. The reason is below the field; choose another one."
        }
        Code::ConsentRequired => {
            "Your consent to the processing of personal data is needed for a new account."
        }
        Code::PasswordReused => "The new password must be another one than the current one.",
        Code::TooManyAttempts => {
            "Too many attempts. You can still sign in with a device that you have used before, with a linked account, or with a \
             code by mail."
        }
        Code::TooManyExports => "The data was exported within the last day. Try again later.",
        Code::TooManySessions => "The account was signed in to very often within an hour. Wait a while.",
        Code::Internal => "This is our mistake. Try again; if it stays, tell the support the number below.",
        Code::ProviderError | Code::ProviderTimeout | Code::ProviderUnavailable => {
            "The provider does not answer as it should. Try again, or sign in another way."
        }
        Code::MailNotConfigured => "This site sends no mail. Ask its support.",
        Code::Overloaded => "There is too much to do at the moment. What you typed is still here.",
        Code::DependencyUnavailable => "This is not possible at the moment. What you typed is still here.",
    }
}

fn fields(code: &str) -> Option<&'static str> {
    Some(match code {
        "field_missing" => "Fill in this field.",
        "field_invalid" => "This has the wrong form.",
        "field_unknown" | "field_not_expected" | "field_repeated" => "This field is not expected here.",
        "email_unreachable" => {
            "Mail from this site cannot reach an address with such letters before the @. Use another address."
        }
        "email_invalid" => "This is not an e-mail address. It looks like name@example.org.",
        "login_invalid" => "3 to 64 letters and digits, and . _ -; it begins with a letter or a digit.",
        "login_reserved" => "This name is reserved. Choose another one.",
        "login_mixed_scripts" => "Use letters of one alphabet only.",
        "password_too_short" => "The password is too short.",
        "password_too_long" => "The password is too long: at most 128 characters.",
        "password_unprintable" => "The password has a character that cannot be typed.",
        "password_own_words" => "The password is made of your name or address, which others know.",
        "password_common" => "Many people use this password or one like it, so it is guessed first.",
        "password_name" => "Names alone are easy to guess.",
        "password_word" => "A word alone is easy to guess.",
        "password_keyboard" => "Neighbouring keys are easy to guess.",
        "password_pattern" => "Repetitions, sequences and dates are easy to guess.",
        "password_guessable" => {
            "A program would guess this password quickly. Make it longer, for example with several words."
        }
        "password_advice" => "Use several words that do not belong together.",
        "password_reused" => "The new password must be another one.",
        _ => return None,
    })
}

fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "signed_out" => "You are signed out.",
        "session_ended" => "Your session has ended. Please sign in again.",
        "registered" => "Your account is ready. You can sign in now.",
        "saved" => "Saved.",
        "password_changed" => "The password is changed. All other devices are signed out.",
        "address_changed" => "The address is changed. All other devices are signed out.",
        "login_changed" => "The login name is changed. All other devices are signed out.",
        "session_revoked" => "The device is signed out.",
        "others_revoked" => "All other devices are signed out.",
        "linked" => "The account is linked.",
        "unlinked" => "The account is unlinked.",
        "export_sent" => "A link to your data is on its way by mail.",
        "erasure_begun" => "You are signed out, and the account will be erased. Sign in to keep it.",
        "kept" => "The account is kept. Sign in again.",
        "erased" => "The account is erased.",
        "accounts_joined" => "You use the account with this address now. The other one will be erased.",
        "objected" => {
            "For 30 days no new password can be set by mail to this address. If your address is wrong, change it now."
        }
        "address_proven" => "The address is confirmed. All devices are signed out; you can sign in now.",
        "frozen" => {
            "For 72 hours the password, the address and the sign-in methods of the account cannot be changed."
        }
        "reset" => "The new password is set. Sign in with it.",
        _ => return None,
    })
}

fn events(word: &str) -> Option<&'static str> {
    Some(match word {
        "login" => "Signed in",
        "login_failed" => "Sign-in failed",
        "proof_failed" => "Wrong current password",
        "logout" => "Signed out",
        "logout_all" => "Signed out everywhere",
        "session_ended" => "A device was signed out",
        "session_evicted" => "The oldest device was signed out: there were too many",
        "refresh_reused" => "A stolen or copied session was ended",
        "refresh_elsewhere" => "The session was used from elsewhere",
        "refresh_recovered" => "The session went on after a lost answer",
        "password_changed" => "Password changed",
        "email_changed" => "E-mail address changed",
        "login_changed" => "Login name changed",
        "oauth_login" => "Signed in through a provider",
        "account_erased" => "The account was erased",
        "account_linked" => "Account linked",
        "account_unlinked" => "Account unlinked",
        "email_claimed" => "The address was given to its owner",
        "email_verified" => "Address confirmed",
        "attempts_refused" => "Attempts refused",
        "evicted" => "The support signed out all devices",
        "account_frozen" => "Changes of the sign-in were stopped for 72 hours",
        "recovery_objected" => "A new password by mail was refused on a device",
        "merged" => "Another account was merged into this one",
        _ => return None,
    })
}

fn notices(word: &str) -> Option<&'static str> {
    Some(match word {
        "password_changed" => "The password was changed",
        "email_changed" => "The e-mail address was changed",
        "email_restored" => "The former e-mail address was restored",
        "account_frozen" => "Changes of the sign-in were stopped for 72 hours",
        "account_unfrozen" => "The support allowed changes of the sign-in again",
        "email_set" => "The support set the e-mail address",
        "recovery_begun" => "A new password was asked for by mail",
        "recovery_objected" => "A new password by mail was refused on a device",
        "email_claimed" => "The address was given to its owner",
        "login_changed" => "The login name was changed",
        "new_device" => "Sign-in on a new device",
        "refresh_elsewhere" => "The session was used from elsewhere",
        "provider_linked" => "An account was linked",
        "provider_unlinked" => "An account was unlinked",
        "password_removed" => "The password from before the address was confirmed was removed",
        "account_erased" => "The account was erased",
        "account_disabled" => "The account was disabled",
        "account_enabled" => "The account was enabled",
        "evicted" => "The support signed out all devices",
        "accounts_merged" => "Another account was merged into this one",
        "rights_granted" => "The account got more rights",
        "superuser_granted" => "The account got all rights",
        "exported" => "The data was exported",
        "erasure_begun" => "The erasure of the account was requested",
        "erasure_kept" => "The account was kept",
        _ => return None,
    })
}
