// Whether libjpeg would have nothing to say about a file, told by walking over its codes without decoding any pixel.
// All that is not as the standard has it, or rare, is left for libjpeg to judge: what it accepts with or without a word,
// and in which words it refuses. So no rule here may be laxer than libjpeg's, and each may be stricter.
#include <stdlib.h>
#include <string.h>

#include "jpeg_walk.h"

enum {
  /// Coefficients are of 16 bits, and sizes go up to 10.
  max_shift = 5,
  /// Sums of as many DC differences of 11 bits, and those of the blocks beyond the edges, are of 32 bits.
  max_component_blocks = 1 << 19,
};

// MARK: Scans

static jpeg_component *find_component(jpeg_walk *walk, int name) {
  for (int index = 0; index < walk->component_count; index++)
    if (walk->components[index].name == name) return &walk->components[index];
  return NULL;
}

/// Notes what a scan brings of a component, where it may come now.
static int is_next(jpeg_walk *walk, jpeg_component *component, const jpeg_scan *scan) {
  int expected = scan->high ? scan->high : -1;
  if (walk->is_progressive && scan->first > 0 && component->known[0] < 0) return 0;
  for (int place = scan->first; place <= scan->last; place++) {
    if (component->known[place] != expected) return 0;
    component->known[place] = (int8_t)scan->low;
  }
  return 1;
}

/// The steps of two tables, made once for all components of a scan that share them.
static const jpeg_steps *steps_for(jpeg_walk *walk, const jpeg_scan *scan, const jpeg_codes *dc, const jpeg_codes *ac) {
  for (int block = 0; block < scan->blocks; block++)
    if (scan->turns[block].steps->dc == dc && scan->turns[block].steps->ac == ac) return scan->turns[block].steps;
  jpeg_steps *steps = &walk->steps[scan->added];
  jpeg_steps_make(steps, dc, ac);
  return steps;
}

static int add_blocks(jpeg_walk *walk, jpeg_scan *scan, jpeg_component *component, int tables) {
  int count = scan->count == 1 ? 1 : component->across * component->down;
  if (tables >> 4 > 3 || (tables & 15) > 3 || scan->blocks + count > max_blocks) return 0;
  const jpeg_codes *dc = &walk->codes[0][tables >> 4], *ac = &walk->codes[1][tables & 15];
  int needs_dc = scan->first == 0 && scan->high == 0, needs_ac = scan->last > 0;
  if ((needs_dc && !dc->is_defined) || (needs_ac && !ac->is_defined)) return 0;
  const jpeg_steps *steps = walk->is_progressive ? NULL : steps_for(walk, scan, dc, ac);
  for (; count > 0; count--, scan->blocks++) {
    scan->dc[scan->blocks] = dc;
    scan->turns[scan->blocks].steps = steps;
  }
  scan->ac = ac;
  scan->added++;
  return 1;
}

/// Brings the blocks of a sequential scan into a circle.
static void link_turns(jpeg_scan *scan) {
  for (int block = 0; block < scan->blocks; block++) {
    jpeg_turn *turn = &scan->turns[block];
    turn->following = &scan->turns[(block + 1) % scan->blocks];
    turn->rest = turn->steps->rest;
    turn->next = turn->following->steps->first;
  }
}

static int is_regular(const jpeg_walk *walk, const jpeg_scan *scan) {
  if (!walk->is_progressive) return scan->first == 0 && scan->last == 63 && scan->high == 0 && scan->low == 0;
  if (scan->first == 0 ? scan->last != 0 : scan->first > scan->last || scan->last > 63 || scan->count > 1) return 0;
  return scan->low <= max_shift && (scan->high == 0 || scan->low == scan->high - 1);
}

static int read_scan(jpeg_walk *walk, const uint8_t *content, size_t size) {
  int count = size > 0 ? content[0] : 0;
  if (count < 1 || count > walk->component_count || size != 4 + 2 * (size_t)count) return 0;
  if (++walk->scans > walk->limits.max_scans) return 0;
  const uint8_t *bands = content + 1 + 2 * count;
  jpeg_scan scan = {.count = count, .first = bands[0], .last = bands[1], .high = bands[2] >> 4, .low = bands[2] & 15};
  if (!is_regular(walk, &scan)) return 0;
  jpeg_component *before = NULL;
  for (int index = 0; index < count; index++) {
    jpeg_component *component = find_component(walk, content[1 + 2 * index]);
    // In the order of the frame: libjpeg finds some that are not, and not others.
    if (!component || (before && component <= before) || !is_next(walk, component, &scan)) return 0;
    if (!before) scan.component = component;
    before = component;
    if (component->quantizer > 3 || !(walk->quantizers >> component->quantizer & 1)) return 0;
    if (!add_blocks(walk, &scan, component, content[2 + 2 * index])) return 0;
  }
  size_t wide = (size_t)walk->across * 8, high = (size_t)walk->down * 8;
  scan.units = count == 1 ? scan.component->width * scan.component->height
    : (((size_t)walk->width + wide - 1) / wide) * (((size_t)walk->height + high - 1) / high);
  if (!walk->is_progressive) link_turns(&scan);
  return jpeg_walk_scan(walk, &scan);
}

// MARK: Segments

