// The page for sign-in through identity providers, and for linking accounts.
//
// Data from others, such as names, is added to the page only as text.

import { words } from "./messages.js";
import { ask, askAsMe, forget, isSignedIn, keep } from "./session.js";

const HERE = location.origin + location.pathname;
const CONFIRM = "There is an account here with the same e-mail address. Confirm that it is yours.";

let providers = [];
// The flow with which a sign-in continues after the user has confirmed or declined, and what it waits for.
let flow = null;
let waiting = null;
let isBusy = false;

const part = (id) => document.getElementById(id);

// First removes what a sign-in left in the URL: codes do not belong in the history.
function arrived() {
    const query = new URLSearchParams(location.search);
    history.replaceState(null, "", location.pathname);
    return query;
}

// The message about how the user came to this page.
async function settle(query) {
    const [code, error, linked] = ["one_time_code", "error", "linked"].map((name) => query.get(name));
    if (code !== null) {
        keep(await ask("POST", "/api/v1/oauth/exchange", { one_time_code: code }));
        return "You are signed in.";
    }
    if (query.has("flow")) {
        waiting = await ask("POST", "/api/v1/oauth/link/show", { flow: query.get("flow") });
        flow = query.get("flow");
        return error === "link_confirmation_required" ? CONFIRM : words(error);
    }
    if (error !== null) return words(error);
    const provider = providers.find(({ id }) => id === linked);
    return provider ? `${provider.name} is linked.` : "";
}

async function signIn({ start_url }) {
    // As JSON, so that an error is shown here and not on a page of its own.
    const url = new URL(start_url, HERE);
    url.searchParams.set("return_to", HERE);
    return leave(await ask("GET", url));
}

async function link({ id }) {
    return leave(await askAsMe("POST", `/api/v1/me/accounts/${id}`, { return_to: HERE }));
}

// Opens a provider's page. This page does nothing after it.
function leave({ authorize_url }) {
    location.assign(authorize_url);
    return new Promise(() => {});
}

async function unlink({ provider, name }) {
    await askAsMe("DELETE", `/api/v1/me/accounts/${provider}`);
    return `${name} is unlinked.`;
}

async function signOut() {
    await askAsMe("POST", "/api/v1/auth/logout");
    forget();
    return "You are signed out.";
}

async function confirm() {
    const password = part("password").value;
    part("password").value = "";
    try {
        // Without an account that has the address, the user names one.
        const named = waiting.account === null;
        const identifier = part("identifier").value;
        const path = `/api/v1/oauth/link/${named ? "sign-in" : "confirm"}`;
        keep(await ask("POST", path, named ? { flow, identifier, password } : { flow, password }));
    } catch (problem) {
        // The user may try another password; any other error ends the flow.
        if (problem.code !== "invalid_credentials") flow = null;
        throw problem;
    }
    flow = null;
    return "The accounts are linked, and you are signed in.";
}

async function sendCode() {
    const email = part("mail-address").value;
    await ask("POST", "/api/v1/oauth/link/mail", waiting.account === null ? { flow, email } : { flow });
    return "A mail with a code is sent, if the address may have one.";
}

async function confirmWithCode() {
    const [code, email] = [part("code").value, part("mail-address").value];
    part("code").value = "";
    const named = waiting.account === null;
    const path = `/api/v1/oauth/link/${named ? "prove" : "confirm"}`;
    try {
        keep(await ask("POST", path, named ? { flow, email, code } : { flow, code }));
    } catch (problem) {
        // With any other error of these the user may go on.
        if (problem.code === "code_expired" && !named) flow = null;
        throw problem;
    }
    flow = null;
    return "The address is confirmed, and you are signed in.";
}

async function confirmThrough(provider) {
    return leave(await ask("POST", "/api/v1/oauth/link/provider", { flow, provider, return_to: HERE }));
}

async function decline() {
    const { created_in } = waiting.account;
    const code = part("code").value;
    if (waiting.decline_needs_code && code === "") return "Ask for a code by mail first, and enter it.";
    part("code").value = "";
    const sent = waiting.decline_needs_code ? { flow, created_in, code } : { flow, created_in };
    keep(await ask("POST", "/api/v1/oauth/link/decline", sent));
    flow = null;
    return "You have a new account, and are signed in.";
}

