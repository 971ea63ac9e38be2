/* host/http_address.c - tables of networks that are not public.
 *
 * IPv4: the special-purpose registry's networks of this host, this link, private use, shared use,
 * benchmarks, multicast and reserved. IPv6: the same kinds, and the networks that carry an IPv4
 * address to a translator (NAT64, 6to4, Teredo), which would otherwise be a way to a private one.
 */
#include "host/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

typedef struct network4 {
    uint32_t base;
    unsigned bits;
} network4;

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const network4 private4[] = {
    {IP4(0, 0, 0, 0), 8},      /* this network, unspecified */
    {IP4(10, 0, 0, 0), 8},     /* private use */
    {IP4(100, 64, 0, 0), 10},  /* shared by a carrier's customers */
    {IP4(127, 0, 0, 0), 8},    /* loopback */
    {IP4(169, 254, 0, 0), 16}, /* link-local, metadata services */
    {IP4(172, 16, 0, 0), 12},  /* private use */
    {IP4(192, 0, 0, 0), 24},   /* protocol assignments */
    {IP4(192, 168, 0, 0), 16}, /* private use */
    {IP4(198, 18, 0, 0), 15},  /* benchmarks */
    {IP4(224, 0, 0, 0), 4},    /* multicast */
    {IP4(240, 0, 0, 0), 4},    /* reserved, broadcast */
};

typedef struct network6 {
    uint8_t base[16];
    unsigned bits;
} network6;

static const network6 private6[] = {
    {{0x00, 0x64, 0xff, 0x9b}, 96},             /* NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* NAT64 of a local network */
    {{0x01, 0x00}, 64},                         /* discard */
    {{0x20, 0x01, 0x00, 0x00}, 32},             /* Teredo */
    {{0x20, 0x02}, 16},                         /* 6to4 */
    {{0xfc}, 7},                                /* unique local */
    {{0xfe, 0x80}, 10},                         /* link-local */
    {{0xfe, 0xc0}, 10},                         /* site-local, deprecated */
    {{0xff}, 8},                                /* multicast */
};

/* ::/96 (compatible; also unspecified and loopback), ::ffff:0:0/96 (mapped), ::ffff:0:0:0/96
 * (translated): the last four bytes are an IPv4 address. */
static const network6 carriers[] = {
    {{0}, 96},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < COUNT(private4); i++)
        if (((address ^ private4[i].base) >> (32 - private4[i].bits)) == 0)
            return false;
    return true;
}

static bool is_in(const uint8_t address[16], const network6 *network)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(address, network->base, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ network->base[whole]) >> (8 - rest) == 0;
}

static bool is_public6(const uint8_t address[16])
{
    for (size_t i = 0; i < COUNT(carriers); i++)
        if (is_in(address, &carriers[i]))
            return is_public4(IP4(address[12], address[13], address[14], address[15]));
    for (size_t i = 0; i < COUNT(private6); i++)
        if (is_in(address, &private6[i]))
            return false;
    return true;
}

bool bhi_http_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_public6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    return false;
}

bool bhi_http_address_parse(const char *text, struct sockaddr_storage *ret_address)
{
    *ret_address = (struct sockaddr_storage){0};
    struct sockaddr_in *four = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_address;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        return true;
    }
    six->sin6_family = AF_INET6;
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}
