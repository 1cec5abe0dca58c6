//! The actions of a signed-in user on their own account.

pub mod change_email;
pub mod change_login;
pub mod change_password;
pub mod change_profile;
mod credentials;
pub mod erase;
pub mod notices;
pub mod object_recovery;
pub mod permissions;
pub mod reauthenticate;
pub mod show;
