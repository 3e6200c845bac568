/* SPDX-License-Identifier: MIT */
/* The commands of the control file. */
#include "tools/simhost/model/control.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/base/words.h"
#include "tools/simhost/model/boot.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/hold.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/spec/reader.h"

#include "core/base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Each takes the words of its line. A command that is not as `usage` says is EINVAL. */
struct command {
	const char *name, *usage;
	int (*run)(struct model *m, const struct words *w);
};

static bool address_at(const struct words *w, size_t i, struct pci_address *ret)
{
	return i < w->count && words_address(w->word[i], ret);
}

static bool pid_of(const char *text, pid_t *ret)
{
	uint64_t pid;

	if (!words_number(text, 10, 1 << 22, &pid) || pid == 0)
		return false;
	*ret = (pid_t)pid;
	return true;
}

/* A name (EBUSY) or a number. */
static bool errno_of(const char *text, int *ret)
{
	uint64_t number;

	if (words_number(text, 10, 4095, &number)) {
		*ret = (int)number;
		return number > 0;
	}
	for (int i = 1; i < 134; i++) {
		const char *name = strerrorname_np(i);
		if (name && strcmp(name, text) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int run_hold(struct model *m, const struct words *w)
{
	static const char *const kinds[] = {"group", "device", "mapping", "cdev", "iommufd"};
	struct pci_address address;
	pid_t pid;

	if (w->count != 5 || !address_at(w, 1, &address) || !pid_of(w->word[3], &pid))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(w->word[2], kinds[i]) == 0)
			return model_hold(m, address, (enum hold_kind)i, NULL, pid, w->word[4]);
	}
	if (strncmp(w->word[2], "/dev/", 5) != 0)
		return -EINVAL;
	return model_hold(m, address, HOLD_NODE, w->word[2] + 5, pid, w->word[4]);
}

static int run_release(struct model *m, const struct words *w)
{
	struct pci_address address;
	pid_t pid = 0;

	if (!address_at(w, 1, &address) || w->count > 3 ||
		(w->count == 3 && !pid_of(w->word[2], &pid)))
		return -EINVAL;
	return model_release(m, address, pid);
}

static int run_process(struct model *m, const struct words *w)
{
	pid_t pid;

	if (w->count != 3 || !pid_of(w->word[1], &pid))
		return -EINVAL;
	return model_add_process(m, pid, w->word[2]);
}

/* Whether faults may strike writes to the attribute; block: whether they can be made to wait. */
static bool is_attribute(const char *name, bool block)
{
	static const struct {
		const char *name;
		bool block;
	} attributes[] = {{"driver_override", true}, {"bind", true}, {"unbind", true},
		{"drivers_probe", true}, {"remove", true}, {"sriov_numvfs", true}, {"enable", true},
		{"reset", true}, {"power/control", true}, {"new_id", false}, {"rescan", false}};

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (strcmp(attributes[i].name, name) == 0)
			return attributes[i].block || !block;
	}
	return false;
}

/* fail WHAT K ERRNO [ADDRESS] */
static int run_fail(struct model *m, const struct words *w)
{
	struct model_fault f = {.any = w->count == 4};
	uint64_t countdown;

	if (w->count < 4 || !is_attribute(w->word[1], false) || w->count > 5 ||
		!words_number(w->word[2], 10, 1 << 20, &countdown) || countdown == 0 ||
		!errno_of(w->word[3], &f.error) || (w->count == 5 && !address_at(w, 4, &f.address)))
		return -EINVAL;
	f.what = w->word[1];
	f.countdown = (unsigned)countdown;
	return model_add_fault(m, &f);
}

/* block WHAT ADDRESS, unblock WHAT ADDRESS */
static int run_block(struct model *m, const struct words *w)
{
	struct model_fault f = {.block = true};

	if (w->count != 3 || !is_attribute(w->word[1], true) || !address_at(w, 2, &f.address))
		return -EINVAL;
	f.what = w->word[1];
	return w->word[0][0] == 'b' ? model_add_fault(m, &f) : model_lift_fault(m, &f);
}

/* probe-fail DRIVER ADDRESS|* ERRNO, probe-ok DRIVER ADDRESS|* */
static int run_probe(struct model *m, const struct words *w)
{
	bool fail = strcmp(w->word[0], "probe-fail") == 0;
	struct model_fault f = {.probe = true};

	if (w->count != (fail ? 4 : 3))
		return -EINVAL;
	f.any = strcmp(w->word[2], "*") == 0;
	if ((!f.any && !address_at(w, 2, &f.address)) || (fail && !errno_of(w->word[3], &f.error)))
		return -EINVAL;
	f.what = w->word[1];
	return fail ? model_add_fault(m, &f) : model_lift_fault(m, &f);
}

static int run_vanish(struct model *m, const struct words *w)
{
	struct pci_address address;

	if (w->count != 2 || !address_at(w, 1, &address))
		return -EINVAL;
	return w->word[0][0] == 'v' ? model_vanish(m, address) : model_appear(m, address);
}

static int run_load(struct model *m, const struct words *w)
{
	if (w->count != 2)
		return -EINVAL;
	return w->word[0][0] == 'l' ? model_load(m, w->word[1]) : model_unload(m, w->word[1]);
}

static int run_parameter(struct model *m, const struct words *w)
{
	if (w->count != 4)
		return -EINVAL;
	return model_set_parameter(m, w->word[1], w->word[2], w->word[3]);
}

