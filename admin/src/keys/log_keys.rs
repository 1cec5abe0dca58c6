//! The keys that authenticate the revocation log, which sidecars have too.

use shared::revocation::LogKeys;
use zeroize::Zeroizing;

use super::derived::derive;
use crate::config::MasterKeys;

const INFO: &[u8] = b"usher revocation log v1";

/// One for each master key.
pub fn log_keys(masters: &MasterKeys) -> LogKeys {
    LogKeys::new(keys(masters).iter().map(|key| &**key))
}

/// The same, as sidecars read them. A sidecar can neither sign a token with them nor open anything that is sealed.
pub fn log_keys_text(masters: &MasterKeys) -> Zeroizing<String> {
    Zeroizing::new(LogKeys::text(keys(masters).iter().map(|key| &**key)))
}

fn keys(masters: &MasterKeys) -> Vec<Zeroizing<[u8; 32]>> {
    masters.iter().map(|(_, master)| derive(master, INFO)).collect()
}
