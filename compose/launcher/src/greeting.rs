//! What is printed when all is ready: where it is, and five commands to try.

use std::path::Path;

use crate::assignments::quote;

/// The words, for a gateway at `gateway` that `launcher` (an absolute path) started.
///
/// Each command works in any shell and from any folder: nothing in them is left for a shell to substitute,
/// except inside `sh -c`. No token or password is in them, nor in the arguments of what they start: the header
/// goes from one program to the other.
pub(super) fn text(gateway: &str, launcher: &Path) -> String {
    let launcher = word(&launcher.display().to_string());
    let watched = format!(
        "signed=$({launcher} sign-in subscriber); \
         ask() {{ printf \"%s\\n\" \"$signed\" | curl -s -H @- \"$@\"; }}; \
         film() {{ ask -o /dev/null -w \"%{{http_code}}\\n\" {gateway}/api/v1/watch/; }}; \
         film; ask -X POST {gateway}/api/v1/auth/logout; film"
    );
    let watched = quote(&watched);
    format!(
        "
The cinema is open at {gateway}
Its API, to read and to try: {gateway}/apidocs/
Sign in through Google and others: {gateway}/sign-in/

Everybody may see the genres:
  curl -s {gateway}/api/v1/genres/

Films are for people who signed in (401):
  curl -si {gateway}/api/v1/films/

So sign in; the cinema is told who it is:
  {launcher} sign-in viewer | curl -s -H @- {gateway}/api/v1/films/

To watch takes a subscription (403):
  {launcher} sign-in viewer | curl -si -H @- {gateway}/api/v1/watch/

With one it is 200, and 401 as soon as signed out, though the token has minutes to live:
  sh -c {watched}

Addresses, sockets and secrets: target/local.env. Ctrl-C ends everything.
"
    )
}

/// `text` quoted, if any shell would take it for more than one plain word.
fn word(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if plain { text.to_owned() } else { quote(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_space_and_a_quote_stays_one_word() {
        let text = text("http://127.0.0.1:8080", Path::new("/it's here/compose/local"));
        assert!(text.contains(r"'/it'\''s here/compose/local' sign-in viewer | curl"), "{text}");
        let commands = text.lines().filter(|line| line.starts_with("  "));
        assert_eq!(commands.count(), 5);
    }
}
