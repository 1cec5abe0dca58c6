//! One term of leadership: carries out the actions of [`Leader`] against PostgreSQL and Redis, and keeps what they
//! read in between.

use futures_util::future::join;
use shared::revocation::{
    Challenge, Leader, LeaderAction, LeaderEvent, LogCertificate, LogIdentity, LogPosition, Record,
};
use tokio::time::Instant;

use super::end::Fault;
use super::lease::Lease;
use super::log::Log;
use super::parts::RelayParts;
use super::traces::Traces;
use crate::revocations::handover::Handover;
use crate::revocations::needed::{ChainedPosition, Needed};
use crate::revocations::store::{RevocationRow, TransactionId};
use crate::stop::Stop;

/// The actions of one leader, and the state between them. Nothing in it decides what comes next.
pub(super) struct Term<'r> {
    pub(super) parts: &'r RelayParts,
    pub(super) lease: &'r Lease,
    pub(super) stop: &'r Stop,
    /// The log of the current binding.
    log: Option<Log>,
    /// The rows that were selected last.
    rows: Vec<RevocationRow>,
    /// The identifier that the filling has reached.
    reached: i64,
    /// The next page of the filling, if it was selected while Redis took the one before.
    ahead: Option<Vec<RevocationRow>>,
    published: PublishedTransactions,
    pub(super) needed: Needed,
    /// The position up to which the log was trimmed.
    pub(super) floor: ChainedPosition,
    /// The floor of the next trim.
    pub(super) next_floor: ChainedPosition,
    /// What sidecars had written before the last heartbeat was opened.
    challenges: Vec<Challenge>,
    /// The records that never end, to be carried along by the next trim.
    pub(super) endless: Vec<Record>,
    /// When the last heartbeat was opened.
    pub(super) beaten: Instant,
    /// When the log was trimmed last.
    pub(super) trimmed: Instant,
    /// Whether expired rows may be left.
    pub(super) sweeping: bool,
}

/// Which transactions need not be searched for unpublished rows.
#[derive(Debug, Default)]
struct PublishedTransactions {
    /// Everything of transactions below this one is published.
    below: TransactionId,
    /// Every transaction below this one had ended before the next turn began.
    ended: TransactionId,
    /// What `below` becomes when the rows that were selected last are marked: they were all that was left.
    next: Option<TransactionId>,
}

impl PublishedTransactions {
    /// A turn selected rows, and then read `ended`.
    fn selected(&mut self, is_all: bool, ended: TransactionId) {
        self.next = is_all.then_some(self.ended);
        self.ended = ended;
    }

    /// Nothing is left of what was selected.
    fn marked(&mut self) {
        self.below = self.next.take().map_or(self.below, |next| next.max(self.below));
    }
}

impl<'r> Term<'r> {
    pub(super) fn new(parts: &'r RelayParts, lease: &'r Lease, stop: &'r Stop) -> Self {
        Self {
            parts,
            lease,
            stop,
            log: None,
            rows: Vec::new(),
            reached: 0,
            ahead: None,
            published: PublishedTransactions::default(),
            needed: Needed::default(),
            floor: ChainedPosition::default(),
            next_floor: ChainedPosition::default(),
            challenges: Vec::new(),
            endless: Vec::new(),
            beaten: Instant::now(),
            trimmed: Instant::now(),
            sweeping: true,
        }
    }

    /// Carries out the action of the leader, and returns its outcome.
    pub(super) async fn carry_out(&mut self, leader: &Leader) -> Result<LeaderEvent, Fault> {
        let epoch = leader.at().epoch;
        match leader.doing() {
            LeaderAction::Connect => self.connect().await,
            LeaderAction::TakeHandover { .. } => self.take_handover().await,
            LeaderAction::TakeEpoch { in_redis } => self.take_epoch(in_redis).await,
            LeaderAction::Clear => self.clear(epoch).await,
            LeaderAction::SelectPage => self.select_page(epoch).await,
            LeaderAction::LoadPage { at } => self.load_page(at).await,
            LeaderAction::SelectNew | LeaderAction::Select => self.select().await,
            LeaderAction::LoadNew { at } => self.load_new(at).await,
            LeaderAction::MarkNew { at } | LeaderAction::Mark { at } => self.mark(at).await,
            LeaderAction::ReadRoles | LeaderAction::Open { .. } => self.open(leader).await,
            LeaderAction::Beat { at, beat, roles } => self.beat(at, beat, roles).await,
            LeaderAction::WriteRoles => self.write_roles(epoch).await,
            LeaderAction::Append { at, close, roles } => self.append(at, close, roles).await,
            LeaderAction::Wait => self.wait(leader.at()).await,
            LeaderAction::Trim { at, floor, roles, .. } => self.trim(at, floor, roles).await,
            LeaderAction::Leave { at, roles } => self.leave(at, roles).await,
            LeaderAction::Finish | LeaderAction::StepDown => Err(Fault::OutOfOrder),
        }
    }

