//! The publication of a record as part of the trace of the request that made it.

use shared::revocation::Position;
use shared::telemetry::{self, Parent, TRACE};
use tracing::Span;
use tracing::field::Empty;

use super::LogError;
use crate::revocations::store::Row;

/// What is being published and is part of a trace that is kept, which nearly nothing is.
#[derive(Debug, Default)]
pub(super) struct Traces(Vec<(usize, Span)>);

impl Traces {
    /// A span for each of `rows` that has a trace; they will stand in the log one by one after `at`.
    pub(super) fn begin(rows: &[Row], at: Position) -> Self {
        let span = |(number, row): (usize, &Row)| {
            let parent = Parent::parse(row.traceparent.as_deref()?)?;
            Some((number, publishing(parent, row, at.epoch, at.seq.saturating_add(number as u64))))
        };
        Self((1_usize..).zip(rows).filter_map(span).collect())
    }

    /// Which of the records, from 1, and what makes readers part of its trace.
    pub(super) fn of_records(&self) -> impl Iterator<Item = (usize, String)> {
        self.0.iter().filter_map(|(number, span)| Some((*number, telemetry::traceparent(span)?)))
    }

    /// All of them are published, or none.
    pub(super) fn end(self, published: &Result<(), LogError>) {
        if published.is_err() {
            for (_, span) in &self.0 {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}

fn publishing(parent: Parent, row: &Row, epoch: u64, sequence: u64) -> Span {
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
