#include "rp_session_cache.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A session is looked for in so many places, next to each other. */
#define WAYS 4U
/* Bytes of an entry; a larger session is opened each time. */
#define KEPT_MAX 16384U

/* Followed by the index of the claims, the record's bytes with their NUL, the sealed tokens. */
struct rp_session_kept_t {
    unsigned char id[RP_SESSION_ID_BYTES];
    unsigned char hash[RP_SHA256];
    const struct rp_store_t *store;
    const struct rp_keyring_t *keyring;
    char *context;   /* behind the bytes */
    apr_size_t size; /* of the whole entry */
    apr_size_t len;  /* of bytes */
    apr_uint64_t version;
    rp_record_t record; /* its pointers lead into bytes */
    const unsigned char *tokens;
    apr_size_t tokens_len;
    unsigned char bytes[];
};

/* The tag, a part of the id, only saves taking out what is for somebody else. */
typedef struct {
    atomic_uint_fast64_t tag;
    _Atomic(rp_session_kept_t *) kept;
} slot_t;

struct rp_session_cache_t {
    apr_uint64_t sets; /* a power of two */
    slot_t *slots;     /* WAYS for each set */
};

/* Ids are random, so a part of one is as good as a hash, and the other end chooses the victim. */
static apr_uint64_t part_of(const unsigned char *id, apr_size_t at)
{
    apr_uint64_t part;

    memcpy(&part, id + at, sizeof(part));
    return part;
}

static slot_t *set_of(const rp_session_cache_t *cache, const unsigned char *id)
{
    return &cache->slots[(part_of(id, 8) & (cache->sets - 1)) * WAYS];
}

void rp_session_cache_drop(rp_session_kept_t *kept)
{
    if (kept) {
        rp_wipe(kept, kept->size);
        free(kept);
    }
}

static apr_status_t forget(void *data)
{
    const rp_session_cache_t *cache = data;

    for (apr_size_t i = 0; i < cache->sets * WAYS; i++) {
        rp_session_cache_drop(atomic_exchange(&cache->slots[i].kept, NULL));
    }
    return APR_SUCCESS;
}

rp_session_cache_t *rp_session_cache_make(int sessions, apr_pool_t *pool)
{
    rp_session_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));

    cache->sets = 1;
    while (cache->sets * WAYS < (apr_uint64_t)sessions) {
        cache->sets *= 2;
    }
    cache->slots = apr_pcalloc(pool, cache->sets * WAYS * sizeof(*cache->slots));
    apr_pool_cleanup_register(pool, cache, forget, apr_pool_cleanup_null);
    return cache;
}

/* In constant time, as all comparisons with an id. */
static int is_id(const unsigned char *a, const unsigned char *b)
{
    apr_uint64_t difference = 0;

    for (apr_size_t at = 0; at < RP_SESSION_ID_BYTES; at += sizeof(difference)) {
        difference |= part_of(a, at) ^ part_of(b, at);
    }
    return difference == 0;
}

static int belongs_to(const rp_session_kept_t *kept, const rp_session_owner_t *owner)
{
    return is_id(kept->id, owner->id) && kept->store == owner->store &&
           kept->keyring == owner->keyring && strcmp(kept->context, owner->context) == 0;
}

rp_session_kept_t *rp_session_cache_take(rp_session_cache_t *cache, const rp_session_owner_t *owner)
{
    apr_uint64_t tag = part_of(owner->id, 0);
    slot_t *slots = cache ? set_of(cache, owner->id) : NULL;

    for (unsigned int i = 0; cache && i < WAYS; i++) {
        rp_session_kept_t *kept;

        if (atomic_load_explicit(&slots[i].tag, memory_order_relaxed) != tag) {
            continue;
        }
        kept = atomic_exchange_explicit(&slots[i].kept, NULL, memory_order_acquire);
        if (kept && belongs_to(kept, owner)) {
            return kept;
        }
        rp_session_cache_drop(kept);
    }
    return NULL;
}

