/* SPDX-License-Identifier: MIT */
/* Tells who holds a connection: a user of this host, or another host. */
#include "rpc/nng/holder.h"

#include "rpc/nng/libc.h"

#include <netinet/in.h>
#include <string.h>

static bool is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool uid_key(uid_t uid, struct rpc_holder_key *ret_key)
{
	ret_key->is_uid = true;
	memcpy(ret_key->id, &uid, sizeof(uid));
	return true;
}

static bool loopback_key(struct rpc_holder_query *query, int fd, const struct sockaddr *peer,
	struct rpc_holder_key *ret_key)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof(local);
	bool found;
	uid_t uid;

	if (!query->ask || getsockname(fd, (struct sockaddr *)&local, &len) < 0)
		return false;
	pthread_mutex_lock(&query->lock);
	found = rpc_owner_at(&query->owners, peer, (struct sockaddr *)&local, &uid);
	pthread_mutex_unlock(&query->lock);
	return found && uid_key(uid, ret_key);
}

/* An IPv6 address with what one host may choose cut off; an IPv4 one mapped. */
static void address_key(const struct sockaddr *peer, struct in6_addr *ret_address)
{
	if (peer->sa_family == AF_INET6) {
		*ret_address = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
		return;
	}
	*ret_address = (struct in6_addr){0};
	memset(&ret_address->s6_addr[10], 0xff, 2);
	memcpy(&ret_address->s6_addr[12],
		&((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
}

static void network_key(struct rpc_holder_query *query, int fd, const struct sockaddr *peer,
	struct rpc_holder_key *ret_key)
{
	struct in6_addr address;

	address_key(peer, &address);
	if (is_loopback(&address) && loopback_key(query, fd, peer, ret_key))
		return;
	memcpy(ret_key->id, &address, sizeof(address));
	if (!IN6_IS_ADDR_V4MAPPED(&address) && !is_loopback(&address))
		memset(&ret_key->id[8], 0, 8);
}

static void local_key(int fd, struct rpc_holder_key *ret_key)
{
	struct ucred holder = {.uid = (uid_t)-1};
	socklen_t len = sizeof(holder);

	rpc_libc_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &len);
	uid_key(holder.uid, ret_key);
}

void rpc_holder_find(struct rpc_holder_query *query, bool network, int fd,
	const struct sockaddr *peer, struct rpc_holder_key *ret_key)
{
	if (network)
		network_key(query, fd, peer, ret_key);
	else
		local_key(fd, ret_key);
}

void rpc_holder_query_open(struct rpc_holder_query *query, bool ask)
{
	query->ask = ask;
	query->owners = (struct rpc_owner_query)RPC_OWNER_QUERY_INIT;
	pthread_mutex_init(&query->lock, NULL);
	if (ask)
		rpc_owner_query_prepare(&query->owners);
}

void rpc_holder_query_close(struct rpc_holder_query *query)
{
	rpc_owner_query_close(&query->owners);
	pthread_mutex_destroy(&query->lock);
}
