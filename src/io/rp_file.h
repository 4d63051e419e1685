/* Small files of our own below the state directory: read whole, replaced atomically. */
#ifndef RP_FILE_H
#define RP_FILE_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_user.h>

/* Reads a regular file of at most max bytes, without following a symbolic link at its end.
 * APR_NOTFOUND when there is none; APR_EINVAL when it is no regular file; APR_ENOSPC when it is
 * larger; else the system's status. *data is followed by a NUL. */
apr_status_t rp_file_read(char **data, apr_size_t *len, const char *path, apr_size_t max,
                          apr_pool_t *pool);

/* Writes to a temporary file beside path (mode 0600, fsync) and renames it. When this process is
 * root, the file belongs to the directory's owner, so that the child processes can read it. A
 * symbolic link at path is replaced, not followed. */
apr_status_t rp_file_replace(const char *path, const void *data, apr_size_t len, apr_pool_t *pool);

/* Makes dir and its missing parents with mode 0700 for uid (when this process is root; else
 * unchanged; (apr_uid_t)-1: root's own). APR_EACCES when it exists and belongs to somebody else,
 * or others may write to it, or it is a symbolic link; APR_ENOTDIR when it is a file. */
apr_status_t rp_file_make_dir(const char *dir, apr_uid_t uid, apr_gid_t gid, apr_pool_t *pool);

#endif
