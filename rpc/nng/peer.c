/* SPDX-License-Identifier: MIT */
/* Finds out who is at the other end of an nng pipe, and what they may do. */
#include "rpc/nng/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A pipe over a Unix socket: the kernel vouches for who holds it. */
static bool fill_local(nng_pipe pipe, const struct rpc_peer_rules *rules, struct rpc_caller *caller)
{
	struct rpc_peer *peer = &caller->peer;
	uint64_t uid, gid, pid;

	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) != 0 ||
		nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_GID, &gid) != 0 ||
		nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid) != 0)
		return false;
	peer->has_ids = true;
	peer->pid = (pid_t)pid;
	rpc_peer_set_user(peer, (uid_t)uid, (gid_t)gid, rules->rights);
	snprintf(peer->text, sizeof(peer->text), "uid %u pid %d", peer->uid, peer->pid);
	snprintf(caller->key, sizeof(caller->key), "uid %u", peer->uid);
	return true;
}

static bool address_text(const nng_sockaddr *address, char *host, size_t size, unsigned *ret_port)
{
	if (address->s_family == NNG_AF_INET) {
		*ret_port = ntohs(address->s_in.sa_port);
		return inet_ntop(AF_INET, &address->s_in.sa_addr, host, (socklen_t)size);
	}
	if (address->s_family == NNG_AF_INET6) {
		*ret_port = ntohs(address->s_in6.sa_port);
		return inet_ntop(AF_INET6, address->s_in6.sa_addr, host, (socklen_t)size);
	}
	return false;
}

/* A pipe over TCP: only the address is known, and over TLS whether a certificate was verified. */
static void fill_remote(
	nng_pipe pipe, const struct rpc_peer_rules *rules, struct rpc_caller *caller)
{
	struct rpc_peer *peer = &caller->peer;
	char host[INET6_ADDRSTRLEN] = "unknown";
	nng_sockaddr address;
	unsigned port = 0;
	bool verified = false;

	if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address) == 0 &&
		address_text(&address, host, sizeof(host), &port))
		snprintf(peer->text, sizeof(peer->text), strchr(host, ':') ? "[%s]:%u" : "%s:%u",
			host, port);
	else
		strcpy(peer->text, "unknown");
	snprintf(caller->key, sizeof(caller->key), "host %s", host);
	if (rules->tls_certified)
		nng_pipe_get_bool(pipe, NNG_OPT_TLS_VERIFIED, &verified);
	peer->may_change = verified ? RPC_MAY : RPC_MAY_NOT;
	caller->key_required = rules->key_required && !verified;
}

void rpc_peer_of_pipe(
	nng_pipe pipe, const struct rpc_peer_rules *rules, struct rpc_caller *ret_caller)
{
	*ret_caller = (struct rpc_caller){0};
	if (!fill_local(pipe, rules, ret_caller))
		fill_remote(pipe, rules, ret_caller);
}
