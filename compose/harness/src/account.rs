//! The user that servers run as.

use std::fs;

use crate::Error;
use crate::error::Doing as _;

/// The users that servers may run as when root starts them; the first that exists is used. `./compose/local`
/// creates the first; the second exists on every machine, and is enough for tests, which remove their folders.
const CANDIDATES: [&str; 2] = ["usher", "nobody"];

/// An unprivileged user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub name: String,
    /// The user's numeric id.
    pub uid: u32,
    /// The numeric id of the user's group.
    pub gid: u32,
}

impl Account {
    /// The user for servers. `None` means the user of this process, unless that is root.
    ///
    /// # Errors
    ///
    /// If this process runs as root and none of the users exists.
    pub fn for_servers() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").doing(|| "/etc/passwd cannot be read".to_owned())?;
        let account = CANDIDATES.iter().find_map(|name| Self::find(&passwd, name));
        account.map(Some).ok_or_else(|| {
            Error::Other(
                "no user for the servers; create one: useradd --system --no-create-home usher".to_owned(),
            )
        })
    }

    /// The unprivileged user of this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, Error> {
        let passwd = fs::read_to_string("/etc/passwd").doing(|| "/etc/passwd cannot be read".to_owned())?;
        let missing = || Error::Other(format!("this machine has no user {name}"));
        Self::find(&passwd, name).ok_or_else(missing)
    }

    fn find(passwd: &str, name: &str) -> Option<Self> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
        let (uid, gid) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        (uid != 0).then(|| Self { name: name.to_owned(), uid, gid })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\nusher2:x:5:6::/:/x\nusher:x:998:997::/:/usr/sbin/nologin\n";
        let found = Account::find(passwd, "usher");
        assert_eq!(found, Some(Account { name: "usher".to_owned(), uid: 998, gid: 997 }));
    }

    #[test]
    fn root_under_another_name_is_not_unprivileged() {
        assert_eq!(Account::find("usher:x:0:0::/:/bin/sh", "usher"), None);
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_a_panic(passwd: String) {
            let _any = Account::find(&passwd, "usher");
        }
    }
}
