//! The documentation matches the code: every route, every code. For variables see `config`.

use admin::api::Code;
use admin::router::routes;

fn page(name: &str) -> String {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn missing(page: &str, words: impl IntoIterator<Item = String>) -> Vec<String> {
    words.into_iter().filter(|word| !page.contains(word)).collect()
}

#[test]
fn every_route_is_documented_by_method_and_path() {
    let (page, accounts) = (page("api.md"), page("accounts.md"));
    let documented = |method: &str, path: &str| {
        // The pages have a table of their own.
        if path.starts_with("/account") {
            return accounts.contains(&format!("`{path}`"));
        }
        let short = path.trim_start_matches("/api/v1");
        page.lines().any(|line| {
            line.contains(method) && (line.contains(path) || line.contains(&format!("`{short}`")))
        })
    };
    let routes = routes();
    let undocumented: Vec<_> = routes
        .iter()
        .filter(|route| !documented(route.method.as_str(), route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(undocumented, Vec::<String>::new());
}

#[test]
fn every_code_of_a_problem_is_documented() {
    let words = Code::ALL.iter().map(|code| format!("`{}`", code.as_str()));
    assert_eq!(missing(&page("api.md"), words), Vec::<String>::new());
}
