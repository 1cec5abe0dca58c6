//! The start page, and the page that signs users in through identity providers: their files, which the cinema serves.
//!
//! nginx decides what a browser may do with them (`nginx/snippets/{start,sign-in}-page.conf`).

/// The folder of the sign-in page.
const FOLDER: &str = "/sign-in/";

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct File {
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// Its content.
    pub(crate) text: &'static str,
}

/// The file at `path`.
pub(crate) fn file(path: &str) -> Option<File> {
    let html = |text| Some(File { media_type: "text/html; charset=utf-8", text });
    let style = |text| Some(File { media_type: "text/css; charset=utf-8", text });
    let script = |text| Some(File { media_type: "text/javascript; charset=utf-8", text });
    if path == "/" {
        return html(include_str!("../page/start.html"));
    }
    match path.strip_prefix(FOLDER)? {
        "" => html(include_str!("../page/index.html")),
        "page.css" => style(include_str!("../page/page.css")),
        "page.js" => script(include_str!("../page/page.js")),
        "messages.js" => script(include_str!("../page/messages.js")),
        "session.js" => script(include_str!("../page/session.js")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_path_alone() {
        assert!(file("/sign-in/").unwrap().text.starts_with("<!doctype html>"));
        for path in ["/sign-in", "/sign-in/index.html", "/sign-in/x", "/page.js", "/start.html"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn every_file_that_the_page_names_exists_and_none_is_on_another_server() {
        let page = file(FOLDER).unwrap().text;
        let named = page.split('"').filter(|word| word.ends_with(".js") || word.ends_with(".css"));
        let named: Vec<_> = named.collect();
        assert_eq!(named, ["page.css", "page.js"]);
        assert!(named.iter().all(|name| file(&format!("{FOLDER}{name}")).is_some()));
        assert!(!page.contains("//") && !page.contains("<style") && !page.contains(" style="));
    }

    #[test]
    fn scripts_put_nothing_into_the_page_but_text_and_keep_nothing_for_long() {
        for name in ["page.js", "messages.js", "session.js"] {
            let script = file(&format!("{FOLDER}{name}")).unwrap().text;
            for word in ["innerHTML", "outerHTML", "insertAdjacent", "eval(", "localStorage.", "cookie ="] {
                assert!(!script.contains(word), "{word} in {name}");
            }
        }
    }

    /// A message for a code that the service no longer has would never be removed.
    #[test]
    fn every_code_that_has_words_is_one_that_is_answered() {
        let answered = concat!(
            include_str!("../../../admin/src/api/code.rs"),
            include_str!("../../../shared/src/refusal.rs"),
            include_str!("../../../nginx/snippets/errors.conf"),
        );
        let messages = file("/sign-in/messages.js").unwrap().text;
        let lines = messages.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(':'));
        let codes: Vec<_> = lines.map(|(code, _)| code).filter(|code| !code.contains(' ')).collect();
        assert!(codes.len() > 20, "{codes:?}");
        for code in codes.iter().filter(|code| **code != "unreachable") {
            assert!(answered.contains(&format!("\"{code}\"")), "{code}");
        }
    }
}
