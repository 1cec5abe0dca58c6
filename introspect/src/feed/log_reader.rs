//! One call to Redis: the entries of the log after a position, and the forms of the answer.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, Script, ServerErrorKind, Value, cmd};
use shared::revocation::{HistoryId, LogEntry, LogPart, LogPosition, LogReply, RedisKeys, ServerId, scripts};

/// Records in one answer of the script, where each takes Redis 3 microseconds.
const MOST: usize = 200;
/// Records in one page, where each takes a fifth of that; more would delay the other clients of Redis.
const PAGE: u64 = 4000;

/// Pages that are asked for at once, so that Redis collects the next one while this one is read.
pub(super) const PAGES_AHEAD: usize = 3;

/// The pages after a position, in order, each of which ends at `last` at the latest.
pub(super) struct Pages {
    redis: MultiplexedConnection,
    log: String,
    /// The end of the page that was asked for last.
    asked: LogPosition,
    last: u64,
}

/// Calls the script by the hash under which Redis caches it.
pub(super) struct LogReader {
    hash: String,
}

impl LogReader {
    pub(super) fn new() -> Self {
        Self { hash: Script::new(scripts::SYNC).get_hash().to_owned() }
    }

    /// The entries after `position` in `history`. `None` means that the answer has an unknown form.
    pub(super) async fn read(
        &self,
        redis: &mut MultiplexedConnection,
        keys: &RedisKeys,
        position: LogPosition,
        history: Option<HistoryId>,
    ) -> Result<Option<LogReply>, RedisError> {
        let by_hash = self.call(redis, ("EVALSHA_RO", &self.hash), keys, position, history).await;
        let value = match by_hash {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.call(redis, ("EVAL_RO", scripts::SYNC), keys, position, history).await?
            }
            answer => answer?,
        };
        Ok(parse(value))
    }

    async fn call(
        &self,
        redis: &mut MultiplexedConnection,
        (command, script): (&str, &str),
        keys: &RedisKeys,
        position: LogPosition,
        history: Option<HistoryId>,
    ) -> Result<Value, RedisError> {
        let mut call = cmd(command);
        call.arg(script).arg(2).arg(&keys.meta).arg(&keys.log);
        let history = history.map_or_else(String::new, |history| history.to_string());
        call.arg(position.epoch).arg(position.seq).arg(MOST).arg(history);
        call.query_async(redis).await
    }
}

impl Pages {
    /// The pages from `position` to `last`, for a reader far behind. They are not atomic with anything: their records may be
    /// applied, since a union is always safe, but only the script says how complete they are.
    pub(super) fn after(
        position: LogPosition,
        last: u64,
        redis: &MultiplexedConnection,
        keys: &RedisKeys,
    ) -> Self {
        Self { redis: redis.clone(), log: keys.log.clone(), asked: position, last }
    }

    /// Asks for the next page; `None` after the last one. Sequence numbers have no gaps, so that a page's end is known
    /// before it has been read. The answer `None` has an unknown form.
    pub(super) fn ask(
        &mut self,
    ) -> Option<impl Future<Output = Result<Option<Vec<LogEntry>>, RedisError>> + use<>> {
        if self.asked.seq >= self.last {
            return None;
        }
        let end = LogPosition { seq: self.last.min(self.asked.seq.saturating_add(PAGE)), ..self.asked };
        let mut call = cmd("XRANGE");
        call.arg(&self.log).arg(format!("({}", self.asked)).arg(end.to_string());
        self.asked = end;
        let mut redis = self.redis.clone();
        Some(async move { Ok(entries(call.query_async(&mut redis).await?)) })
    }
}

/// Reads an answer of the script.
fn parse(value: Value) -> Option<LogReply> {
    let mut parts = array(value)?.into_iter();
    let reply = match &*bytes(parts.next()?)? {
        b"NOTMASTER" => LogReply::NotMaster,
        b"NOEPOCH" => LogReply::NoEpoch,
        b"EPOCH" => LogReply::Epoch { epoch: number(parts.next()?)?, history: history(parts.next()?) },
        b"FORK" => LogReply::Fork { history: history(parts.next()?) },
        b"REGRESSED" => LogReply::Regressed,
        b"TRIMMED" => LogReply::Trimmed(number(parts.next()?)?),
        b"LOG" => LogReply::Log(LogPart {
            server: server(parts.next()?),
            last: number(parts.next()?)?,
            time: number(parts.next()?)?,
            // A value that is not a number does not name a map; the log can still be read.
            roles: number(parts.next()?),
            // Without a number there is no heartbeat.
            opened: number(parts.next()?).unwrap_or(0),
            closed: number(parts.next()?).unwrap_or(0),
            entries: entries(parts.next()?)?,
            certificate: parts.next().and_then(bytes).unwrap_or_default(),
            roles_tags: parts.next().and_then(bytes).unwrap_or_default(),
        }),
        _ => return None,
    };
    Some(reply)
}

