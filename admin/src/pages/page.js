// What makes the pages more comfortable. Each of them works without it.

// The secret of a link from a mail is in the fragment, which no server gets. It moves into the form, and out of the address.
const token = document.querySelector("[data-fragment] input");
if (token && location.hash.length > 1) {
    token.value = location.hash.slice(1);
    token.closest("[data-fragment]").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    document.querySelector("form [autofocus], form input:not([type=hidden]):not([name=token])")?.focus();
}

// A password can be shown while it is typed.
for (const button of document.querySelectorAll("[data-shows]")) {
    const field = document.getElementById(button.dataset.shows);
    const turn = (isShown) => {
        field.type = isShown ? "text" : "password";
        button.textContent = isShown ? button.dataset.hide : button.dataset.show;
        button.setAttribute("aria-pressed", String(isShown));
    };
    button.hidden = false;
    button.setAttribute("aria-controls", field.id);
    button.addEventListener("click", () => turn(field.type === "password"));
    // Browsers offer to save what is in a field for a password.
    field.form.addEventListener("submit", () => turn(false));
    turn(false);
}

// A second press while the first one is on its way sends nothing. After a while it does: the user may have stopped the first
// one, which no event says.
const LONGEST_WAY = 10_000;
const allow = (form) => {
    delete form.dataset.isSent;
    form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
};
for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
        if ("again" in form.dataset) {
            return;
        }
        if (form.dataset.isSent) {
            event.preventDefault();
            return;
        }
        form.dataset.isSent = "yes";
        setTimeout(() => allow(form), LONGEST_WAY);
        for (const button of form.querySelectorAll("button:not([type=button])")) {
            button.setAttribute("aria-disabled", "true");
        }
    });
}

// A page that comes back from the browser's memory may show what is no longer so, and its forms were sent.
addEventListener("pageshow", (event) => {
    if (!event.persisted) {
        return;
    }
    if (document.querySelector(".who")) {
        location.reload();
    }
    [...document.forms].forEach(allow);
});
