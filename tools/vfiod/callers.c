/* SPDX-License-Identifier: MIT */
/* Who may change devices. */
#include "tools/vfiod/callers.h"

#include "core/util.h"

#include <grp.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>

void callers_init(struct callers *callers, bool simulated)
{
	const struct group *gr = getgrnam("vfiod");

	*callers = (struct callers){.owner = getuid(), .simulated = simulated, .has_group = gr};
	if (gr)
		callers->group = gr->gr_gid;
}

static bool is_member(uid_t uid, gid_t wanted)
{
	char buf[4096];
	struct passwd pw, *found;
	gid_t groups[256];
	int n = ARRAY_SIZE(groups);

	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) != 0 || !found ||
		getgrouplist(pw.pw_name, pw.pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

bool callers_may_change(void *arg, uid_t uid, gid_t gid, pid_t pid)
{
	const struct callers *c = arg;

	(void)pid;
	return uid == 0 || uid == c->owner ||
	       (c->has_group && (gid == c->group || is_member(uid, c->group)));
}

/* Address and port as sock_diag wants them. False for what is neither IPv4 nor IPv6. */
static bool split(const struct sockaddr *sa, __be32 address[static 4], __be16 *port)
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

/* Asks the kernel for exactly one socket: the peer's own end, whose source is our peer. */
static bool socket_owner(const struct sockaddr *peer, const struct sockaddr *local, uid_t *ret)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = (__u8)peer->sa_family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0u,
			.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	_Alignas(struct nlmsghdr) char answer[1024];

	if (!split(peer, request.body.id.idiag_src, &request.body.id.idiag_sport) ||
		!split(local, request.body.id.idiag_dst, &request.body.id.idiag_dport))
		return false;
	CLEANUP(fd_cleanup) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return false;
	ssize_t n = recv(fd, answer, sizeof(answer), 0);
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)) ||
		header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	const struct inet_diag_msg *found = NLMSG_DATA(header);
	/* The kernel falls back to a listener on that port when there is no such connection. */
	if (found->id.idiag_dport != request.body.id.idiag_dport)
		return false;
	*ret = found->idiag_uid;
	return true;
}

bool callers_may_change_http(void *arg, const struct sockaddr *peer, socklen_t peer_len,
	const struct sockaddr *local, socklen_t local_len)
{
	const struct callers *c = arg;
	uid_t uid;

	(void)peer_len;
	(void)local_len;
	if (c->simulated)
		return true;
	return socket_owner(peer, local, &uid) && callers_may_change(arg, uid, (gid_t)-1, 0);
}
