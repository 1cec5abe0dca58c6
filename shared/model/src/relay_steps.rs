//! The steps of a relay: carries out the actions of a [`Leader`](shared::revocation::Leader) on the modelled stores.

use shared::revocation::{LeaderAction, LeaderEvent, LeaderFault, LogPosition, Waking};

use crate::bounds::{Bounds, Mutation};
use crate::postgres::{ModelHandover, Row, history};
use crate::redis::{ExpectedEnd, ModelRedis, ROLES, ScriptError, ScriptResult};
use crate::relay::{Command, Sent, Wake};
use crate::state::World;

/// At most so many rows are selected at once.
const PAGE: usize = 2;

impl World {
    /// Connects a relay to a master.
    pub fn connect(&mut self, relay: usize, server: usize) {
        let model = &mut self.relays[relay];
        model.server = Some(server);
        model.replication = self.servers[server].replication;
        let is_new = model.leader.as_ref().is_some_and(|leader| leader.doing() == LeaderAction::Connect);
        if is_new {
            (model.reached, model.floor) = (0, 0);
            model.log.clear();
            let highest = self.servers[server].redis.highest();
            self.tell(relay, LeaderEvent::Connected { highest });
        }
    }

    /// Carries out the next action of a relay.
    pub fn step(&mut self, relay: usize, bounds: Bounds) {
        let Some(leader) = &self.relays[relay].leader else { return };
        if let Some(command) = self.relays[relay].command() {
            let Some(server) = self.relays[relay].server else { return };
            return self.run(relay, server, &command, bounds);
        }
        let doing = leader.doing();
        let event = match doing {
            // Every script: without a connection it fails.
            LeaderAction::Clear
            | LeaderAction::LoadPage { .. }
            | LeaderAction::LoadNew { .. }
            | LeaderAction::Open { .. }
            | LeaderAction::Beat { .. }
            | LeaderAction::Append { .. }
            | LeaderAction::Trim { .. } => return self.failed(relay, bounds),
            LeaderAction::StepDown | LeaderAction::Finish => return self.step_down(relay),
            _ if self.postgres.lock != Some(relay) => LeaderEvent::Failed(LeaderFault::Database),
            doing => self.select(relay, doing),
        };
        let event = match (bounds.mutation, event) {
            (Some(Mutation::AdoptWithoutCompare), LeaderEvent::Handover { roles, beat, .. }) => {
                LeaderEvent::Handover { at: self.adopt_what_redis_has(relay), roles, beat }
            }
            (_, event) => event,
        };
        self.tell(relay, event);
    }

    /// The end of the log in Redis, which the relay takes for that of the one before it.
    fn adopt_what_redis_has(&mut self, relay: usize) -> LogPosition {
        let model = &mut self.relays[relay];
        let server = &self.servers[model.server.unwrap_or(0)];
        model.replication = server.replication;
        let meta = server.redis.meta.map(|meta| LogPosition { epoch: meta.epoch, seq: meta.seq });
        meta.unwrap_or(LogPosition { epoch: 0, seq: 0 })
    }

    /// The statements.
    fn select(&mut self, relay: usize, doing: LeaderAction) -> LeaderEvent {
        let postgres = &mut self.postgres;
        let model = &mut self.relays[relay];
        let epoch = model.leader.as_ref().map_or(0, |leader| leader.at().epoch);
        let beat = u64::from(postgres.beats) + 1;
        let visible = |row: &Row| row.is_committed && !row.is_expired;
        match doing {
            LeaderAction::TakeEpoch { in_redis } => {
                postgres.epoch = postgres.epoch.max(in_redis) + 1;
                return LeaderEvent::Taken { epoch: postgres.epoch, beat };
            }
            LeaderAction::TakeHandover { .. } => {
                let Some(left) = postgres.handover.take() else { return LeaderEvent::NoHandover };
                (model.replication, model.log, model.floor) = (left.replication, left.log, left.floor);
                return LeaderEvent::Handover { at: left.at, roles: ROLES, beat };
            }
            LeaderAction::Leave { at, .. } => {
                let (replication, log, floor) = (model.replication, model.log.clone(), model.floor);
                postgres.handover = Some(ModelHandover { at, replication, log, floor });
                return LeaderEvent::Done;
            }
            LeaderAction::SelectNew | LeaderAction::Select => {
                // The newest first, in the order of their writing.
                let new = (0_u8..).zip(&postgres.rows).filter(|(_, row)| row.is_unpublished());
                let ids: Vec<u8> = new.map(|(id, _)| id).collect();
                model.rows = ids[ids.len().saturating_sub(PAGE)..].to_vec();
            }
            LeaderAction::SelectPage => {
                let earlier =
                    |row: &Row| visible(row) && row.published.is_some_and(|in_epoch| in_epoch != epoch);
                let page = (0_u8..).zip(&postgres.rows).skip(model.reached).filter(|(_, row)| earlier(row));
                model.rows = page.map(|(id, _)| id).take(PAGE).collect();
                model.reached = model.rows.last().map_or(model.reached, |last| usize::from(*last) + 1);
            }
            LeaderAction::MarkNew { .. } | LeaderAction::Mark { .. } => {
                for row in model.rows.drain(..) {
                    postgres.rows[usize::from(row)].published = Some(epoch);
                }
                return LeaderEvent::Done;
            }
            // Roles are read and never change.
            _ => return LeaderEvent::Roles { version: ROLES },
        }
        let count = model.rows.len();
        LeaderEvent::Selected { count: count as u64, is_all: count < PAGE, roles: ROLES, beat }
    }

