//! The parts together: PostgreSQL, two servers of Redis, two relays and a sidecar, and everything that can happen.
//!
//! Each action of a relay is one step of its [`Leader`](shared::revocation::Leader), with its statement or script. So a relay can pause between any
//! two of them, for as long as anything else happens. A question of the sidecar is sent when it is executed: the later it
//! is sent, the more its certificate claims.

use shared::revocation::{LeaderAction, LogFault, LogReply, ReaderEffect, ServerId};

use crate::bounds::{Bounds, Mutation};
use crate::postgres::Row;
use crate::redis::{self, ModelRedis};
use crate::relay::Wake;
use crate::search::SearchedModel;
use crate::state::{Server, World};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A transaction commits.
    Commit(u8),
    /// A record ends. Counts as a fault, because it is as rare.
    Expire(u8),
    /// A relay takes the lock.
    Lead(usize),
    /// A relay connects to a server.
    Connect(usize, usize),
    /// A relay carries out its next action.
    Step(usize),
    /// A relay that waits looks for new rows, opens a heartbeat, or trims.
    Wake(usize, Wake),
    /// The sidecar asks a server.
    Read(usize),
    /// A replica that lags gets everything that the other server has.
    Replicate(usize),
    /// One of two masters becomes a replica of the other, and has replicated nothing yet.
    Demote(usize),
    /// A replica that lags becomes a master; the old master does not know.
    Promote(usize),
    /// A script that a relay no longer waits for is executed.
    Late(usize),
    /// The second half of a trim that is not atomic.
    RaiseFloor,
    /// Fault: a relay ends, and starts again.
    Crash(usize),
    /// Fault: a relay loses its lock and does not know yet.
    Depose(usize),
    /// Fault: the connection between a relay and Redis breaks.
    Cut(usize),
    /// Fault: a relay gives up waiting for a script, which may be executed later.
    TimeOut(usize),
    /// Fault: a server loses all keys.
    Wipe(usize),
    /// Fault: from now on a replica replicates nothing.
    Lag(usize),
}

impl World {
    /// Nothing is committed, and a relay has filled the first epoch and waits.
    pub fn new(bounds: Bounds) -> Self {
        let mut world = Self::empty(bounds);
        world.postgres.lock = Some(0);
        world.relays[0].lead();
        world.connect(0, 0);
        while !world.relays[0].is_waiting() {
            world.step(0, Bounds { mutation: None, ..bounds });
        }
        world
    }

    fn read(&mut self, server: usize, bounds: Bounds) -> Result<(), &'static str> {
        let is_replica = !self.servers[server].is_master;
        let server = if self.servers[server].is_in_step { 1 - server } else { server };
        let server = &self.servers[server];
        let are_one = bounds.mutation == Some(Mutation::AnyServer);
        let id = ServerId::from_bits(if are_one { 0 } else { server.replication.into() });
        let may_certify =
            (server.is_master && !is_replica) || bounds.mutation == Some(Mutation::CertificatesFromReplica);
        let (position, history) = (self.sidecar.reader.position(), self.sidecar.reader.history());
        let reply =
            if may_certify { server.redis.sync(id, position, history, 3) } else { LogReply::NotMaster };
        let now = u8::try_from(self.postgres.commits.len()).unwrap_or(u8::MAX);
        for effect in self.sidecar.reader.step(now, &reply, true) {
            match effect {
                ReaderEffect::Apply(record, _) => self.sidecar.applied |= 1 << redis::row(&record),
                ReaderEffect::Certified(since) => self.postgres.holds(since, self.sidecar.applied)?,
                ReaderEffect::Report(LogFault::Gap) => return Err("a log never has a gap"),
                ReaderEffect::NotUnderstood(_) => return Err("every record is understood"),
                ReaderEffect::Begin(_)
                | ReaderEffect::Report(_)
                | ReaderEffect::Reconnect
                | ReaderEffect::ReadAgain
                | ReaderEffect::End
                | ReaderEffect::Uncertified(_) => {}
            }
        }
        Ok(())
    }

    fn promote(&mut self, server: usize) {
        self.replications += 1;
        self.servers[server].is_master = true;
        self.servers[server].replication = self.replications;
    }

    fn lag(&mut self, server: usize) {
        self.lags += 1;
        let (replication, redis) =
            (self.servers[1 - server].replication, self.servers[1 - server].redis.clone());
        self.servers[server] = Server { is_master: false, is_in_step: false, replication, redis };
    }

    fn replicate(&mut self, server: usize) {
        self.servers[server] =
            Server { is_master: false, is_in_step: true, replication: 0, redis: ModelRedis::default() };
    }

    /// The relay loses the lock; after a crash it has also forgotten everything.
    fn end(&mut self, relay: usize, is_crash: bool) {
        if self.postgres.lock == Some(relay) {
            self.postgres.lock = None;
        }
        if is_crash {
            self.relays[relay].forget();
        }
    }

    fn relay_actions(&self, relay: usize, bounds: Bounds, actions: &mut Vec<Action>) {
        let model = &self.relays[relay];
        if model.late.is_some() {
            actions.push(Action::Late(relay));
        }
        let Some(leader) = &model.leader else {
            if self.postgres.lock.is_none() {
                actions.push(Action::Lead(relay));
            }
            return;
        };
        match leader.doing() {
            LeaderAction::Connect => self.connections(relay, actions),
            LeaderAction::Wait => {
                if self.postgres.rows.iter().any(Row::is_unpublished) {
                    actions.push(Action::Wake(relay, Wake::Rows));
                }
                if self.postgres.beats < bounds.beats {
                    actions.push(Action::Wake(relay, Wake::Beat));
                }
                if model.trimmable(&self.postgres) > model.floor {
                    actions.push(Action::Wake(relay, Wake::Trim));
                }
                if self.leaves < bounds.leaves {
                    actions.push(Action::Wake(relay, Wake::Stop));
                }
            }
            doing if model.must_reconnect(doing, bounds) => self.connections(relay, actions),
            _ => actions.push(Action::Step(relay)),
        }
        if self.faults < bounds.faults {
            actions.extend([Action::Crash(relay)]);
            if self.postgres.lock == Some(relay) {
                actions.push(Action::Depose(relay));
            }
            if model.server.is_some() {
                actions.push(Action::Cut(relay));
            }
            if model.late.is_none() && model.command().is_some() {
                actions.push(Action::TimeOut(relay));
            }
        }
    }

    fn connections(&self, relay: usize, actions: &mut Vec<Action>) {
        for server in 0..2 {
            if self.servers[server].is_master {
                actions.push(Action::Connect(relay, server));
            }
        }
    }

    fn server_actions(&self, server: usize, bounds: Bounds, actions: &mut Vec<Action>) {
        actions.push(Action::Read(server));
        let (this, other) = (&self.servers[server], &self.servers[1 - server]);
        if !this.is_master && !this.is_in_step {
            if self.replications < self.lags {
                actions.push(Action::Promote(server));
            }
            if other.is_master {
                actions.push(Action::Replicate(server));
            }
        }
        if this.is_master && other.is_master {
            actions.push(Action::Demote(server));
        }
        if self.faults < bounds.faults {
            if this.is_in_step {
                actions.push(Action::Lag(server));
            }
            if this.redis != ModelRedis::default() {
                actions.push(Action::Wipe(server));
            }
        }
    }
}

