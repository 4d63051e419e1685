/* The table of directives: one row each. Parsing, merging, defaults, `httpd -L` and the printed
 * reference walk these rows; adding a directive is a row here and a member in rp_config.h.
 *
 * RP_DIRECTIVE(id, name, contexts, type, member, bounds, default, syntax, help)
 *
 *   contexts  S server and virtual host; P also inside <OAuthProvider>; D directory, location,
 *             <If> and .htaccess. The row's value lives in: S rp_server_config_t, SP
 *             rp_provider_config_t, SD and D rp_dir_config_t, SPD in the provider at server level
 *             and in <OAuthProvider>, in rp_dir_config_t elsewhere.
 *   type      a row of the types in rp_directive_types.c
 *   member    of the struct(s) named above
 *   bounds    what the type takes as bounds: "min..max" or "word|word"; "" when it has none
 *   default   the text that means the same as leaving the directive out; in parentheses when it
 *             is words for the reference instead; "" when there is none
 *
 * RP_DIRECTIVE_GROUP(title) and RP_DIRECTIVE_SECTION(name, syntax, help) are for the reference.
 *
 * Included several times with different definitions; no include guard. */
/* clang-format off */
RP_DIRECTIVE_GROUP("The provider and the client registered there")
RP_DIRECTIVE_SECTION("<OAuthProvider>", "NAME", "One more provider, selected with OAuthUse. Written outside of this section, a provider's directives describe the unnamed provider of the virtual host")
RP_DIRECTIVE(ISSUER, "OAuthIssuer", SP, ISSUER, provider.issuer, "", "", "URL", "Issuer identifier. Metadata comes from OpenID Connect Discovery, then RFC 8414, and its issuer has to be equal to the last character")
RP_DIRECTIVE(METADATA, "OAuthMetadata", SP, METADATA, provider.metadata, "", "(from the issuer)", "URL|file:PATH|none", "Where the metadata is, or none for a plain OAuth 2.0 provider without metadata")
RP_DIRECTIVE(ENDPOINT, "OAuthEndpoint", SP, ENDPOINT, provider.endpoints, "", "(from the metadata)", "NAME URL", "Sets or overrides one endpoint: authorization, token, userinfo, introspection, revocation, end_session or jwks")
RP_DIRECTIVE(CLIENT_ID, "OAuthClientID", SP, TEXT, provider.client_id, "", "", "ID", "The client identifier under which this server is registered at the provider")
RP_DIRECTIVE(CLIENT_SECRET, "OAuthClientSecret", SP, TEXT, provider.client_secret_source, "", "", "SOURCE", "The client secret: file:PATH, env:NAME, exec:COMMAND, credential:NAME, or the secret itself")
RP_DIRECTIVE(CLIENT_AUTH, "OAuthClientAuth", SP, CLIENT_AUTH, client_auth, "auto|private_key_jwt|client_secret_jwt|client_secret_basic|client_secret_post|none", "auto aud=issuer", "METHOD [aud=issuer|token_endpoint]", "How the client authenticates at the provider: auto (private_key_jwt where there is a key and the provider offers it, else client_secret_basic, client_secret_post or none), private_key_jwt (a JWT signed with OAuthClientKey), client_secret_jwt (a JWT signed with the secret), client_secret_basic, client_secret_post or none. aud: whom a JWT is addressed to; token_endpoint only for a provider that refuses the issuer")
RP_DIRECTIVE(CLIENT_KEY, "OAuthClientKey", SP, CLIENT_KEY, provider.client_keys, "", "", "FILE [kid=ID] [alg=ALG]", "A private key of this server, PEM or JWK: RSA of 2048 bits or more, EC on P-256, P-384 or P-521, or Ed25519. The first signs; all are published at OAuthPath/jwks.json. kid: the thumbprint when it is not given; alg: one that the key has, RS256 for RSA when the provider takes it")
RP_DIRECTIVE(PROFILE, "OAuthProfile", SP, WORD, provider.profile, "openid|oauth2", "openid", "openid|oauth2", "openid: identity from the ID Token; oauth2: no ID Token, identity from the userinfo endpoint")
RP_DIRECTIVE(SCOPE, "OAuthScope", SPD, SCOPES, scope, "", "(openid profile email)", "SCOPE...", "Scopes to ask for")
RP_DIRECTIVE(RESOURCE, "OAuthResource", SPD, RESOURCES, resource, "", "", "URI...", "Resources that the access token is for (RFC 8707)")
RP_DIRECTIVE(PARAMETER, "OAuthAuthorizationParameter", SPD, PARAMETER, authorization_parameters, "", "", "NAME VALUE", "One more parameter of the authorization request; none that belongs to the protocol")
RP_DIRECTIVE(RESPONSE_MODE, "OAuthResponseMode", SP, WORD, provider.response_mode, "query|form_post", "query", "query|form_post", "How the provider's answer comes back through the browser")
RP_DIRECTIVE(USERINFO, "OAuthUserinfo", SP, WORD, provider.userinfo, "auto|on|off", "auto", "auto|on|off", "Whether the userinfo endpoint is asked; auto: when the ID Token lacks what is configured to be used")
RP_DIRECTIVE(SIGNING_ALGS, "OAuthSigningAlgs", SP, ALGS, provider.signing_algs, "", "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA", "ALG...", "What the provider's tokens may be signed with; HS256, HS384 and HS512 use the client secret")
RP_DIRECTIVE(CLOCK_SKEW, "OAuthClockSkew", SP, SECONDS, provider.clock_skew, "0..600", "30", "SECONDS", "How far this server's clock and the provider's may differ")
RP_DIRECTIVE(TLS, "OAuthTLS", SP, TLS, tls, "", "min=1.2", "[ca=FILE] [proxy=URL] [min=1.2|1.3]", "Outbound connections: authorities to trust instead of the system's, an HTTP proxy, the lowest TLS version. Verification cannot be switched off")
RP_DIRECTIVE(TIMEOUT, "OAuthTimeout", SP, TIMEOUT, timeout, "", "connect=2s total=5s", "[connect=TIME] [total=TIME]", "How long a call to the provider may take, from looking up its name to the last byte; all calls and all waiting of one request, twice as long")
RP_DIRECTIVE(DISPLAY_NAME, "OAuthDisplayName", SP, TEXT, provider.display_name, "", "(the name)", "TEXT", "What users read on the page that lets them choose a provider")

