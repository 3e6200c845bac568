/* SPDX-License-Identifier: MIT */
/* Certificates of nobody, good until 2065: an authority, and a server and a client it vouches for.
 */
#pragma once

static const char certs_authority[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBYTCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBR2ZmlvZCB0\n"
	"ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMDY1MDEwMTAwMDAwMFow\n"
	"HzEdMBsGA1UEAwwUdmZpb2QgdGVzdCBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggq\n"
	"hkjOPQMBBwNCAAQaZCxsTBPn6vqZcc0BXXxojEh55nkUpG/X9fKyZHnPBpYHSL8t\n"
	"CUEZ+XG7/GaJ2qhzMAeqv2pzjmv5gbl13TSXozIwMDAPBgNVHRMBAf8EBTADAQH/\n"
	"MB0GA1UdDgQWBBQP4g3esOWymMDPyL8oWoa2qpA0vjAKBggqhkjOPQQDAgNIADBF\n"
	"AiAs2KibJcOD6XUwW6UQc7haDplhKEf1g3E7scdb6T64CwIhAPRn6UkGyUnghsfH\n"
	"NB7qAv2F9RGB0gONA1bsohxuLzqN\n"
	"-----END CERTIFICATE-----\n";

static const char certs_server[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBjDCCATKgAwIBAgIBAjAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBR2ZmlvZCB0\n"
	"ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMDY1MDEwMTAwMDAwMFow\n"
	"HDEaMBgGA1UEAwwRc2VydmVyLnZmaW9kLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
	"PQMBBwNCAAQh0O+NrnU+w+DYhWT8KwhD4hwGQGUIYQJ7dD9HrAOFyRfrzRagC7+o\n"
	"6vxZdNwqnKDzXSOZXRWXtJCjop/jokEOo2AwXjAcBgNVHREEFTATghFzZXJ2ZXIu\n"
	"dmZpb2QudGVzdDAdBgNVHQ4EFgQUTCsOFqU61VNvfGjLjXJVby6y6QswHwYDVR0j\n"
	"BBgwFoAUD+IN3rDlspjAz8i/KFqGtqqQNL4wCgYIKoZIzj0EAwIDSAAwRQIhAMON\n"
	"4QWBAfoDOXI5gO6PoGnDXmtguI9lhEsw76vsOnJUAiBqxOsrzk6eoOc+va/zCwuw\n"
	"Hl7DukF4ybAb4xTPGRwZXA==\n"
	"-----END CERTIFICATE-----\n";

static const char certs_server_key[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIJfIym74uYC1fRDPysS8g3Pt6/Ax2lTUxrZnr+iWKimVoAoGCCqGSM49\n"
	"AwEHoUQDQgAEIdDvja51PsPg2IVk/CsIQ+IcBkBlCGECe3Q/R6wDhckX680WoAu/\n"
	"qOr8WXTcKpyg810jmV0Vl7SQo6Kf46JBDg==\n"
	"-----END EC PRIVATE KEY-----\n";

static const char certs_client[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBizCCATKgAwIBAgIBAzAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBR2ZmlvZCB0\n"
	"ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMDY1MDEwMTAwMDAwMFow\n"
	"HDEaMBgGA1UEAwwRY2xpZW50LnZmaW9kLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
	"PQMBBwNCAATqKsafR3bKKTQmH1pjsQzaxtB3xkyvOWNtGoKNLBeaff3jUVL8R4DO\n"
	"TOa9Kq5hp+L2yQ5MxafLqznQkDRaGm6wo2AwXjAcBgNVHREEFTATghFjbGllbnQu\n"
	"dmZpb2QudGVzdDAdBgNVHQ4EFgQUHyRdLgovIXOZV5mqRz8fe3a5n/QwHwYDVR0j\n"
	"BBgwFoAUD+IN3rDlspjAz8i/KFqGtqqQNL4wCgYIKoZIzj0EAwIDRwAwRAIgB7OX\n"
	"0JORGqIfXySMptqcjSy/uKd9Dv30OWJGyNmIcrYCIGFZrtXa8fXm2uVgdG1rNkXE\n"
	"675vrfLB/9jupg4DTFD6\n"
	"-----END CERTIFICATE-----\n";

static const char certs_client_key[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIMzb3h+vzBlHUmLWF1BepQ5u5pdCBq8S0OnxqbRTQIR3oAoGCCqGSM49\n"
	"AwEHoUQDQgAE6irGn0d2yik0Jh9aY7EM2sbQd8ZMrzljbRqCjSwXmn3941FS/EeA\n"
	"zkzmvSquYafi9skOTMWny6s50JA0WhpusA==\n"
	"-----END EC PRIVATE KEY-----\n";
