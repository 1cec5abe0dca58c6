//! `probe role-changes`: how long after its response a role change takes effect at the gateway.

use std::time::{Duration, Instant};

use runtime::env::{ProcessVars, Vars as _};
use serde_json::json;

use crate::admin::{AdminClient, TokenPair};
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// After this time a change counts as one without effect.
const LIMIT: Duration = Duration::from_secs(5);

/// The variable with the superuser's password.
const PASSWORD: &str = "SUPERUSER_PASSWORD";

/// Arguments of `probe role-changes`.
#[derive(Debug, clap::Args)]
pub(crate) struct RoleChanges {
    /// Address of the gateway.
    #[arg(long, env = "GATEWAY_URL")]
    gateway: String,
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// E-mail address of the superuser.
    #[arg(long, env = "SUPERUSER_EMAIL")]
    superuser: String,
    /// A path that requires the permission.
    #[arg(long, default_value = "/api/v1/downloads/metropolis")]
    path: String,
    /// The permission that the path requires.
    #[arg(long, default_value = "films:download")]
    permission: String,
    /// Number of changes of each kind.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
}

/// The durations for each kind of change.
#[derive(Default)]
struct Samples {
    widened: Vec<Duration>,
    narrowed: Vec<Duration>,
    assigned: Vec<Duration>,
    revoked: Vec<Duration>,
}

/// The users and URLs of a measurement.
struct Scene {
    admin: AdminClient,
    gateway: reqwest::Client,
    url: String,
    root: String,
    viewer: TokenPair,
    permission: String,
    assignment: String,
}

impl RoleChanges {
    /// Changes a role and its assignment `times` times each; prints how long each change took to take effect.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let admin = AdminClient::new(&self.admin)?;
        // Only from the environment: other users can see arguments.
        let password = ProcessVars.get(PASSWORD)?.ok_or("SUPERUSER_PASSWORD must be set")?;
        let root = admin.sign_in(&self.superuser, &password).await?.access;
        #[expect(clippy::disallowed_methods, reason = "each run has a role of its own")]
        let id = uuid::Uuid::now_v7();
        let role = format!("b-{}", &id.simple().to_string()[8..]);
        admin.operate("POST", "roles", &root, &json!({ "name": role })).await?;
        let measured = self.measure(admin.clone(), &root, &role).await;
        // The role is deleted in any case.
        admin.operate("DELETE", &format!("roles/{role}"), &root, &json!(null)).await?;
        print(measured?)
    }

    async fn measure(&self, admin: AdminClient, root: &str, role: &str) -> Result<Samples, ProbeError> {
        let (email, password) = AdminClient::create_user()?;
        let viewer = admin.sign_in(&email, &password).await?;
        let id = admin.user_of(&viewer.access).await?;
        let mut scene = Scene {
            gateway: reqwest::Client::builder().tcp_nodelay(true).build()?,
            url: format!("{}{}", self.gateway.trim_end_matches('/'), self.path),
            root: root.to_owned(),
            viewer,
            permission: format!("roles/{role}/permissions/{}", self.permission),
            assignment: format!("users/{id}/roles/{role}"),
            admin,
        };
        let mut samples = Samples::default();
        for _ in 0..self.times {
            scene.round(&mut samples).await?;
        }
        Ok(samples)
    }
}

impl Scene {
    /// Assigned, widened, narrowed, revoked: the gateway applies each change to a token that was issued before it.
    async fn round(&mut self, samples: &mut Samples) -> Result<(), ProbeError> {
        samples.assigned.push(self.change("PUT", &self.assignment, 401).await?);
        self.refresh(403).await?;
        samples.widened.push(self.change("PUT", &self.permission, 200).await?);
        samples.narrowed.push(self.change("DELETE", &self.permission, 403).await?);
        samples.revoked.push(self.change("DELETE", &self.assignment, 401).await?);
        self.refresh(403).await
    }

    async fn refresh(&mut self, status: u16) -> Result<(), ProbeError> {
        self.viewer = self.admin.refresh(&self.viewer.refresh).await?;
        self.until(status).await
    }

    /// The time from the response to a change to the first response `status` of the gateway.
    async fn change(&self, method: &str, path: &str, status: u16) -> Result<Duration, ProbeError> {
        self.admin.operate(method, path, &self.root, &json!(null)).await?;
        let changed = Instant::now();
        self.until(status).await?;
        Ok(changed.elapsed())
    }

    /// Polls without a pause.
    async fn until(&self, status: u16) -> Result<(), ProbeError> {
        let begun = Instant::now();
        loop {
            let answer = self.gateway.get(&self.url).bearer_auth(&self.viewer.access).send().await?;
            let found = answer.status().as_u16();
            // The connection is reused only if the body is read to its end.
            answer.bytes().await?;
            if found == status {
                return Ok(());
            }
            if begun.elapsed() > LIMIT {
                return Err(format!("the gateway still returns {found} instead of {status} after 5 s").into());
            }
        }
    }
}

fn print(samples: Samples) -> Result<(), ProbeError> {
    println!("change,{}", Quantiles::HEADER);
    let Samples { widened, narrowed, assigned, revoked } = samples;
    let all = [("widened", widened), ("narrowed", narrowed), ("assigned", assigned), ("revoked", revoked)];
    for (change, sample) in all {
        let quantiles = Quantiles::of(sample).ok_or("nothing was measured")?;
        println!("{change},{quantiles}");
    }
    Ok(())
}
