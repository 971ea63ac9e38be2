/* webhook.c - lets a signed delivery through and refuses every other.
 *
 * The payload is {"signature": "sha256=HEX", "body": "..."}: what a receiver got in the header
 * X-Hub-Signature-256 and as the body. The signature is the HMAC-SHA256 of the body's bytes under
 * WEBHOOK_SECRET. When it fits the body goes on unchanged, so whoever is next sees only what a
 * holder of the secret sent. A refusal names the member that is wrong and repeats nothing of it.
 */
#include <bulkhead/capsule.h>

#define SIGNATURE_PREFIX "sha256="

static capsule_json_status read_member(capsule_bytes payload, const char *name,
                                       capsule_bytes *ret_value)
{
    return capsule_json_member(payload, name, capsule_alloc(payload.len), ret_value);
}

static bool parse_signature(capsule_bytes text, uint8_t ret_digest[CAPSULE_SHA256_BYTES])
{
    size_t skip = sizeof(SIGNATURE_PREFIX) - 1;
    if (text.len < skip || memcmp(text.data, SIGNATURE_PREFIX, skip) != 0)
        return false;
    return capsule_parse_hex((capsule_bytes){text.data + skip, text.len - skip}, ret_digest,
                             CAPSULE_SHA256_BYTES);
}

static bool is_signed_with(capsule_bytes secret, capsule_bytes body,
                           uint8_t signature[CAPSULE_SHA256_BYTES])
{
    uint8_t expected[CAPSULE_SHA256_BYTES];
    capsule_hmac_sha256(secret, body, expected);
    return capsule_equal_secret((capsule_bytes){expected, sizeof(expected)},
                                (capsule_bytes){signature, CAPSULE_SHA256_BYTES});
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_bytes signature_text, body;
    capsule_json_status status = read_member(payload, "signature", &signature_text);
    if (status != CAPSULE_JSON_FOUND)
        return capsule_deny("signature: %s", capsule_json_status_name(status));
    status = read_member(payload, "body", &body);
    if (status != CAPSULE_JSON_FOUND)
        return capsule_deny("body: %s", capsule_json_status_name(status));

    uint8_t signature[CAPSULE_SHA256_BYTES];
    if (!parse_signature(signature_text, signature))
        return capsule_deny("signature: expected " SIGNATURE_PREFIX " and 64 hexadecimal digits");

    capsule_option secret = CAPSULE_NONE;
    if (capsule_get_config(capsule_text("WEBHOOK_SECRET"), &secret) != CAPSULE_SYS_OK ||
        !secret.is_some || secret.value.len == 0)
        return capsule_deny("WEBHOOK_SECRET is not set"); /* an empty key would sign anything */
    if (!is_signed_with(secret.value, body, signature))
        return capsule_deny("signature does not match");
    return capsule_continue(body);
}
