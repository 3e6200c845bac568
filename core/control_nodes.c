/* SPDX-License-Identifier: MIT */
/* Who can open the nodes that every VFIO user needs? */
#include "core/control_nodes.h"

#include "core/base/util.h"
#include "core/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OTHERS = 06, GROUP = 060, OWNER = 0600 };

static bool has_bits(const struct stat *s, mode_t bits)
{
	return (s->st_mode & bits) == bits;
}

static bool user_opens(const struct stat *s, uint32_t uid)
{
	return uid == 0 || has_bits(s, OTHERS) || (s->st_uid == uid && has_bits(s, OWNER)) ||
	       (s->st_gid != 0 && has_bits(s, GROUP));
}

static bool group_opens(const struct stat *s, uint32_t gid)
{
	return gid == 0 || has_bits(s, OTHERS) || (s->st_gid == gid && has_bits(s, GROUP));
}

/* Whether there is such a node, and it can be looked at. */
static bool look(struct host *host, const char *path, struct stat *ret)
{
	return fstatat(host_sysfs(host)->root_fd, path + 1, ret, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISCHR(ret->st_mode);
}

static void fill(struct control_node *ret, const char *path, const struct stat *s)
{
	*ret = (struct control_node){
		.path = path, .mode = s->st_mode & 0777, .uid = s->st_uid, .gid = s->st_gid};
	snprintf(ret->action, sizeof(ret->action),
		"give it to a group of theirs by a udev rule, such as KERNEL==\"%s\", GROUP=\"kvm\", MODE=\"0660\"",
		strrchr(path, '/') + 1);
}

bool control_nodes_find(
	struct host *host, const struct node_access *access, struct control_node *ret)
{
	static const char *const paths[] = {"/dev/vfio/vfio", "/dev/iommu"};
	struct stat s;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (!look(host, paths[i], &s))
			continue;
		fill(ret, paths[i], &s);
		if (access->has_uid && !user_opens(&s, access->uid)) {
			snprintf(ret->who, sizeof(ret->who),
				"user %u, who is to use devices, cannot open it", access->uid);
			return true;
		}
		if (access->has_gid && !access->has_uid && !group_opens(&s, access->gid)) {
			snprintf(ret->who, sizeof(ret->who),
				"group %u, which is to use devices, cannot open it", access->gid);
			return true;
		}
	}
	return false;
}

struct search {
	struct host *host;
	struct control_node *ret;
	bool has_owners;
};

static int check_origin(void *arg, const struct device_origin *origin)
{
	struct search *s = arg;

	s->has_owners |= origin->access.has_uid || origin->access.has_gid;
	return control_nodes_find(s->host, &origin->access, s->ret);
}

bool control_nodes_check(struct host *host, struct control_node *ret)
{
	static const char PATH[] = "/dev/vfio/vfio";
	struct search search = {.host = host, .ret = ret};
	struct stat s;

	if (origins_each(host->origins, check_origin, &search) > 0)
		return true;
	if (search.has_owners || !look(host, PATH, &s) || has_bits(&s, OTHERS) ||
		(s.st_gid != 0 && has_bits(&s, GROUP)) || (s.st_uid != 0 && has_bits(&s, OWNER)))
		return false;
	fill(ret, PATH, &s);
	snprintf(ret->who, sizeof(ret->who), "only root can open it");
	return true;
}
