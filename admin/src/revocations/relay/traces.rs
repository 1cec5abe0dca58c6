//! The publication of a record as part of the trace of the request that created it.

use runtime::telemetry::{self, Parent, TRACE};
use shared::revocation::LogPosition;
use tracing::Span;
use tracing::field::Empty;

use crate::revocations::store::RevocationRow;

/// The records in publication that belong to a recorded trace; almost always none.
#[derive(Debug, Default)]
pub(super) struct Traces(Vec<(usize, Span)>);

impl Traces {
    /// One span for each of `rows` that has a trace; in the log the rows will directly follow `at`.
    pub(super) fn begin(rows: &[RevocationRow], at: LogPosition) -> Self {
        let span = |(number, row): (usize, &RevocationRow)| {
            let parent = Parent::parse(row.traceparent.as_deref()?)?;
            Some((number, publishing(parent, row, at.epoch, at.seq.saturating_add(number as u64))))
        };
        Self((1_usize..).zip(rows).filter_map(span).collect())
    }

    /// The numbers of the records, from 1, and the trace context for readers.
    pub(super) fn of_records(&self) -> impl Iterator<Item = (usize, String)> {
        self.0.iter().filter_map(|(number, span)| Some((*number, telemetry::traceparent(span)?)))
    }

    /// Either all are published, or none.
    pub(super) fn end<E>(self, published: &Result<(), E>) {
        if published.is_err() {
            for (_, span) in &self.0 {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}

fn publishing(parent: Parent, row: &RevocationRow, epoch: u64, sequence: u64) -> Span {
    let span = tracing::info_span!(
        target: TRACE,
        parent: None,
        "publish",
        otel.name = "publish revocation",
        otel.kind = "producer",
        otel.status_code = Empty,
        db.system.name = "redis",
        usher.kind = ?row.record.kind,
        usher.waited_seconds = row.waited_seconds,
        usher.epoch = epoch,
        usher.sequence = sequence,
    );
    telemetry::parent(&span, parent);
    span
}
