// Uses docs/frontend/usher.ts against a running system: `node try.js URL PHASE`, with what the phase needs on standard input.
// It prints what it found as JSON.

import { readFileSync } from "node:fs";
import { inCookies, inStorage, usher } from "./usher.js";

const [url = "", phase = ""] = process.argv.slice(2);
const given = JSON.parse(readFileSync(0, "utf8")) as Record<string, string>;

/** What a browser keeps for all tabs. */
const kept = new Map<string, string>(Object.entries(given).filter(([name]) => name.startsWith("usher-")));
const shared = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
};

let refreshes = 0;
let ended = 0;

/** Sends a request, and counts refreshes. */
async function counted(request: Request): Promise<Response> {
    refreshes += request.url.endsWith("/auth/refresh") ? 1 : 0;
    return await fetch(request);
}

const jar = new Map<string, string>();

/** The same as a browser does for a page of the origin `url`. */
async function withCookies(request: Request): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.set("Origin", url);
    headers.set("Sec-Fetch-Site", "same-origin");
    headers.set("Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await counted(new Request(request, { headers }));
    for (const line of response.headers.getSetCookie()) {
        const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
        line.includes("Max-Age=0") ? jar.delete(name) : jar.set(name, value);
    }
    return response;
}

async function inTokens(): Promise<object> {
    const tokens = inStorage(shared);
    const client = usher(url, tokens, () => ended++, counted);
    if (phase === "sign-in") {
        const { email = "", password = "" } = given;
        const { data, error } = await client.POST("/api/v1/auth/login", { body: { email, password } });
        if (error) throw new Error(error.code);
        tokens.keep(data);
        return Object.fromEntries(kept);
    }
    const calls = await Promise.all([1, 2, 3, 4, 5].map(() => client.GET("/api/v1/me")));
    const addresses = calls.map(({ data }) => data?.email);
    const { response } = await client.PATCH("/api/v1/me", { body: { display_name: "Neo" } });
    await client.POST("/api/v1/auth/logout");
    const after = await client.GET("/api/v1/me");
    return { addresses, refreshes, changed: response.status, code: after.error?.code, ended, kept: kept.size };
}

async function inBrowser(): Promise<object> {
    const tokens = inCookies(shared);
    const client = usher(url, tokens, () => ended++, withCookies);
    const { email = "", password = "" } = given;
    const { data, error } = await client.POST("/api/v1/auth/login", { body: { email, password } });
    if (error) throw new Error(error.code);
    tokens.keep(data);
    // As a browser does when it has expired.
    jar.delete("__Host-access");
    const calls = await Promise.all([1, 2, 3].map(() => client.GET("/api/v1/me")));
    return { addresses: calls.map((call) => call.data?.email), refreshes, members: Object.keys(data).sort() };
}

console.log(JSON.stringify(await (phase === "cookies" ? inBrowser() : inTokens())));
