/* host/fs_ledger.c - see the header. */
#include "host/fs_ledger.h"

void bhi_fs_ledger_init(bhi_fs_ledger *ledger, uint64_t bytes_max, uint64_t entries_max)
{
    *ledger = (bhi_fs_ledger){.bytes_max = bytes_max, .entries_max = entries_max};
    pthread_mutex_init(&ledger->lock, NULL);
}

void bhi_fs_ledger_deinit(bhi_fs_ledger *ledger)
{
    pthread_mutex_destroy(&ledger->lock);
}

void bhi_fs_ledger_lock(bhi_fs_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
}

void bhi_fs_ledger_unlock(bhi_fs_ledger *ledger)
{
    pthread_mutex_unlock(&ledger->lock);
}

bool bhi_fs_ledger_has_room(const bhi_fs_ledger *ledger, uint64_t bytes, uint64_t entries)
{
    return ledger->bytes <= ledger->bytes_max && bytes <= ledger->bytes_max - ledger->bytes &&
           ledger->entries <= ledger->entries_max &&
           entries <= ledger->entries_max - ledger->entries;
}

static uint64_t changed(uint64_t value, uint64_t minus, uint64_t plus)
{
    value = value > minus ? value - minus : 0; /* somebody else changed the tree meanwhile */
    return value + plus;
}

void bhi_fs_ledger_settle(bhi_fs_ledger *ledger, uint64_t bytes_before, uint64_t bytes_after)
{
    ledger->bytes = changed(ledger->bytes, bytes_before, bytes_after);
}

void bhi_fs_ledger_add_entries(bhi_fs_ledger *ledger, int64_t entries)
{
    ledger->entries = entries < 0 ? changed(ledger->entries, (uint64_t)-entries, 0)
                                  : changed(ledger->entries, 0, (uint64_t)entries);
}
