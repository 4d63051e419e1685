/* What a directive says beyond its own value: sections, and what has to be remembered for the
 * whole virtual host or for the check when everything is read. */
#ifndef RP_SECTION_H
#define RP_SECTION_H

#include "rp_config.h"
#include "rp_directive.h"

/* The provider whose section the directive stands in; NULL outside of any. */
rp_provider_config_t *rp_section_provider(const cmd_parms *cmd);

rp_where_t rp_section_where(const cmd_parms *cmd);

/* After a directive was taken. dir is the struct that it was written to, NULL when it went
 * elsewhere. */
void rp_section_note(cmd_parms *cmd, rp_directive_id_t id, rp_dir_config_t *dir);

/* A claim that a directive of this server uses, besides OAuthUser and OAuthHeader. */
void rp_section_note_claim(cmd_parms *cmd, const char *claim);

/* <OAuthProvider NAME> */
const char *rp_section_provider_open(cmd_parms *cmd, void *dir_config, const char *args);

/* AuthType is mod_authn_core's; this only notes that a place is protected by this module. */
const char *rp_section_auth_type(cmd_parms *cmd, void *dir_config, const char *args);

#endif