    async fn connect(&mut self) -> Result<LeaderEvent, Fault> {
        // The connection of a binding is closed before the next one is opened.
        self.log = None;
        let parts = self.parts;
        let (log, highest) = Log::connect(&parts.redis, parts.keys.clone(), parts.signing.clone()).await?;
        self.log = Some(log);
        (self.reached, self.floor, self.needed) = (0, ChainedPosition::default(), Needed::default());
        (self.ahead, self.published.next) = (None, None);
        Ok(LeaderEvent::Connected { highest })
    }

    /// Takes over the state of the previous leader, which the next script compares with Redis.
    async fn take_handover(&mut self) -> Result<LeaderEvent, Fault> {
        let Some((left, beat)) = self.lease.take_handover().await? else {
            return Ok(LeaderEvent::NoHandover);
        };
        self.log()?.adopt(left.history, &left.replication);
        (self.floor, self.needed) = (left.floor, left.needed);
        Ok(LeaderEvent::Handover { at: left.at, roles: left.roles, beat })
    }

    async fn leave(&mut self, at: LogPosition, roles: u64) -> Result<LeaderEvent, Fault> {
        let Some(log) = &self.log else { return Err(Fault::OutOfOrder) };
        let (history, replication) = log.identity()?;
        let (floor, replication) = (self.floor, replication.to_owned());
        let needed = std::mem::take(&mut self.needed);
        self.lease.leave(&Handover { at, history, floor, replication, roles, needed }).await?;
        tracing::info!(epoch = at.epoch, records = at.seq, "Left the epoch to the next relay.");
        Ok(LeaderEvent::Done)
    }

    async fn take_epoch(&mut self, in_redis: u64) -> Result<LeaderEvent, Fault> {
        let taken = self.lease.new_epoch(in_redis).await?;
        self.log()?.begin(taken.history);
        self.needed = Needed::begin(LogIdentity { epoch: taken.epoch, history: taken.history });
        self.floor = ChainedPosition { seq: 0, chain: self.needed.chain };
        Ok(LeaderEvent::Taken { epoch: taken.epoch, beat: taken.beat })
    }

    /// The statement of the next action keeps the lease, which would be lost if it were idle.
    async fn clear(&mut self, epoch: u64) -> Result<LeaderEvent, Fault> {
        let is_all = self.log()?.clear(epoch).await? == 0;
        Ok(LeaderEvent::Cleared { is_all })
    }

    async fn select_page(&mut self, epoch: u64) -> Result<LeaderEvent, Fault> {
        self.rows = match self.ahead.take() {
            Some(rows) => rows,
            None => self.lease.published_earlier(epoch, self.reached, self.parts.timing.batch).await?,
        };
        self.reached = self.rows.last().map_or(self.reached, |last| last.id);
        Ok(LeaderEvent::Selected { count: self.count(), is_all: self.rows.is_empty(), roles: 0, beat: 0 })
    }

    async fn select(&mut self) -> Result<LeaderEvent, Fault> {
        let limit = self.parts.timing.batch;
        let (rows, next) = self.lease.unpublished(self.published.below, limit).await?;
        self.rows = rows;
        let is_all = i64::try_from(self.rows.len()).is_ok_and(|count| count < limit);
        self.published.selected(is_all, next.ended_below);
        if self.rows.is_empty() {
            self.published.marked();
        }
        Ok(LeaderEvent::Selected { count: self.count(), is_all, roles: next.roles, beat: next.beat })
    }

    /// Writes a page of rows that were published in earlier epochs, and selects the next one meanwhile: what is published
    /// later is selected as new.
    async fn load_page(&mut self, at: LogPosition) -> Result<LeaderEvent, Fault> {
        let records = records(&self.rows);
        let Some(log) = &mut self.log else { return Err(Fault::OutOfOrder) };
        let next = self.lease.published_earlier(at.epoch, self.reached, self.parts.timing.batch);
        let (loaded, next) = join(log.load(at, &records, false), next).await;
        loaded?;
        self.ahead = Some(next?);
        self.needed.note(at, &records);
        Ok(LeaderEvent::Done)
    }

