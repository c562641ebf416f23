#include "failure.h"

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
  const imaging_jpeg_options *options, int rows) {
  j_compress_ptr codec = &writer->codec;
  codec->image_width = (JDIMENSION)picture->width;
  codec->image_height = (JDIMENSION)rows;
  codec->input_components = picture->blue ? 3 : 1;
  codec->in_color_space = picture->blue ? JCS_YCbCr : JCS_GRAYSCALE;
  jpeg_set_defaults(codec);
  jpeg_set_quality(codec, options->quality, TRUE);
  codec->raw_data_in = TRUE;
  codec->dct_method = JDCT_ISLOW;
  codec->optimize_coding = options->optimized ? TRUE : FALSE;
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

// Points at the rows of one strip; rows below the picture repeat its last one.
static void point_rows(imaging_jpeg_writer *writer, int index, const uint8_t *plane, int width,
  int height, int first, int count, JSAMPROW *rows) {
  size_t stride = (size_t)(width + DCTSIZE - 1) / DCTSIZE * DCTSIZE;
  for (int k = 0; k < count; k++) {
    int y = first + k < height ? first + k : height - 1;
    const uint8_t *row = plane + (size_t)y * (size_t)width;
    rows[k] = (JSAMPROW)row;
    if (!writer->padded[index]) continue;
    rows[k] = writer->padded[index] + (size_t)k * stride;
    memcpy(rows[k], row, (size_t)width);
    memset(rows[k] + width, row[width - 1], stride - (size_t)width);
  }
}

static void write_strip(imaging_jpeg_writer *writer, const imaging_picture *picture, int y) {
  JSAMPROW luma[strip_rows], blue[DCTSIZE], red[DCTSIZE];
  JSAMPARRAY planes[3] = {luma, blue, red};
  int gray = picture->blue == NULL, half_width = (picture->width + 1) / 2;
  int half_height = (picture->height + 1) / 2;
  point_rows(writer, 0, picture->luma, picture->width, picture->height, y, gray ? DCTSIZE : strip_rows, luma);
  if (!gray) {
    point_rows(writer, 1, picture->blue, half_width, half_height, y / 2, DCTSIZE, blue);
    point_rows(writer, 2, picture->red, half_width, half_height, y / 2, DCTSIZE, red);
  }
  jpeg_write_raw_data(&writer->codec, planes, gray ? DCTSIZE : strip_rows);
  if (!gray) return;
  if (writer->codec.next_scanline >= writer->codec.image_height) return;
  point_rows(writer, 0, picture->luma, picture->width, picture->height, y + DCTSIZE, DCTSIZE, luma);
  jpeg_write_raw_data(&writer->codec, planes, DCTSIZE);
}

static void write_all(imaging_jpeg_writer *writer, const imaging_picture *picture,
  const imaging_jpeg_options *options) {
  j_compress_ptr codec = &writer->codec;
  int step = options->strip_step > 1 ? options->strip_step : 1;
  int first = step / 2 * strip_rows, last = step > 1 ? picture->height - strip_rows : picture->height - 1;
  int rows = step > 1 ? 0 : picture->height;
  if (step > 1) for (int y = first; y <= last; y += step * strip_rows) rows += strip_rows;
  if (rows == 0) imaging_fail((j_common_ptr)codec, IMAGING_MISUSE, "no strip to sample");
  describe(writer, picture, options, rows);
  make_padding(writer, 0, picture->width);
  if (picture->blue) for (int index = 1; index < 3; index++) make_padding(writer, index, (picture->width + 1) / 2);
  jpeg_start_compress(codec, TRUE);
  write_profile(codec, options);
  for (int y = first; y <= last; y += step * strip_rows) write_strip(writer, picture, y);
  jpeg_finish_compress(codec);
}

imaging_status imaging_jpeg_write(
  const imaging_picture *picture, const imaging_jpeg_options *options, uint8_t *out,
  size_t capacity, size_t *size) {
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
    write_all(writer, picture, options);
    *size = writer->destination.flushed;
  }
  imaging_status status = writer->errors.status;
  jpeg_destroy_compress(&writer->codec);
  for (int index = 0; index < 3; index++) free(writer->padded[index]);
  free(writer);
  return status;
}
