/* SPDX-License-Identifier: MIT */
/* Makes nng's configuration of TLS for tls+tcp:// endpoints. */
#include "rpc/nng/tls.h"

#include <errno.h>

static int set_authority(nng_tls_config *config, const char *authority, struct fault *fault)
{
	int r = nng_tls_config_ca_chain(config, authority, NULL);

	if (r == 0)
		r = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
	if (r != 0)
		return fault_set(fault, -EINVAL, "the TLS authority is not a PEM certificate: %s",
			nng_strerror(r));
	return 0;
}

static int set_certificate(nng_tls_config *config, const struct rpc_tls *tls, struct fault *fault)
{
	int r;

	if (!tls->key)
		return fault_set(fault, -EINVAL, "the TLS certificate comes without its key");
	r = nng_tls_config_own_cert(config, tls->certificate, tls->key, NULL);
	if (r != 0)
		return fault_set(fault, -EINVAL,
			"the TLS certificate and its key are not a PEM pair: %s", nng_strerror(r));
	return 0;
}

static int tls_fill(nng_tls_config *config, const struct rpc_tls *tls, const char *server_name,
	struct fault *fault)
{
	int r = 0;

	if (nng_tls_config_version(config, NNG_TLS_1_2, NNG_TLS_1_3) != 0)
		nng_tls_config_version(config, NNG_TLS_1_2, NNG_TLS_1_2);
	if (tls->certificate)
		r = set_certificate(config, tls, fault);
	if (r == 0 && tls->authority)
		r = set_authority(config, tls->authority, fault);
	if (r == 0 && server_name && nng_tls_config_server_name(config, server_name) != 0)
		r = fault_set(fault, -EINVAL, "%s cannot be the name of a TLS server", server_name);
	return r;
}

int rpc_tls_config(const struct rpc_tls *tls, nng_tls_mode mode, const char *server_name,
	nng_tls_config **ret_config, struct fault *fault)
{
	nng_tls_config *config;
	int r;

	if (mode == NNG_TLS_MODE_SERVER && !tls->certificate)
		return fault_set(fault, -EINVAL, "tls+tcp:// needs a TLS certificate and its key");
	if (mode == NNG_TLS_MODE_CLIENT && !tls->authority)
		return fault_set(fault, -EINVAL,
			"tls+tcp:// needs the certificate of the server's authority");
	r = nng_tls_config_alloc(&config, mode);
	if (r != 0)
		return fault_set(
			fault, -ENOTSUP, "this nng library has no TLS: %s", nng_strerror(r));
	r = tls_fill(config, tls, server_name, fault);
	if (r < 0) {
		nng_tls_config_free(config);
		return r;
	}
	*ret_config = config;
	return 0;
}
