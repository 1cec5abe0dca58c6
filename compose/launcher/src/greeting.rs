//! The text that is printed when everything is ready: the addresses, and five commands to try.

use std::path::Path;

use crate::tour::word;

/// The text, for a gateway at `gateway` that `launcher` (an absolute path) started, a console at `console` and an inbox at `inbox`.
///
/// Each command works in any shell and from any folder. It contains no token or password, and neither do the
/// arguments of the programs that it starts: the header is passed through a pipe.
pub(super) fn text(gateway: &str, console: &str, inbox: &str, launcher: &Path) -> String {
    let launcher = word(&launcher.display().to_string());
    format!(
        "
Usher is running. Start here: {gateway}/
The API, to read and to try: {gateway}/apidocs/
Register or sign in, also through Google and six other providers (mock servers): {gateway}/account/
The operators' console, on a listener of its own: {console}/console/
The inbox of all mails, which are kept and not delivered: {inbox}

A tour that shows each request and its response, with a sign-in and a sign-out:
  {launcher} try

A film requires a signed-in user; this is 401:
  curl -si {gateway}/api/v1/films/metropolis

With a token it is 200, and the cinema receives the user's ID and roles:
  {launcher} sign-in viewer | curl -s -H @- {gateway}/api/v1/films/metropolis

Operators use the commands of admin, or the API with a superuser's token:
  {launcher} admin keys list
  {launcher} sign-in superuser | curl -s -H @- {gateway}/api/v1/roles
The console takes SUPERUSER_EMAIL and SUPERUSER_PASSWORD of target/local.env.

Addresses, sockets and secrets are in target/local.env. Press Ctrl-C to stop everything.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_space_and_a_quote_stays_one_word() {
        let [gateway, console] = ["http://127.0.0.1:8080", "http://127.0.0.1:8010"];
        let text = text(gateway, console, "http://127.0.0.1:8025/", Path::new("/it's here/compose/local"));
        assert!(text.contains(r"'/it'\''s here/compose/local' sign-in viewer | curl"), "{text}");
        let commands = text.lines().filter(|line| line.starts_with("  "));
        assert_eq!(commands.count(), 5);
    }
}