async function skip() {
    keep(await ask("POST", "/api/v1/oauth/link/skip", { flow }));
    flow = null;
    return "You have a new account, and are signed in.";
}

async function cancel() {
    flow = null;
    return "Nothing has changed.";
}

// Runs one action at a time, and shows its result.
async function act(action) {
    if (isBusy) return;
    isBusy = true;
    let said;
    try {
        said = await action();
    } catch (problem) {
        said = words(problem.code);
    }
    tell(await show(said));
    isBusy = false;
}

function tell(said) {
    part("status").textContent = said || (isSignedIn() ? "You are signed in." : "You are not signed in.");
    // Right after the page has opened, the focus stays at the top.
    if (said) part("status").focus();
}

// Shows the current state, and returns the message to show.
async function show(said) {
    try {
        if (isSignedIn()) showPerson(await askAsMe("GET", "/api/v1/me"), await askAsMe("GET", "/api/v1/me/accounts"));
    } catch (problem) {
        said = [said, words(problem.code)].join(" ").trim();
    }
    list("sign-in", providers, (provider) => [button(`Sign in with ${provider.name}`, () => signIn(provider))]);
    part("waiting").hidden = flow === null;
    if (flow !== null) showWaiting(waiting);
    part("signed-out").hidden = flow !== null || isSignedIn();
    part("signed-in").hidden = flow !== null || !isSignedIn();
    return said;
}

function showWaiting({ provider, methods, account, decline_gives_email, decline_needs_code }) {
    const role = account?.has_role ? ", and has a role such as a subscription" : "";
    part("other-account").textContent =
        account === null
            ? "If you have an account here, sign in to it once, so that the two are linked."
            : `The account was created in ${account.created_in}${role}.`;
    part("naming").hidden = account !== null;
    part("identifier").required = account === null;
    part("skip").hidden = !methods.includes("skip");
    part("confirmation").hidden = !methods.includes("password");
    part("mailing").hidden = !methods.includes("mail") && !decline_needs_code;
    part("confirm-code").hidden = !methods.includes("mail");
    part("mail-naming").hidden = account !== null;
    const through = providers.filter(
        ({ id }) => methods.includes(`provider:${id}`) || (methods.includes("provider") && id !== provider),
    );
    list("confirm-through", through, ({ id, name }) => [button(`Confirm with ${name}`, () => confirmThrough(id))]);
    part("declining").hidden = !methods.includes("decline");
    part("decline-effect").textContent = decline_gives_email
        ? "If it is not yours, you get a new account with your e-mail address."
        : "If it is not yours, you get a new account without an e-mail address.";
}

function showPerson({ display_name, email, login }, { items }) {
    const isLinked = ({ id }) => items.some(({ provider }) => provider === id);
    part("name").textContent = display_name ?? login ?? email ?? "User without a name";
    part("email").textContent = email ?? "";
    list("linked", items, (account) => [
        account.name,
        small(account.display_name ?? account.email ?? ""),
        button(`Unlink ${account.name}`, () => unlink(account)),
    ]);
    list(
        "others",
        providers.filter((provider) => !isLinked(provider)),
        (provider) => [button(`Link ${provider.name}`, () => link(provider))],
    );
}

function list(id, entries, contents) {
    const items = entries.map((entry) => {
        const item = document.createElement("li");
        item.append(...contents(entry));
        return item;
    });
    part(id).replaceChildren(...items);
}

function button(text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => act(action));
    return made;
}

function small(text) {
    const made = document.createElement("small");
    made.textContent = text;
    return made;
}

part("sign-out").addEventListener("click", () => act(signOut));
part("cancel").addEventListener("click", () => act(cancel));
part("decline").addEventListener("click", () => act(decline));
part("skip").addEventListener("click", () => act(skip));
part("send-code").addEventListener("click", () => act(sendCode));
part("mailing").addEventListener("submit", (event) => {
    event.preventDefault();
    act(confirmWithCode);
});
part("confirmation").addEventListener("submit", (event) => {
    event.preventDefault();
    act(confirm);
});
// After going back, the browser may show the page as it was left, waiting for a provider.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

const query = arrived();
act(async () => {
    providers = (await ask("GET", "/api/v1/auth/providers")).items;
    return settle(query);
});
