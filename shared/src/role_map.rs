//! The permissions of each role, and the form in which sidecars receive them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::json;
use crate::permission::{Pattern, Permission};
use crate::role::RoleName;

/// The longest published map that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The form that this version writes, and the only one that it reads.
const FORMAT: u64 = 1;

/// All defined roles, by their names.
///
/// A role that is not in the map grants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap {
    roles: BTreeMap<RoleName, Role>,
}

/// The definition of one role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// The permissions that it grants directly.
    pub permissions: BTreeSet<Pattern>,
    /// The roles whose permissions it inherits, with those that these inherit.
    pub inherits: BTreeSet<RoleName>,
}

/// A role map as it is in Redis, under the key `{rev}:roles`.
///
/// JSON without unknown members, at most [`MAX_BYTES`]; `format` is 1, roles and their lists are in order of
/// their text, and no role appears twice:
///
/// ```json
/// {"format":1,"epoch":3,"version":7,"roles":[
///   {"name":"subscriber","permissions":["films:watch"],"inherits":["viewer"]},
///   {"name":"viewer","permissions":[],"inherits":[]}]}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRoleMap {
    /// The epoch of the log to which it belongs.
    pub epoch: u64,
    /// The version of the definitions; only grows.
    pub version: u64,
    /// The definitions.
    pub map: RoleMap,
}

/// The bytes are not a published role map of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleMapError {
    /// Over [`MAX_BYTES`].
    #[error("a role map must have at most {MAX_BYTES} bytes; got {0}")]
    TooLong(usize),
    /// Written by a newer program.
    #[error("unknown role map format {0}")]
    Format(u64),
    /// Not JSON, of another structure, or with an invalid name or permission.
    #[error("the role map is malformed: {0}")]
    Malformed(String),
    /// One role is defined twice, so that the definition is ambiguous.
    #[error("the role {0} appears twice in the role map")]
    Repeated(RoleName),
}

#[derive(Deserialize)]
struct FormatMember {
    format: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedDocument {
    format: u64,
    epoch: u64,
    version: u64,
    roles: Vec<RoleDefinition>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleDefinition {
    name: RoleName,
    permissions: BTreeSet<Pattern>,
    inherits: BTreeSet<RoleName>,
}

impl RoleMap {
    /// The definition of a role.
    pub fn get(&self, name: &RoleName) -> Option<&Role> {
        self.roles.get(name)
    }

    /// The number of roles.
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// Whether there are no roles.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Every role, in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&RoleName, &Role)> {
        self.roles.iter()
    }

    /// The defined ones of `roles`, and all that they inherit, directly or indirectly.
    ///
    /// Terminates on circles too: there should be none, but the map comes from outside.
    pub fn reach<'r>(&self, roles: impl IntoIterator<Item = &'r RoleName>) -> BTreeSet<&RoleName> {
        let mut reached = BTreeSet::new();
        let mut ahead: Vec<_> = roles.into_iter().filter_map(|name| self.roles.get_key_value(name)).collect();
        while let Some((name, role)) = ahead.pop() {
            if reached.insert(name) {
                ahead.extend(role.inherits.iter().filter_map(|parent| self.roles.get_key_value(parent)));
            }
        }
        reached
    }

    /// All that `roles` grant together, with what they inherit.
    pub fn permissions<'r>(&self, roles: impl IntoIterator<Item = &'r RoleName>) -> BTreeSet<&Pattern> {
        let reached = self.reach(roles);
        reached
            .into_iter()
            .filter_map(|name| self.roles.get(name))
            .flat_map(|role| &role.permissions)
            .collect()
    }

    /// Whether one of `roles`, or one that they inherit, grants `permission`.
    pub fn grants<'r>(&self, roles: impl IntoIterator<Item = &'r RoleName>, permission: &Permission) -> bool {
        self.permissions(roles).into_iter().any(|pattern| pattern.grants(permission))
    }
}

impl FromIterator<(RoleName, Role)> for RoleMap {
    /// Of two definitions of one name the later wins.
    fn from_iter<I: IntoIterator<Item = (RoleName, Role)>>(roles: I) -> Self {
        Self { roles: roles.into_iter().collect() }
    }
}

impl PublishedRoleMap {
    /// The bytes of this map.
    pub fn encode(&self) -> Vec<u8> {
        let definition = |(name, role): (&RoleName, &Role)| RoleDefinition {
            name: name.clone(),
            permissions: role.permissions.clone(),
            inherits: role.inherits.clone(),
        };
        let document = PublishedDocument {
            format: FORMAT,
            epoch: self.epoch,
            version: self.version,
            roles: self.map.iter().map(definition).collect(),
        };
        serde_json::to_vec(&document).expect("numbers and text, without maps, are always JSON")
    }

    /// Reads a map.
    ///
    /// # Errors
    ///
    /// If the bytes are not exactly a map of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RoleMapError> {
        if bytes.len() > MAX_BYTES {
            return Err(RoleMapError::TooLong(bytes.len()));
        }
        let malformed = |error: serde_json::Error| RoleMapError::Malformed(error.to_string());
        // First, so that a map of a newer program is reported as such, whatever its other content.
        let FormatMember { format } = json::from_slice(bytes).map_err(malformed)?;
        if format != FORMAT {
            return Err(RoleMapError::Format(format));
        }
        let document: PublishedDocument = json::from_slice(bytes).map_err(malformed)?;
        let mut roles = BTreeMap::new();
        for RoleDefinition { name, permissions, inherits } in document.roles {
            match roles.entry(name) {
                Entry::Vacant(place) => drop(place.insert(Role { permissions, inherits })),
                Entry::Occupied(other) => return Err(RoleMapError::Repeated(other.key().clone())),
            }
        }
        Ok(Self { epoch: document.epoch, version: document.version, map: RoleMap { roles } })
    }
}
