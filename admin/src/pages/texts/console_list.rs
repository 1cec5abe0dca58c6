//! The list of all texts of the console, by name.

use super::list::texts;
use crate::access::Right;

texts! {
    /// The texts of the console in a language.
    ConsoleTexts {
        menu, needs, to_start, start_title, sign_in_title, sign_in_text, rights_title, superuser_text,
        held, not_held, any, none, none_found, search, next_page, status, status_active,
        status_disabled, status_erasing, people_title, search_text, search_hint, more_filters,
        former_email, role, only_superusers, invite_title, invite_text, invite, person_title,
        identifier, changed_on, audit_of_user, frozen_until, erase_at, recovery_at, actions_title, own_account, roles_title, granted_on,
        linked_rule, sessions_title, permission, permission_hint, explain, explain_title, allowed,
        not_allowed, by_superuser, step_user, step_assigned, step_inherited, step_permission,
        assign_role, take_role, send_reset, set_email, unlock, unfreeze, export, enable, end_session,
        end_sessions, evict, disable, merge, erase, make_superuser, take_superuser, until, until_hint,
        merge_into, merge_into_hint, session, reason, reason_hint, effect_sessions,
        effect_signs_in_again, effect_assign, effect_take, effect_reset, effect_email, effect_unlock,
        effect_unfreeze, effect_export, effect_enable, effect_evict, effect_evict_accounts,
        effect_disable, effect_merge_roles, effect_merge_accounts, effect_erase_roles,
        effect_erase_accounts, effect_erased, effect_make_superuser, effect_take_superuser,
        find_session_title, find_session_text, session_unknown, create_role, protected,
        protected_text, role_page_title, definition, role_name, role_name_hint, role_title,
        role_description, permissions, permissions_hint, inherits, inherits_hint, change_role,
        delete_role, holders, holders_text, effect_delete_people, effect_delete_heirs, effect_delete,
        losses, permissions_title, permissions_text, audit_title, audit_action, audit_actor,
        audit_actor_hint, audit_target, audit_target_hint, verify_title, verify_text, verify,
        verify_since, verify_since_hint, verified, not_verified, verified_rows, verified_dropped,
        verified_erased, verified_end, verified_keep, revocations_title, log_title, log_end, log_lag,
        sidecars_title, sidecars_text, version, position, stale, behind, certificate_age,
        no_certificate, revoke_title, revoke, revoke_what, revoke_value, revoke_value_hint,
        revoke_everything_hint, refresh_only, kind_session, kind_user, kind_token, kind_key,
        kind_everything, effect_token, effect_key, effect_everything, system_title, keys_title,
        keys_text, since, kill_key, key_next, key_active, key_retired, key_killed, outbox_title,
        outbox_waiting, outbox_oldest, outbox_full, outbox_off, providers_title, providers_text,
        provider_responds, provider_paused,
    }
    /// What a page has done, by the word of its redirect.
    done,
    /// What a permission allows.
    rights,
    /// The actions of the audit log.
    actions,
}

impl ConsoleTexts {
    /// What a permission allows.
    pub(in crate::pages) fn right(&self, right: Right) -> &'static str {
        // A test checks that no text is missing.
        self.rights.get(right.as_str()).copied().unwrap_or_default()
    }

    /// An action of the audit log. One of a later version is shown by its word.
    pub(in crate::pages) fn action<'a>(&self, word: &'a str) -> &'a str {
        self.actions.get(word).copied().unwrap_or(word)
    }

    /// What can be revoked.
    pub(in crate::pages) fn kind(&self, word: &str) -> &'static str {
        match word {
            "session" => self.kind_session,
            "user" => self.kind_user,
            "token" => self.kind_token,
            "key" => self.kind_key,
            _ => self.kind_everything,
        }
    }
}
