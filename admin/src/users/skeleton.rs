//! What login names that look alike have in common (UTS 39, section 4).

use uuid::Uuid;

/// An account whose skeleton is missing or outdated.
pub(super) struct LoginWithoutSkeleton {
    pub(super) user: Uuid,
    pub(super) key: String,
}

/// The version of Unicode by which skeletons are computed.
pub(crate) fn unicode_version() -> String {
    let (major, minor, update) = unicode_security::UNICODE_VERSION;
    format!("{major}.{minor}.{update}")
}

/// The skeleton of the key of a login name.
pub(super) fn skeleton(key: &str) -> String {
    // A digit may look like a capital letter.
    let small = unicode_security::skeleton(key).collect::<String>().to_lowercase();
    unicode_security::skeleton(&small).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (one, other) in [("scope", "ѕсоре"), ("root", "r00t"), ("anna1", "annal"), ("modern", "rnodern")]
        {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("anna"), skeleton("annna"));
    }

    proptest! {
        #[test]
        fn any_key_has_a_skeleton_of_bounded_length(key in "\\PC{3,64}") {
            prop_assert!(skeleton(&key).len() <= 64 * 4 * 18);
        }
    }
}