impl SearchedModel for Bounds {
    type State = World;
    type Action = Action;

    fn actions(&self, world: &World) -> Vec<Action> {
        if world.half_trim.is_some() {
            // The halves of a script may be apart for readers alone.
            return vec![Action::RaiseFloor, Action::Read(0), Action::Read(1)];
        }
        let mut actions = Vec::new();
        for (row, id) in world.postgres.rows.iter().zip(0..) {
            if !row.is_committed {
                actions.push(Action::Commit(id));
            } else if id == 0 && !row.is_expired && world.faults < self.faults {
                actions.push(Action::Expire(id));
            }
        }
        for number in 0..2 {
            world.relay_actions(number, *self, &mut actions);
            world.server_actions(number, *self, &mut actions);
        }
        actions
    }

    fn after(&self, world: &World, action: Action) -> Result<World, &'static str> {
        let mut world = world.clone();
        world.faults += u8::from(is_fault(action));
        match action {
            Action::Commit(row) => {
                world.postgres.rows[usize::from(row)].is_committed = true;
                world.postgres.commits.push(row);
            }
            Action::Expire(row) => world.postgres.rows[usize::from(row)].is_expired = true,
            Action::Lead(relay) => {
                world.postgres.lock = Some(relay);
                world.relays[relay].lead();
            }
            Action::Connect(relay, server) => world.connect(relay, server),
            Action::Step(relay) => world.step(relay, *self),
            Action::Wake(relay, wake) => world.wake(relay, wake),
            Action::Read(server) => world.read(server, *self)?,
            Action::Replicate(server) => world.replicate(server),
            Action::Demote(server) => world.servers[server].is_master = false,
            Action::Late(relay) => world.execute_late(relay, *self),
            Action::RaiseFloor => {
                if let Some((server, floor)) = world.half_trim.take() {
                    let _refused = world.servers[server].redis.raise_floor(floor.epoch, floor.seq);
                }
            }
            Action::Crash(relay) => world.end(relay, true),
            Action::Depose(relay) => world.end(relay, false),
            Action::Cut(relay) => world.relays[relay].server = None,
            Action::TimeOut(relay) => world.time_out(relay, *self),
            Action::Wipe(server) => world.servers[server].redis = ModelRedis::default(),
            Action::Promote(server) => world.promote(server),
            Action::Lag(server) => world.lag(server),
        }
        Ok(world)
    }

    fn name(&self, action: Action) -> &'static str {
        match action {
            Action::Commit(_) => "commit",
            Action::Expire(_) => "expire",
            Action::Lead(_) => "lead",
            Action::Connect(..) => "connect",
            Action::Step(_) => "step",
            Action::Wake(_, Wake::Rows) => "new rows",
            Action::Wake(_, Wake::Beat) => "heartbeat",
            Action::Wake(_, Wake::Trim) => "trim",
            Action::Wake(_, Wake::Stop) => "leave",
            Action::Read(_) => "read",
            Action::Replicate(_) => "replicate",
            Action::Demote(_) => "demote",
            Action::Late(_) => "late script",
            Action::RaiseFloor => "raise floor",
            Action::Crash(_) => "crash",
            Action::Depose(_) => "depose",
            Action::Cut(_) => "cut",
            Action::TimeOut(_) => "time out",
            Action::Wipe(_) => "wipe",
            Action::Promote(_) => "promote",
            Action::Lag(_) => "lag",
        }
    }
}

const fn is_fault(action: Action) -> bool {
    matches!(
        action,
        Action::Expire(_)
            | Action::Crash(_)
            | Action::Depose(_)
            | Action::Cut(_)
            | Action::TimeOut(_)
            | Action::Wipe(_)
            | Action::Lag(_)
    )
}
