"""A viewer: registers, signs in, sees a film, signs out."""

import secrets

from project import expect, wait

PASSWORD = "a long enough password 7"


class Viewer:
    def __init__(self, project):
        self.project = project
        self.email = f"viewer-{secrets.token_hex(4)}@example.org"
        self.token = None

    def sign_up(self):
        status, answer = self.project.request("/api/v1/auth/register", {"email": self.email, "password": PASSWORD})
        expect(status == 201, f"registration: {status} {answer}")
        return self

    def sign_in(self):
        status, answer = self.project.request("/api/v1/auth/login", {"email": self.email, "password": PASSWORD})
        expect(status == 200, f"sign-in: {status} {answer}")
        self.token = answer["access_token"]
        return self

    def sees_a_film(self):
        status, answer = self.project.request("/api/v1/films/", token=self.token)
        expect(status == 200, f"a film: {status} {answer}")
        return answer

    def signs_out(self):
        """The token is refused at once, not when it expires."""
        status, answer = self.project.request("/api/v1/auth/logout", token=self.token, method="POST")
        expect(status == 204, f"sign-out: {status} {answer}")
        refused = lambda: self.project.request("/api/v1/films/", token=self.token)[0] == 401
        wait(refused, 2, "a film can be seen after the sign-out")


def whole_flow(project):
    """From a page without a token to a refused one; the origin is of another project."""
    status, _ = project.request("/api/v1/genres/")
    expect(status == 200, f"a public page: {status}")
    status, _ = project.request("/api/v1/films/")
    expect(status == 401, f"a film without a token: {status}")
    viewer = Viewer(project).sign_up().sign_in()
    viewer.sees_a_film()
    status, _ = project.request("/api/v1/watch/", token=viewer.token)
    expect(status == 403, f"a film for subscribers: {status}")
    status, _ = project.request("/metrics")
    expect(status == 404, f"metrics from outside: {status}")
    viewer.signs_out()
