// Huffman codes of a JPEG, walked over without their values.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
  /// Bits that one look-up sees.
  code_window = 10,
  code_looks = 1 << code_window,
};

/// The codes of one table.
typedef struct {
  int is_defined, is_dc;
  uint8_t symbols[256];
  /// For each length: what the codes up to it end before, as 16 bits, and the way from a code to its symbol.
  uint32_t ends[17];
  int offsets[17];
  /// The code that the bits begin with: its length << 8 and symbol, 0 where it is longer than the window or none.
  uint16_t looks[code_looks];
  /// The same as a step.
  uint16_t steps[code_looks];
} jpeg_codes;

/// Steps from the start of a block of a sequential scan, and within it: as many whole codes as the bits begin with.
///
/// A step has, from the lowest bit up: 8 bits for the bits of its codes and magnitudes; 7 for the coefficients that it
/// passes, which are `no_step` where the window shows no code; 1 for the end of the block.
typedef struct {
  const jpeg_codes *dc, *ac;
  uint16_t first[code_looks], rest[code_looks];
} jpeg_steps;

enum { no_step = 64 << 8, last_step = 128 << 8 };

/// Reads one table of a DHT segment behind its name; gives the bytes it takes, 0 for one that libjpeg may refuse.
size_t jpeg_codes_read(jpeg_codes *codes, int is_dc, const uint8_t *content, size_t count);
/// Makes the steps of two tables.
void jpeg_steps_make(jpeg_steps *steps, const jpeg_codes *dc, const jpeg_codes *ac);
/// The step over the one code that 16 bits or more begin with.
unsigned jpeg_codes_step(const jpeg_codes *codes, uint64_t bits);

/// Length << 8 and symbol of the code that 16 bits or more begin with; 0 for none.
static inline unsigned jpeg_codes_find(const jpeg_codes *codes, uint64_t bits) {
  unsigned found = codes->looks[bits >> (64 - code_window)];
  if (found) return found;
  uint32_t code = (uint32_t)(bits >> 48);
  for (int length = code_window + 1; length <= 16; length++)
    if (code < codes->ends[length])
      return (unsigned)length << 8 | codes->symbols[codes->offsets[length] + (int)(code >> (16 - length))];
  return 0;
}
