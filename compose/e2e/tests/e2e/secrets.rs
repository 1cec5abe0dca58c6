//! The secrets of the Compose files are those that the programs expect.

use std::path::{Path, PathBuf};

use harness::{Folder, Launch, programs};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../containers/sidecar-keys");

/// Two master keys, as in a change of them.
const MASTERS: &str =
    "2:Cz4BYwGAWy7LaQ9MFicTnqTEYLOgn1KjlxFsmL3oCU8=,1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=\n";

#[test]
fn the_keys_of_the_sidecars_are_those_that_admin_prints() {
    let folder = Folder::temporary().unwrap();
    let script = folder.copy(Path::new(SCRIPT), "sidecar-keys").unwrap();
    let bash = Launch::new("bash", PathBuf::from("/bin/bash"), &folder);
    let made = bash.args([script]).run(MASTERS).unwrap();

    let admin = programs::reachable(programs::ours("admin").unwrap(), &folder).unwrap();
    let admin = Launch::new("admin", admin, &folder).env([("ADMIN_MASTER_KEYS", MASTERS.trim())]);
    let printed = admin.args(["keys", "sidecar"]).run("").unwrap();

    assert_eq!(made, printed);
    assert_eq!(printed.split(',').count(), 2, "{printed}");
}
