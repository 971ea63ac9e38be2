/* serve/address.c - parse, judge and bind addresses.
 *
 * Names other than "localhost" are never resolved: the answer of a name server is not under our
 * control, and a listen address should mean the same every time.
 *
 * Every worker listens on a socket of its own with SO_REUSEPORT. That option would also let a
 * second daemon of the same user bind the port and silently take half of the connections, so the
 * port is first bound without it.
 */
#include "serve/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HOST_BYTES_MAX = 64, LISTEN_BACKLOG = 1024 };

/* A host and what follows it, of "host", "host:port", "[host]" or "[host]:port". */
typedef struct host_port {
    char host[HOST_BYTES_MAX];
    const char *port; /* after the colon; NULL when there is none */
    bool is_bracketed;
} host_port;

static bool split_host(const char *text, host_port *ret_parts)
{
    ret_parts->is_bracketed = text[0] == '[';
    const char *start = text + ret_parts->is_bracketed;
    size_t len = strcspn(start, ret_parts->is_bracketed ? "]" : ":");
    if (len == 0 || len >= sizeof ret_parts->host)
        return false;
    memcpy(ret_parts->host, start, len);
    ret_parts->host[len] = '\0';
    const char *rest = start + len;
    if (ret_parts->is_bracketed && *rest++ != ']')
        return false;
    if (*rest != '\0' && *rest != ':')
        return false;
    ret_parts->port = *rest == ':' ? rest + 1 : NULL;
    return true;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 5 || text[len] != '\0')
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    if (value > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)value;
    return true;
}

static bool ipv4_is_loopback(const char *host, struct in_addr *ret_address)
{
    return inet_pton(AF_INET, host, ret_address) == 1 && ntohl(ret_address->s_addr) >> 24 == 127;
}

static bool ipv6_is_loopback(const char *host, struct in6_addr *ret_address)
{
    return inet_pton(AF_INET6, host, ret_address) == 1 && IN6_IS_ADDR_LOOPBACK(ret_address);
}

static bool parts_are_loopback(const host_port *parts)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (parts->is_bracketed)
        return ipv6_is_loopback(parts->host, &ipv6);
    return strcasecmp(parts->host, "localhost") == 0 || ipv4_is_loopback(parts->host, &ipv4);
}

static void set_ipv4(bhi_address *address, struct in_addr host, uint16_t port)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address->socket;
    *ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
    address->len = sizeof *ipv4;
}

static void set_ipv6(bhi_address *address, struct in6_addr host, uint16_t port)
{
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address->socket;
    *ipv6 =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host};
    address->len = sizeof *ipv6;
}

bh_status bhi_address_parse(const char *text, bhi_address *ret_address, bh_error *reterr)
{
    host_port parts;
    uint16_t port;
    if (!split_host(text, &parts) || parts.port == NULL || !parse_port(parts.port, &port))
        return bhi_fail(reterr, BH_E_ARG,
                        "listen address: expected HOST:PORT such as 127.0.0.1:8787 or [::1]:8787, "
                        "found \"%.80s\"",
                        text);
    if (!parts_are_loopback(&parts))
        return bhi_fail(reterr, BH_E_ARG,
                        "listen address: expected a loopback address (127.0.0.0/8, [::1] or "
                        "localhost), found \"%.64s\"; principals are taken on trust from a request "
                        "header, so only this machine may connect",
                        parts.host);
    struct in_addr ipv4 = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct in6_addr ipv6;
    memset(ret_address, 0, sizeof *ret_address);
    if (parts.is_bracketed && ipv6_is_loopback(parts.host, &ipv6)) {
        set_ipv6(ret_address, ipv6, port);
    } else {
        struct in_addr given;
        set_ipv4(ret_address, ipv4_is_loopback(parts.host, &given) ? given : ipv4, port);
    }
    return BH_OK;
}

void bhi_address_format(const bhi_address *address, char ret_text[BHI_ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->socket.ss_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address->socket;
        inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host);
        snprintf(ret_text, BHI_ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(ipv6->sin6_port));
    } else {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address->socket;
        inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof host);
        snprintf(ret_text, BHI_ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(ipv4->sin_port));
    }
}

bool bhi_host_is_loopback(const char *host)
{
    host_port parts;
    uint16_t port;
    return split_host(host, &parts) && (parts.port == NULL || parse_port(parts.port, &port)) &&
           parts_are_loopback(&parts);
}

bool bhi_origin_is_loopback(const char *origin)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], len) == 0)
            return bhi_host_is_loopback(origin + len);
    }
    return false;
}

/* A bound socket; not yet listening. -1 with errno. */
static int bind_socket(const bhi_address *address, bool is_shared)
{
    int on = 1;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, (const struct sockaddr *)&address->socket, address->len) == 0)
        return fd;
    int os_code = errno;
    close(fd);
    errno = os_code;
    return -1;
}

/* Is the port free of other listeners? Port 0 is replaced by the one that was chosen. */
static bool claim_port(bhi_address *inout_address)
{
    int fd = bind_socket(inout_address, false);
    if (fd < 0)
        return false;
    socklen_t len = sizeof inout_address->socket;
    bool is_claimed = getsockname(fd, (struct sockaddr *)&inout_address->socket, &len) == 0;
    int os_code = errno;
    close(fd);
    errno = os_code;
    return is_claimed;
}

bh_status bhi_address_listen(bhi_address *inout_address, uint32_t count, int *ret_sockets,
                             bh_error *reterr)
{
    char text[BHI_ADDRESS_TEXT_MAX];
    bhi_address_format(inout_address, text);
    if (!claim_port(inout_address))
        return bhi_fail_os(reterr, "listen on %s", text);
    for (uint32_t i = 0; i < count; i++) {
        ret_sockets[i] = bind_socket(inout_address, true);
        if (ret_sockets[i] >= 0 && listen(ret_sockets[i], LISTEN_BACKLOG) == 0)
            continue;
        bh_status status = bhi_fail_os(reterr, "listen on %s", text);
        for (uint32_t k = 0; k <= i; k++)
            if (ret_sockets[k] >= 0)
                close(ret_sockets[k]);
        return status;
    }
    return BH_OK;
}
