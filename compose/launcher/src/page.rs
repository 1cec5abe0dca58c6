//! The start page, which leads on to the others: its files, which the cinema serves.
//!
//! nginx decides what a browser may do with them (`nginx/snippets/start-page.conf`).

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
    let (media_type, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/start.html")),
        "/start.css" => ("text/css; charset=utf-8", include_str!("../page/start.css")),
        _ => return None,
    };
    Some(File { media_type, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_path_alone() {
        assert!(file("/").unwrap().text.starts_with("<!doctype html>"));
        for path in ["", "/start.html", "/start", "/x"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn the_page_loads_nothing_from_another_server() {
        let page = file("/").unwrap().text;
        assert!(page.contains("href=\"/start.css\""));
        assert!(!page.contains("//") && !page.contains("<style") && !page.contains(" style="));
    }
}
