/* SPDX-License-Identifier: MIT */
/* Makes nng's configuration of TLS from PEM text, which the tools read from files. */
#pragma once

#include "core/base/fault.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

/* All borrowed, all may be NULL. */
struct rpc_tls {
	const char *certificate; /* our own chain; a server needs one */
	const char *key;	 /* its private key */
	const char *authority;	 /* whom to believe: server, its clients' CA (they must then show a
				    certificate of it); client, its server's CA */
};

/* Makes nng's configuration for one side; server_name, for clients, is what the server's
 * certificate must say. The caller frees it with nng_tls_config_free. 0, -EINVAL or -ENOTSUP with a
 * sentence in fault. */
int rpc_tls_config(const struct rpc_tls *tls, nng_tls_mode mode, const char *server_name,
	nng_tls_config **ret_config, struct fault *fault);
