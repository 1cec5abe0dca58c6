//! What a client holds until an address is proven: the flow, and the token of the link in the mail. Both are sealed (AES-GCM
//! under a key derived from the master key), so that a request for a mail stores nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::json;
use uuid::Uuid;

use crate::api::text::text_type;
use crate::api::{Code, Problem};
use crate::keys::Sealer;
use crate::mail::CodePurpose;
use crate::users::EmailAddress;

/// How long a flow and a link can be used, in seconds. A code is valid for less.
pub(super) const LIFE: u64 = 3600;

/// The longest sealed text: an address, a name and a language tag, sealed.
const LONGEST: usize = 1200;

/// Names of what is sealed, so that a flow is no link and the other way round.
const FLOW: &str = "flow";
const LINK: &str = "link";

/// An example flow. It is well-formed, but not valid.
pub(crate) const EXAMPLE_FLOW: &str =
    "AdQ0b3J3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1";

text_type!(
    /// A flow, or the token of a link, as a client sends it.
    pub(crate) FlowText, sealed
);

/// A flow. Purposefully without `Debug`: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MailFlow {
    pub(crate) id: Uuid,
    pub(crate) purpose: CodePurpose,
    pub(crate) email: EmailAddress,
    /// The name of a new account, which counts only if the proof brings the flow.
    pub(crate) display_name: Option<String>,
    /// The language tag of a new account; the same.
    pub(crate) locale: Option<String>,
    /// The account whose new address is proven, or whose user proves who they are (`prove_again`); no other purpose has one.
    pub(crate) change: Option<ChangingAccount>,
    /// When it began, in seconds since 1970.
    pub(crate) began_at: u64,
}

/// The account that asks for another address, or for a proof: whatever begins a new generation of its tokens ends that, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangingAccount {
    pub(crate) user: Uuid,
    /// The session that asked.
    pub(crate) session: Uuid,
    /// The generation of the user's tokens.
    pub(crate) generation: u64,
}

/// What the token of a link says. Purposefully without `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LinkProof {
    /// The mail.
    pub(crate) mail: Uuid,
    /// The flow of the mail, which a use of the link ends.
    pub(crate) flow: Uuid,
    pub(crate) email: EmailAddress,
    /// As [`MailFlow::change`].
    pub(crate) change: Option<ChangingAccount>,
    /// When it was made, in seconds since 1970.
    pub(crate) made_at: u64,
}

/// As sealed.
#[derive(Serialize, Deserialize)]
struct SealedMailFlow {
    id: Uuid,
    purpose: String,
    email: String,
    display_name: Option<String>,
    locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<ChangingAccount>,
    began_at: u64,
}

/// As sealed.
#[derive(Serialize, Deserialize)]
struct SealedLinkProof {
    mail: Uuid,
    flow: Uuid,
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<ChangingAccount>,
    made_at: u64,
}

impl MailFlow {
    /// The text for the client.
    ///
    /// # Errors
    ///
    /// 500 when the operating system provides no randomness.
    pub(super) fn seal(&self, sealer: &Sealer) -> Result<String, Problem> {
        let stored = SealedMailFlow {
            id: self.id,
            purpose: self.purpose.word().to_owned(),
            email: self.email.as_str().to_owned(),
            display_name: self.display_name.clone(),
            locale: self.locale.clone(),
            change: self.change,
            began_at: self.began_at,
        };
        seal(sealer, FLOW, &stored)
    }

    /// A flow that this service sealed and that can be used at `now`. `None` for every other text.
    pub(crate) fn open(text: &FlowText, sealer: &Sealer, now: u64) -> Option<Self> {
        let stored: SealedMailFlow = open(sealer, FLOW, text)?;
        is_live(stored.began_at, now).then_some(())?;
        Some(Self {
            id: stored.id,
            purpose: CodePurpose::of_word(&stored.purpose)?,
            email: stored.email.parse().ok()?,
            display_name: stored.display_name,
            locale: stored.locale,
            change: stored.change,
            began_at: stored.began_at,
        })
    }

    /// For how many seconds it can be used from `now`.
    pub(super) fn remaining(&self, now: u64) -> u64 {
        self.began_at.saturating_add(LIFE).saturating_sub(now)
    }
}

impl LinkProof {
    /// The token of the link.
    ///
    /// # Errors
    ///
    /// As [`MailFlow::seal`].
    pub(super) fn seal(&self, sealer: &Sealer) -> Result<String, Problem> {
        let Self { mail, flow, change, made_at, .. } = *self;
        let email = self.email.as_str().to_owned();
        seal(sealer, LINK, &SealedLinkProof { mail, flow, email, change, made_at })
    }

