//! The killed keys on disk, beside the copy of the key set, so that an old copy does not bring a killed key
//! back.

use std::path::{Path, PathBuf};

use runtime::file;
use shared::revocation::{RECORD_BYTES, Record, RecordError, decode_all};

/// The longest list, in bytes: 32,768 killed keys.
const MAX_BYTES: usize = 1 << 20;

/// The records of killed keys, in the form of the log, one after another.
#[derive(Debug, Default)]
pub struct KillList {
    path: Option<PathBuf>,
    /// The killed keys.
    pub records: Vec<Record>,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the killed keys: {0}; without them, killed keys would be accepted again: make the file readable, or \
     delete it together with the file of INTROSPECT_JWKS_COPY"
)]
pub struct KillListError(String);

impl KillList {
    /// Reads the list beside `copy`; without a copy the list is only in memory.
    ///
    /// # Errors
    ///
    /// When it exists and is damaged: without it a killed key could be accepted again.
    pub fn open(copy: Option<&Path>) -> Result<Self, KillListError> {
        let Some(copy) = copy else { return Ok(Self::default()) };
        let mut path = copy.as_os_str().to_owned();
        path.push(".killed");
        let path = PathBuf::from(path);
        let unusable = |why: String| KillListError(format!("{}: {why}", path.display()));
        let bytes = match file::read(&path, MAX_BYTES) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| unusable(error.to_string()))?,
        };
        let records = decode_all(&bytes).collect::<Result<_, RecordError>>();
        let records = records.map_err(|error| unusable(error.to_string()))?;
        Ok(Self { path: Some(path), records })
    }

    /// Adds a killed key. If the file cannot be written, this process and the log still refuse the key.
    pub fn add(&mut self, record: &Record) {
        if self.records.iter().any(|known| known.key == record.key) {
            return;
        }
        self.records.push(*record);
        let Some(path) = &self.path else { return };
        let mut bytes = Vec::with_capacity(self.records.len() * RECORD_BYTES);
        for record in &self.records {
            bytes.extend_from_slice(&record.encode());
        }
        if let Err(error) = file::write_whole(path, &bytes) {
            tracing::error!(path = %path.display(), %error, "Cannot write the killed keys to disk.");
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::revocation::{Kind, Reason, RecordKey, Until};

    use super::*;

    fn kill(kid: &str) -> Record {
        let key = RecordKey::new("issuer", Kind::Key, kid);
        Record { kind: Kind::Key, reason: Reason::Revoked, until: Until::Never, key, argument: 0 }
    }

    #[test]
    fn added_keys_are_in_the_list_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("jwks.json");
        let mut list = KillList::open(Some(&copy)).unwrap();
        list.add(&kill("a"));
        list.add(&kill("b"));
        list.add(&kill("a"));
        let again = KillList::open(Some(&copy)).unwrap();
        assert_eq!(again.records, [kill("a"), kill("b")]);
    }

    #[test]
    fn a_damaged_list_is_an_error_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("jwks.json");
        assert!(KillList::open(Some(&copy)).unwrap().records.is_empty());
        std::fs::write(folder.path().join("jwks.json.killed"), [1; 33]).unwrap();
        assert!(KillList::open(Some(&copy)).is_err());
    }
}
