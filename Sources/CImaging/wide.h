// Loops that the compiler vectorises by itself: built twice on x86-64 Linux, the wider one chosen when the
// program is loaded. Elsewhere the baseline (SSE2, NEON) is what there is.
#pragma once

#include <limits.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__)
#define IMAGING_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define IMAGING_WIDE
#endif
