/* fetch-cache.c - fetches the page whose URL is the payload, and keeps it in kv.
 *
 * A page is kept for as long as its server's Cache-Control says (max-age), and asked for again with
 * its ETag after that: an unchanged page is not sent twice. The answer says where the body is from:
 * "network", "cache", or "revalidated". Each principal has a cache of its own, as it has its own
 * kv.
 *
 * A kept page is "FETCHED-AT-MS MAX-AGE-S ETAG\nBODY" under the hash of its URL; without an ETag
 * the place behind the second space is empty.
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>

enum { MAX_AGE_S_MAX = 365 * 24 * 3600 };

typedef struct page {
    uint64_t fetched_at_ms;
    uint64_t max_age_s;
    capsule_bytes etag; /* empty: none */
    capsule_bytes body;
} page;

/* Cut what stands before `end` off `rest`; false when there is no `end`. */
static bool cut(capsule_bytes *rest, char end, capsule_bytes *ret_part)
{
    uint8_t *found = rest->len == 0 ? NULL : memchr(rest->data, end, rest->len);
    if (found == NULL)
        return false;
    *ret_part = (capsule_bytes){rest->data, (size_t)(found - rest->data)};
    *rest = (capsule_bytes){found + 1, rest->len - ret_part->len - 1};
    return true;
}

static capsule_bytes key_of(capsule_bytes url)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[CAPSULE_SHA256_BYTES];
    capsule_bytes key = {capsule_alloc(2 * sizeof(digest)), 0};
    capsule_sha256(url, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        key.data[key.len++] = (uint8_t)digits[digest[i] >> 4];
        key.data[key.len++] = (uint8_t)digits[digest[i] & 15];
    }
    return key;
}

static bool read_page(capsule_bytes kept, page *ret_page)
{
    capsule_bytes at, age;
    return cut(&kept, ' ', &at) && cut(&kept, ' ', &age) && cut(&kept, '\n', &ret_page->etag) &&
           capsule_parse_u64(at, &ret_page->fetched_at_ms) &&
           capsule_parse_u64(age, &ret_page->max_age_s) && (ret_page->body = kept, true);
}

static bool find_page(capsule_bytes key, page *ret_page)
{
    capsule_option kept = CAPSULE_NONE;
    return capsule_kv_get(key, &kept) == CAPSULE_KV_OK && kept.is_some &&
           read_page(kept.value, ret_page);
}

/* A page that cannot be kept (too large, no room) is fetched again next time. */
static void keep_page(capsule_bytes key, const page *kept)
{
    capsule_bytes head =
        capsule_format("%" PRIu64 " %" PRIu64 " %.*s\n", kept->fetched_at_ms, kept->max_age_s,
                       (int)kept->etag.len, (const char *)kept->etag.data);
    capsule_bytes value = {capsule_alloc(head.len + kept->body.len), head.len + kept->body.len};
    memcpy(value.data, head.data, head.len);
    memcpy(value.data + head.len, kept->body.data, kept->body.len);
    capsule_kv_status status = capsule_kv_set(key, value);
    if (status != CAPSULE_KV_OK)
        capsule_log(CAPSULE_LOG_WARN, "a page is not kept: %s", capsule_kv_status_name(status));
}

static bool is_fresh(const page *kept)
{
    uint64_t now_ms = capsule_clock_ms();
    return now_ms >= kept->fetched_at_ms && now_ms - kept->fetched_at_ms < kept->max_age_s * 1000;
}

/* The text behind `name` in a list of directives, or none. */
static capsule_option directive(capsule_option header, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; header.is_some && i + len <= header.value.len; i++)
        if (memcmp(header.value.data + i, name, len) == 0)
            return capsule_some(
                (capsule_bytes){header.value.data + i + len, header.value.len - i - len});
    return CAPSULE_NONE;
}

static uint64_t max_age_s(capsule_http_headers headers)
{
    capsule_option digits =
        directive(capsule_http_find_header(headers, "cache-control"), "max-age=");
    uint64_t age_s = 0;
    for (size_t i = 0; digits.is_some && i < digits.value.len && age_s < MAX_AGE_S_MAX; i++) {
        uint8_t c = digits.value.data[i];
        if (c < '0' || c > '9')
            break;
        age_s = 10 * age_s + (c - '0');
    }
    return age_s < MAX_AGE_S_MAX ? age_s : MAX_AGE_S_MAX;
}

static bool may_keep(const page *fetched, capsule_http_headers headers)
{
    capsule_option control = capsule_http_find_header(headers, "cache-control");
    return !directive(control, "no-store").is_some &&
           (fetched->etag.len > 0 || fetched->max_age_s > 0);
}

static capsule_result answer(const char *from, capsule_bytes body)
{
    if (!capsule_is_utf8(body))
        return capsule_deny("the page is not text");
    capsule_bytes quoted = {capsule_alloc(6 * body.len + 2), 0};
    quoted.len = capsule_json_quote(body, quoted.data);
    return capsule_continue(capsule_format("{\"from\":\"%s\",\"body\":%.*s}", from, (int)quoted.len,
                                           (const char *)quoted.data));
}

/* `kept` may be empty: then there is nothing to ask about. */
static capsule_result fetch(capsule_bytes url, capsule_bytes key, page *kept)
{
    capsule_http_request request = capsule_http_get(url);
    capsule_http_response response;
    if (kept->etag.len > 0)
        capsule_http_add_header(&request, capsule_text("if-none-match"), kept->etag);
    capsule_http_status status = capsule_http_send(&request, &response);
    if (status != CAPSULE_HTTP_OK)
        return capsule_deny("cannot fetch the page: %s", capsule_http_status_name(status));
    bool is_unchanged = response.status == 304 && kept->etag.len > 0;
    if (response.status != 200 && !is_unchanged)
        return capsule_deny("the server answered with status %u", response.status);
    page fetched = {.fetched_at_ms = capsule_clock_ms(),
                    .max_age_s = max_age_s(response.headers),
                    .etag = capsule_http_find_header(response.headers, "etag").value,
                    .body = is_unchanged ? kept->body : response.body};
    if (is_unchanged && fetched.etag.len == 0)
        fetched.etag = kept->etag;
    if (may_keep(&fetched, response.headers))
        keep_page(key, &fetched);
    return answer(is_unchanged ? "revalidated" : "network", fetched.body);
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    page kept = {0};
    capsule_bytes key = key_of(payload);
    if (find_page(key, &kept) && is_fresh(&kept))
        return answer("cache", kept.body);
    return fetch(payload, key, &kept);
}