    async fn load_new(&mut self, at: LogPosition) -> Result<LeaderEvent, Fault> {
        let records = records(&self.rows);
        self.log()?.load(at, &records, true).await?;
        self.needed.note(at, &records);
        self.count_published();
        Ok(LeaderEvent::Done)
    }

    /// Marks exactly the rows that were written.
    async fn mark(&mut self, at: LogPosition) -> Result<LeaderEvent, Fault> {
        self.lease.mark(at, &self.rows).await?;
        self.published.marked();
        self.rows.clear();
        Ok(LeaderEvent::Done)
    }

    /// Reads the role map, and in the next action writes it with the epoch.
    async fn open(&mut self, leader: &Leader) -> Result<LeaderEvent, Fault> {
        let LeaderAction::Open { at } = leader.doing() else {
            let roles = self.lease.role_map(leader.at().epoch).await?;
            let version = roles.version;
            self.log()?.keep_roles(roles);
            return Ok(LeaderEvent::Roles { version });
        };
        let version = self.log()?.open(at).await?;
        self.note_epoch(at.epoch, version);
        self.parts.metrics.epochs.inc();
        tracing::info!(epoch = at.epoch, records = at.seq, "Relaying revocations.");
        Ok(LeaderEvent::Done)
    }

    fn note_epoch(&self, epoch: u64, roles: u64) {
        let metrics = &self.parts.metrics;
        metrics.role_map_version.set(roles);
        metrics.leading.set(1);
        metrics.epoch.set(epoch);
    }

    async fn beat(&mut self, at: LogPosition, beat: u64, roles: u64) -> Result<LeaderEvent, Fault> {
        self.beaten = Instant::now();
        self.challenges = self.log()?.beat(at, roles, beat).await?;
        if self.parts.metrics.leading.get() != 1 {
            self.note_epoch(at.epoch, roles);
            tracing::info!(
                epoch = at.epoch,
                records = at.seq,
                "Continuing the epoch that the previous relay left."
            );
        }
        Ok(LeaderEvent::Done)
    }

    /// The role map is read after the rows and written before them: tokens refreshed because of these rows
    /// never meet an older map.
    async fn write_roles(&mut self, epoch: u64) -> Result<LeaderEvent, Fault> {
        let roles = self.lease.role_map(epoch).await?;
        self.log()?.write_roles(&roles).await?;
        self.parts.metrics.role_map_version.set(roles.version);
        tracing::info!(version = roles.version, roles = roles.map.len(), "Published the role map.");
        Ok(LeaderEvent::Roles { version: roles.version })
    }

    async fn append(
        &mut self,
        at: LogPosition,
        close: Option<u64>,
        roles: u64,
    ) -> Result<LeaderEvent, Fault> {
        let records = records(&self.rows);
        let traces = Traces::begin(&self.rows, at);
        let certificate = close.map(|beat| LogCertificate {
            beat,
            seq: at.seq.saturating_add(self.count()),
            chain: self.needed.chain_after(&records),
            floor: self.floor.seq,
            floor_chain: self.floor.chain,
            roles,
            challenges: std::mem::take(&mut self.challenges),
        });
        let appended = self.log()?.append(at, &records, roles, certificate.as_ref(), &traces).await;
        traces.end(&appended);
        appended?;
        if close.is_some() {
            self.parts.metrics.failing.set(0);
        }
        self.needed.note(at, &records);
        self.count_published();
        Ok(LeaderEvent::Done)
    }

    /// The record of a killed key never ends and would keep the whole log; it is appended again first, so
    /// that the log contains it at every moment.
    async fn trim(&mut self, at: LogPosition, floor: u64, roles: u64) -> Result<LeaderEvent, Fault> {
        let endless = std::mem::take(&mut self.endless);
        if !endless.is_empty() {
            self.log()?.append(at, &endless, roles, None, &Traces::default()).await?;
            self.needed.note(at, &endless);
        }
        self.log()?.trim(at, floor).await?;
        tracing::debug!(floor, "Trimmed the revocation log.");
        self.floor = self.next_floor;
        Ok(LeaderEvent::Done)
    }

    const fn log(&mut self) -> Result<&mut Log, Fault> {
        match &mut self.log {
            Some(log) => Ok(log),
            None => Err(Fault::OutOfOrder),
        }
    }

    fn count(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    fn count_published(&self) {
        for row in &self.rows {
            self.parts.metrics.publish_seconds.observe(row.waited_seconds);
        }
        self.parts.metrics.published.inc_by(self.count());
    }
}

fn records(rows: &[RevocationRow]) -> Vec<Record> {
    rows.iter().map(|row| row.record).collect()
}
