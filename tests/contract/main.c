/* SPDX-License-Identifier: MIT */
/* Holds a server to the contract: every case of a folder is a test. docs/contract.md. */
#include "tests/contract/suite.h"

#include "core/base/util.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char usage[] =
	"Usage: contract_test --start VFIOD [--mutants] [--only PATTERN] CASES\n"
	"       contract_test [--rest URL] [--rpc URL] [--host FOLDER] [--fresh COMMAND]\n"
	"                     [--variant NAME] [--extras] [--mutants] [--only PATTERN] CASES\n"
	"\n"
	"Runs the cases of the folder CASES against a vfiod that is started for them, or against\n"
	"a server that runs already, on the simulated host that contract.host describes.\n"
	"\n"
	"  --start VFIOD     the program to start, in every way that cases ask for\n"
	"  --rest URL        http://ADDRESS:PORT of the running server\n"
	"  --rpc URL         its ipc://PATH or tcp://127.0.0.1:PORT\n"
	"  --host FOLDER     where its host is mounted\n"
	"  --fresh COMMAND   makes it and its host anew; without, no case may change the host\n"
	"  --variant NAME    how it was started: an entry of variants.json (plain)\n"
	"  --extras          hold it to what vfiod adds to the contract, too\n"
	"  --mutants         make each expected value wrong in turn, which has to be noticed\n"
	"  --only PATTERN    the cases whose name matches, with * and ?\n"
	"  --help            this text\n";

struct arguments {
	struct suite suite;
	const char *folder;
};

static int wrong(void)
{
	fputs(usage, stderr);
	return 2;
}

static bool set_option(struct suite *suite, int c)
{
	const char **texts[] = {['s'] = &suite->program,
		['r'] = &suite->rest,
		['p'] = &suite->rpc,
		['h'] = &suite->host,
		['f'] = &suite->fresh,
		['v'] = &suite->variant};

	if (c == 'e')
		suite->extras = true;
	else if (c == 'm')
		suite->mutants = true;
	else if (c == 'o')
		cmocka_set_test_filter(optarg);
	else if (c > 0 && (size_t)c < ARRAY_SIZE(texts) && texts[c])
		*texts[c] = optarg;
	else
		return false;
	return true;
}

/* 0, or -1 when it cannot be understood; 1 when there is nothing to do. */
static int parse(int argc, char **argv, struct arguments *ret)
{
	static const struct option names[] = {
		{"start", required_argument, NULL, 's'},
		{"rest", required_argument, NULL, 'r'},
		{"rpc", required_argument, NULL, 'p'},
		{"host", required_argument, NULL, 'h'},
		{"fresh", required_argument, NULL, 'f'},
		{"variant", required_argument, NULL, 'v'},
		{"extras", no_argument, NULL, 'e'},
		{"mutants", no_argument, NULL, 'm'},
		{"only", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'H'},
		{0},
	};
	int c;

	ret->suite = (struct suite){.variant = "plain"};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'H')
			return 1;
		if (!set_option(&ret->suite, c))
			return -1;
	}
	bool elsewhere = ret->suite.rest || ret->suite.rpc;
	if (argc - optind != 1 || elsewhere == (ret->suite.program != NULL))
		return -1;
	ret->folder = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct cases cases;
	struct why why;
	int failed = 1;
	int parsed = parse(argc, argv, &arguments);

	if (parsed < 0)
		return wrong();
	if (parsed > 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (arguments.suite.program && !mount_possible())
		return MOUNT_SKIP;
	if (cases_load(arguments.folder, &cases, &why))
		failed = suite_run(&arguments.suite, &cases);
	else
		fprintf(stderr, "%s\n", why.text);
	cases_clear(&cases);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
