/* SPDX-License-Identifier: MIT */
/* Platform devices, as far as groups have them. */
#include "tools/simhost/view/platform.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/member.h"

#include <string.h>

bool has_members(const struct scene *s)
{
	return s->m->spec->n_members > 0;
}

void list_group_members(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->spec->n_members; i++) {
		if (s->m->members[i].spec->group == s->group->number)
			listing_add(out, S_IFLNK, "%s", s->m->members[i].spec->name);
	}
}

static bool found(struct node *ret, enum view_kind kind, const struct member *member)
{
	if (member)
		*ret = node_at(kind, &member->object);
	return member;
}

bool find_group_member(const struct scene *s, const char *name, struct node *ret)
{
	const struct member *member = model_member(s->m, name);

	return member && member->spec->group == s->group->number &&
	       found(ret, V_MEMBER_LINK, member);
}

static void list_members(const struct scene *s, struct listing *out)
{
	mode_t type = s->node.kind == V_PLATFORM ? S_IFDIR : S_IFLNK;

	for (size_t i = 0; i < s->m->spec->n_members; i++)
		listing_add(out, type, "%s", s->m->members[i].spec->name);
}

static bool find_member(const struct scene *s, const char *name, struct node *ret)
{
	return found(ret, s->node.kind == V_PLATFORM ? V_MEMBER : V_PLATFORM_DEVICE_LINK,
		model_member(s->m, name));
}

/* The first member that names the driver. */
static const struct member *first_of(const struct model *m, const char *driver)
{
	for (size_t i = 0; i < m->spec->n_members; i++) {
		const char *name = m->members[i].spec->driver;

		if (name && strcmp(name, driver) == 0)
			return &m->members[i];
	}
	return NULL;
}

static void list_member_drivers(const struct scene *s, struct listing *out)
{
	for (size_t i = 0; i < s->m->spec->n_members; i++) {
		const struct member *member = &s->m->members[i];

		if (member->spec->driver && first_of(s->m, member->spec->driver) == member)
			listing_add(out, S_IFDIR, "%s", member->spec->driver);
	}
}

static bool find_member_driver(const struct scene *s, const char *name, struct node *ret)
{
	return found(ret, V_PLATFORM_DRIVER, first_of(s->m, name));
}

static void show_member_path(const struct scene *s, FILE *out)
{
	fprintf(out, "/devices/platform/%s", s->member->spec->name);
}

static void show_member_driver(const struct scene *s, FILE *out)
{
	fprintf(out, "/bus/platform/drivers/%s", s->member->spec->driver);
}

static void show_member_group(const struct scene *s, FILE *out)
{
	fprintf(out, "/kernel/iommu_groups/%d", s->member->spec->group);
}

static bool is_member_driven(const struct scene *s)
{
	return s->member->driven;
}

static char *path_of_member(const struct scene *s)
{
	return memory_print("/devices/platform/%s", s->member->spec->name);
}

static char *path_of_members_group(const struct scene *s)
{
	return memory_print("/kernel/iommu_groups/%d/devices", s->member->spec->group);
}

static const struct entry entries_member[] = {
	{"driver", .mode = LINK, .present = is_member_driven, .show = show_member_driver},
	{"iommu_group", .mode = LINK, .show = show_member_group},
	{"subsystem", .mode = LINK, .text = "/bus/platform"},
	{0},
};

static const struct entry entries_bus_platform[] = {
	{"devices", .mode = FOLDER, .kind = V_PLATFORM_DEVICES},
	{"drivers", .mode = FOLDER, .kind = V_PLATFORM_DRIVERS},
	{0},
};

static const struct entry entries_member_driver[] = {
	{"bind", .mode = WRITE, .store = write_member_bind},
	{"unbind", .mode = WRITE, .store = write_member_unbind},
	{0},
};

const struct kind kinds_platform[V_COUNT] = {
	[V_PLATFORM] = {DIR_OF, .list = list_members, .find = find_member},
	[V_MEMBER] = {DIR_OF, OBJECT_MEMBER, entries_member, .path_of = path_of_member},
	[V_MEMBER_LINK] = {LINK_TO(show_member_path), OBJECT_MEMBER,
		.path_of = path_of_members_group},
	[V_BUS_PLATFORM] = {DIR_OF, .entries = entries_bus_platform},
	[V_PLATFORM_DEVICES] = {DIR_OF, .list = list_members, .find = find_member},
	[V_PLATFORM_DEVICE_LINK] = {LINK_TO(show_member_path), OBJECT_MEMBER,
		.path = "/bus/platform/devices"},
	[V_PLATFORM_DRIVERS] = {DIR_OF, .list = list_member_drivers, .find = find_member_driver},
	[V_PLATFORM_DRIVER] = {DIR_OF, OBJECT_MEMBER, entries_member_driver},
};
