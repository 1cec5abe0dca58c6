//! The list of all texts of the viewers' pages, by name.

/// Declares the texts of a language as members: sentences by name, and maps of sentences by word.
macro_rules! texts {
    ($(#[$doc:meta])* $type:ident { $($name:ident,)* } $($(#[$map_doc:meta])* $map:ident,)*) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::pages) struct $type {
            $(pub(in crate::pages) $name: &'static str,)*
            $($(#[$map_doc])* pub(super) $map: std::collections::BTreeMap<&'static str, &'static str>,)*
        }

        #[cfg(test)]
        impl $type {
            /// All of them by name, for tests.
            pub(super) fn all(&self) -> Vec<(String, &'static str)> {
                let maps: [(&str, &std::collections::BTreeMap<&'static str, &'static str>); _] =
                    [$((stringify!($map), &self.$map),)*];
                let of_maps = maps.into_iter().flat_map(|(map, sentences)| {
                    sentences.iter().map(move |(word, text)| (format!("{map}.{word}"), *text))
                });
                [$((stringify!($name).to_owned(), self.$name),)*].into_iter().chain(of_maps).collect()
            }
        }
    };
}

pub(super) use texts;

texts! {
    /// The texts of the viewers' pages in a language.
    PageTexts {
        language_name, skip, menu, menu_overview, menu_profile, menu_security, menu_sessions,
        menu_history, menu_data, sign_out, optional, show_password, hide_password, save, cancel, back,
        go_on, to_overview, to_sign_in, problem_title, problem_number, try_again_in, minutes, seconds,
        email, password, new_password, password_hint, code, code_hint, login_name, login_hint,
        display_name, first_name, last_name, phone, phone_hint, language, language_of_browser, consent,
        sign_in_title, sign_in, name_or_email, forgot_link, code_link, or_by_provider, provider_button,
        no_account, register_link, code_title, code_text, send_code, code_sent, send_again, other_way,
        register_title, register_text, register_open_text, register, have_account, registration_closed,
        prove_title, prove_text, create_account, unproven_question, unproven_mine, unproven_mine_hint,
        unproven_new, unproven_new_hint, address_new_hint, address_move, address_move_hint,
        address_hint, address_hint_scripts, confirm_continue, forgot_title, forgot_text, forgot,
        forgot_sent, no_mail, link_token, link_token_hint, reset_title, reset, confirm_title,
        address_link_title, address_link, undo_title, undo_question, undo_freeze, undo_freeze_hint,
        undo_undo, undo_undo_hint, undo, former_password, former_password_hint, export_link_title,
        export_link, link_title, link_text, link_frozen, link_created_in, link_has_role,
        link_no_method, link_by_password, link_confirm, link_by_mail, link_mail_send, link_mail_sent,
        link_by_provider, link_provider_button, decline_title, decline_gives, decline_gives_not,
        decline, proof_title, proof_text, proof_by_password, proof_by_mail, proof_by_provider,
        skip_title, skip_text, skip_button, move_title, move_text, move_button, continue_title,
        continue_text, continue_link, erasure_title, erasure_text, erasure_keep, erasure_now,
        erasure_now_hint, overview_title, your_name, your_address, address_unproven, address_none,
        address_needed, member_since, roles_title, roles_none, roles_text, role_until, role_forever,
        notices_title, notices_none, notices_text, recovery_text, recovery_object, profile_title,
        profile_text, security_title, security_password, security_password_none,
        security_password_change, security_password_set, security_address_change, security_login,
        security_login_none, security_login_change, accounts_title, accounts_text, accounts_none,
        account_since, account_last, account_link, account_unlink, unlink_title, unlink_text,
        password_title, password_text, password_set_title, current_password, address_title,
        address_text, address_set_text, address_prove_title, login_title, login_text, proof_needed,
        proof_by_sign_in, proof_password, proof_by_code, proof_no_way, proof_code_title,
        proof_code_sent, switch_title, switch_text, switch, switch_stay, form_outdated, typed_kept,
        user_name_hint, sessions_title, sessions_text, session_this, session_since, session_last,
        session_network, session_end, sessions_others, sessions_others_hint, session_unknown_device,
        history_title, history_text, history_none, history_older, history_attempts, data_title,
        export_title, export_text, export, erase_title, erase_text, erase, erase_confirm_title,
        erase_confirm_text, erase_days, address_link_elsewhere, kept_title, kept_text, kept_send,
    }
    /// What a page has done, by the word of its redirect.
    done,
}
