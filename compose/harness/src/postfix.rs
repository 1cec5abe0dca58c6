//! A private Postfix: a mail server that operators run, with TLS and passwords.
//!
//! Its master process needs root, to run each of its parts as the user of that part.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::error::Doing as _;
use crate::{Account, Certified, Error, Launch, Process, ports, programs};

/// The name and the password of its client.
const USER: (&str, &str) = ("usher@mail.example", "s3cret word of the mail server");

/// The domain whose mail it accepts and keeps.
pub const DOMAIN: &str = "example.org";

/// A private Postfix, on free ports of 127.0.0.1, that keeps the mail to [`DOMAIN`].
pub struct Postfix {
    // Before the folder, because fields are dropped in this order.
    process: Process,
    folder: TempDir,
    certified: Certified,
    start_tls: u16,
    implicit_tls: u16,
}

impl fmt::Debug for Postfix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postfix").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Postfix {
    /// Starts it, with a certificate and one user.
    ///
    /// # Errors
    ///
    /// If it is not installed, this process is not root, or it does not answer in time.
    pub async fn start() -> Result<Self, Error> {
        programs::installed("postfix", "postfix")?;
        if !rustix::process::geteuid().is_root() {
            return Err(Error::Other("Postfix can be started by root only".to_owned()));
        }
        let folder = tempfile::Builder::new().prefix("usher-postfix-").tempdir();
        let folder = folder.doing(|| "a temporary folder cannot be made".to_owned())?;
        let (start_tls, implicit_tls, certified) = (ports::free()?, ports::free()?, Certified::new()?);
        configure(folder.path(), &certified, (start_tls, implicit_tls))?;
        let etc = text(&folder.path().join("etc"));
        // It makes the folders of the queue.
        output("postfix", &["-c", &etc, "check"])?;
        // `postfix start-fg` would leave this process when it is asked to stop.
        let parts = output("postconf", &["-c", &etc, "-h", "daemon_directory"])?;
        let program = Path::new(parts.trim()).join("master");
        let args = ["-c", &etc, "-s"].map(Into::into).to_vec();
        let launch = Launch {
            name: "postfix".to_owned(),
            program,
            args,
            env: Vec::new(),
            input: String::new(),
            log: folder.path().join("postfix.log"),
            account: None,
            stop: Signal::TERM,
            end: Signal::KILL,
            ledger: None,
        };
        let process = launch.start()?;
        let mut postfix = Self { process, folder, certified, start_tls, implicit_tls };
        postfix.ready().await?;
        Ok(postfix)
    }

    /// admin's variables for this mail server, apart from the public URL and the sender.
    ///
    /// # Errors
    ///
    /// When the certificate of the authority cannot be written.
    pub fn admin_env(&self, implicit_tls: bool) -> Result<Vec<(&'static str, String)>, Error> {
        let (scheme, port) =
            if implicit_tls { ("smtps", self.implicit_tls) } else { ("smtp", self.start_tls) };
        Ok(vec![
            ("ADMIN_MAIL_URL", format!("{scheme}://localhost:{port}")),
            ("ADMIN_MAIL_TLS_CA", self.certified.authority()?),
            ("ADMIN_MAIL_USER", USER.0.to_owned()),
            ("ADMIN_MAIL_PASSWORD", USER.1.to_owned()),
        ])
    }

    /// The mails that it keeps, as they arrived, oldest first.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn mails(&self) -> Result<Vec<String>, Error> {
        let inbox = self.folder.path().join("mail/all/new");
        // It is made with the first mail.
        let Ok(entries) = fs::read_dir(inbox) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let read = |path: &PathBuf| fs::read_to_string(path).doing(|| "a mail cannot be read".to_owned());
        paths.iter().map(read).collect()
    }

    /// Asks it to stop, and waits.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same ports.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.process.start_again()?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<(), Error> {
        let port = self.start_tls;
        self.process.ready(async || greets(port).is_some()).await
    }
}

/// Whether it sends its greeting.
fn greets(port: u16) -> Option<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.starts_with("220 ").then_some(())
}

