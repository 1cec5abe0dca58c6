//! The modelled scripts do what the real ones do on a real Redis.

use model::redis::{ExpectedEnd, ModelRedis, ROLES, ScriptError, record};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use redis::{Connection, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind, Value};
use runtime::env::{ProcessVars, Vars as _};
use shared::revocation::{HistoryId, LogPosition, LogReply, RedisKeys, ServerId, scripts};

/// A real Redis under a prefix of its own.
struct RealRedis {
    redis: Connection,
    keys: RedisKeys,
    replication: String,
}

/// A call of a script. A position that is `here` is the end of the log, as a relay has it.
#[derive(Debug, Clone)]
enum Call {
    Clear { epoch: u64 },
    Load { at: At, rows: Vec<u8> },
    Open { at: At },
    Beat { at: At, beat: u64 },
    Append { at: At, rows: Vec<u8>, closes: Option<u64> },
    Trim { epoch: u64, floor: u64 },
    Sync { at: At, most: usize },
    Wipe,
    LoseLog,
}

#[derive(Debug, Clone, Copy)]
struct At {
    is_here: bool,
    epoch: u64,
    seq: u64,
    history: u8,
}

fn at() -> impl Strategy<Value = At> {
    (prop::bool::weighted(0.7), 1_u64..4, 0_u64..4, 0_u8..2).prop_map(|(is_here, epoch, seq, history)| At {
        is_here,
        epoch,
        seq,
        history,
    })
}

fn call() -> impl Strategy<Value = Call> {
    let rows = || prop::collection::vec(0_u8..4, 0..3);
    prop_oneof![
        1 => (1_u64..4).prop_map(|epoch| Call::Clear { epoch }),
        4 => (at(), rows()).prop_map(|(at, rows)| Call::Load { at: At { is_here: false, ..at }, rows }),
        4 => at().prop_map(|at| Call::Open { at: At { is_here: false, ..at } }),
        3 => (at(), 1_u64..4).prop_map(|(at, beat)| Call::Beat { at, beat }),
        6 => (at(), rows(), prop::option::of(1_u64..4))
            .prop_map(|(at, rows, closes)| Call::Append { at, rows, closes }),
        2 => (1_u64..4, 0_u64..4).prop_map(|(epoch, floor)| Call::Trim { epoch, floor }),
        6 => (at(), 1_usize..4).prop_map(|(at, most)| Call::Sync { at, most }),
        1 => Just(Call::Wipe),
        1 => Just(Call::LoseLog),
    ]
}

fn history(number: u8) -> HistoryId {
    HistoryId::from_bytes([number; 16])
}

impl At {
    fn expected(self, model: &ModelRedis) -> ExpectedEnd {
        match model.meta.filter(|_| self.is_here) {
            Some(meta) => {
                ExpectedEnd { at: LogPosition { epoch: meta.epoch, seq: meta.seq }, history: meta.history }
            }
            None => ExpectedEnd {
                at: LogPosition { epoch: self.epoch, seq: self.seq },
                history: history(self.history),
            },
        }
    }
}

impl RealRedis {
    fn new() -> Self {
        let url = ProcessVars.get("TEST_REDIS_URL").unwrap();
        let url = url.expect("TEST_REDIS_URL is not set: start the stores with ./compose/local services");
        let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
        #[expect(clippy::disallowed_methods, reason = "each test has a prefix of its own")]
        let keys = RedisKeys::new(&format!("test:{}:", uuid::Uuid::now_v7().simple()));
        let highest: (Option<String>, String, String) =
            Script::new(scripts::HIGHEST).key(&keys.meta).key(&keys.log).invoke(&mut redis).unwrap();
        Self { redis, keys, replication: highest.2 }
    }

    fn call(&mut self, call: &Call, model: &ModelRedis) -> RedisResult<Value> {
        let keys = &self.keys;
        let (meta, log, roles, wake) = (&*keys.meta, &*keys.log, &*keys.roles, &*keys.wake);
        let text = |number: u64| number.to_string();
        let (source, names, arguments) = match call {
            Call::Clear { epoch } => (scripts::CLEAR, vec![meta, log], vec![text(*epoch).into_bytes()]),
            Call::Load { at, rows } => {
                let at = at.expected(model).at;
                (scripts::LOAD, vec![meta, log], bytes(&[&text(at.epoch), &text(at.seq)], rows, &[wake]))
            }
            Call::Open { at } => {
                let end = at.expected(model);
                let (epoch, seq) = (text(end.at.epoch), text(end.at.seq));
                let all = [wake, &epoch, &seq, &text(ROLES), "{}", &end.history.to_string(), ""];
                (scripts::OPEN, vec![meta, log, roles], plain(&all))
            }
            Call::Beat { at, beat } => {
                let end = at.expected(model);
                let (epoch, seq) = (text(end.at.epoch), text(end.at.seq));
                let history = end.history.to_string();
                let (beat, roles_version) = (text(*beat), text(ROLES));
                let all = [&*epoch, &seq, &roles_version, &history, &self.replication, &beat, "", "0"];
                (scripts::BEAT, vec![meta, log, roles], plain(&all))
            }
            Call::Append { at, rows, closes } => {
                let end = at.expected(model);
                let (epoch, seq) = (text(end.at.epoch), text(end.at.seq));
                let (history, closes) = (end.history.to_string(), closes.map_or_else(String::new, text));
                let roles_version = text(ROLES);
                let rest = [&*roles_version, &history, &self.replication, &closes, ""];
                let all = bytes(&[wake, &epoch, &seq], rows, &rest);
                (scripts::APPEND, vec![meta, log, roles], all)
            }
            Call::Trim { epoch, floor } => {
                (scripts::TRIM, vec![meta, log], plain(&[&text(*epoch), &text(*floor)]))
            }
            Call::Sync { at, most } => {
                let end = at.expected(model);
                let (epoch, seq) = (text(end.at.epoch), text(end.at.seq));
                let all = [&epoch, &seq, &most.to_string(), &end.history.to_string()];
                (scripts::SYNC, vec![meta, log], plain(&all.map(|text| &**text)))
            }
            Call::Wipe => return redis::cmd("DEL").arg(&[meta, log, roles]).query(&mut self.redis),
            Call::LoseLog => return redis::cmd("DEL").arg(log).query(&mut self.redis),
        };
        let script = Script::new(source);
        let mut invocation = script.prepare_invoke();
        for name in names {
            invocation.key(name);
        }
        for argument in arguments {
            invocation.arg(argument);
        }
        let answer: Value = invocation.invoke(&mut self.redis)?;
        // `clear` drops a part at a time.
        let is_partial = matches!((call, &answer), (Call::Clear { .. }, Value::Int(1..)));
        if is_partial { self.call(call, model) } else { Ok(answer) }
    }
}

