// zlib; `inflateInit2` is a macro, which Swift cannot call.
#pragma once
#include <zlib.h>

/// 15 is the largest window; 16 more asks for the gzip format and nothing else.
static inline int czlib_start(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
