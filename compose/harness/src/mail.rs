//! The mail server that keeps every mail, as a process: `mail-catcher`.

use std::path::PathBuf;

use crate::introspect::answers_ok;
use crate::{Error, Folder, Launch, Process, ports, programs};

/// How it is started.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The port for SMTP; 0 for a free one.
    pub smtp_port: u16,
    /// The port of the inbox; 0 for a free one.
    pub http_port: u16,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A running mail server.
#[derive(Debug)]
pub struct MailCatcher {
    process: Process,
    smtp: u16,
    http: u16,
    // Held so that the folder is removed at the end.
    _folder: Folder,
}

impl MailCatcher {
    /// Starts it and waits until its inbox answers.
    ///
    /// # Errors
    ///
    /// When it is not built, or does not answer in time.
    pub async fn start(settings: &MailSettings, folder: Folder) -> Result<Self, Error> {
        let port = |port| if port == 0 { ports::free() } else { Ok(port) };
        let (smtp, http) = (port(settings.smtp_port)?, port(settings.http_port)?);
        let program = programs::reachable(programs::ours("mail-catcher")?, &folder)?;
        let mut launch = Launch::new("mail", program, &folder).args([
            "--smtp".to_owned(),
            format!("127.0.0.1:{smtp}"),
            "--http".to_owned(),
            format!("127.0.0.1:{http}"),
        ]);
        launch.ledger.clone_from(&settings.ledger);
        let mut catcher = Self { process: launch.start()?, smtp, http, _folder: folder };
        let url = catcher.inbox();
        catcher.process.ready(async || answers_ok(&url).await).await?;
        Ok(catcher)
    }

    /// The address of the inbox, for a browser.
    pub fn inbox(&self) -> String {
        format!("http://127.0.0.1:{}/", self.http)
    }

    /// admin's variables for this mail server, apart from the public URL.
    pub fn admin_env(&self) -> Vec<(String, String)> {
        [
            ("ADMIN_MAIL_URL", format!("smtp://127.0.0.1:{}", self.smtp)),
            ("ADMIN_MAIL_TLS", "none".to_owned()),
            ("ADMIN_MAIL_FROM", "Cinema <no-reply@cinema.example>".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Asks it to stop, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
