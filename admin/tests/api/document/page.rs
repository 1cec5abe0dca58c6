//! The page that shows the document, and the served document.

use serde_json::{Map, Value};

use crate::support::{Reply, TestApp};

/// The number of bytes that were sent.
fn size(reply: &Reply) -> usize {
    reply.header("content-length").parse().expect("a number")
}

/// The names of the files that the page loads.
async fn files(app: &TestApp) -> Vec<String> {
    let page = app.client.get("/apidocs/").send().await.expect(200).text;
    let names = ["href=\"", "src=\""].into_iter().flat_map(|start| page.split(start).skip(1));
    let names = names.filter_map(|rest| rest.split('"').next()).filter(|name| !name.contains('/'));
    names.map(str::to_owned).collect()
}

/// The name of the only file that begins and ends so.
async fn file(app: &TestApp, start: &str, end: &str) -> String {
    let names = files(app).await;
    let mut named = names.into_iter().filter(|name| name.starts_with(start) && name.ends_with(end));
    named.next().unwrap_or_else(|| panic!("no {start}...{end}"))
}

#[tokio::test]
async fn the_document_is_served_as_it_was_made() {
    let app = TestApp::start().await;
    let reply = app.client.get("/openapi.json").send().await.expect(200);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.text.as_bytes(), &*admin::router::document());
    assert_eq!(reply.json()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn the_page_has_an_address_with_a_slash() {
    let app = TestApp::start().await;
    let moved = app.client.get("/apidocs").send().await.expect(308);
    let reply = app.client.get(moved.header("location")).send().await.expect(200);
    assert!(reply.text.contains("swagger-ui-bundle."), "the redirection leads to the page");
}

#[tokio::test]
async fn the_page_loads_files_only_from_its_own_origin() {
    let app = TestApp::start().await;
    let names = files(&app).await;
    assert_eq!(names.len(), 6, "{names:?}");
    for file in names.into_iter().chain([String::new(), "index.html".to_owned()]) {
        let reply = app.client.get(&format!("/apidocs/{file}")).send().await.expect(200);
        let policy = reply.header("content-security-policy");
        for directive in
            ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(directive), "{file}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{file}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{file}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{file}");
    }
}

#[tokio::test]
async fn the_page_names_no_other_host() {
    let app = TestApp::start().await;
    let own = [String::new(), file(&app, "page.", ".css").await, file(&app, "page.", ".js").await];
    for file in own {
        let text = app.client.get(&format!("/apidocs/{file}")).send().await.expect(200).text;
        assert!(!text.contains("://"), "{file}: {text}");
    }
    let style = format!("/apidocs/{}", file(&app, "swagger-ui.", ".css").await);
    let style = app.client.get(&style).send().await.expect(200).text;
    let loaded = style.split("url(").skip(1).map(|rest| rest.trim_start_matches(['"', '\'']));
    assert!(loaded.into_iter().all(|address| address.starts_with("data:")));
}

#[tokio::test]
async fn the_page_sends_the_document_to_no_validator_and_stores_no_token() {
    let app = TestApp::start().await;
    let script = format!("/apidocs/{}", file(&app, "page.", ".js").await);
    let text = app.client.get(&script).send().await.expect(200).text;
    for member in ["url: \"/openapi.json\",", "validatorUrl: \"none\",", "persistAuthorization: false,"] {
        assert!(text.contains(member), "{member}: {text}");
    }
}

#[tokio::test]
async fn try_it_out_is_offered_for_operators_only_where_their_routes_are_reachable() {
    let app = TestApp::start().await;
    let script = format!("/apidocs/{}", file(&app, "page.", ".js").await);
    let text = app.client.get(&script).send().await.expect(200).text;
    let bundle = format!("/apidocs/{}", file(&app, "swagger-ui-bundle.", ".js").await);
    let bundle = app.client.get(&bundle).send().await.expect(200).text;
    // The hook of Swagger UI, and what the page asks to find out.
    assert!(text.contains("allowTryItOutFor") && bundle.contains("allowTryItOutFor"));
    let reply = app.client.call(reqwest::Method::HEAD, "/api/v1/admin/users").send().await;
    assert!(text.contains("reply.status === 401") && reply.status == 401, "{reply:?}");
}

#[tokio::test]
async fn the_page_has_a_title_and_the_width_of_a_telephone() {
    let app = TestApp::start().await;
    let page = app.client.get("/apidocs/").send().await.expect(200).text;
    assert!(page.contains("<title>Usher: API documentation</title>"), "{page}");
    assert!(page.contains("name=\"viewport\" content=\"width=device-width"), "{page}");
    assert!(page.contains("<html lang=\"en\">") && !page.contains("{{"), "{page}");
}

#[tokio::test]
async fn everything_is_compressed_and_kept_by_its_hash() {
    let app = TestApp::start().await;
    let mut sent = 0;
    let names = files(&app).await.into_iter().map(|name| format!("/apidocs/{name}"));
    for path in names.chain(["/apidocs/".to_owned(), "/openapi.json".to_owned()]) {
        let plain = app.client.get(&path).send().await.expect(200);
        let packed = app.client.get(&path).header("accept-encoding", "gzip, br").send().await.expect(200);
        sent += size(&packed);
        let is_icon = path.ends_with(".png");
        assert_eq!(packed.headers.get("content-encoding").is_some(), !is_icon, "{path}");
        assert_eq!(packed.header("vary"), "Accept-Encoding");
        let is_hashed = path.matches('.').count() == 2;
        let expected = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        assert_eq!(plain.header("cache-control"), expected, "{path}");
        for (reply, encoding) in [(&plain, "identity"), (&packed, "gzip")] {
            let again = app.client.get(&path).header("accept-encoding", encoding);
            let again = again.header("if-none-match", reply.header("etag")).send().await.expect(304);
            assert_eq!((again.header("etag"), again.text.len()), (reply.header("etag"), 0), "{path}");
        }
    }
    assert!(sent < 700_000, "{sent} bytes");
}

#[tokio::test]
async fn the_document_repeats_no_response() {
    let app = TestApp::start().await;
    let reply = app.client.get("/openapi.json").send().await.expect(200);
    let (document, length) = (reply.json(), reply.text.len());
    let paths = document["paths"].as_object().expect("paths");
    let operations: usize = paths.values().map(|path| path.as_object().map_or(0, Map::len)).sum();
    assert!(length < 3_720 * operations, "{length} bytes for {operations} operations");
    let packed = app.client.get("/openapi.json").header("accept-encoding", "gzip").send().await.expect(200);
    assert!(size(&packed) < 450 * operations, "{} bytes for {operations} operations", size(&packed));
}

#[tokio::test]
async fn other_files_and_other_methods_are_refused() {
    let app = TestApp::start().await;
    for file in [
        "LICENSE",
        "package.json",
        "oauth2-redirect.html",
        "swagger-ui.css",
        "swagger-ui-bundle.0000000000000000.js",
        "..",
        "%2e%2e",
        "index.html%00",
        "%2fetc%2fpasswd",
    ] {
        let reply = app.client.get(&format!("/apidocs/{file}")).send().await;
        let _problem: Value = reply.problem(404, "not_found");
    }
    app.client.post("/apidocs/").send().await.problem(405, "method_not_allowed");
    app.client.post("/openapi.json").send().await.problem(405, "method_not_allowed");
}
