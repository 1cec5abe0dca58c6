//! The permissions that admin itself asks for.

use shared::permission::{Pattern, Permission};

use crate::api::{Code, Problem};

macro_rules! rights {
    ($($variant:ident = $text:literal $description:literal,)*) => {
        /// A permission that an endpoint of admin asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Right {
            $(#[doc = concat!("`", $text, "`: ", $description)] $variant,)*
        }

        impl Right {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The permission's text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it lets somebody do.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }
        }
    };
}

rights! {
    RolesRead = "roles:read" "See roles, permissions and who has which.",
    RolesWrite = "roles:write" "Make, change and delete roles.",
    RolesAssign = "roles:assign" "Give roles to people and take them away.",
    AuthzCheck = "authz:check" "Ask what other people may do.",
    UsersRead = "users:read" "See people, their sessions and their history.",
    UsersWrite = "users:write" "Disable and enable accounts.",
    SessionsEnd = "sessions:end" "End other people's sessions.",
    AuditRead = "audit:read" "Read the audit log.",
}

impl Right {
    /// 403 `forbidden`, which says what to ask for.
    pub(crate) fn missing(self) -> Problem {
        Problem::new(Code::Forbidden).detail(format!("This takes the permission {}.", self.as_str()))
    }

    fn permission(self) -> Permission {
        self.as_str().parse().expect("a test holds every text against the grammar")
    }

    pub(crate) fn pattern(self) -> Pattern {
        self.permission().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_is_a_permission_of_its_own() {
        let mut texts: Vec<_> = Right::ALL.iter().map(|right| right.permission()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Right::ALL.len());
    }
}
