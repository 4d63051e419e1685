#include "rp_followed.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"
#include "rp_provider_cache.h"

/* What changes with a file's content, its rights or its owner. All zero: not known. */
typedef struct {
    dev_t device;
    ino_t number;
    off_t size;
    apr_time_t modified;
    apr_time_t changed;
    int error; /* of the attempt to look: a file that is gone has a stamp, too */
} stamp_t;

struct rp_followed_t {
    rp_followed_subject_t subject;
    apr_thread_mutex_t *mutex; /* guards the rest, never held while a file is looked at */
    int looking;               /* 1: a thread is at it, or nobody can ever look */
    apr_time_t looked;
    stamp_t stamp;         /* of what was read last, good or not */
    rp_generation_t *held; /* NULL: the first value is the value */
};

/* --- looking --- */

static stamp_t look(const char *path)
{
    struct stat st;
    stamp_t stamp;

    memset(&stamp, 0, sizeof(stamp));
    if (stat(path, &st) != 0) {
        stamp.error = errno;
        return stamp;
    }
    stamp.device = st.st_dev;
    stamp.number = st.st_ino;
    stamp.size = st.st_size;
    stamp.modified = apr_time_from_sec(st.st_mtim.tv_sec) + st.st_mtim.tv_nsec / 1000;
    stamp.changed = apr_time_from_sec(st.st_ctim.tv_sec) + st.st_ctim.tv_nsec / 1000;
    return stamp;
}

static int is_same(const stamp_t *a, const stamp_t *b)
{
    return a->device == b->device && a->number == b->number && a->size == b->size &&
           a->modified == b->modified && a->changed == b->changed && a->error == b->error;
}

/* Somebody may be writing still, and a clock that ticks slowly would give the same time again. */
static int is_settled(const stamp_t *stamp, apr_time_t now)
{
    return stamp->modified > now ||
           now - stamp->modified >= apr_time_from_sec(RP_FOLLOW_SETTLE_SECONDS);
}

/* --- reporting --- */

/* data is two texts: which state of the file it is about, and the detail. The core logs nothing;
 * what a job fails with is logged for it. Once for all processes. */
static void report(rp_env_t *env, const void *data)
{
    const char *state = data;
    const char *detail = state + strlen(state) + 1;
    unsigned char digest[RP_SHA256];
    rp_store_key_t key = {RP_KIND_LEASE, digest, sizeof(digest)};
    rp_env_t local = *env;

    local.store = env->local ? env->local : env->store;
    if (local.store &&
        rp_hash(digest, RP_SHA256, state, strlen(state) + 1 + strlen(detail)) == APR_SUCCESS &&
        rp_store_add(&local, &key, "", 0, apr_time_from_sec(RP_FOLLOW_REPORT_SECONDS)) ==
            RP_CONFLICT) {
        return;
    }
    rp_fail(env, RP_E_SECRET_CHANGED, "%s", detail);
}

static apr_status_t defer_report(rp_env_t *env, const rp_followed_t *followed, const stamp_t *stamp,
                                 const char *why)
{
    const char *state = apr_psprintf(
        env->pool, "changed %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT " %" APR_TIME_T_FMT,
        (apr_uint64_t)stamp->number, (apr_uint64_t)stamp->size, stamp->changed);
    const char *detail = apr_pstrcat(env->pool, followed->subject.directive, ": ",
                                     why ? why : followed->subject.path, NULL);
    apr_size_t state_size = strlen(state) + 1;
    apr_size_t len = state_size + strlen(detail) + 1;
    char *data = apr_palloc(env->pool, len);

    memcpy(data, state, state_size);
    memcpy(data + state_size, detail, len - state_size);
    return env->ops->defer(env->ctx, report, data, len);
}

/* --- reading --- */

static apr_status_t read_again(rp_generation_t **made, rp_env_t *env, const rp_followed_t *followed,
                               const char **why)
{
    rp_generation_t *generation = rp_generation_make(followed->subject.path, env->pool);
    const char *words = NULL;
    apr_status_t rv;

    *made = NULL;
    *why = NULL;
    if (!generation) {
        return APR_ENOMEM;
    }
    rv = followed->subject.read(&generation->parsed, followed->subject.ctx, generation->pool,
                                &words);
    if (rv == APR_SUCCESS) {
        *made = generation;
        return APR_SUCCESS;
    }
    *why = words ? apr_pstrdup(env->pool, words) : NULL;
    rp_generation_drop(generation);
    return rv;
}

/* By the one thread that is looking. *stamp is what is known afterwards; NULL: nothing new. */
static rp_generation_t *look_again(rp_env_t *env, const rp_followed_t *followed, stamp_t *known)
{
    stamp_t stamp = look(followed->subject.path);
    apr_time_t now = rp_now(env);
    rp_generation_t *made;
    const char *why;
    apr_status_t rv;

    if (is_same(&stamp, known)) {
        return NULL;
    }
    rv = read_again(&made, env, followed, &why);
    if (!is_settled(&stamp, now)) {
        /* Looked at again soon, and until then what is wrong may be half of what will be right. */
        memset(known, 0, sizeof(*known));
        return made;
    }
    *known = stamp;
    if (rv != APR_SUCCESS && defer_report(env, followed, &stamp, why) != APR_SUCCESS) {
        memset(known, 0, sizeof(*known));
    }
    return made;
}

static int is_due(const rp_followed_t *followed, apr_time_t now)
{
    return !followed->looking && (now < followed->looked ||
                                  now - followed->looked >= apr_time_from_sec(RP_FOLLOW_SECONDS));
}

const void *rp_followed_value(rp_env_t *env, rp_followed_t *followed)
{
    apr_time_t now = rp_now(env);
    rp_generation_t *old = NULL;
    rp_generation_t *held;

    apr_thread_mutex_lock(followed->mutex);
    if (is_due(followed, now)) {
        stamp_t known = followed->stamp;
        rp_generation_t *made;

        followed->looking = 1;
        followed->looked = now;
        apr_thread_mutex_unlock(followed->mutex);
        made = look_again(env, followed, &known);
        apr_thread_mutex_lock(followed->mutex);
        followed->looking = 0;
        followed->stamp = known;
        if (made) {
            old = followed->held;
            followed->held = made;
        }
    }
    held = followed->held;
    if (held) {
        apr_atomic_inc32(&held->holders);
    }
    apr_thread_mutex_unlock(followed->mutex);
    if (old) {
        rp_generation_drop(old);
    }
    return held ? rp_generation_lend(held, env->pool)->parsed : followed->subject.first;
}

static apr_status_t let_go(void *data)
{
    rp_followed_t *followed = data;

    if (followed->held) {
        rp_generation_drop(followed->held);
        followed->held = NULL;
    }
    return APR_SUCCESS;
}

/* What is not there at the moment may come. */
static int is_out_of_reach(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    return errno == EACCES || errno == EPERM;
}

apr_status_t rp_followed_make(rp_followed_t **out, const rp_followed_subject_t *subject,
                              apr_pool_t *pool)
{
    rp_followed_t *followed = apr_pcalloc(pool, sizeof(*followed));
    apr_status_t rv = apr_thread_mutex_create(&followed->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    *out = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    followed->subject = *subject;
    followed->looking = is_out_of_reach(subject->path);
    apr_pool_cleanup_register(pool, followed, let_go, apr_pool_cleanup_null);
    *out = followed;
    return APR_SUCCESS;
}