impl Drop for RealRedis {
    fn drop(&mut self) {
        let _deleted: RedisResult<Value> = redis::cmd("DEL")
            .arg(&[&self.keys.meta, &self.keys.log, &self.keys.roles])
            .query(&mut self.redis);
    }
}

fn plain(arguments: &[&str]) -> Vec<Vec<u8>> {
    arguments.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn bytes(before: &[&str], rows: &[u8], after: &[&str]) -> Vec<Vec<u8>> {
    let records = rows.iter().flat_map(|row| record(*row).encode()).collect();
    [plain(before), vec![records], plain(after)].concat()
}

/// The answer as a list of texts, without the time.
fn flat(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        _ => Vec::new(),
    }
}

fn expected_answer(reply: &LogReply) -> Vec<String> {
    let text = |history: &Option<HistoryId>| history.map(|history| history.to_string()).unwrap_or_default();
    match reply {
        LogReply::NotMaster => vec!["NOTMASTER".to_owned()],
        LogReply::NoEpoch => vec!["NOEPOCH".to_owned()],
        LogReply::Epoch { epoch, history } => vec!["EPOCH".to_owned(), epoch.to_string(), text(history)],
        LogReply::Fork { history } => vec!["FORK".to_owned(), text(history)],
        LogReply::Regressed => vec!["REGRESSED".to_owned()],
        LogReply::Trimmed(floor) => vec!["TRIMMED".to_owned(), floor.to_string()],
        LogReply::Log(part) => {
            let numbers = [part.last, part.roles.unwrap_or(0), part.opened, part.closed];
            let mut all = vec!["LOG".to_owned()];
            all.extend(numbers.map(|number| number.to_string()));
            for entry in &part.entries {
                let bytes = String::from_utf8_lossy(&entry.record).into_owned();
                all.extend([entry.position.to_string(), RedisKeys::RECORD_FIELD.to_owned(), bytes]);
            }
            // Neither a certificate nor tags of the role map.
            all.extend([String::new(), String::new()]);
            all
        }
    }
}

fn refusal(error: &RedisError) -> ScriptError {
    match error.code() {
        Some("EPOCH") => ScriptError::Epoch(error.detail().and_then(|epoch| epoch.parse().ok())),
        Some("FORK") => ScriptError::Fork,
        _ => ScriptError::Error,
    }
}

fn compare(real: &mut RealRedis, model: &mut ModelRedis, call: &Call) {
    if let Call::Trim { floor, .. } = call
        && model.meta.is_some_and(|meta| *floor > meta.seq)
    {
        // No relay trims what it has not written.
        return;
    }
    let answer = real.call(call, model);
    let end = |at: &At, model: &ModelRedis| at.expected(model);
    let expected = match call {
        Call::Sync { at, most } => {
            let end = end(at, model);
            let mut answer = flat(&answer.unwrap());
            if answer.first().is_some_and(|word| word == "LOG") {
                // Which server, and its clock.
                answer.drain(1..2);
                answer.remove(2);
            }
            let server = ServerId::from_bits(0);
            assert_eq!(answer, expected_answer(&model.sync(server, end.at, Some(end.history), *most)));
            return;
        }
        Call::Clear { epoch } => model.clear(*epoch),
        Call::Load { at, rows } => model.load(end(at, model).at, rows),
        Call::Open { at } => model.open(end(at, model)),
        Call::Beat { at, beat } => model.beat(end(at, model), *beat),
        Call::Append { at, rows, closes } => model.append(end(at, model), rows, *closes),
        Call::Trim { epoch, floor } => model.trim(*epoch, *floor),
        Call::Wipe => {
            *model = ModelRedis::default();
            Ok(())
        }
        Call::LoseLog => {
            *model = ModelRedis { meta: model.meta, ..ModelRedis::default() };
            Ok(())
        }
    };
    let answer = answer.map(drop).map_err(|error| {
        assert_ne!(error.kind(), ErrorKind::Server(ServerErrorKind::ResponseError), "{error}");
        refusal(&error)
    });
    assert_eq!(answer, expected);
}

#[test]
fn the_modelled_scripts_do_what_the_real_ones_do() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 300, ..ProptestConfig::default() });
    let outcome = runner.run(&prop::collection::vec(call(), 1..40), |calls| {
        let (mut real, mut model) = (RealRedis::new(), ModelRedis::default());
        for call in &calls {
            compare(&mut real, &mut model, call);
        }
        Ok(())
    });
    outcome.unwrap();
}