/// Runs a command of Postfix, and returns what it says.
fn output(command: &str, args: &[&str]) -> Result<String, Error> {
    let program = programs::installed(command, "postfix")?;
    let ended = Command::new(program).args(args).stdin(Stdio::null()).output();
    let ended = ended.doing(|| format!("{command} cannot be run"))?;
    match ended.status.success() {
        true => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
        false => Err(Error::Other(format!("{command} failed: {}", String::from_utf8_lossy(&ended.stderr)))),
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Writes its files. Its parts run as users of the package, who must reach them.
fn configure(
    folder: &Path,
    certified: &Certified,
    (start_tls, implicit_tls): (u16, u16),
) -> Result<(), Error> {
    let doing = || "the files of Postfix cannot be written".to_owned();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).doing(doing)?;
    for name in ["etc/sasl", "queue", "data", "mail"] {
        fs::create_dir_all(folder.join(name)).doing(doing)?;
    }
    for name in ["server.pem", "server.key"] {
        fs::write(folder.join("etc").join(name), certified.text(name)?).doing(doing)?;
    }
    let owner = Account::named("postfix")?;
    fs::write(folder.join("etc/main.cf"), main_cf(&text(folder), owner.uid)).doing(doing)?;
    fs::write(folder.join("etc/master.cf"), master_cf(start_tls, implicit_tls)).doing(doing)?;
    let users = folder.join("etc/sasl/users");
    let sasl = format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN\n",
        text(&users)
    );
    fs::write(folder.join("etc/sasl/smtpd.conf"), sasl).doing(doing)?;
    add_user(&users)?;
    for path in [&users, &folder.join("data"), &folder.join("mail")] {
        chown(path, Some(owner.uid), None).doing(doing)?;
    }
    Ok(())
}

fn main_cf(folder: &str, uid: u32) -> String {
    let group = format!("virtual_uid_maps = static:{uid}\nvirtual_gid_maps = static:{uid}\n");
    format!(
        "compatibility_level = 3.6\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks =\nmydestination =\nalias_maps =\n\
         local_recipient_maps =\nmyhostname = mail.example\nsmtpd_peername_lookup = no\nsmtputf8_enable = yes\n\
         virtual_mailbox_domains = {DOMAIN}\nvirtual_mailbox_base = {folder}/mail\n\
         virtual_mailbox_maps = static:all/\nvirtual_minimum_uid = 1\n{group}\
         smtpd_tls_cert_file = {folder}/etc/server.pem\nsmtpd_tls_key_file = {folder}/etc/server.key\n\
         smtpd_tls_security_level = encrypt\nsmtpd_tls_auth_only = yes\nsmtpd_sasl_auth_enable = yes\n\
         smtpd_sasl_local_domain = mail.example\n\
         smtpd_relay_restrictions = reject_unauth_destination\n\
         smtpd_recipient_restrictions = reject_unauth_destination,permit_sasl_authenticated,reject\n\
         maillog_file = {folder}/mail.log\nmaillog_file_prefixes = {folder}\n"
    )
}

/// Only the parts that accept mail and keep it: nothing leaves this machine.
fn master_cf(start_tls: u16, implicit_tls: u16) -> String {
    format!(
        "{start_tls} inet n - n - - smtpd\n\
         {implicit_tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
         postlog unix-dgram n - n - 1 postlogd\n\
         cleanup unix n - n - 0 cleanup\n\
         qmgr unix n - n 300 1 qmgr\n\
         tlsmgr unix - - n 1000? 1 tlsmgr\n\
         rewrite unix - - n - - trivial-rewrite\n\
         bounce unix - - n - 0 bounce\n\
         defer unix - - n - 0 bounce\n\
         trace unix - - n - 0 bounce\n\
         proxymap unix - - n - - proxymap\n\
         anvil unix - - n - 1 anvil\n\
         virtual unix - n n - - virtual\n\
         error unix - - n - - error\n\
         retry unix - - n - - error\n"
    )
}

/// The password is passed by the standard input.
fn add_user(users: &Path) -> Result<(), Error> {
    let doing =
        || "saslpasswd2 cannot be run; ./compose/local test installs it (package sasl2-bin)".to_owned();
    let program = programs::installed("saslpasswd2", "sasl2-bin")?;
    let (name, password) = USER;
    let (user, realm) = name.split_once('@').unwrap_or((name, ""));
    let mut command = Command::new(program);
    command.args(["-p", "-c", "-f", &text(users), "-u", realm, user]).stdin(Stdio::piped());
    let mut child = command.spawn().doing(doing)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(password.as_bytes()).doing(doing)?;
    }
    let status = child.wait().doing(doing)?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Other(format!("saslpasswd2 failed: {status}"))),
    }
}
