// The two inner loops of the Lanczos filter. On x86-64 both are written for SSE2, which every such machine
// has; the vertical one also for AVX2, chosen at run time. Elsewhere the plain loops are left to the compiler.
#include "CImaging.h"
#include "wide.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  blend_shift = IMAGING_WEIGHT_BITS - IMAGING_FRACTION_BITS,
  filter_shift = IMAGING_WEIGHT_BITS + IMAGING_FRACTION_BITS,
};

static inline uint8_t clamped(int value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value; }

#if defined(__x86_64__)

static inline __m128i weight_pair(const int16_t *weights) {
  int32_t pair;
  memcpy(&pair, weights, sizeof pair);
  return _mm_set1_epi32(pair);
}

static void blend_sse2(
  const uint8_t *const *rows, const int16_t *weights, int taps, int width, int16_t *out) {
  const __m128i zero = _mm_setzero_si128(), half = _mm_set1_epi32(1 << (blend_shift - 1));
  for (int x = 0; x < width; x += 16) {
    __m128i s0 = half, s1 = half, s2 = half, s3 = half;
    for (int k = 0; k < taps; k += 2) {
      __m128i w = weight_pair(weights + k);
      __m128i a = _mm_loadu_si128((const __m128i *)(rows[k] + x));
      __m128i b = _mm_loadu_si128((const __m128i *)(rows[k + 1] + x));
      __m128i low = _mm_unpacklo_epi8(a, b), high = _mm_unpackhi_epi8(a, b);
      s0 = _mm_add_epi32(s0, _mm_madd_epi16(_mm_unpacklo_epi8(low, zero), w));
      s1 = _mm_add_epi32(s1, _mm_madd_epi16(_mm_unpackhi_epi8(low, zero), w));
      s2 = _mm_add_epi32(s2, _mm_madd_epi16(_mm_unpacklo_epi8(high, zero), w));
      s3 = _mm_add_epi32(s3, _mm_madd_epi16(_mm_unpackhi_epi8(high, zero), w));
    }
    __m128i first = _mm_packs_epi32(_mm_srai_epi32(s0, blend_shift), _mm_srai_epi32(s1, blend_shift));
    __m128i second = _mm_packs_epi32(_mm_srai_epi32(s2, blend_shift), _mm_srai_epi32(s3, blend_shift));
    _mm_storeu_si128((__m128i *)(out + x), first);
    _mm_storeu_si128((__m128i *)(out + x + 8), second);
  }
}

// Unpacking and packing both work within 128-bit lanes, so the order comes out right without a permutation.
__attribute__((target("avx2"))) static void blend_avx2(
  const uint8_t *const *rows, const int16_t *weights, int taps, int width, int16_t *out) {
  const __m256i zero = _mm256_setzero_si256(), half = _mm256_set1_epi32(1 << (blend_shift - 1));
  for (int x = 0; x < width; x += 32) {
    __m256i s0 = half, s1 = half, s2 = half, s3 = half;
    for (int k = 0; k < taps; k += 2) {
      __m256i w = _mm256_broadcastsi128_si256(weight_pair(weights + k));
      __m256i a = _mm256_loadu_si256((const __m256i *)(rows[k] + x));
      __m256i b = _mm256_loadu_si256((const __m256i *)(rows[k + 1] + x));
      __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
      s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), w));
      s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), w));
      s2 = _mm256_add_epi32(s2, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), w));
      s3 = _mm256_add_epi32(s3, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), w));
    }
    __m256i first =
      _mm256_packs_epi32(_mm256_srai_epi32(s0, blend_shift), _mm256_srai_epi32(s1, blend_shift));
    __m256i second =
      _mm256_packs_epi32(_mm256_srai_epi32(s2, blend_shift), _mm256_srai_epi32(s3, blend_shift));
    _mm256_storeu_si256((__m256i *)(out + x), _mm256_permute2x128_si256(first, second, 0x20));
    _mm256_storeu_si256((__m256i *)(out + x + 16), _mm256_permute2x128_si256(first, second, 0x31));
  }
}

void imaging_blend_rows(
  const uint8_t *const *rows, const int16_t *weights, int taps, int width, int16_t *out) {
  if (__builtin_cpu_supports("avx2")) blend_avx2(rows, weights, taps, width, out);
  else blend_sse2(rows, weights, taps, width, out);
}

