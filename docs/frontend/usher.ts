// The part of a front end that talks to Usher: a typed client that renews the session by itself, once for all tabs.
// Copy it; `docs/frontend.md` explains it. `schema` is made by openapi-typescript from `/openapi.json`.

import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { paths } from "./schema.js";

/** What a sign-in or a refresh returns; in cookie mode without the tokens. */
interface Issued {
    access_token?: string;
    refresh_token?: string;
}

/** Where a front end keeps its tokens. */
export interface Tokens {
    /** The headers of every request. */
    headers(): Record<string, string>;
    /** The body of a refresh. */
    refreshBody(): string | undefined;
    /** Keeps what a sign-in or a refresh returned. */
    keep(issued: Issued): void;
    /** Forgets everything: the session has ended. */
    forget(): void;
    /** A text that changes with each refresh, by whichever tab. */
    mark(): string | null;
}

/** A part of `Storage` that all tabs share. */
type Shared = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Cookie mode: the browser keeps the tokens, and no script can read them. For pages of the same origin as the API. */
export function inCookies(shared: Shared): Tokens {
    const name = "usher-refreshed";
    return {
        headers: () => ({ "X-Usher-Mode": "cookie" }),
        refreshBody: () => undefined,
        keep: () => shared.setItem(name, crypto.randomUUID()),
        forget: () => shared.removeItem(name),
        mark: () => shared.getItem(name),
    };
}

/** Token mode: for apps, and for pages of another origin. A script of the page can read the tokens. */
export function inStorage(shared: Shared): Tokens {
    const [access, refresh] = ["usher-access", "usher-refresh"];
    return {
        headers: (): Record<string, string> => {
            const token = shared.getItem(access);
            return token === null ? {} : { Authorization: `Bearer ${token}` };
        },
        refreshBody: () => JSON.stringify({ refresh_token: shared.getItem(refresh) }),
        keep: (issued) => {
            if (issued.access_token) shared.setItem(access, issued.access_token);
            // A new access token may come alone; the refresh token stays then.
            if (issued.refresh_token) shared.setItem(refresh, issued.refresh_token);
        },
        forget: () => [access, refresh].forEach((name) => shared.removeItem(name)),
        mark: () => shared.getItem(access),
    };
}

/** The codes after which a refresh helps. Without its access cookie, which has expired, a browser sends no token. */
const REFRESHED = new Set(["token_expired", "token_refresh_needed", "token_revoked", "token_missing"]);

/** Those that end the session when a refresh returns them. Any other failure leaves the tokens: try again later. */
const ENDED = new Set([
    "refresh_token_invalid", "refresh_token_unknown", "refresh_token_reused", "session_revoked", "session_expired",
    "validation_failed",
]);

/** Does `work` in one tab at a time. Where there are no locks, tabs that refresh at once get the same tokens. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const locks = globalThis.navigator?.locks;
    return locks ? await locks.request("usher-refresh", work) : await inTurn(work);
}

let last: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work);
    last = done.catch(() => undefined);
    return done;
}

/** The code of a problem, by which a front end decides; never by the title, the detail or the status alone. */
export async function codeOf(response: Response): Promise<string | undefined> {
    const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
    const body: unknown = isProblem ? await response.clone().json() : undefined;
    return typeof body === "object" && body !== null && "code" in body ? String(body.code) : undefined;
}

/** A client of the API at `baseUrl`. `ended` is called when the user must sign in again. */
export function usher(
    baseUrl: string,
    tokens: Tokens,
    ended: () => void,
    send: (request: Request) => Promise<Response> = (request) => fetch(request),
): Client<paths> {
    /** Renews the session, unless another request or tab has done so since the mark was `seen`. */
    const refresh = (seen: string | null): Promise<boolean> =>
        exclusively(async () => {
            if (tokens.mark() !== seen) return true;
            const body = tokens.refreshBody();
            const type: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
            const headers = { ...tokens.headers(), ...type };
            const response = await send(new Request(`${baseUrl}/api/v1/auth/refresh`, { method: "POST", headers, body }));
            if (response.ok) {
                tokens.keep((await response.json()) as Issued);
                return true;
            }
            if (ENDED.has((await codeOf(response)) ?? "")) {
                tokens.forget();
                ended();
            }
            return false;
        });

    const waiting = new Map<string, { again: Request; seen: string | null }>();
    const session: Middleware = {
        onRequest({ request, id }) {
            for (const [name, value] of Object.entries(tokens.headers())) request.headers.set(name, value);
            // A body can be read once, and the request may have to be sent again.
            waiting.set(id, { again: request.clone(), seen: tokens.mark() });
            return request;
        },
        async onResponse({ response, id }) {
            const sent = waiting.get(id);
            waiting.delete(id);
            const code = response.status === 401 ? await codeOf(response) : undefined;
            if (!sent || !REFRESHED.has(code ?? "") || !(await refresh(sent.seen))) return response;
            const again = new Request(sent.again, { headers: { ...Object.fromEntries(sent.again.headers), ...lower(tokens.headers()) } });
            return await send(again);
        },
        onError({ id }) {
            waiting.delete(id);
        },
    };
    const client = createClient<paths>({ baseUrl, fetch: send });
    client.use(session);
    return client;
}

function lower(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
