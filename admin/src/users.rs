//! Who someone is: names, e-mail addresses, passwords, profiles.

mod email;
pub mod hash;
mod login;
mod password;

pub use email::{EmailAddress, NotAnEmailAddress};
pub use login::{Identifier, Login, LoginError};
pub use password::{Password, Weakness};