static int run_mount(struct model *m, const struct words *w)
{
	const char *type = w->count == 4 ? w->word[3] : "ext4";

	if (w->count < 3 || w->count > 4 || w->word[2][0] != '/' || !spec_name_is_safe(type))
		return -EINVAL;
	return model_mount(m, w->word[1], w->word[2], type);
}

static int run_unmount(struct model *m, const struct words *w)
{
	return w->count == 2 ? model_unmount(m, w->word[1]) : -EINVAL;
}

/* A swap device is kept as a mount at its own node, of type swap. */
static int run_swap(struct model *m, const struct words *w)
{
	CLEANUP(free_cleanup) char *where = NULL;

	if (w->count != 2)
		return -EINVAL;
	where = memory_print("/dev/%s", w->word[1]);
	return strcmp(w->word[0], "swapon") == 0 ? model_mount(m, w->word[1], where, "swap")
						 : model_unmount(m, where);
}

/* net INTERFACE up|down|address A|address6|route|pppoe|packet|master NAME, and no-… for what can be
 * taken away
 */
static int run_net(struct model *m, const struct words *w)
{
	static const struct {
		const char *word;
		enum net_change change;
		bool value, sets;
	} changes[] = {{"up", NET_UP, false, true}, {"down", NET_DOWN, false, false},
		{"address", NET_ADDRESS, true, true}, {"no-address", NET_ADDRESS, false, false},
		{"address6", NET_ADDRESS6, false, true},
		{"no-address6", NET_ADDRESS6, false, false}, {"route", NET_ROUTE, false, true},
		{"no-route", NET_ROUTE, false, false}, {"pppoe", NET_PPPOE, false, true},
		{"no-pppoe", NET_PPPOE, false, false}, {"packet", NET_PACKET, false, true},
		{"no-packet", NET_PACKET, false, false}, {"master", NET_MASTER, true, true},
		{"no-master", NET_MASTER, false, false}};
	struct in_addr address;

	for (size_t i = 0; w->count >= 3 && i < ARRAY_SIZE(changes); i++) {
		if (strcmp(w->word[2], changes[i].word) != 0)
			continue;
		if (w->count != (changes[i].value ? 4u : 3u))
			return -EINVAL;
		const char *value = !changes[i].sets ? NULL : changes[i].value ? w->word[3] : "";
		if (changes[i].change == NET_ADDRESS && value &&
			inet_pton(AF_INET, value, &address) != 1)
			return -EINVAL;
		return model_change_net(m, w->word[1], changes[i].change, value);
	}
	return -EINVAL;
}

/* reboot [ADDRESS ADDRESS] */
static int run_reboot(struct model *m, const struct words *w)
{
	CLEANUP(free_cleanup) char *why = NULL;
	struct pci_address swapped[2];

	if (w->count != 1 &&
		(w->count != 3 || !address_at(w, 1, &swapped[0]) || !address_at(w, 2, &swapped[1])))
		return -EINVAL;
	return model_reboot(m, w->count == 3 ? swapped : NULL, &why);
}

static const struct command commands[] = {
	{"hold", "hold ADDRESS group|device|mapping|cdev|iommufd|/dev/NODE PID COMMAND", run_hold},
	{"release", "release ADDRESS [PID]", run_release},
	{"process", "process PID COMMAND", run_process},
	{"fail", "fail ATTRIBUTE K ERRNO [ADDRESS]", run_fail},
	{"block", "block ATTRIBUTE ADDRESS", run_block},
	{"unblock", "unblock ATTRIBUTE ADDRESS", run_block},
	{"probe-fail", "probe-fail DRIVER ADDRESS|* ERRNO", run_probe},
	{"probe-ok", "probe-ok DRIVER ADDRESS|*", run_probe},
	{"vanish", "vanish ADDRESS", run_vanish},
	{"appear", "appear ADDRESS", run_vanish},
	{"load", "load MODULE", run_load},
	{"unload", "unload MODULE", run_load},
	{"set", "set MODULE PARAMETER VALUE", run_parameter},
	{"mount", "mount DISK DIRECTORY [TYPE]", run_mount},
	{"umount", "umount DIRECTORY", run_unmount},
	{"swapon", "swapon DISK", run_swap},
	{"swapoff", "swapoff DISK", run_swap},
	{"net", "net INTERFACE up|down|[no-]address [A]|[no-]address6|[no-]route|[no-]pppoe|[no-]packet|[no-]master [M]",
		run_net},
	{"reboot", "reboot [ADDRESS ADDRESS]: two cards that have nothing behind them", run_reboot},
};

static const struct command *control_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

bool control_has(const char *name)
{
	return control_find(name) != NULL;
}

int control_run(struct model *m, const char *line, char **ret_why)
{
	CLEANUP(words_clear) struct words words = {0};
	const char *wrong = words_split(line, &words);
	const struct command *c;
	int error;

	if (wrong) {
		*ret_why = memory_copy(wrong);
		return -EINVAL;
	}
	if (words.count == 0)
		return 0;
	if (!(c = control_find(words.word[0]))) {
		*ret_why = memory_print("there is no command '%s'", words.word[0]);
		return -EINVAL;
	}
	error = c->run(m, &words);
	if (error == -EINVAL)
		*ret_why = memory_print("write: %s", c->usage);
	else if (error)
		*ret_why = memory_print("%s: %s", line, strerror(-error));
	return error;
}