/// Text that is no history cannot be asked for again: it is none, and certifies nothing.
fn history(value: Value) -> Option<HistoryId> {
    std::str::from_utf8(&bytes(value)?).ok()?.parse().ok()
}

/// A server that does not say who it is certifies nothing.
fn server(value: Value) -> Option<ServerId> {
    std::str::from_utf8(&bytes(value)?).ok()?.parse().ok()
}

/// An id and the fields under it, of which one is the record. An entry without that field counts as
/// an empty record, which no version understands.
fn entry(value: Value) -> Option<LogEntry> {
    let mut parts = array(value)?.into_iter();
    let id = bytes(parts.next()?)?;
    let position = std::str::from_utf8(&id).ok()?.parse().ok()?;
    let mut fields = array(parts.next()?)?.into_iter();
    let (mut record, mut trace) = (Vec::new(), None);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let name = bytes(name)?;
        if name == RedisKeys::RECORD_FIELD.as_bytes() {
            record = bytes(value)?;
        } else if name == RedisKeys::TRACE_FIELD.as_bytes() {
            trace = bytes(value);
        }
    }
    Some(LogEntry { position, record, trace })
}

fn entries(value: Value) -> Option<Vec<LogEntry>> {
    array(value)?.into_iter().map(entry).collect()
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn number(value: Value) -> Option<u64> {
    std::str::from_utf8(&bytes(value)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_log_is_read_with_its_records() {
        let entry =
            Value::Array(vec![text("3-7"), Value::Array(vec![text("t"), text("y"), text("d"), text("r")])]);
        let bare = Value::Array(vec![text("3-8"), Value::Array(vec![text("x"), text("y")])]);
        let mut value =
            ["LOG", "000000000000000000000000000000ff01234567", "9", "1800000000", "4", "12", "11"]
                .map(text)
                .to_vec();
        value.extend([Value::Array(vec![entry, bare]), text("signed"), text("tags")]);
        let entry = |seq, record: &[u8], trace: Option<&[u8]>| LogEntry {
            position: LogPosition { epoch: 3, seq },
            record: record.to_vec(),
            trace: trace.map(<[u8]>::to_vec),
        };
        let entries = vec![entry(7, b"r", Some(b"y")), entry(8, b"", None)];
        let part = LogPart {
            server: Some(ServerId::from_bits(255)),
            last: 9,
            time: 1_800_000_000,
            roles: Some(4),
            opened: 12,
            closed: 11,
            entries,
            certificate: b"signed".to_vec(),
            roles_tags: b"tags".to_vec(),
        };
        assert_eq!(parse(Value::Array(value)), Some(LogReply::Log(part)));
    }

    #[test]
    fn a_log_is_read_whatever_stands_for_its_role_map_and_its_heartbeats() {
        for bad in ["", "x", "-1", "99999999999999999999"] {
            let mut value = ["LOG", bad, "0", "1800000000", bad, bad, bad].map(text).to_vec();
            value.push(Value::Array(vec![]));
            let part = LogPart {
                server: None,
                last: 0,
                time: 1_800_000_000,
                roles: None,
                opened: 0,
                closed: 0,
                entries: vec![],
                certificate: vec![],
                roles_tags: vec![],
            };
            assert_eq!(parse(Value::Array(value)), Some(LogReply::Log(part)), "{bad}");
        }
    }

    #[test]
    fn another_log_is_named_with_its_history() {
        let id = "000102030405060708090a0b0c0d0e0f";
        let history = Some(id.parse().unwrap());
        let of = |words: &[&str]| parse(Value::Array(words.iter().map(|word| text(word)).collect()));
        assert_eq!(of(&["EPOCH", "4", id]), Some(LogReply::Epoch { epoch: 4, history }));
        assert_eq!(of(&["EPOCH", "4", ""]), Some(LogReply::Epoch { epoch: 4, history: None }));
        assert_eq!(of(&["FORK", id]), Some(LogReply::Fork { history }));
        assert_eq!(of(&["EPOCH", "4"]), None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let words = prop_oneof![
            Just("LOG".to_owned()),
            Just("EPOCH".to_owned()),
            Just("TRIMMED".to_owned()),
            Just("FORK".to_owned()),
            Just("1-2".to_owned()),
            Just("7".to_owned()),
            any::<String>(),
        ];
        let leaf = prop_oneof![
            words.prop_map(|word| Value::BulkString(word.into_bytes())),
            any::<i64>().prop_map(Value::Int),
            Just(Value::Nil),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| proptest::collection::vec(inner, 0..5).prop_map(Value::Array))
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused_without_panic(value in values()) {
            let _any = parse(value);
        }
    }
}
