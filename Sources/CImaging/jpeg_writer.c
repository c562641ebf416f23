#include "failure.h"
#include "huffman.h"

#include <stdlib.h>
#include <string.h>

enum { strip_rows = 16 };

// Writes into the caller's memory and, once that is full, into a scrap that is only counted: a picture that
// turns out too large costs no memory, and its size is still known.
typedef struct {
  struct jpeg_destination_mgr base;
  uint8_t *out;
  size_t capacity, flushed;
  uint8_t scrap[4096];
} counting_destination;

typedef struct {
  struct jpeg_compress_struct codec;
  imaging_errors errors;
  counting_destination destination;
  /// Rows padded to whole blocks, for widths that are no multiple of the block size.
  uint8_t *padded[3];
} imaging_jpeg_writer;

static void start_output(j_compress_ptr codec) {
  counting_destination *to = (counting_destination *)codec->dest;
  int direct = to->capacity > 0;
  to->flushed = 0;
  to->base.next_output_byte = direct ? to->out : to->scrap;
  to->base.free_in_buffer = direct ? to->capacity : sizeof to->scrap;
}

static boolean continue_output(j_compress_ptr codec) {
  counting_destination *to = (counting_destination *)codec->dest;
  to->flushed += to->flushed == 0 && to->capacity > 0 ? to->capacity : sizeof to->scrap;
  to->base.next_output_byte = to->scrap;
  to->base.free_in_buffer = sizeof to->scrap;
  return TRUE;
}

static void end_output(j_compress_ptr codec) {
  counting_destination *to = (counting_destination *)codec->dest;
  size_t room = to->flushed == 0 && to->capacity > 0 ? to->capacity : sizeof to->scrap;
  to->flushed += room - to->base.free_in_buffer;
}

static void describe(imaging_jpeg_writer *writer, const imaging_picture *picture,
  const imaging_jpeg_options *options, int width, int height) {
  j_compress_ptr codec = &writer->codec;
  codec->image_width = (JDIMENSION)width;
  codec->image_height = (JDIMENSION)height;
  codec->input_components = picture->blue ? 3 : 1;
  codec->in_color_space = picture->blue ? JCS_YCbCr : JCS_GRAYSCALE;
  jpeg_set_defaults(codec);
  jpeg_set_quality(codec, options->quality, TRUE);
  codec->raw_data_in = TRUE;
  codec->dct_method = JDCT_ISLOW;
  codec->optimize_coding = options->optimized ? TRUE : FALSE;
  if (options->tables.count && !options->optimized) imaging_tables_use(&options->tables, codec);
  if (options->density > 0) {
    codec->density_unit = 1;
    codec->X_density = codec->Y_density = (UINT16)(options->density > 65535 ? 65535 : options->density);
  }
}

static void write_profile(j_compress_ptr codec, const imaging_jpeg_options *options) {
  static const char name[14] = "ICC_PROFILE\0\1\1";
  if (!options->profile || options->profile_size == 0 || options->profile_size > 65519) return;
  jpeg_write_m_header(codec, JPEG_APP0 + 2, (unsigned)(sizeof name + options->profile_size));
  for (size_t k = 0; k < sizeof name; k++) jpeg_write_m_byte(codec, name[k]);
  for (size_t k = 0; k < options->profile_size; k++) jpeg_write_m_byte(codec, options->profile[k]);
}

static void make_padding(imaging_jpeg_writer *writer, int index, int width) {
  size_t stride = (size_t)(width + DCTSIZE - 1) / DCTSIZE * DCTSIZE;
  if (stride == (size_t)width) return;
  writer->padded[index] = calloc(stride, strip_rows);
  if (!writer->padded[index])
    imaging_fail((j_common_ptr)&writer->codec, IMAGING_NO_MEMORY, "no memory for rows");
}

/// A plane and the part of it that a strip starts at.
typedef struct {
  const uint8_t *samples;
  int width, height, left, top;
} plane_part;

