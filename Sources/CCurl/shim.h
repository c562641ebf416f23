// libcurl's easy interface. `curl_easy_setopt` and `curl_easy_getinfo` are variadic, which Swift cannot
// call; each wrapper below fixes one argument type.
#pragma once
#include <curl/curl.h>
