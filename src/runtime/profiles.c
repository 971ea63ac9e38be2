/* runtime/profiles.c - read once into two sorted arrays, found by halving. */
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

#define OWNER_DEFAULT "default"

typedef struct named_profile {
    bhi_bytes name; /* first: of a principal */
    bhi_profile profile;
} named_profile;

typedef struct named_grants {
    bhi_bytes name;    /* first: of a capsule */
    bhi_grants grants; /* the operator's part */
} named_grants;

struct bhi_profiles {
    bhi_arena arena;
    bhi_profile otherwise;     /* of principals that are not named */
    named_profile *principals; /* sorted by name, bytewise */
    size_t principals_count;
    named_grants *capsules; /* the same */
    size_t capsules_count;
};

static const bhi_profile unconfigured = {.weight = 1,
                                         .storage_bytes_max = UINT64_C(1) << 30,
                                         .publish_bytes_per_s_max = UINT64_C(10) << 20};

/* ---- the format ---- */

static void check_weight(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    json_int_t weight = json_integer_value(bhi_manifest_value(node));
    if (weight < 1 || weight > BHI_POOL_WEIGHT_MAX)
        bhi_manifest_fail(reader, node, "expected 1 to %u for \"%s\", found %lld",
                          BHI_POOL_WEIGHT_MAX, name, (long long)weight);
}

