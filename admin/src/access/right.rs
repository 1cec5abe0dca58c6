//! The permissions that this service itself checks.

use shared::permission::{Pattern, Permission};

use crate::api::{Code, Problem};

macro_rules! rights {
    ($($variant:ident = $text:literal $description:literal,)*) => {
        /// A permission that an endpoint requires.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Right {
            $(#[doc = concat!("`", $text, "`: ", $description)] $variant,)*
        }

        impl Right {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text of the permission.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The actions that it allows.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }
        }
    };
}

rights! {
    RolesRead = "roles:read" "View roles, permissions and role assignments.",
    RolesWrite = "roles:write" "Create, change and delete roles.",
    RolesAssign = "roles:assign" "Assign and revoke roles.",
    AuthzCheck = "authz:check" "Check and explain the permissions of other users.",
    UsersRead = "users:read" "View users, their sessions and their login history.",
    UsersWrite = "users:write" "Disable, enable and unlock accounts, and evict intruders from accounts.",
    UsersExport = "users:export" "Export what is stored about users.",
    UsersErase = "users:erase" "Erase users.",
    UsersRecover = "users:recover" "Invite users, set their e-mail addresses, and send them links to set a password.",
    SessionsEnd = "sessions:end" "Revoke other users' sessions.",
    AuditRead = "audit:read" "Read the audit log.",
    ErasuresProcess = "erasures:process" "List the erasures of users, and acknowledge them.",
}

impl Right {
    /// 403 `forbidden`, whose detail names the missing permission.
    pub(crate) fn missing(self) -> Problem {
        let detail = format!("Requires the permission `{}`.", self.as_str());
        Problem::new(Code::Forbidden).detail(detail).denied()
    }

    /// Every pattern that grants any of them.
    pub(crate) fn granting() -> Vec<String> {
        let areas = Self::ALL.iter().filter_map(|right| right.as_str().split_once(':'));
        let areas: std::collections::BTreeSet<String> = areas.map(|(area, _)| format!("{area}:*")).collect();
        let own = Self::ALL.iter().map(|right| right.as_str().to_owned());
        own.chain(areas).chain([Pattern::everything().as_str().to_owned()]).collect()
    }

    fn permission(self) -> Permission {
        self.as_str().parse().expect("a test checks every text against the grammar")
    }

    pub(crate) fn pattern(self) -> Pattern {
        self.permission().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_that_grant_a_right_are_known() {
        let granting = Right::granting();
        for text in ["*", "users:*", "users:read", "users:other", "films:*", "films:watch"] {
            let pattern: Pattern = text.parse().unwrap();
            let grants = Right::ALL.iter().any(|right| pattern.covers(&right.pattern()));
            assert_eq!(granting.iter().any(|one| one == text), grants, "{text}");
        }
    }

    #[test]
    fn every_right_is_a_permission_of_its_own() {
        let mut texts: Vec<_> = Right::ALL.iter().map(|right| right.permission()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Right::ALL.len());
    }
}