    /// A token that this service sealed and that can be used at `now`. `None` for every other text.
    pub(crate) fn open(text: &FlowText, sealer: &Sealer, now: u64) -> Option<Self> {
        let stored: SealedLinkProof = open(sealer, LINK, text)?;
        // The mail may have waited for ten minutes; how long the link is valid is counted from its hand-over.
        is_live(stored.made_at, now.saturating_sub(LIFE / 2)).then_some(())?;
        let SealedLinkProof { mail, flow, email, change, made_at } = stored;
        Some(Self { mail, flow, email: email.parse().ok()?, change, made_at })
    }
}

/// Clocks of several services may differ a little.
fn is_live(began_at: u64, now: u64) -> bool {
    now < began_at.saturating_add(LIFE)
}

fn seal(sealer: &Sealer, name: &str, value: &impl Serialize) -> Result<String, Problem> {
    let sealed = serde_json::to_vec(value).ok().and_then(|text| sealer.seal(name, &text).ok());
    sealed.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).ok_or_else(|| {
        tracing::error!("Request failed: no flow could be sealed.");
        Problem::new(Code::Internal)
    })
}

fn open<T: DeserializeOwned>(sealer: &Sealer, name: &str, text: &FlowText) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()).ok()?;
    json::from_slice(&sealer.open(name, &bytes).ok()?).ok()
}

fn sealed(text: &str) -> Result<String, &'static str> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (40..=LONGEST).contains(&text.len()) && text.bytes().all(is_letter) {
        true => Ok(text.to_owned()),
        false => Err("Must be 40 to 1200 characters of A-Z, a-z, 0-9, - and _."),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::text::FromText as _;
    use crate::config::MasterKeys;
    use crate::keys::SealPurpose;

    fn sealer() -> Sealer {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        Sealer::new(&masters, SealPurpose::MailFlows)
    }

    fn read(text: &str) -> FlowText {
        FlowText::from_text(text).unwrap()
    }

    fn flow(email: &str, display_name: Option<String>) -> MailFlow {
        MailFlow {
            id: Uuid::from_u128(7),
            purpose: CodePurpose::Registration,
            email: email.parse().unwrap(),
            display_name,
            locale: Some("a".repeat(35)),
            change: None,
            began_at: 1_000_000,
        }
    }

    #[test]
    fn the_longest_flow_fits() {
        let email = format!("{}@{}.{}.example.org", "a".repeat(64), "b".repeat(60), "c".repeat(60));
        let flow = flow(&email, Some("\u{10ffff}".repeat(64)));
        let text = read(&flow.seal(&sealer()).unwrap());
        assert!(MailFlow::open(&text, &sealer(), 1_000_000).unwrap() == flow);
    }

    #[test]
    fn a_flow_is_read_until_its_end_and_is_no_link() {
        let sealed = flow("neo@example.org", None).seal(&sealer()).unwrap();
        let text = read(&sealed);
        assert!(MailFlow::open(&text, &sealer(), 1_000_000 + LIFE - 1).is_some());
        assert!(MailFlow::open(&text, &sealer(), 1_000_000 + LIFE).is_none());
        assert!(LinkProof::open(&text, &sealer(), 1_000_000).is_none());
        assert!(!sealed.contains("neo") && sealed != flow("neo@example.org", None).seal(&sealer()).unwrap());

        let email = "neo@example.org".parse().unwrap();
        let change = Some(ChangingAccount { user: Uuid::nil(), session: Uuid::nil(), generation: 7 });
        let link = LinkProof { mail: Uuid::nil(), flow: Uuid::nil(), email, change, made_at: 1_000_000 };
        let text = read(&link.seal(&sealer()).unwrap());
        assert!(LinkProof::open(&text, &sealer(), 1_000_000).unwrap() == link);
        assert!(MailFlow::open(&text, &sealer(), 1_000_000).is_none());
        assert!(LinkProof::open(&text, &sealer(), 1_000_000 + 2 * LIFE).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text in "[A-Za-z0-9_-]{40,200}|\\PC*") {
            if let Ok(text) = FlowText::from_text(&text) {
                prop_assert!(MailFlow::open(&text, &sealer(), 0).is_none());
                prop_assert!(LinkProof::open(&text, &sealer(), 0).is_none());
            }
        }

        #[test]
        fn a_changed_flow_is_refused(place in 0_usize..100, letter in "[A-Za-z0-9_-]") {
            let sealed = flow("neo@example.org", None).seal(&sealer()).unwrap();
            let mut changed = sealed.clone();
            changed.replace_range(place..=place, &letter);
            if URL_SAFE_NO_PAD.decode(&changed).ok() != URL_SAFE_NO_PAD.decode(&sealed).ok() {
                prop_assert!(MailFlow::open(&read(&changed), &sealer(), 1_000_000).is_none());
            }
        }
    }
}
