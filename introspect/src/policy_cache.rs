//! A cache of parsed policies by their text: nginx sends the same few on every request.

use std::sync::Arc;

use arc_swap::ArcSwap;
use shared::policy::{Policy, PolicyError};

/// How many policies are cached; a configuration has a handful.
const MAX_POLICIES: usize = 256;

/// Parsed policies by their text, read without a lock.
#[derive(Debug, Default)]
pub struct PolicyCache {
    parsed: ArcSwap<foldhash::HashMap<Box<[u8]>, Arc<Policy>>>,
}

impl PolicyCache {
    /// The policy with this text, from the cache if it was parsed before.
    ///
    /// # Errors
    ///
    /// As [`Policy::parse`]; errors are not kept.
    pub fn find(&self, bytes: &[u8]) -> Result<Arc<Policy>, PolicyError> {
        if let Some(policy) = self.parsed.load().get(bytes) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(bytes)?);
        self.keep(bytes, &policy);
        Ok(policy)
    }

    /// When the cache is full, other policies are parsed again each time, which is slower but equally correct.
    fn keep(&self, bytes: &[u8], policy: &Arc<Policy>) {
        self.parsed.rcu(|parsed| {
            let mut parsed = foldhash::HashMap::clone(parsed);
            if parsed.len() < MAX_POLICIES {
                parsed.insert(bytes.into(), Arc::clone(policy));
            }
            parsed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let policies = PolicyCache::default();
        for number in 0..MAX_POLICIES + 10 {
            let text = format!("user;aud=a{number}");
            let policy = policies.find(text.as_bytes()).unwrap();
            assert_eq!(policy.audience.as_deref(), Some(&*format!("a{number}")));
        }
        assert_eq!(policies.parsed.load().len(), MAX_POLICIES);
        assert!(policies.find(b"user;x=1").is_err());
    }
}