RP_DIRECTIVE_GROUP("The relying party")
RP_DIRECTIVE(PATH, "OAuthPath", S, PATH, path, "", "/oauth", "PATH", "Where the endpoints are: PATH/callback, PATH/login, PATH/logout, PATH/session, PATH/jwks.json")
RP_DIRECTIVE(BASE_URL, "OAuthBaseURL", S, ORIGIN, base_url, "", "(scheme, name and port of the virtual host)", "URL", "The origin under which browsers reach this virtual host; never taken from an unverified Host header")
RP_DIRECTIVE(TRUSTED_PROXY, "OAuthTrustedProxy", S, NETWORKS, trusted_proxies, "", "(none)", "CIDR...", "Peers whose X-Forwarded-Proto, -Host, -Port and Forwarded headers are believed")
RP_DIRECTIVE(SECRET, "OAuthSecret", S, LIST, secrets, "", "(made once and kept in OAuthStateDir)", "SOURCE...", "Key ring for cookies and sessions: the first secret seals, all open. Sources as in OAuthClientSecret")
RP_DIRECTIVE(STATE_DIR, "OAuthStateDir", S, DIRECTORY, state_dir, "", "(auth_oauth below httpd's state or runtime directory)", "DIR", "Keys, sessions and the last good metadata; one for the whole server, mode 0700")
RP_DIRECTIVE(SESSION_STORE, "OAuthSessionStore", S, STORE, store_choice, "1M..64G", "shm:size=64M", "shm[:size=SIZE]|cookie[:size=SIZE]|redis://[USER:PASSWORD@]HOST[:PORT][/DB]|unix:/PATH|redis+sentinel://HOST[:PORT],.../MASTER|socache:PROVIDER[:ARGS]", "Where sessions are kept. shm: in shared memory, whose file survives a restart. cookie: sealed in the browser's cookies. redis://, rediss://, unix: and redis+sentinel://: in Redis or Valkey, for several servers. socache: in a cache provider of httpd (shmcb, dbm, memcache...), for one machine. The server has one shared memory in any case, 64M when no size is given")
RP_DIRECTIVE(SESSION_LIFETIME, "OAuthSessionLifetime", SD, LIFETIME, place.limits, "", "8h idle=30m", "MAX [idle=TIME]", "The user signs in again after MAX, or after TIME without a request (idle=0: no such limit)")
RP_DIRECTIVE(COOKIE, "OAuthCookie", S, COOKIE, cookie, "", "(name=__Host-oauth on https, name=oauth on http; path=/ samesite=lax)", "[name=NAME] [domain=DOMAIN] [path=PATH] [samesite=lax|strict|none]", "The session cookie; always HttpOnly, and Secure on https")
RP_DIRECTIVE(RETURN_TO, "OAuthReturnTo", S, ORIGINS, return_to, "", "(the own origin only)", "ORIGIN...", "Origins beside the own one to which return_to may lead")
RP_DIRECTIVE(TEMPLATE, "OAuthTemplate", S, TEMPLATE, templates, "login|error|logout", "(built in)", "login|error|logout FILE", "A page of your own; values are escaped for where they stand")
RP_DIRECTIVE(LOGOUT, "OAuthLogout", S, LOGOUT, logout, "", "revoke=on", "[return=PATH|URL] [revoke=on|off]", "Where a logout leads, and whether the tokens are revoked")