static int read_component(jpeg_walk *walk, const uint8_t *content) {
  int across = content[1] >> 4, down = content[1] & 15;
  if (find_component(walk, content[0])) return 0;
  jpeg_component *component = &walk->components[walk->component_count++];
  component->name = content[0];
  component->across = across;
  component->down = down;
  component->quantizer = content[2];
  memset(component->known, -1, sizeof component->known);
  if (across > walk->across) walk->across = across;
  if (down > walk->down) walk->down = down;
  return across > 0 && down > 0;
}

/// Blocks of each component, and memory for what is known of them; libjpeg keeps 128 bytes of each where scans are many.
static int measure(jpeg_walk *walk) {
  int64_t bytes = 1 << 20;
  for (int index = 0; index < walk->component_count; index++) {
    jpeg_component *component = &walk->components[index];
    size_t wide = (size_t)walk->across * 8, high = (size_t)walk->down * 8;
    component->width = ((size_t)walk->width * (size_t)component->across + wide - 1) / wide;
    component->height = ((size_t)walk->height * (size_t)component->down + high - 1) / high;
    size_t blocks = component->width * component->height;
    if (blocks > max_component_blocks) return 0;
    bytes += 160 * (int64_t)(component->width + 1) * (int64_t)(component->height + 1);
    if (walk->is_progressive && !(component->filled = calloc(blocks, sizeof *component->filled))) return 0;
  }
  return bytes <= walk->limits.max_memory;
}

static int read_frame(jpeg_walk *walk, int marker, const uint8_t *content, size_t size) {
  if (walk->component_count > 0 || size < 9 || content[0] != 8) return 0;
  int count = content[5];
  if ((count != 1 && count != 3) || size != 6 + 3 * (size_t)count) return 0;
  walk->is_progressive = marker == 0xC2;
  walk->height = content[1] << 8 | content[2];
  walk->width = content[3] << 8 | content[4];
  int side = walk->width > walk->height ? walk->width : walk->height;
  if (walk->width == 0 || walk->height == 0 || side > 65500 || side > walk->limits.max_side) return 0;
  if ((int64_t)walk->width * walk->height > walk->limits.max_pixels) return 0;
  for (int index = 0; index < count; index++) {
    // Factors of 3 or 4 are rare, and some of them more than libjpeg scales.
    int factors = content[7 + 3 * index];
    if (factors != 0x11 && factors != 0x12 && factors != 0x21 && factors != 0x22) return 0;
    if (!read_component(walk, content + 6 + 3 * index)) return 0;
  }
  return measure(walk);
}

static int read_quantizers(jpeg_walk *walk, const uint8_t *content, size_t size) {
  while (size > 0) {
    size_t length = content[0] >> 4 ? 129 : 65;
    if (content[0] >> 4 > 1 || (content[0] & 15) > 3 || length > size) return 0;
    walk->quantizers |= 1u << (content[0] & 15);
    content += length;
    size -= length;
  }
  return 1;
}

static int read_codes(jpeg_walk *walk, const uint8_t *content, size_t size) {
  while (size > 0) {
    int class = content[0] >> 4, number = content[0] & 15;
    if (class > 1 || number > 3) return 0;
    size_t length = jpeg_codes_read(&walk->codes[class][number], class == 0, content + 1, size - 1);
    if (length == 0) return 0;
    content += 1 + length;
    size -= 1 + length;
  }
  return 1;
}

static int read_segment(jpeg_walk *walk, int marker, const uint8_t *content, size_t size) {
  switch (marker) {
    case 0xE0:
    case 0xE2:
    case 0xEE: return 1;
    case 0xDB: return read_quantizers(walk, content, size);
    case 0xC4: return read_codes(walk, content, size);
    case 0xDD:
      walk->interval = size == 2 ? (size_t)content[0] << 8 | content[1] : 0;
      return size == 2;
    case 0xC0:
    case 0xC1:
    case 0xC2: return read_frame(walk, marker, content, size);
    case 0xDA: return read_scan(walk, content, size);
    default: return 0;
  }
}

/// Whether every bit of every coefficient came.
static int is_complete(const jpeg_walk *walk) {
  for (int index = 0; index < walk->component_count; index++)
    for (int place = 0; place < 64; place++)
      if (walk->components[index].known[place] != 0) return 0;
  return walk->component_count > 0;
}

static int read_segments(jpeg_walk *walk) {
  if (walk->count < 4 || walk->bytes[0] != 0xFF || walk->bytes[1] != 0xD8) return 0;
  for (walk->at = 2; walk->count - walk->at >= 2;) {
    const uint8_t *start = walk->bytes + walk->at;
    if (start[0] != 0xFF) return 0;
    if (start[1] == 0xD9) return walk->at + 2 == walk->count && is_complete(walk);
    if (walk->count - walk->at < 4) return 0;
    size_t length = (size_t)start[2] << 8 | start[3];
    if (length < 2 || length > walk->count - walk->at - 2) return 0;
    walk->at += 2 + length;
    if (!read_segment(walk, start[1], start + 4, length - 2)) return 0;
  }
  return 0;
}

int imaging_jpeg_is_sound(const uint8_t *bytes, size_t count, imaging_limits limits) {
  jpeg_walk *walk = calloc(1, sizeof *walk);
  if (!walk) return 0;
  walk->bytes = bytes;
  walk->count = count;
  walk->limits = limits;
  walk->data = calloc(count + walk_slack, 1);
  int is_sound = walk->data && read_segments(walk);
  for (int index = 0; index < max_components; index++) free(walk->components[index].filled);
  free(walk->data);
  free(walk);
  return is_sound;
}
