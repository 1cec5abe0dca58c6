//! The causes of an error: the outermost one often says only that something failed.

/// The messages of the errors behind `error`, from the outside in; empty if there are none.
pub fn causes(error: &dyn std::error::Error) -> String {
    let behind = std::iter::successors(error.source(), |error| error.source());
    behind.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn every_cause_is_named_from_the_outside_in() {
        let inner = Layer("refused", None);
        assert_eq!(causes(&inner), "");
        let outer = Layer("failed", Some(Box::new(Layer("connecting", Some(Box::new(inner))))));
        assert_eq!(causes(&outer), "connecting: refused");
    }
}