static inline __m128i products(const int16_t *row, const int16_t *weights, int taps) {
  __m128i sum = _mm_madd_epi16(
    _mm_loadu_si128((const __m128i *)row), _mm_loadu_si128((const __m128i *)weights));
  for (int k = 8; k < taps; k += 8)
    sum = _mm_add_epi32(sum, _mm_madd_epi16(
      _mm_loadu_si128((const __m128i *)(row + k)), _mm_loadu_si128((const __m128i *)(weights + k))));
  return sum;
}

// Four sums of four become one vector of four sums.
static inline __m128i totals(__m128i a, __m128i b, __m128i c, __m128i d) {
  __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
  __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
  return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}

static int filter_fours(
  const int16_t *row, const int32_t *starts, const int16_t *weights, int taps, int count,
  uint8_t *out) {
  const __m128i half = _mm_set1_epi32(1 << (filter_shift - 1));
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const int16_t *w = weights + (size_t)i * (size_t)taps;
    __m128i sum = totals(
      products(row + starts[i], w, taps), products(row + starts[i + 1], w + taps, taps),
      products(row + starts[i + 2], w + 2 * taps, taps),
      products(row + starts[i + 3], w + 3 * taps, taps));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, half), filter_shift);
    sum = _mm_packs_epi32(sum, sum);
    int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
    memcpy(out + i, &four, sizeof four);
  }
  return i;
}

#else

void imaging_blend_rows(
  const uint8_t *const *rows, const int16_t *weights, int taps, int width, int16_t *out) {
  enum { block = 64 };
  int32_t sums[block];
  for (int x = 0; x < width; x += block) {
    for (int i = 0; i < block; i++) sums[i] = 1 << (blend_shift - 1);
    for (int k = 0; k < taps; k++) {
      const uint8_t *row = rows[k] + x;
      int16_t weight = weights[k];
      for (int i = 0; i < block; i++) sums[i] += (int16_t)row[i] * weight;
    }
    for (int i = 0; i < block; i++) {
      int value = sums[i] >> blend_shift;
      out[x + i] = (int16_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
    }
  }
}

static int filter_fours(
  const int16_t *row, const int32_t *starts, const int16_t *weights, int taps, int count,
  uint8_t *out) {
  (void)row, (void)starts, (void)weights, (void)taps, (void)count, (void)out;
  return 0;
}

#endif

void imaging_filter_row(
  const int16_t *row, const int32_t *starts, const int16_t *weights, int taps, int count,
  uint8_t *out) {
  for (int i = filter_fours(row, starts, weights, taps, count, out); i < count; i++) {
    const int16_t *samples = row + starts[i], *w = weights + (size_t)i * (size_t)taps;
    int32_t sum = 1 << (filter_shift - 1);
    for (int k = 0; k < taps; k++) sum += samples[k] * w[k];
    out[i] = clamped(sum >> filter_shift);
  }
}

IMAGING_WIDE void imaging_widen_row(const uint8_t *row, int width, int16_t *out) {
  for (int x = 0; x < width; x++) out[x] = (int16_t)(row[x] << IMAGING_FRACTION_BITS);
}

IMAGING_WIDE void imaging_narrow_row(const int16_t *row, int width, uint8_t *out) {
  for (int x = 0; x < width; x++)
    out[x] = clamped((row[x] + (1 << (IMAGING_FRACTION_BITS - 1))) >> IMAGING_FRACTION_BITS);
}

IMAGING_WIDE void imaging_halve_row(const uint8_t *row, int width, uint8_t *out) {
  for (int x = 0; x < width / 2; x++) out[x] = (uint8_t)((row[2 * x] + row[2 * x + 1] + 1) >> 1);
  if (width & 1) out[width / 2] = row[width - 1];
}

IMAGING_WIDE void imaging_average_rows(const uint8_t *a, const uint8_t *b, int width, uint8_t *out) {
  for (int x = 0; x < width; x++) out[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
}

IMAGING_WIDE void imaging_quarter_rows(const uint8_t *a, const uint8_t *b, int width, uint8_t *out) {
  for (int x = 0; x < width / 2; x++)
    out[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
  if (width & 1) out[width / 2] = (uint8_t)((a[width - 1] + b[width - 1] + 1) >> 1);
}
