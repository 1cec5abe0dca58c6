//! The names under which revocations lie in Redis: keys, the channel, and the fields of a log entry.

/// The Redis keys and the channel of the revocation log, under one prefix.
///
/// `{rev}` is a hash tag, so that all of them lie on one node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisKeys {
    /// Hash: `epoch`, `history` ([`HistoryId`](super::HistoryId)), `seq` (the last record appended), `floor` (the highest
    /// record that may have been trimmed), `roles` (the version of the role map), `hb_open` and `hb` (the last heartbeat
    /// that was opened, and the last one that was closed).
    pub meta: String,
    /// Stream: ids are [`LogPosition`](super::LogPosition)s, the field `d` is the record; a few have a `t` beside it.
    pub log: String,
    /// The map from roles to permissions.
    pub roles: String,
    /// Channel: records, concatenated; an empty message means "read the log".
    pub wake: String,
}

impl RedisKeys {
    /// The field of a stream entry that holds the record.
    pub const RECORD_FIELD: &'static str = "d";

    /// The field with the span that published the record (W3C Trace Context); only if its trace is sampled.
    pub const TRACE_FIELD: &'static str = "t";

    /// The default prefix.
    pub const PREFIX: &'static str = "usher:";

    /// Reads a configured prefix. It must not have braces, because they would move the hash tag.
    ///
    /// # Errors
    ///
    /// If it is not at most 100 visible ASCII characters without braces.
    pub fn parse_prefix(text: &str) -> Result<String, &'static str> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{' && byte != b'}');
        let fits = plain && text.len() <= 100;
        if fits {
            Ok(text.to_owned())
        } else {
            Err("must be at most 100 visible ASCII characters without braces, such as usher:")
        }
    }

    /// The keys under `prefix`, such as `usher:`.
    pub fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}{{rev}}:{name}");
        Self { meta: key("meta"), log: key("log"), roles: key("roles"), wake: key("wake") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_prefix_and_one_hash_tag() {
        let keys = RedisKeys::new("usher:");
        assert_eq!(keys.meta, "usher:{rev}:meta");
        assert_eq!(keys.log, "usher:{rev}:log");
        assert_eq!(keys.roles, "usher:{rev}:roles");
        assert_eq!(keys.wake, "usher:{rev}:wake");
    }

    #[test]
    fn a_prefix_that_would_move_the_hash_tag_is_refused() {
        assert_eq!(RedisKeys::parse_prefix("cinema:usher:"), Ok("cinema:usher:".to_owned()));
        for bad in ["{a}", "a b", "é", &"x".repeat(101)] {
            assert!(RedisKeys::parse_prefix(bad).is_err(), "{bad}");
        }
    }
}
