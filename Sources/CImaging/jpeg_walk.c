#include "jpeg_walk.h"

#include <string.h>

// MARK: Bits

/// The next 57 bits or more, from the highest down.
static inline uint64_t peek(const uint8_t *data, size_t position) {
  const uint8_t *byte = data + (position >> 3);
  uint64_t bits = (uint64_t)byte[0] << 56 | (uint64_t)byte[1] << 48 | (uint64_t)byte[2] << 40
    | (uint64_t)byte[3] << 32 | (uint64_t)byte[4] << 24 | (uint64_t)byte[5] << 16 | (uint64_t)byte[6] << 8 | byte[7];
  return bits << (position & 7);
}

static inline int is_past(const jpeg_walk *walk) { return walk->position > walk->length * 8; }

/// Takes the data up to the next marker, and goes to that.
static int unstuff(jpeg_walk *walk) {
  uint8_t *out = walk->data;
  for (;;) {
    const uint8_t *start = walk->bytes + walk->at;
    const uint8_t *found = memchr(start, 0xFF, walk->count - walk->at);
    if (!found || found + 1 == walk->bytes + walk->count) return 0;
    size_t count = (size_t)(found - start);
    memcpy(out, start, count + 1);
    walk->at += count;
    out += count;
    if (found[1] != 0) break;
    walk->at += 2;
    out++;
  }
  walk->length = (size_t)(out - walk->data);
  walk->position = 0;
  return 1;
}

// MARK: Blocks

/// The step over one code where steps over several are of no use; ends a block that has all its coefficients.
static unsigned single_step(const jpeg_walk *walk, const jpeg_steps *steps, unsigned place, size_t position) {
  unsigned step = jpeg_codes_step(place ? steps->ac : steps->dc, peek(walk->data, position));
  return step != no_step && place + (step >> 8) == 64 ? step + no_step : step;
}

/// Over MCUs of a sequential scan. One loop over steps, because how many a block has can't be foretold: where a block
/// ends, a comparison picks the steps of the next.
static int walk_blocks(jpeg_walk *walk, const jpeg_scan *scan, size_t units) {
  size_t position = 0, end = walk->length * 8, left = units * (size_t)scan->blocks;
  unsigned place = 0;
  const jpeg_turn *turn = scan->turns, *following = turn->following;
  const uint16_t *steps = turn->steps->first, *rest = turn->rest, *next = turn->next;
  while (left > 0) {
    if (position > end) return 0;
    uint64_t bits = peek(walk->data, position);
    // Steps are of 21 bits at most, so a third one sees the window that it needs.
    for (int count = 0; count < 3 && left > 0; count++) {
      unsigned step = steps[bits >> (64 - code_window)], sum = place + (step >> 8);
      if (__builtin_expect(sum & 64, 0)) {
        step = single_step(walk, turn->steps, place, position);
        sum = place + (step >> 8);
        if (sum & 64) return 0;
        count = 2;
      }
      position += step & 255;
      bits <<= step & 255;
      unsigned ended = sum >> 7;
      place = ended ? 0 : sum;
      steps = ended ? next : rest;
      turn = ended ? following : turn;
      following = turn->following;
      rest = turn->rest;
      next = turn->next;
      left -= ended;
    }
  }
  walk->position = position;
  return 1;
}

/// Over a DC difference of a progressive scan.
static int walk_difference(jpeg_walk *walk, const jpeg_codes *dc) {
  unsigned step = jpeg_codes_step(dc, peek(walk->data, walk->position));
  walk->position += step & 255;
  return step != no_step && !is_past(walk);
}

/// Blocks, from this one on, that have no more coefficients: a power of two, and as many bits as that to add.
static size_t take_run(jpeg_walk *walk, uint64_t bits, unsigned length, unsigned power) {
  walk->position += length + power;
  return ((size_t)1 << power) + (size_t)(bits << length >> 1 >> (63 - power));
}

