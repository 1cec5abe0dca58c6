//! Roles and permissions at the console.

use admin::access::Right;

use super::{done, operator, person, root, start};
use crate::witness::{assign, make_role};

#[tokio::test]
async fn a_role_is_created_changed_assigned_and_explained() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    let mut root = root(&app).await;
    root.open("/console/create-role").await.expect(200);
    let wrong = [("name", "subscriber"), ("permissions", "films"), ("inherits", "nothing")];
    root.submit("/console/create-role", &wrong).await.expect(422);
    assert!(root.page.contains("id=\"permissions-error\""), "{}", root.page);
    assert_eq!(root.hidden_or_shown("permissions"), "films");
    let fields =
        [("name", "subscriber"), ("title", "Subscriber"), ("permissions", "films:watch, films:list")];
    let next = root.submit_and_follow("/console/create-role", &fields).await;
    assert_eq!(next, "/console/roles");
    assert!(root.page.contains(&done("role_created")), "{}", root.page);
    let fields = [("name", "premium"), ("inherits", "subscriber")];
    root.open("/console/create-role").await.expect(200);
    root.submit_and_follow("/console/create-role", &fields).await;

    let assign_path = format!("/console/people/{anna}/assign-role");
    root.open(&assign_path).await.expect(200);
    root.submit(&assign_path, &[("role", "nothing")]).await.expect(404);
    let fields = [("role", "premium"), ("expires_at", "2099-12-31"), ("reason", "Paid.")];
    root.submit_and_follow(&assign_path, &fields).await;
    assert!(root.page.contains("until 31 December 2099"), "{}", root.page);

    root.open(&format!("/console/people/{anna}/explain?permission=films:watch")).await.expect(200);
    let path =
        root.page.split_once("<ol class=\"path\">").unwrap().1.split("</ol>").next().unwrap().to_owned();
    let places: Vec<_> =
        [anna.to_string().as_str(), "/console/roles/premium", "/console/roles/subscriber", "films:watch"]
            .map(|step| path.find(step).unwrap_or_else(|| panic!("{step}: {path}")))
            .into();
    assert!(places.is_sorted(), "{path}");
    root.open(&format!("/console/people/{anna}/explain?permission=films:download")).await.expect(200);
    assert!(root.page.contains("not granted"), "{}", root.page);
    root.open(&format!("/console/people/{anna}/explain?permission=films")).await.expect(422);

    root.open("/console/permissions").await.expect(200);
    assert!(root.page.contains("<code>films:list</code>"), "{}", root.page);
    root.open("/console/people?role=premium").await.expect(200);
    assert!(root.page.contains(&anna.to_string()), "{}", root.page);
    let take = format!("/console/people/{anna}/take-role");
    root.open(&format!("{take}?role=premium")).await.expect(200);
    assert_eq!(root.hidden_or_shown("role"), "premium");
    root.submit_and_follow(&take, &[("role", "premium")]).await;
    root.open(&format!("/console/people/{anna}/explain?permission=films:watch")).await.expect(200);
    assert!(root.page.contains("not granted"), "{}", root.page);
}

#[tokio::test]
async fn a_role_that_was_changed_meanwhile_is_not_overwritten() {
    let app = start().await;
    make_role(&app, "film", &["films:watch"], &[]).await;
    let mut root = root(&app).await;
    root.open("/console/roles/film").await.expect(200);
    let version = root.hidden("version");
    let fields = [("name", "film"), ("permissions", "films:watch films:list"), ("version", version.as_str())];
    let next = root.submit_and_follow("/console/roles/film", &fields).await;
    assert_eq!(next, "/console/roles/film");
    assert!(root.page.contains(&done("role_changed")), "{}", root.page);
    assert_eq!(root.hidden_or_shown("permissions"), "films:list films:watch");
    root.submit("/console/roles/film", &fields).await.expect(412);
    let unknown = [("name", "film"), ("version", "1\"")];
    root.submit("/console/roles/film", &unknown).await.expect(412);
}

#[tokio::test]
async fn a_role_is_deleted_after_a_dry_run() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    make_role(&app, "film", &["films:watch"], &[]).await;
    make_role(&app, "premium", &[], &["film"]).await;
    assign(&app, "anna@persons.test", "premium").await;
    let mut root = root(&app).await;
    root.open("/console/roles/film/delete").await.expect(200);
    let page = root.page.clone();
    assert!(page.contains("Users who lose it: 1.") && page.contains("premium"), "{page}");
    assert!(page.contains(&anna.to_string()) && page.contains("films:watch"), "{page}");
    let roles = "select count(*) from auth.roles where name = 'film'";
    assert_eq!(app.sql().await.query_one(roles, &[]).await.unwrap().get::<_, i64>(0), 1);
    let next = root.submit_and_follow("/console/roles/film/delete", &[]).await;
    assert_eq!(next, "/console/roles");
    assert!(root.page.contains(&done("role_deleted")), "{}", root.page);
    root.open("/console/roles/film").await.expect(404);
}

#[tokio::test]
async fn no_operator_grants_what_they_lack() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    make_role(&app, "film", &["films:watch"], &[]).await;
    let rights = [Right::RolesRead, Right::RolesWrite, Right::RolesAssign, Right::UsersRead];
    let mut support = operator(&app, "support", &rights).await;
    support.open("/console/create-role").await.expect(200);
    let fields = [("name", "chief"), ("permissions", "*")];
    support.submit("/console/create-role", &fields).await.expect(403);
    assert_eq!(support.hidden_or_shown("permissions"), "*");
    let path = format!("/console/people/{anna}/assign-role");
    support.open(&path).await.expect(200);
    support.submit(&path, &[("role", "film")]).await.expect(403);
}

#[tokio::test]
async fn an_operator_who_may_not_read_roles_sees_that_one_was_created_and_deleted() {
    let app = start().await;
    let mut writer = operator(&app, "writer", &[Right::RolesWrite]).await;
    writer.open("/console/create-role").await.expect(200);
    assert_eq!(
        writer.submit_and_follow("/console/create-role", &[("name", "subscriber")]).await,
        "/console/"
    );
    assert!(writer.page.contains(&done("role_created")), "{}", writer.page);
    let delete = "/console/roles/subscriber/delete";
    writer.open(delete).await.expect(200);
    assert!(writer.page.contains("href=\"/console/\">Cancel"), "{}", writer.page);
    assert_eq!(writer.submit_and_follow(delete, &[]).await, "/console/");
    assert!(writer.page.contains(&done("role_deleted")), "{}", writer.page);
}
