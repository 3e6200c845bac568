/* SPDX-License-Identifier: MIT */
/* Who may change devices. */
#include "tools/vfiod/callers.h"

#include "core/util.h"

#include <grp.h>
#include <pwd.h>

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

static void ask(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	const struct callers *c = arg;
	bool may = uid == 0 || uid == c->owner ||
		   (c->has_group && (gid == c->group || is_member(uid, c->group)));

	done(done_arg, may ? RPC_RIGHTS_YES : RPC_RIGHTS_NO);
}

void callers_init(struct callers *callers, bool simulated)
{
	const struct group *gr = getgrnam("vfiod");

	*callers = (struct callers){.owner = getuid(),
		.simulated = simulated,
		.has_group = gr,
		.rights = {ask, callers}};
	if (gr)
		callers->group = gr->gr_gid;
}