/// Over the first bits of a block's coefficients; gives blocks without any from this one on, -1 for damage.
static long walk_first(jpeg_walk *walk, const jpeg_scan *scan, uint64_t *filled) {
  for (int place = scan->first; place <= scan->last;) {
    uint64_t bits = peek(walk->data, walk->position);
    unsigned found = jpeg_codes_find(scan->ac, bits), length = found >> 8;
    int run = found >> 4 & 15, size = found & 15;
    if (!found || size > 10) return -1;
    if (size == 0 && run < 15) return (long)take_run(walk, bits, length, (unsigned)run);
    place += run;
    if (place > scan->last) return -1;
    if (size) *filled |= (uint64_t)1 << place;
    place++;
    walk->position += length + (unsigned)size;
  }
  return 0;
}

static inline uint64_t from(int place) { return place < 64 ? ~(uint64_t)0 << place : 0; }

/// Over one more bit of a block's coefficients, those that it brings and those that were there.
static long walk_refinement(jpeg_walk *walk, const jpeg_scan *scan, long run, uint64_t *filled) {
  uint64_t old = *filled, band = from(scan->first) & ~from(scan->last + 1);
  int place = scan->first;
  while (run == 0 && place <= scan->last) {
    uint64_t bits = peek(walk->data, walk->position);
    unsigned found = jpeg_codes_find(scan->ac, bits), length = found >> 8, size = found & 15;
    int zeros = found >> 4 & 15;
    if (!found || size > 1) return -1;
    if (size == 0 && zeros < 15) {
      run = (long)take_run(walk, bits, length, (unsigned)zeros);
      break;
    }
    uint64_t free = ~old & band & from(place);
    for (; zeros > 0; zeros--) free &= free - 1;
    if (free == 0) return -1;
    int end = __builtin_ctzll(free);
    walk->position += length + size + (unsigned)__builtin_popcountll(old & from(place) & ~from(end));
    if (size) *filled |= (uint64_t)1 << end;
    place = end + 1;
  }
  walk->position += (unsigned)__builtin_popcountll(old & band & from(place));
  return run;
}

/// Over blocks of coefficients of a progressive scan.
static int walk_coefficients(jpeg_walk *walk, const jpeg_scan *scan, uint64_t *filled, size_t count) {
  long run = 0;
  for (uint64_t *end = filled + count; filled < end; filled++) {
    if (scan->high) run = walk_refinement(walk, scan, run, filled);
    else if (run == 0) run = walk_first(walk, scan, filled);
    if (run < 0 || is_past(walk)) return 0;
    if (run > 0) run--;
  }
  return run == 0;
}

// MARK: Scans

static int walk_units(jpeg_walk *walk, const jpeg_scan *scan, size_t start, size_t count) {
  if (scan->first > 0) return walk_coefficients(walk, scan, scan->component->filled + start, count);
  if (scan->high) {
    walk->position += count * (size_t)scan->blocks;
    return 1;
  }
  if (!walk->is_progressive) return walk_blocks(walk, scan, count);
  for (; count > 0; count--)
    for (int block = 0; block < scan->blocks; block++)
      if (!walk_difference(walk, scan->dc[block])) return 0;
  return 1;
}

int jpeg_walk_scan(jpeg_walk *walk, const jpeg_scan *scan) {
  size_t interval = walk->interval ? walk->interval : scan->units;
  int due = 0xD0;
  for (size_t start = 0; start < scan->units; start += interval) {
    if (start > 0) {
      if (walk->bytes[walk->at + 1] != due) return 0;
      walk->at += 2;
      due = 0xD0 | ((due + 1) & 7);
    }
    size_t left = scan->units - start;
    if (!unstuff(walk) || !walk_units(walk, scan, start, left < interval ? left : interval)) return 0;
    if ((walk->position + 7) / 8 != walk->length) return 0;
  }
  return 1;
}
