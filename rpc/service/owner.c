/* SPDX-License-Identifier: MIT */
/* Tells which user owns the other end of a TCP connection of this host. */
#include "rpc/service/owner.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

void rpc_owner_query_close(struct rpc_owner_query *query)
{
	if (query->fd >= 0)
		close(query->fd);
	query->fd = -1;
}

/* Address and port as sock_diag wants them. False for what is neither IPv4 nor IPv6. */
static bool owner_split(const struct sockaddr *sa, __be32 address[static 4], __be16 *port)
{
	memset(address, 0, 16);
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		memcpy(address, &in->sin_addr, sizeof(in->sin_addr));
		*port = in->sin_port;
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		memcpy(address, &in6->sin6_addr, sizeof(in6->sin6_addr));
		*port = in6->sin6_port;
		return true;
	}
	return false;
}

/* The question for exactly one socket: the peer's own end, whose source is our peer. */
static bool make_question(
	const struct sockaddr *peer, const struct sockaddr *local, struct question *ret)
{
	*ret = (struct question){
		.header = {.nlmsg_len = sizeof(*ret),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = (__u8)peer->sa_family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0u,
			.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	return owner_split(peer, ret->body.id.idiag_src, &ret->body.id.idiag_sport) &&
	       owner_split(local, ret->body.id.idiag_dst, &ret->body.id.idiag_dport);
}

static bool query_open(struct rpc_owner_query *query)
{
	if (query->fd < 0)
		query->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	return query->fd >= 0;
}

/* The answer is there when the send returns, so that nothing is waited for. */
static bool query_exchange(
	struct rpc_owner_query *query, struct question *question, struct inet_diag_msg *ret)
{
	_Alignas(struct nlmsghdr) char answer[1024];
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	ssize_t n;

	question->header.nlmsg_seq = ++query->sequence;
	if (send(query->fd, question, sizeof(*question), 0) != (ssize_t)sizeof(*question))
		return false;
	n = recv(query->fd, answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(*header) || header->nlmsg_seq != query->sequence)
		return false;
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		n < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
		memset(ret, 0, sizeof(*ret)); /* there is no such socket */
		return true;
	}
	memcpy(ret, NLMSG_DATA(header), sizeof(*ret));
	return true;
}

bool rpc_owner_at(struct rpc_owner_query *query, const struct sockaddr *peer,
	const struct sockaddr *local, uid_t *ret)
{
	struct question question;
	struct inet_diag_msg found;

	if (!make_question(peer, local, &question) || !query_open(query))
		return false;
	if (!query_exchange(query, &question, &found)) {
		/* An answer may still come, and must not be taken for that to another question. */
		rpc_owner_query_close(query);
		return false;
	}
	/* Where there is no such connection, the kernel tells of a listener on that port; of one
	 * that no process has any more, that it is user 0's, without an inode. */
	if (found.idiag_state != TCP_ESTABLISHED || found.idiag_inode == 0 ||
		found.id.idiag_sport != question.body.id.idiag_sport ||
		found.id.idiag_dport != question.body.id.idiag_dport)
		return false;
	*ret = found.idiag_uid;
	return true;
}

void rpc_owner_query_prepare(struct rpc_owner_query *query)
{
	const struct sockaddr_in nobody = {.sin_family = AF_INET};
	uid_t uid;

	rpc_owner_at(
		query, (const struct sockaddr *)&nobody, (const struct sockaddr *)&nobody, &uid);
}

bool rpc_owner_is_there(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

bool rpc_owner_of(struct rpc_owner_query *query, int fd, uid_t *ret)
{
	struct sockaddr_storage peer = {0}, local = {0};
	socklen_t peer_len = sizeof(peer), local_len = sizeof(local);
	uid_t uid;

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0 ||
		getsockname(fd, (struct sockaddr *)&local, &local_len) < 0 ||
		!rpc_owner_at(query, (struct sockaddr *)&peer, (struct sockaddr *)&local, &uid))
		return false;
	/* Ours still open, nobody else can have had the peer's port when it was asked about. */
	if (!rpc_owner_is_there(fd))
		return false;
	*ret = uid;
	return true;
}
