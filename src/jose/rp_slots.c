#include "rp_slots.h"

#include <stdatomic.h>
#include <stddef.h>

void *rp_slots_take(rp_slots_t *slots)
{
    for (int i = 0; i < RP_SLOTS; i++) {
        /* Looking first keeps empty places from being written, and their cache line shared. */
        void *item = atomic_load_explicit(&slots->place[i], memory_order_relaxed);

        if (item) {
            item = atomic_exchange_explicit(&slots->place[i], NULL, memory_order_acquire);
        }
        if (item) {
            return item;
        }
    }
    return NULL;
}

int rp_slots_give(rp_slots_t *slots, void *item)
{
    for (int i = 0; i < RP_SLOTS; i++) {
        void *empty = NULL;

        if (!atomic_load_explicit(&slots->place[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong_explicit(&slots->place[i], &empty, item,
                                                    memory_order_release, memory_order_relaxed)) {
            return 1;
        }
    }
    return 0;
}
