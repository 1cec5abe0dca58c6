// A certified OpenID provider (npm: oidc-provider) with one client, for the end-to-end tests.
//
// Its configuration is in the environment: OPENID_PORT, OPENID_CLIENT_ID, OPENID_CLIENT_SECRET and
// OPENID_REDIRECT_URI. It listens on this machine only and stores nothing. Its login page accepts any name with
// any password: the name `anna` signs in as anna@acme.example, and that address is verified.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';

import Provider from 'oidc-provider';

const HOST = '127.0.0.1';

function variable(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set.`);
    process.exit(2);
  }
  return value;
}

// Two keys, of which the provider signs with the first: a client must find it by the `kid` of the token. The
// `kid`s depend on the keys, so that each start has other ones.
function signingKeys() {
  return [1, 2].map(() => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
  });
}

// Every account exists.
function findAccount(_context, id) {
  const claims = async () => ({
    sub: id,
    email: `${id}@acme.example`,
    email_verified: true,
    name: `${id.charAt(0).toUpperCase()}${id.slice(1)} of Acme`,
  });
  return { accountId: id, claims };
}

function client() {
  return {
    client_id: variable('OPENID_CLIENT_ID'),
    client_secret: variable('OPENID_CLIENT_SECRET'),
    redirect_uris: [variable('OPENID_REDIRECT_URI')],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
  };
}

// The provider's strict defaults: the claims of a scope are at the userinfo endpoint and not in the ID token
// (OpenID Connect Core 1.0, section 5.4), and a redirect contains `iss` (RFC 9207).
function configuration() {
  return {
    clients: [client()],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: { devInteractions: { enabled: true } },
    findAccount,
    jwks: { keys: signingKeys() },
    pkce: { required: () => true },
  };
}

const port = Number(variable('OPENID_PORT'));
const issuer = `http://${HOST}:${port}`;
const provider = new Provider(issuer, configuration());

// Logged here, because otherwise only the client learns of a refusal, such as of a wrong client secret.
for (const event of ['authorization.error', 'grant.error', 'userinfo.error', 'server_error']) {
  provider.on(event, (_context, error) => console.error(`${event}: ${error.message}: ${error.error_detail ?? ''}`));
}

await once(provider.listen(port, HOST), 'listening');
console.log(`${issuer} listens.`);
