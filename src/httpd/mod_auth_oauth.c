/* mod_auth_oauth: sign-in through an OAuth 2.0 or OpenID Connect provider for Apache httpd.
 *
 * A request's way through the hooks:
 *
 *   post_read_request     rp_handler_begin    take out what clients may not send, and our cookies
 *   (pre_)translate_name  rp_handler_claim    endpoints below OAuthPath are ours alone
 *   check_access_ex       rp_authn_access     endpoints are open
 *   check_authn           rp_authn_check      AuthType OAuth: who is it? (flow/rp_access.h)
 *   check_authz           rp_authn_authz      Require says no: 403, or a login
 *   fixups                rp_headers_fixup    tell the backend who it is, and give it its token
 *   insert_filter         rp_private_insert   Cache-Control: private
 *   handler               rp_handler_run      the endpoints (flow/rp_endpoint.h)
 *   handler               rp_backend_run      a backend that refuses a token is asked once more
 */
#include <httpd.h>

#include <ap_expr.h>
#include <http_config.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>

#include "rp_authn.h"
#include "rp_authz.h"
#include "rp_backend.h"
#include "rp_config_check.h"
#include "rp_directive.h"
#include "rp_handler.h"
#include "rp_headers.h"
#include "rp_private.h"
#include "rp_source.h"
#include "rp_state.h"
#include "rp_store_socache.h"

static void register_hooks(apr_pool_t *pool)
{
    /* Header names and endpoint paths are taken before mod_headers (early), mod_proxy, mod_alias
     * and mod_rewrite see the request. */
    ap_hook_post_read_request(rp_handler_begin, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_translate_name(rp_handler_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(rp_handler_translate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(rp_handler_storage, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(rp_authn_trace, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(rp_handler_run, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(rp_backend_run, NULL, NULL, APR_HOOK_REALLY_FIRST);
    rp_backend_register();

    ap_hook_check_access_ex(rp_authn_access, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(rp_authn_force, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(rp_authn_check, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(rp_authn_authz, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    rp_authz_register(pool);

    /* Before the fixups of mod_rewrite and mod_headers, which may read what is set here. */
    ap_hook_fixups(rp_headers_fixup, NULL, NULL, APR_HOOK_REALLY_FIRST);
    rp_private_register();
    ap_hook_insert_filter(rp_private_insert, NULL, NULL, APR_HOOK_LAST);
    ap_hook_expr_lookup(rp_source_lookup, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_pre_config(rp_store_socache_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rp_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rp_state_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(rp_state_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_monitor(rp_state_monitor, NULL, NULL, APR_HOOK_MIDDLE);
}

/* The name that `LoadModule auth_oauth_module` looks for; all else stays inside. */
module AP_MODULE_DECLARE_DATA __attribute__((visibility("default"))) auth_oauth_module = {
    STANDARD20_MODULE_STUFF, rp_config_dir_create,  rp_config_dir_merge, rp_config_server_create,
    rp_config_server_merge,  rp_directive_commands, register_hooks,      AP_MODULE_FLAG_NONE};