/* Into a place that is empty, else in place of another. */
void rp_session_cache_give(rp_session_cache_t *cache, rp_session_kept_t *kept)
{
    slot_t *slots = set_of(cache, kept->id);
    apr_uint64_t tag = part_of(kept->id, 0);
    slot_t *slot = &slots[kept->id[RP_SESSION_ID_BYTES - 1] % WAYS];

    for (unsigned int i = 0; i < WAYS; i++) {
        if (atomic_load_explicit(&slots[i].tag, memory_order_relaxed) == tag) {
            slot = &slots[i];
            break;
        }
        if (!atomic_load_explicit(&slots[i].kept, memory_order_relaxed)) {
            slot = &slots[i];
        }
    }
    atomic_store_explicit(&slot->tag, tag, memory_order_relaxed);
    rp_session_cache_drop(atomic_exchange_explicit(&slot->kept, kept, memory_order_acq_rel));
}

const unsigned char *rp_session_kept_hash(const rp_session_kept_t *kept)
{
    return kept->hash;
}

apr_uint64_t rp_session_kept_version(const rp_session_kept_t *kept)
{
    return kept->version;
}

int rp_session_kept_has(const rp_session_kept_t *kept, const void *tokens, apr_size_t len)
{
    return kept->tokens_len == len && memcmp(kept->tokens, tokens, len) == 0;
}

static inline const char *moved(const char *text, const void *from, const void *to)
{
    return text ? (const char *)to + (text - (const char *)from) : NULL;
}

/* Makes what points to the bytes at from point to their copy. */
static void move(rp_record_t *record, const void *from, const void *to)
{
    record->provider = moved(record->provider, from, to);
    record->context = moved(record->context, from, to);
    record->issuer = moved(record->issuer, from, to);
    record->subject = moved(record->subject, from, to);
    record->sid = moved(record->sid, from, to);
    record->acr = moved(record->acr, from, to);
    record->scope = moved(record->scope, from, to);
    record->claims = (const unsigned char *)moved((const char *)record->claims, from, to);
}

void rp_session_cache_copy(rp_session_t *session, const rp_session_kept_t *kept, apr_pool_t *pool)
{
    unsigned char *bytes = apr_pmemdup(pool, kept->bytes, kept->len);

    session->version = kept->version;
    session->record = kept->record;
    move(&session->record, kept->bytes, bytes);
    session->record.index = (const void *)bytes;
    session->tokens = bytes + (kept->tokens - kept->bytes);
    session->tokens_len = kept->tokens_len;
    session->tokens_open = 0;
}

static rp_session_kept_t *make(const rp_session_owner_t *owner, const rp_session_t *session,
                               const rp_session_data_t *data)
{
    apr_size_t index_size = session->record.index_len * sizeof(*session->record.index);
    apr_size_t len = index_size + data->len + 1 + session->tokens_len;
    apr_size_t context_size = strlen(owner->context) + 1;
    rp_session_kept_t *kept;
    unsigned char *text;

    if (!session->record.index || sizeof(*kept) + len + context_size > KEPT_MAX) {
        return NULL;
    }
    kept = malloc(sizeof(*kept) + len + context_size);
    if (!kept) {
        return NULL;
    }
    kept->size = sizeof(*kept) + len + context_size;
    kept->len = len;
    kept->version = session->version;
    kept->record = session->record;
    kept->tokens_len = session->tokens_len;
    text = kept->bytes + index_size;
    memcpy(kept->bytes, session->record.index, index_size);
    memcpy(text, data->data, data->len + 1);
    memcpy(text + data->len + 1, session->tokens, session->tokens_len);
    move(&kept->record, data->data, text);
    kept->record.index = (const void *)kept->bytes;
    kept->tokens = text + data->len + 1;
    kept->context = (char *)kept->bytes + len;
    memcpy(kept->context, owner->context, context_size);
    return kept;
}

void rp_session_cache_put(rp_session_cache_t *cache, const rp_session_owner_t *owner,
                          const unsigned char hash[RP_SHA256], const rp_session_t *session,
                          const rp_session_data_t *data)
{
    rp_session_kept_t *kept = cache ? make(owner, session, data) : NULL;

    if (!kept) {
        return;
    }
    memcpy(kept->id, owner->id, sizeof(kept->id));
    memcpy(kept->hash, hash, sizeof(kept->hash));
    kept->store = owner->store;
    kept->keyring = owner->keyring;
    rp_session_cache_give(cache, kept);
}