static const bhi_manifest_key profile_keys[] = {
    {.name = "weight", .kind = BHI_MANIFEST_COUNT, .check = check_weight},
    {.name = "storage_mib", .kind = BHI_MANIFEST_COUNT},
    {.name = "publish_kib", .kind = BHI_MANIFEST_COUNT},
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

static const char *text_of(const json_t *node)
{
    return json_string_value(bhi_manifest_value(node));
}

static void check_claims(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (strcmp(text_of(node), "publish") != 0 && strcmp(text_of(node), "act") != 0)
        bhi_manifest_fail(reader, node, "expected \"publish\" or \"act\" for \"%s\", found %s",
                          name, bhi_manifest_quote(reader, text_of(node)));
}

static void check_owner(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (!bhi_is_principal(bhi_bytes_of(text_of(node))))
        bhi_manifest_fail(reader, node, "expected a principal for \"%s\", found %s", name,
                          bhi_manifest_quote(reader, text_of(node)));
}

static void check_workspace(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (text_of(node)[0] != '/')
        bhi_manifest_fail(reader, node, "expected an absolute path for \"%s\", found %s", name,
                          bhi_manifest_quote(reader, text_of(node)));
}

static const bhi_manifest_key grant_keys[] = {
    {.name = "private_hosts", .kind = BHI_MANIFEST_TEXTS},
    {.name = "workspace", .kind = BHI_MANIFEST_TEXT, .check = check_workspace},
    {.name = "claims", .kind = BHI_MANIFEST_TEXT, .check = check_claims},
    {.name = "owner", .kind = BHI_MANIFEST_TEXT, .check = check_owner},
    {0},
};

static void check_capsule(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    bhi_manifest_check_table(reader, bhi_manifest_quote(reader, name), node, grant_keys);
}

static const bhi_manifest_key root_keys[] = {
    {.name = "default", .kind = BHI_MANIFEST_TABLE, .inner = profile_keys},
    {.name = "principal", .kind = BHI_MANIFEST_TABLE, .each = check_principal},
    {.name = "capsule", .kind = BHI_MANIFEST_TABLE, .each = check_capsule},
    {0},
};

/* ---- taking it apart ---- */

static uint64_t count_of(const json_t *node, const char *name, uint64_t unit, uint64_t otherwise)
{
    const json_t *count = bhi_manifest_member(node, name);
    if (count == NULL)
        return otherwise;
    return (uint64_t)json_integer_value(bhi_manifest_value(count)) * unit;
}

static bhi_profile profile_of(const json_t *node, const bhi_profile *otherwise)
{
    return (bhi_profile){
        .weight = (uint32_t)count_of(node, "weight", 1, otherwise->weight),
        .storage_bytes_max =
            count_of(node, "storage_mib", UINT64_C(1) << 20, otherwise->storage_bytes_max),
        .publish_bytes_per_s_max =
            count_of(node, "publish_kib", UINT64_C(1) << 10, otherwise->publish_bytes_per_s_max),
    };
}

static bhi_bytes keep(bhi_manifest_reader *reader, const char *text)
{
    char *kept = bhi_arena_text(reader->arena, bhi_bytes_of(text));
    if (kept != NULL)
        return bhi_bytes_of(kept);
    bhi_manifest_fail_nomem(reader);
    return (bhi_bytes){0};
}

static bhi_texts keep_list(bhi_manifest_reader *reader, const json_t *list)
{
    const json_t *value = bhi_manifest_value(list);
    bhi_texts texts = {0};
    bhi_bytes *items = bhi_arena_calloc(reader->arena, json_array_size(value) + 1, sizeof *items);
    if (items == NULL)
        bhi_manifest_fail_nomem(reader);
    for (size_t i = 0; items != NULL && i < json_array_size(value); i++)
        items[texts.count++] = keep(reader, text_of(json_array_get(value, i)));
    texts.items = items;
    return texts;
}

static bhi_grants grants_of(bhi_manifest_reader *reader, const json_t *node)
{
    const char *claims = bhi_manifest_text(reader, node, "claims", "");
    return (bhi_grants){
        .may_claim = claims[0] != '\0',
        .may_act = strcmp(claims, "act") == 0,
        .private_hosts = keep_list(reader, bhi_manifest_member(node, "private_hosts")),
        .workspace = bhi_manifest_text(reader, node, "workspace", NULL),
        .owner = bhi_bytes_of(bhi_manifest_text(reader, node, "owner", OWNER_DEFAULT)),
    };
}

/* Both arrays hold structs that begin with their name. */
static int compare_names(const void *left, const void *right)
{
    const bhi_bytes *a = left, *b = right;
    int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static void take_principals(bhi_manifest_reader *reader, const json_t *table,
                            bhi_profiles *profiles)
{
    const json_t *value = bhi_manifest_value(table);
    profiles->principals =
        bhi_arena_calloc(reader->arena, json_object_size(value) + 1, sizeof(named_profile));
    if (profiles->principals == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    const char *name;
    json_t *node;
    json_object_foreach((json_t *)value, name, node)
    {
        profiles->principals[profiles->principals_count++] =
            (named_profile){keep(reader, name), profile_of(node, &profiles->otherwise)};
    }
}

static void take_capsules(bhi_manifest_reader *reader, const json_t *table, bhi_profiles *profiles)
{
    const json_t *value = bhi_manifest_value(table);
    profiles->capsules =
        bhi_arena_calloc(reader->arena, json_object_size(value) + 1, sizeof(named_grants));
    if (profiles->capsules == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    const char *name;
    json_t *node;
    json_object_foreach((json_t *)value, name, node)
    {
        profiles->capsules[profiles->capsules_count++] =
            (named_grants){keep(reader, name), grants_of(reader, node)};
    }
}

static void take_root(bhi_manifest_reader *reader, const json_t *root, bhi_profiles *profiles)
{
    profiles->otherwise = profile_of(bhi_manifest_member(root, "default"), &unconfigured);
    take_principals(reader, bhi_manifest_member(root, "principal"), profiles);
    take_capsules(reader, bhi_manifest_member(root, "capsule"), profiles);
    if (reader->status != BH_OK)
        return;
    qsort(profiles->principals, profiles->principals_count, sizeof(named_profile), compare_names);
    qsort(profiles->capsules, profiles->capsules_count, sizeof(named_grants), compare_names);
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
    if (reader.status == BH_OK)
        take_root(&reader, root, profiles);
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

static const void *find(const void *items, size_t count, size_t size, bhi_bytes name)
{
    return count == 0 ? NULL : bsearch(&name, items, count, size, compare_names);
}

const bhi_profile *bhi_profiles_find(const bhi_profiles *profiles, bhi_bytes principal)
{
    if (profiles == NULL)
        return &unconfigured;
    const named_profile *found =
        find(profiles->principals, profiles->principals_count, sizeof(named_profile), principal);
    return found != NULL ? &found->profile : &profiles->otherwise;
}

void bhi_profiles_grant(const bhi_profiles *profiles, bhi_bytes capsule, bhi_grants *grants)
{
    const named_grants *found =
        profiles == NULL
            ? NULL
            : find(profiles->capsules, profiles->capsules_count, sizeof(named_grants), capsule);
    grants->owner = BHI_BYTES_LITERAL(OWNER_DEFAULT);
    if (found == NULL)
        return;
    grants->may_claim = found->grants.may_claim;
    grants->may_act = found->grants.may_act;
    grants->private_hosts = found->grants.private_hosts;
    grants->workspace = found->grants.workspace;
    grants->owner = found->grants.owner;
}
