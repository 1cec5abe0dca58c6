// This tab's session, and requests to the service.

// In sessionStorage, because to link an account the page is left and returned to. It ends with the tab, and no other
// tab reads it. Purposefully not in localStorage, which stays when the browser is closed.
const TOKENS = "tokens";

// Why a request failed. `code` is the problem code of the service, or "unreachable".
export class Problem extends Error {
    constructor(code) {
        super(code);
        this.code = code;
    }
}

export function isSignedIn() {
    return sessionStorage.getItem(TOKENS) !== null;
}

export function keep({ access_token, refresh_token }) {
    sessionStorage.setItem(TOKENS, JSON.stringify({ access_token, refresh_token }));
}

export function forget() {
    sessionStorage.removeItem(TOKENS);
}

// A request without a token.
export async function ask(method, path, body) {
    return read(await send(method, path, body));
}

// A request of the signed-in user. If the session has ended, its tokens are removed.
export async function askAsMe(method, path, body) {
    const answer = await send(method, path, body, tokens().access_token);
    if (answer.status !== 401) return read(answer);
    await refresh();
    const again = await send(method, path, body, tokens().access_token);
    if (again.status === 401) forget();
    return read(again);
}

function tokens() {
    return JSON.parse(sessionStorage.getItem(TOKENS)) ?? {};
}

// Never two at the same time, because this page sends one request after another: a refresh token that is used twice ends
// its session.
async function refresh() {
    const { refresh_token } = tokens();
    const answer = await send("POST", "/api/v1/auth/refresh", { refresh_token });
    // An error of the service, or an overload, is temporary; an error of the session is not.
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) forget();
    keep(await read(answer));
}

async function send(method, path, body, token) {
    const headers = { Accept: "application/json" };
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
        return await fetch(path, { method, headers, body: JSON.stringify(body), cache: "no-store" });
    } catch {
        throw new Problem("unreachable");
    }
}

async function read(answer) {
    const isJson = /[/+]json\b/.test(answer.headers.get("Content-Type") ?? "");
    const body = isJson ? await answer.json() : null;
    if (!answer.ok) throw new Problem(body?.code ?? "internal");
    return body;
}
