//! The Lua scripts by which `admin` writes the log in Redis and a sidecar reads it; each is atomic.
//!
//! They are part of the contract: a program of one release runs them beside a program of another. Every script that
//! finds another epoch than its own answers with the error `EPOCH`, and one that finds another log with `FORK`.

/// A file after the names of the fields, and the functions that several scripts use.
macro_rules! script {
    ($file:literal) => {
        concat!(
            include_str!("scripts/fields.lua"),
            include_str!("scripts/log_end.lua"),
            include_str!(concat!("scripts/", $file))
        )
    };
}

/// Which epochs Redis has seen, and which server it is.
pub const HIGHEST: &str = script!("highest.lua");

/// Deletes what earlier fillings left unfinished.
pub const CLEAR: &str = script!("clear.lua");

/// Adds records to an epoch that is not current yet.
pub const LOAD: &str = script!("load.lua");

/// Makes a filled epoch the current one.
pub const OPEN: &str = script!("open.lua");

/// Replaces the role map.
pub const ROLES: &str = script!("roles.lua");

/// Opens a heartbeat.
pub const BEAT: &str = script!("beat.lua");

/// Appends records to the current epoch, publishes them, and closes a heartbeat.
pub const APPEND: &str = script!("append.lua");

/// Deletes the oldest records.
pub const TRIM: &str = script!("trim.lua");

/// Reads the log from a position. The only one that a sidecar runs.
pub const SYNC: &str = concat!(include_str!("scripts/fields.lua"), include_str!("scripts/sync.lua"));

#[cfg(test)]
mod tests {
    use crate::revocation::redis_keys::RedisKeys;

    #[test]
    fn lua_and_rust_use_the_same_field_names() {
        let (record, trace) = (RedisKeys::RECORD_FIELD, RedisKeys::TRACE_FIELD);
        let entry = format!("local ENTRY = {{record = '{record}', trace = '{trace}'}}");
        assert!(include_str!("scripts/fields.lua").lines().any(|line| line == entry), "{entry}");
    }
}
