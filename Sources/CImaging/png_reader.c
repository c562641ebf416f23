#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <png.h>

#include "CImaging.h"

struct imaging_png_reader {
  png_structp codec;
  png_infop info;
  jmp_buf jump;
  imaging_message message;
  imaging_status status;
  const uint8_t *bytes;
  const imaging_range *ranges;
  size_t range_count, range, position;
  imaging_png_layout layout;
  int ready;
};

// libpng has no codes: its own words, and zlib's, say that an allocation failed.
static imaging_status status_of(const char *text) {
  const char *words[] = {"ut of memory", "ut of Memory", "nsufficient memory"};
  for (size_t index = 0; index < sizeof words / sizeof *words; index++)
    if (strstr(text, words[index])) return IMAGING_NO_MEMORY;
  return IMAGING_DAMAGED;
}

static void leave(png_structp codec, png_const_charp text) {
  imaging_png_reader *reader = png_get_error_ptr(codec);
  snprintf(reader->message.text, sizeof reader->message.text, "%s", text);
  reader->status = status_of(text);
  longjmp(reader->jump, 1);
}

// Once the last row is read, libpng only warns of pixel data whose own checksum (Adler-32) is wrong: the words are
// zlib's. A colour profile that is broken costs nothing but itself.
static void judge_warning(png_structp codec, png_const_charp text) {
  if (strncmp(text, "IDAT", 4) == 0 && strstr(text, "incorrect data check")) leave(codec, text);
}

static void supply(png_structp codec, png_bytep out, size_t count) {
  imaging_png_reader *reader = png_get_io_ptr(codec);
  while (count > 0) {
    if (reader->range == reader->range_count) png_error(codec, "the data ends early");
    imaging_range current = reader->ranges[reader->range];
    size_t left = current.count - reader->position;
    size_t taken = left < count ? left : count;
    memcpy(out, reader->bytes + current.offset + reader->position, taken);
    out += taken;
    count -= taken;
    reader->position += taken;
    if (reader->position == current.count) {
      reader->range++;
      reader->position = 0;
    }
  }
}

static void set_transforms(imaging_png_reader *reader) {
  png_structp codec = reader->codec;
  int type = png_get_color_type(codec, reader->info);
  int depth = png_get_bit_depth(codec, reader->info);
  double gamma;
  int has_gamma = png_get_gAMA(codec, reader->info, &gamma) && !png_get_valid(codec, reader->info, PNG_INFO_iCCP);
  if (has_gamma) png_set_gamma(codec, PNG_DEFAULT_sRGB, gamma);
  // Palette pictures stay indices: the caller's table does colour and alpha at once.
  if (type == PNG_COLOR_TYPE_PALETTE && !has_gamma) png_set_packing(codec);
  else if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(codec);
  else if (depth < 8 && type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(codec);
  if ((type != PNG_COLOR_TYPE_PALETTE || has_gamma) && png_get_valid(codec, reader->info, PNG_INFO_tRNS))
    png_set_tRNS_to_alpha(codec);
  if (depth == 16) png_set_scale_16(codec);
  reader->layout.interlaced = png_set_interlace_handling(codec) > 1;
  png_read_update_info(codec, reader->info);
  reader->layout.width = (int)png_get_image_width(codec, reader->info);
  reader->layout.height = (int)png_get_image_height(codec, reader->info);
  reader->layout.channels = png_get_channels(codec, reader->info);
}

static void open_codec(imaging_png_reader *reader, imaging_limits limits) {
  png_structp codec = reader->codec;
  png_set_user_limits(codec, (png_uint_32)limits.max_side, (png_uint_32)limits.max_side);
  png_set_chunk_malloc_max(codec, 1 << 20);
  png_set_chunk_cache_max(codec, 128);
  png_set_keep_unknown_chunks(codec, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  // What libpng calls benign leaves the pixels whole: bytes or rows too many, transparency beyond the palette.
  png_set_benign_errors(codec, 1);
  // An index beyond the palette shows as black everywhere; it is no reason to refuse a scan.
  png_set_check_for_invalid_index(codec, 0);
#ifdef PNG_MAXIMUM_INFLATE_WINDOW
  // Some writers promise zlib a window that is smaller than the one they use.
  png_set_option(codec, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
#endif
  png_set_read_fn(codec, reader, supply);
  png_read_info(codec, reader->info);
}

imaging_png_reader *imaging_png_open(
  const uint8_t *bytes, const imaging_range *ranges, size_t range_count, imaging_limits limits,
  imaging_status *status) {
  imaging_png_reader *reader = calloc(1, sizeof *reader);
  *status = IMAGING_NO_MEMORY;
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->ranges = ranges;
  reader->range_count = range_count;
  if (setjmp(reader->jump)) {
    *status = reader->status;
    return reader;
  }
  reader->codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, leave, judge_warning);
  if (reader->codec) reader->info = png_create_info_struct(reader->codec);
  if (!reader->info) return reader;
  open_codec(reader, limits);
  set_transforms(reader);
  reader->ready = 1;
  *status = IMAGING_OK;
  return reader;
}

const uint8_t *imaging_png_profile(const imaging_png_reader *reader, size_t *size) {
  png_charp name;
  png_bytep profile;
  png_uint_32 count;
  int method;
  if (!reader->ready || !png_get_iCCP(reader->codec, reader->info, &name, &method, &profile, &count)) return NULL;
  *size = count;
  return profile;
}

imaging_png_layout imaging_png_get_layout(const imaging_png_reader *reader) { return reader->layout; }

imaging_status imaging_png_read_rows(
  imaging_png_reader *reader, uint8_t *rows, size_t stride, int count) {
  if (!reader || !reader->ready) return IMAGING_MISUSE;
  int passes = reader->layout.interlaced ? 7 : 1;
  if (passes > 1 && count != reader->layout.height) return IMAGING_MISUSE;
  if (stride < png_get_rowbytes(reader->codec, reader->info)) return IMAGING_MISUSE;
  if (setjmp(reader->jump)) return reader->status;
  for (int pass = 0; pass < passes; pass++)
    for (int row = 0; row < count; row++) png_read_row(reader->codec, rows + (size_t)row * stride, NULL);
  return IMAGING_OK;
}

imaging_status imaging_png_finish(imaging_png_reader *reader) {
  if (!reader || !reader->ready) return IMAGING_MISUSE;
  if (setjmp(reader->jump)) return reader->status;
  png_read_end(reader->codec, NULL);
  return IMAGING_OK;
}

imaging_message imaging_png_message(const imaging_png_reader *reader) { return reader->message; }

void imaging_png_close(imaging_png_reader *reader) {
  if (!reader) return;
  if (reader->codec) png_destroy_read_struct(&reader->codec, &reader->info, NULL);
  free(reader);
}