// Points at the rows of one strip; rows below the picture repeat its last one.
static void point_rows(uint8_t *padded, plane_part part, int count, JSAMPROW *rows) {
  size_t width = (size_t)part.width, stride = (width + DCTSIZE - 1) / DCTSIZE * DCTSIZE;
  for (int k = 0; k < count; k++) {
    int y = part.top + k < part.height ? part.top + k : part.height - 1;
    const uint8_t *row = part.samples + (size_t)y * width;
    rows[k] = (JSAMPROW)row + part.left;
    if (!padded) continue;
    rows[k] = padded + (size_t)k * stride;
    memcpy(rows[k], row, width);
    memset(rows[k] + width, row[width - 1], stride - width);
  }
}

static void write_strip(imaging_jpeg_writer *writer, const imaging_picture *picture, int x, int y) {
  JSAMPROW luma[strip_rows], blue[DCTSIZE], red[DCTSIZE];
  JSAMPARRAY planes[3] = {luma, blue, red};
  plane_part full = {picture->luma, picture->width, picture->height, x, y};
  plane_part half = {picture->blue, (picture->width + 1) / 2, (picture->height + 1) / 2, x / 2, y / 2};
  if (picture->blue) {
    point_rows(writer->padded[0], full, strip_rows, luma);
    point_rows(writer->padded[1], half, DCTSIZE, blue);
    half.samples = picture->red;
    point_rows(writer->padded[2], half, DCTSIZE, red);
    jpeg_write_raw_data(&writer->codec, planes, strip_rows);
    return;
  }
  for (int part = 0; part < 2 && writer->codec.next_scanline < writer->codec.image_height; part++) {
    full.top = y + part * DCTSIZE;
    point_rows(writer->padded[0], full, DCTSIZE, luma);
    jpeg_write_raw_data(&writer->codec, planes, DCTSIZE);
  }
}

static void write_all(imaging_jpeg_writer *writer, const imaging_picture *picture,
  const imaging_jpeg_options *options, imaging_huffman_tables *made) {
  j_compress_ptr codec = &writer->codec;
  int parts = options->sample_parts > 1 ? options->sample_parts : 1;
  int width = parts > 1 ? imaging_sample_width(picture->width, parts) : picture->width;
  int height = parts > 1 ? picture->height / strip_rows * strip_rows : picture->height;
  if (width == 0 || height == 0) imaging_fail((j_common_ptr)codec, IMAGING_MISUSE, "too small to sample");
  describe(writer, picture, options, width, height);
  if (parts == 1) {
    make_padding(writer, 0, picture->width);
    for (int index = 1; picture->blue && index < 3; index++)
      make_padding(writer, index, (picture->width + 1) / 2);
  }
  jpeg_start_compress(codec, TRUE);
  write_profile(codec, options);
  // Each strip gives another part of its width, so that the sample crosses the picture both ways.
  for (int y = 0, part = 0; y < height; y += strip_rows, part = (part + 3) % parts)
    write_strip(writer, picture, parts > 1 ? part * width : 0, y);
  jpeg_finish_compress(codec);
  if (options->optimized) imaging_tables_take(made, codec);
}

int imaging_sample_width(int width, int parts) { return width / parts / strip_rows * strip_rows; }

imaging_status imaging_jpeg_write(
  const imaging_picture *picture, const imaging_jpeg_options *options, uint8_t *out,
  size_t capacity, size_t *size, imaging_huffman_tables *made) {
  *size = 0;
  if (picture->width <= 0 || picture->height <= 0 || !picture->luma) return IMAGING_MISUSE;
  imaging_jpeg_writer *writer = calloc(1, sizeof *writer);
  if (!writer) return IMAGING_NO_MEMORY;
  writer->codec.err = imaging_errors_init(&writer->errors);
  if (setjmp(writer->errors.jump) == 0) {
    jpeg_create_compress(&writer->codec);
    writer->destination.out = out;
    writer->destination.capacity = capacity;
    writer->destination.base.init_destination = start_output;
    writer->destination.base.empty_output_buffer = continue_output;
    writer->destination.base.term_destination = end_output;
    writer->codec.dest = &writer->destination.base;
    write_all(writer, picture, options, made);
    *size = writer->destination.flushed;
  }
  imaging_status status = writer->errors.status;
  jpeg_destroy_compress(&writer->codec);
  for (int index = 0; index < 3; index++) free(writer->padded[index]);
  free(writer);
  return status;
}