RP_DIRECTIVE_GROUP("The protected place")
RP_DIRECTIVE(USE, "OAuthUse", SD, LIST, place.use, "", "(the unnamed provider)", "NAME...", "One provider: straight to it; several: the user chooses")
RP_DIRECTIVE(ACCEPT, "OAuthAccept", D, WORDS, place.accept, "session|bearer", "session", "session|bearer...", "What a request may bring: session, the cookie of somebody who has signed in; bearer, an access token in the Authorization header, checked as a JWT (RFC 9068) or by introspection (RFC 7662). Both: one place for browsers and programs")
RP_DIRECTIVE(AUDIENCE, "OAuthAudience", D, LIST, place.audience, "", "", "VALUE...", "What the aud of a bearer token has to contain, one of these; needed with OAuthAccept bearer")
RP_DIRECTIVE(UNAUTHENTICATED, "OAuthUnauthenticated", D, WORD, place.unauthenticated, "auto|login|challenge|pass", "auto", "auto|login|challenge|pass", "Without a session: auto sends browser navigations to the login and answers anything else with 401; pass lets the request through without a user")
RP_DIRECTIVE(USER, "OAuthUser", SD, SOURCE, user, "", "sub", "CLAIM|\"EXPR\"", "REMOTE_USER: a claim, or an expression with %{...} in it")
RP_DIRECTIVE(HEADERS, "OAuthHeaders", SD, WORD, headers, "standard|none", "standard", "standard|none", "Whether the backend gets X-Forwarded-User, -Email, -Preferred-Username and -Groups")
RP_DIRECTIVE(HEADER, "OAuthHeader", SD, HEADER, header_rows, "", "", "NAME CLAIM|\"EXPR\"", "One more request header for the backend, from a claim or an expression with %{...} in it")
RP_DIRECTIVE(BACKEND_TOKEN, "OAuthBackendToken", D, BACKEND, place.backend, "none|user|id|service|exchange", "none", "none|user [resource=URI]|id|service [provider=NAME] [scope=\"SCOPE...\"] [audience=VALUE] [resource=URI]|exchange [audience=VALUE] [resource=URI] [scope=\"SCOPE...\"]", "What the backend gets as Authorization: Bearer: the user's access token, refreshed before it expires, or one for a resource (also the place's OAuthResource); the ID Token; the server's own token from the client credentials flow, which needs no user and no AuthType; or a token exchanged for the user's (RFC 8693)")
RP_DIRECTIVE(PRESERVE_POST, "OAuthPreservePost", D, WORD, place.preserve_post, "off|on", "off", "on|off", "Whether a POST of a form survives the login (limited in size, from the same site only)")
/* clang-format on */
