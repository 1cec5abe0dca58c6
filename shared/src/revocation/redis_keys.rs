//! The names under which revocations lie in Redis: keys, the channel, and the fields of a log entry.

/// The Redis keys and the channel of the revocation log, under one prefix.
///
/// `{rev}` is a hash tag, so that all of them lie on one node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisKeys {
    /// Hash: `epoch`, `history` ([`HistoryId`](super::HistoryId)), `seq` (the last record appended), `floor` (the highest
    /// record that may have been trimmed), `roles` (the version of the role map), `hb_open` and `hb` (the last heartbeat
    /// that was opened, and the last one that was closed), `cert` ([`LogCertificate`](super::LogCertificate)), `roles_tags` (of
    /// the role map).
    pub meta: String,
    /// Stream: ids are [`LogPosition`](super::LogPosition)s, the field `d` is the record; a few have a `t` beside it.
    pub log: String,
    /// The map from roles to permissions.
    pub roles: String,
    /// Channel: records, concatenated; an empty message means "read the log".
    pub wake: String,
    /// The beginning of the keys of [`Challenge`](super::Challenge)s. They begin as acknowledgements do, because these are
    /// the keys that a sidecar may write.
    pub challenges: String,
    /// The beginning of the keys of acknowledgements ([`SidecarAck`](super::SidecarAck)).
    acks: String,
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
        let acks = key("ack:");
        let challenges = key("ack:~");
        Self { challenges, meta: key("meta"), log: key("log"), roles: key("roles"), wake: key("wake"), acks }
    }
}

impl RedisKeys {
    /// The key of the acknowledgement of a sidecar.
    pub fn ack(&self, sidecar: &str) -> String {
        format!("{}{sidecar}", self.acks)
    }

    /// The key of the challenges of this slot.
    pub fn challenge(&self, slot: u8) -> String {
        format!("{}{slot}", self.challenges)
    }

    /// The sidecar of such a key.
    pub fn ack_name<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.acks)
    }

    /// What matches all of them, in commands of Redis that take a pattern.
    pub fn ack_pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.acks.len() + 1);
        for letter in self.acks.chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('*');
        pattern
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
    fn acknowledgements_are_named_and_found_whatever_the_prefix_is() {
        let keys = RedisKeys::new("us*r[1]:");
        assert_eq!(keys.ack("a1"), "us*r[1]:{rev}:ack:a1");
        assert_eq!(keys.ack_name(&keys.ack("a1")), Some("a1"));
        assert_eq!((keys.ack_name("x"), &*keys.ack_pattern()), (None, "us\\*r\\[1\\]:{rev}:ack:*"));
    }

    #[test]
    fn a_prefix_that_would_move_the_hash_tag_is_refused() {
        assert_eq!(RedisKeys::parse_prefix("cinema:usher:"), Ok("cinema:usher:".to_owned()));
        for bad in ["{a}", "a b", "é", &"x".repeat(101)] {
            assert!(RedisKeys::parse_prefix(bad).is_err(), "{bad}");
        }
    }
}
