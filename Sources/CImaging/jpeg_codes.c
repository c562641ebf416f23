#include "jpeg_codes.h"

#include <string.h>

#include "huffman.h"

// Over one code: a DC difference, a run of zeros with a coefficient behind it, 16 zeros, or the end of the block.
static unsigned step_over(unsigned length, unsigned symbol, int is_dc) {
  unsigned size = symbol & 15;
  if (!imaging_is_possible((int)symbol, is_dc)) return no_step;
  if (is_dc) return 1 << 8 | (length + size);
  return symbol ? ((symbol >> 4) + 1) << 8 | (length + size) : last_step | length;
}

unsigned jpeg_codes_step(const jpeg_codes *codes, uint64_t bits) {
  unsigned found = jpeg_codes_find(codes, bits);
  return found ? step_over(found >> 8, found & 255, codes->is_dc) : no_step;
}

static void show(jpeg_codes *codes, uint32_t code, int length, uint8_t symbol) {
  uint16_t look = (uint16_t)(length << 8 | symbol), step = (uint16_t)step_over((unsigned)length, symbol, codes->is_dc);
  uint32_t count = 1u << (code_window - length);
  for (uint32_t index = code * count; index < (code + 1) * count; index++) {
    codes->looks[index] = look;
    codes->steps[index] = step;
  }
}

size_t jpeg_codes_read(jpeg_codes *codes, int is_dc, const uint8_t *content, size_t count) {
  size_t total = 0;
  uint32_t code = 0;
  if (count < 16) return 0;
  memset(codes, 0, sizeof *codes);
  codes->is_dc = is_dc;
  for (int index = 0; index < code_looks; index++) codes->steps[index] = no_step;
  for (int length = 1; length <= 16; length++, code <<= 1) {
    size_t number = content[length - 1];
    // No code may be all ones.
    if (total + number > sizeof codes->symbols || code + number >= 1u << length) return 0;
    if (count < 16 + total + number) return 0;
    codes->offsets[length] = (int)total - (int)code;
    for (size_t end = total + number; total < end; total++, code++) {
      uint8_t symbol = codes->symbols[total] = content[16 + total];
      if (is_dc && symbol > 15) return 0;
      if (length <= code_window) show(codes, code, length, symbol);
    }
    codes->ends[length] = code << (16 - length);
  }
  codes->is_defined = 1;
  return 16 + total;
}

// A code that begins within the window must end there; its magnitude need not.
static unsigned chain(unsigned step, unsigned look, const jpeg_codes *ac) {
  if (step == no_step) return step;
  unsigned bits = step & 255;
  while (bits < code_window) {
    unsigned rest = look << bits & (code_looks - 1), next = ac->steps[rest];
    if (next == no_step || bits + (ac->looks[rest] >> 8) > code_window || (step + next) & no_step) break;
    step += next;
    if (next & last_step) break;
    bits += next & 255;
  }
  return step;
}

void jpeg_steps_make(jpeg_steps *steps, const jpeg_codes *dc, const jpeg_codes *ac) {
  steps->dc = dc;
  steps->ac = ac;
  for (unsigned look = 0; look < code_looks; look++) {
    steps->first[look] = (uint16_t)chain(dc->steps[look], look, ac);
    unsigned step = ac->steps[look];
    steps->rest[look] = (uint16_t)(step & last_step ? step : chain(step, look, ac));
  }
}
