/* A free list without locks, for what is costly to make and may serve one thread at a time: OpenSSL
 * contexts here, connections in io/.
 *
 * Key idea: a fixed row of places, each empty or holding one idle item, changed only by an atomic
 * exchange of a single pointer. An item is owned by whoever took it, so there is no node to be
 * reused under a reader's hands (no ABA problem), and nothing belongs to a thread: no destructor
 * has to run when a thread ends, none can be left behind when the module is unloaded.
 *
 *     item = rp_slots_take(slots);       NULL: make one
 *     ...
 *     if (!rp_slots_give(slots, item))   all places taken: throw it away                     */
#ifndef RP_SLOTS_H
#define RP_SLOTS_H

/* As many idle items as are kept; more threads than this at the same moment make their own. */
#define RP_SLOTS 64

typedef struct {
    _Atomic(void *) place[RP_SLOTS];
} rp_slots_t;

/* An idle item, or NULL when there is none. */
void *rp_slots_take(rp_slots_t *slots);

/* 1 when the item was kept, 0 when there is no place for it. */
int rp_slots_give(rp_slots_t *slots, void *item);

#endif
