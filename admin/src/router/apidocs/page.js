"use strict";

// Paths that the gateway does not forward. "Try it out" is offered there only where this page comes from admin itself.
const OPERATORS = "/api/v1/admin/";
const INTERNAL = [OPERATORS, "/api/v1/erasures"];

// Without a token admin answers 401; the gateway answers 404.
async function reachesOperators() {
  try {
    const reply = await fetch(OPERATORS + "users", { method: "HEAD", credentials: "omit" });
    return reply.status === 401;
  } catch {
    return false;
  }
}

function withoutTryItOut() {
  return {
    statePlugins: {
      spec: {
        wrapSelectors: {
          allowTryItOutFor: () => (_state, path) => !INTERNAL.some((start) => path.startsWith(start)),
        },
      },
    },
  };
}

reachesOperators().then((reaches) => {
  window.ui = SwaggerUIBundle({
    url: "{{document}}",
    dom_id: "#swagger-ui",
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    showExtensions: true,
    showCommonExtensions: true,
    persistAuthorization: false,
    validatorUrl: "none",
    plugins: reaches ? [] : [withoutTryItOut],
  });
});
