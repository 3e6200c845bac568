/* SPDX-License-Identifier: MIT */
/* The table of options as text. */
#include "tools/vfiod/usage.h"

#include "tools/vfiod/options.h"

#include <stdbool.h>
#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 80, MANUAL_WIDTH = 72 };

static const char HEAD[] = "Usage: vfiod [OPTION]...\n"
			   "Manages the VFIO (PCI passthrough) devices of this host.\n"
			   "\n";

static const char TAIL[] =
	"\n"
	"Environment: VOLANT_API_KEY (key that clients must send), VOLANT_API_ALLOW_CIDR\n"
	"(comma-separated addresses that may connect), VOLANT_CORS_ORIGINS (comma-separated\n"
	"origins whose pages may use the API; with a key also *).\n"
	"\n"
	"Not started as root, sockets default to $XDG_RUNTIME_DIR/vfiod (~/.cache/vfiod) and\n"
	"state to $XDG_STATE_HOME/vfiod (~/.local/state/vfiod); where none of these is an\n"
	"absolute path, give --rpc, --events and --state.\n";

/* The words of a text, in lines that begin at HELP_COLUMN; the first line is there already. */
static void print_wrapped(FILE *out, const char *text)
{
	int column = HELP_COLUMN;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		column += fprintf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", len, text);
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

static void print_row(FILE *out, const struct option_row *row)
{
	int column = row->letter ? fprintf(out, "  -%c, ", row->letter) : fprintf(out, "      ");

	column += fprintf(out, "--%s%s%s", row->name, row->argument ? " " : "",
		row->argument ? row->argument : "");
	if (column + 2 > HELP_COLUMN)
		column = fprintf(out, "\n") - 1;
	fprintf(out, "%*s", HELP_COLUMN - column, "");
	print_wrapped(out, row->help);
}

void usage_print(FILE *out, const struct option_row *rows, size_t n)
{
	fputs(HEAD, out);
	for (size_t i = 0; i < n; i++)
		print_row(out, &rows[i]);
	fputs(TAIL, out);
}

/* A hyphen that can be copied is written \-. */
static void print_roff(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-' || text[i] == '\\')
			fputc('\\', out);
		fputc(text[i] == '\\' ? 'e' : text[i], out);
	}
}

/* In lines that roff's linters like: short, and with a new one for each sentence. */
static void print_lines(FILE *out, const char *text)
{
	int column = 0;
	bool ended = false;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (ended || column + 1 + len > MANUAL_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column > 0)
			column += fprintf(out, " ");
		else if (*text == '.' || *text == '\'')
			fputs("\\&", out); /* no request */
		print_roff(out, text, (size_t)len);
		column += len;
		ended = text[len - 1] == '.';
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

void usage_print_manual(FILE *out, const struct option_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fputs(".TP\n", out);
		fputs(rows[i].argument ? ".BI " : ".B ", out);
		if (rows[i].letter)
			fprintf(out, "\\-%c\\fR, \\fB", rows[i].letter);
		fputs("\\-\\-", out);
		print_roff(out, rows[i].name, strlen(rows[i].name));
		if (rows[i].argument)
			fprintf(out, " \" %s\"", rows[i].argument);
		fputc('\n', out);
		print_lines(out, rows[i].help);
	}
}
