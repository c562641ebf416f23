// libcurl's easy interface. `curl_easy_setopt` and `curl_easy_getinfo` are variadic, which Swift cannot
// call; each wrapper below fixes one argument type.
#pragma once
// The type checks of the header are macros around the variadic call and only see `option` as a variable here.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

/// libcurl copies the text; `NULL` takes a default back.
static inline CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

/// libcurl keeps the pointer: it has to stay valid until the transfer has ended.
static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}

/// For CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION, which share one signature.
static inline CURLcode ccurl_set_stream(CURL *handle, CURLoption option, curl_write_callback callback) {
  return curl_easy_setopt(handle, option, callback);
}

static inline CURLcode ccurl_set_seek(CURL *handle, curl_seek_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, callback);
}

static inline CURLcode ccurl_set_progress(CURL *handle, curl_xferinfo_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, callback);
}

static inline CURLcode ccurl_set_start(CURL *handle, curl_prereq_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, callback);
}

/// Allows one scheme only; the text form came with 7.85 and replaces the number, which is deprecated since.
#if LIBCURL_VERSION_NUM >= 0x075500
static inline CURLcode ccurl_set_scheme(CURL *handle, int encrypted) {
  return curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, encrypted ? "https" : "http");
}
#else
static inline CURLcode ccurl_set_scheme(CURL *handle, int encrypted) {
  return curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(encrypted ? CURLPROTO_HTTPS : CURLPROTO_HTTP));
}
#endif

/// The oldest libcurl that knows every option set here: CURLOPT_PROTOCOLS_STR came with 7.85 and
/// CURLOPT_PREREQFUNCTION with 7.80.
static const unsigned ccurl_oldest_version = LIBCURL_VERSION_NUM >= 0x075500 ? 0x075500 : 0x075000;

/// For CURLOPT_SOCKOPTFUNCTION and CURLOPT_CLOSESOCKETFUNCTION: called for every socket that is made and for each that ends.
static inline CURLcode ccurl_set_sockopt(CURL *handle, curl_sockopt_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, callback);
}

static inline CURLcode ccurl_set_closesocket(CURL *handle, curl_closesocket_callback callback) {
  return curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, callback);
}

/// libcurl copies the bytes.
static inline CURLcode ccurl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t size) {
  struct curl_blob blob = {(void *)bytes, size, CURL_BLOB_COPY};
  return curl_easy_setopt(handle, option, &blob);
}

static inline CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode ccurl_get_size(CURL *handle, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(handle, info, value);
}

// The names of these bits are casts, which Swift does not import.
static const long ccurl_proxy_auth = (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM);
static const long ccurl_socks_auth = (long)CURLAUTH_BASIC;
static const long ccurl_separate_headers = CURLHEADER_SEPARATE;
