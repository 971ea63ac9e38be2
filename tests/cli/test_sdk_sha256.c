/* The SDK's SHA-256 and HMAC against published vectors and, for every length around the block
 * boundaries, against libsodium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "../../sdk/c/bulkhead/sha256.h"
#include "../../sdk/c/sha256.c"

static void assert_digest(const uint8_t digest[32], const char *hex)
{
    uint8_t expected[32];
    assert_true(capsule_parse_hex(capsule_text(hex), expected, sizeof(expected)));
    assert_memory_equal(digest, expected, sizeof(expected));
}

static void assert_hash(const char *message, const char *hex)
{
    uint8_t digest[32];
    capsule_sha256(capsule_text(message), digest);
    assert_digest(digest, hex);
}

/* FIPS 180-4 examples and the empty message. */
static void hashes_equal_the_published_ones(void **state)
{
    assert_hash("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void a_million_letters_hash_as_published(void **state)
{
    static uint8_t message[1000000];
    uint8_t digest[32];
    memset(message, 'a', sizeof(message));
    capsule_sha256((capsule_bytes){message, sizeof(message)}, digest);
    assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void assert_hmac(uint8_t key_byte, size_t key_len, const char *message, const char *hex)
{
    uint8_t key[131], digest[32];
    memset(key, key_byte, sizeof(key));
    capsule_hmac_sha256((capsule_bytes){key, key_len}, capsule_text(message), digest);
    assert_digest(digest, hex);
}

/* RFC 4231, cases 1, 2, 3, 6 and 7. */
static void authentication_codes_equal_the_published_ones(void **state)
{
    uint8_t digest[32];
    assert_hmac(0x0b, 20, "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    capsule_hmac_sha256(capsule_text("Jefe"), capsule_text("what do ya want for nothing?"), digest);
    assert_digest(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t dd[50];
    memset(dd, 0xdd, sizeof(dd));
    uint8_t aa[20];
    memset(aa, 0xaa, sizeof(aa));
    capsule_hmac_sha256((capsule_bytes){aa, 20}, (capsule_bytes){dd, 50}, digest);
    assert_digest(digest, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    assert_hmac(0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hmac(0xaa, 131,
                "This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void every_length_around_a_block_equals_libsodium(void **state)
{
    uint8_t message[260], ours[32], theirs[32];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)(i * 7 + 3);
    for (size_t len = 0; len <= sizeof(message); len++) {
        capsule_bytes text = {message, len};
        capsule_sha256(text, ours);
        crypto_hash_sha256(theirs, message, len);
        assert_memory_equal(ours, theirs, 32);
        capsule_hmac_sha256(text, text, ours);
        crypto_auth_hmacsha256_state hmac;
        crypto_auth_hmacsha256_init(&hmac, message, len);
        crypto_auth_hmacsha256_update(&hmac, message, len);
        crypto_auth_hmacsha256_final(&hmac, theirs);
        assert_memory_equal(ours, theirs, 32);
    }
}

static void hexadecimal_of_either_case_is_read(void **state)
{
    uint8_t bytes[3];
    assert_true(capsule_parse_hex(capsule_text("00fFa9"), bytes, 3));
    assert_memory_equal(bytes, "\x00\xff\xa9", 3);
    assert_true(capsule_parse_hex(capsule_text(""), bytes, 0));
}

static void anything_but_the_right_number_of_digits_is_refused(void **state)
{
    uint8_t bytes[3] = {1, 2, 3};
    static const char *const texts[] = {"",       "00ff",   "00ffa",  "00ffa900", "00ffag",
                                        "00ffa ", "00 fa9", "0x00ff", "00ff`1",   "00ff@1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(capsule_parse_hex(capsule_text(texts[i]), bytes, 3));
    assert_memory_equal(bytes, "\x01\x02\x03", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_equal_the_published_ones),
        cmocka_unit_test(a_million_letters_hash_as_published),
        cmocka_unit_test(authentication_codes_equal_the_published_ones),
        cmocka_unit_test(every_length_around_a_block_equals_libsodium),
        cmocka_unit_test(hexadecimal_of_either_case_is_read),
        cmocka_unit_test(anything_but_the_right_number_of_digits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
