//! The page that shows the document, and the served document.

use serde_json::Value;

use crate::support::TestApp;

const FILES: [&str; 8] = [
    "",
    "index.html",
    "index.css",
    "swagger-ui.css",
    "swagger-initializer.js",
    "swagger-ui-bundle.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

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
    assert!(reply.text.contains("swagger-ui-bundle.js"), "the redirection leads to the page");
}

#[tokio::test]
async fn the_page_loads_files_only_from_its_own_origin() {
    let app = TestApp::start().await;
    for file in FILES {
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
    for file in ["index.html", "index.css", "swagger-initializer.js"] {
        let text = app.client.get(&format!("/apidocs/{file}")).send().await.expect(200).text;
        assert!(!text.contains("://"), "{file}: {text}");
    }
    let style = app.client.get("/apidocs/swagger-ui.css").send().await.expect(200).text;
    let loaded = style.split("url(").skip(1).map(|rest| rest.trim_start_matches(['"', '\'']));
    assert!(loaded.into_iter().all(|address| address.starts_with("data:")));
}

#[tokio::test]
async fn the_page_sends_the_document_to_no_validator_and_stores_no_token() {
    let app = TestApp::start().await;
    let text = app.client.get("/apidocs/swagger-initializer.js").send().await.expect(200).text;
    let begin = text.find("SwaggerUIBundle({").expect("the call") + "SwaggerUIBundle(".len();
    let members: Vec<&str> = text[begin..].lines().map(str::trim).collect();
    assert!(members.contains(&r#""url": "/openapi.json","#), "{text}");
    assert!(members.contains(&r#""validatorUrl": "none","#), "{text}");
    assert!(members.contains(&r#""persistAuthorization": false,"#), "{text}");
}

#[tokio::test]
async fn other_files_and_other_methods_are_refused() {
    let app = TestApp::start().await;
    for file in [
        "LICENSE",
        "package.json",
        "oauth2-redirect.html",
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