    /// A script that the relay waits for.
    fn run(&mut self, relay: usize, server: usize, command: &Command, bounds: Bounds) {
        match self.execute(server, command, bounds) {
            Ok(()) => {
                if let LeaderAction::LoadPage { at }
                | LeaderAction::LoadNew { at }
                | LeaderAction::Append { at, .. } = command.action
                {
                    self.relays[relay].note(at);
                }
                if let LeaderAction::Trim { floor, .. } = command.action {
                    self.relays[relay].floor = floor;
                }
                if let LeaderAction::Beat { .. } = command.action {
                    self.postgres.beats += 1;
                }
                let cleared = LeaderEvent::Cleared { is_all: true };
                let is_clear = command.action == LeaderAction::Clear;
                self.tell(relay, if is_clear { cleared } else { LeaderEvent::Done });
            }
            Err(ScriptError::Epoch(Some(theirs))) => {
                self.tell(relay, LeaderEvent::Failed(LeaderFault::OtherEpoch(theirs)));
            }
            Err(ScriptError::Epoch(None) | ScriptError::Fork | ScriptError::Error) => {
                self.failed(relay, bounds);
            }
        }
    }

    /// A script that the relay no longer waits for.
    pub fn execute_late(&mut self, relay: usize, bounds: Bounds) {
        if let Some(Sent { server, command }) = self.relays[relay].late.take() {
            let _unread = self.execute(server, &command, bounds);
        }
    }

    fn execute(&mut self, number: usize, command: &Command, bounds: Bounds) -> ScriptResult {
        let server = &mut self.servers[number];
        if !server.is_master {
            return Err(ScriptError::Error);
        }
        let is_same = server.replication == command.replication;
        let (redis, epoch) = (&mut server.redis, command.epoch);
        let expected = |at| ExpectedEnd { at, history: history(epoch) };
        match command.action {
            LeaderAction::Clear => redis.clear(epoch),
            LeaderAction::LoadPage { at } | LeaderAction::LoadNew { at } => redis.load(at, &command.rows),
            LeaderAction::Open { at } => redis.open(expected(at)),
            LeaderAction::Beat { .. } if bounds.mutation == Some(Mutation::OnePhaseHeartbeat) => Ok(()),
            LeaderAction::Beat { at, beat, .. } if is_same && bounds.mutation == Some(Mutation::NoRebind) => {
                redis.beat_of_any_number(expected(at), beat)
            }
            LeaderAction::Beat { at, beat, .. } if is_same => redis.beat(expected(at), beat),
            LeaderAction::Append { at, close, .. } if is_same || close.is_none() => {
                append(redis, expected(at), &command.rows, close, bounds)
            }
            LeaderAction::Trim { at, floor, .. } if bounds.mutation == Some(Mutation::TrimBeforeFloor) => {
                redis.drop_to(LogPosition { seq: floor, ..at });
                self.half_trim = Some((number, LogPosition { seq: floor, ..at }));
                Ok(())
            }
            LeaderAction::Trim { floor, .. } => redis.trim(epoch, floor),
            _ => Err(ScriptError::Fork),
        }
    }

    /// The relay no longer waits for its script.
    pub fn time_out(&mut self, relay: usize, bounds: Bounds) {
        let model = &mut self.relays[relay];
        model.late = model.command().map(|command| Sent { server: model.server.unwrap_or(0), command });
        self.failed(relay, bounds);
    }

    /// Redis failed.
    pub fn failed(&mut self, relay: usize, bounds: Bounds) {
        let model = &mut self.relays[relay];
        model.server = None;
        if model.leader.as_ref().is_some_and(|leader| model.must_reconnect(leader.doing(), bounds)) {
            return;
        }
        self.tell(relay, LeaderEvent::Failed(LeaderFault::Redis));
    }

    /// Wakes a relay that waits.
    pub fn wake(&mut self, relay: usize, wake: Wake) {
        let waking = match wake {
            Wake::Rows => Waking::Committed,
            Wake::Beat => Waking::BeatIsDue,
            Wake::Stop => {
                self.leaves += 1;
                Waking::Stopping
            }
            Wake::Trim => {
                let floor = self.relays[relay].trimmable(&self.postgres);
                self.relays[relay].rows.clear();
                Waking::MayTrim { floor, carried: 0 }
            }
        };
        self.tell(relay, LeaderEvent::Woken(waking));
    }

    fn tell(&mut self, relay: usize, event: LeaderEvent) {
        if let Some(leader) = &mut self.relays[relay].leader {
            leader.step(event);
            // No other part notices this one.
            if leader.doing() == LeaderAction::ReadRoles {
                leader.step(LeaderEvent::Roles { version: ROLES });
            }
        }
    }

    fn step_down(&mut self, relay: usize) {
        if self.postgres.lock == Some(relay) {
            self.postgres.lock = None;
        }
        self.relays[relay].forget();
    }
}

fn append(
    redis: &mut ModelRedis,
    expected: ExpectedEnd,
    rows: &[u8],
    close: Option<u64>,
    bounds: Bounds,
) -> ScriptResult {
    match bounds.mutation {
        Some(Mutation::AppendWithoutCompare) => redis.append_without_compare(expected.at, rows, close),
        Some(Mutation::OnePhaseHeartbeat) => {
            if let Some(beat) = close {
                redis.beat(expected, beat)?;
            }
            redis.append(expected, rows, close)
        }
        _ => redis.append(expected, rows, close),
    }
}
