// The parts of OpenSSL's libcrypto (3.0) that are used: digests, HMAC, random bytes, ECDSA.
#pragma once
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
