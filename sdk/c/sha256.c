/* sha256.c - the compression function as in FIPS 180-4, section 6.2.2, one block at a time. */
#include "bulkhead/sha256.h"

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8 };

typedef struct sha256_state {
    uint32_t hash[8];
    uint64_t message_bytes;
    uint8_t block[BLOCK_BYTES]; /* the last message_bytes % BLOCK_BYTES of the message */
} sha256_state;

/* Fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void expand_block(const uint8_t *block, uint32_t words[64])
{
    for (int i = 0; i < 16; i++)
        words[i] = load_be32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        uint32_t small0 = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t small1 = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;
        words[i] = words[i - 16] + small0 + words[i - 7] + small1;
    }
}

/* v holds the working variables a to h. */
static void compress(uint32_t hash[8], const uint8_t *block)
{
    uint32_t words[64], v[8];
    expand_block(block, words);
    memcpy(v, hash, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t big1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + big1 + choice + round_constants[i] + words[i];
        uint32_t big0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[0] = t1 + big0 + majority;
        v[4] += t1;
    }
    for (int i = 0; i < 8; i++)
        hash[i] += v[i];
}

static void start(sha256_state *state)
{
    /* fractional parts of the square roots of the first 8 primes (section 5.3.3) */
    *state = (sha256_state){.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                     0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static void update(sha256_state *state, capsule_bytes message)
{
    size_t filled = state->message_bytes % BLOCK_BYTES;
    state->message_bytes += message.len;
    while (message.len > 0) {
        size_t take = BLOCK_BYTES - filled < message.len ? BLOCK_BYTES - filled : message.len;
        memcpy(state->block + filled, message.data, take);
        message.data += take;
        message.len -= take;
        filled += take;
        if (filled == BLOCK_BYTES) {
            compress(state->hash, state->block);
            filled = 0;
        }
    }
}

/* Padding (section 5.1.1): a one bit, zeros, and the length in bits at the end of a block. */
static void finish(sha256_state *state, uint8_t ret_digest[CAPSULE_SHA256_BYTES])
{
    static const uint8_t padding[BLOCK_BYTES] = {0x80};
    uint64_t message_bits = state->message_bytes * 8;
    size_t filled = state->message_bytes % BLOCK_BYTES;
    size_t room = (filled < BLOCK_BYTES - LENGTH_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES) - filled;
    uint8_t length[LENGTH_BYTES];
    store_be(length, message_bits, LENGTH_BYTES);
    update(state, (capsule_bytes){(uint8_t *)(uintptr_t)padding, 1});
    for (size_t left = room - LENGTH_BYTES - 1; left > 0;) {
        size_t take = left < BLOCK_BYTES - 1 ? left : BLOCK_BYTES - 1;
        update(state, (capsule_bytes){(uint8_t *)(uintptr_t)padding + 1, take});
        left -= take;
    }
    update(state, (capsule_bytes){length, LENGTH_BYTES});
    for (int i = 0; i < 8; i++)
        store_be(ret_digest + 4 * i, state->hash[i], 4);
}

void capsule_sha256(capsule_bytes message, uint8_t ret_digest[CAPSULE_SHA256_BYTES])
{
    sha256_state state;
    start(&state);
    update(&state, message);
    finish(&state, ret_digest);
}

/* H(pad(pad_byte) || message), pad being the key xored with a repeated byte. */
static void keyed_hash(const uint8_t key[BLOCK_BYTES], uint8_t pad_byte, capsule_bytes message,
                       uint8_t ret_digest[CAPSULE_SHA256_BYTES])
{
    uint8_t pad[BLOCK_BYTES];
    for (int i = 0; i < BLOCK_BYTES; i++)
        pad[i] = key[i] ^ pad_byte;
    sha256_state state;
    start(&state);
    update(&state, (capsule_bytes){pad, sizeof(pad)});
    update(&state, message);
    finish(&state, ret_digest);
}

void capsule_hmac_sha256(capsule_bytes key, capsule_bytes message,
                         uint8_t ret_digest[CAPSULE_SHA256_BYTES])
{
    uint8_t block[BLOCK_BYTES] = {0}, inner[CAPSULE_SHA256_BYTES];
    if (key.len > BLOCK_BYTES)
        capsule_sha256(key, block);
    else if (key.len > 0)
        memcpy(block, key.data, key.len);
    keyed_hash(block, 0x36, message, inner);
    keyed_hash(block, 0x5c, (capsule_bytes){inner, sizeof(inner)}, ret_digest);
}

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool capsule_parse_hex(capsule_bytes text, uint8_t *ret_bytes, size_t size)
{
    if (text.len % 2 != 0 || text.len / 2 != size)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (hex_value(text.data[i]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] =
            (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
    return true;
}
