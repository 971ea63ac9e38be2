/* runtime/profiles.c - read once into a sorted array, found by halving. */
#include "runtime/profiles.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "pool/pool.h"
#include "runtime/admission.h"
#include "runtime/manifest.h"
#include "runtime/manifest_file.h"
#include "runtime/manifest_node.h"

typedef struct profile {
    bhi_bytes principal;
    uint32_t weight;
} profile;

struct bhi_profiles {
    bhi_arena arena;
    uint32_t default_weight;
    profile *sorted; /* by principal, bytewise */
    size_t count;
};

static void check_weight(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    json_int_t weight = json_integer_value(bhi_manifest_value(node));
    if (weight < 1 || weight > BHI_POOL_WEIGHT_MAX)
        bhi_manifest_fail(reader, node, "expected 1 to %u for \"%s\", found %lld",
                          BHI_POOL_WEIGHT_MAX, name, (long long)weight);
}

static const bhi_manifest_key profile_keys[] = {
    {.name = "weight", .kind = BHI_MANIFEST_COUNT, .check = check_weight},
    {0},
};

static void check_principal(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (!bhi_is_principal(bhi_bytes_of(name)))
        bhi_manifest_fail(reader, node,
                          "%s is no principal: expected 1 to 64 characters of [A-Za-z0-9_-]",
                          bhi_manifest_quote(reader, name));
    bhi_manifest_check_table(reader, bhi_manifest_quote(reader, name), node, profile_keys);
}

static const bhi_manifest_key root_keys[] = {
    {.name = "default", .kind = BHI_MANIFEST_TABLE, .inner = profile_keys},
    {.name = "principal", .kind = BHI_MANIFEST_TABLE, .each = check_principal},
    {0},
};

static uint32_t weight_of(const json_t *node, uint32_t otherwise)
{
    const json_t *weight = bhi_manifest_member(node, "weight");
    return weight == NULL ? otherwise : (uint32_t)json_integer_value(bhi_manifest_value(weight));
}

static int compare(const void *left, const void *right)
{
    const bhi_bytes *a = &((const profile *)left)->principal;
    const bhi_bytes *b = &((const profile *)right)->principal;
    int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static void take_principals(bhi_manifest_reader *reader, const json_t *principals,
                            bhi_profiles *profiles)
{
    const json_t *table = bhi_manifest_value(principals);
    size_t count = json_object_size(table);
    profiles->sorted = bhi_arena_calloc(&profiles->arena, count + 1, sizeof(profile));
    if (profiles->sorted == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    const char *name;
    json_t *node;
    json_object_foreach((json_t *)table, name, node)
    {
        const char *kept = bhi_arena_text(&profiles->arena, bhi_bytes_of(name));
        if (kept == NULL) {
            bhi_manifest_fail_nomem(reader);
            return;
        }
        profiles->sorted[profiles->count++] =
            (profile){bhi_bytes_of(kept), weight_of(node, profiles->default_weight)};
    }
    qsort(profiles->sorted, profiles->count, sizeof(profile), compare);
}

static bh_status read_file(const char *path, bhi_profiles *profiles, bh_error *reterr)
{
    bhi_bytes text;
    bh_status status = bhi_manifest_read_file(AT_FDCWD, path, BHI_MANIFEST_BYTES_MAX,
                                              &profiles->arena, &text, reterr);
    if (status != BH_OK)
        return bhi_fail_within(reterr, status == BH_E_LIMIT ? BH_E_MANIFEST : status, "%.160s",
                               path);
    bhi_manifest_reader reader = {.arena = &profiles->arena, .file = path, .reterr = reterr};
    json_t *root = bhi_manifest_read_nodes(&reader, text, BHI_MANIFEST_BYTES_MAX);
    if (reader.status == BH_OK)
        bhi_manifest_check_table(&reader, "the profiles", root, root_keys);
    if (reader.status == BH_OK) {
        profiles->default_weight = weight_of(bhi_manifest_member(root, "default"), 1);
        take_principals(&reader, bhi_manifest_member(root, "principal"), profiles);
    }
    json_decref(root);
    return reader.status;
}

bh_status bhi_profiles_load(const char *path, bhi_profiles **ret_profiles, bh_error *reterr)
{
    bhi_profiles *profiles = calloc(1, sizeof *profiles);
    if (profiles == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for profiles");
    bh_status status = read_file(path, profiles, reterr);
    if (status != BH_OK) {
        bhi_profiles_destroy(profiles);
        return status;
    }
    *ret_profiles = profiles;
    return BH_OK;
}

void bhi_profiles_destroy(bhi_profiles *profiles)
{
    if (profiles == NULL)
        return;
    bhi_arena_deinit(&profiles->arena);
    free(profiles);
}

uint32_t bhi_profiles_weight(const bhi_profiles *profiles, bhi_bytes principal)
{
    if (profiles == NULL)
        return 1;
    profile wanted = {.principal = principal};
    const profile *found = profiles->count == 0 ? NULL
                                                : bsearch(&wanted, profiles->sorted,
                                                          profiles->count, sizeof wanted, compare);
    return found != NULL ? found->weight : profiles->default_weight;
}
