#include "failure.h"

#include <stdlib.h>
#include <string.h>

// Version 7 of the API scales each direction on its own; the names differ, the values do not.
#if JPEG_LIB_VERSION >= 70
#define SCALED(component) ((component)->DCT_v_scaled_size)
#define SCALED_H(component) ((component)->DCT_h_scaled_size)
#define MIN_SCALED(codec) ((codec)->min_DCT_v_scaled_size)
#else
#define SCALED(component) ((component)->DCT_scaled_size)
#define SCALED_H(component) ((component)->DCT_scaled_size)
#define MIN_SCALED(codec) ((codec)->min_DCT_scaled_size)
#endif

enum { max_band_rows = MAX_SAMP_FACTOR * DCTSIZE };

struct imaging_jpeg_reader {
  struct jpeg_decompress_struct codec;
  imaging_errors errors;
  struct jpeg_progress_mgr progress;
  imaging_limits limits;
  imaging_samples samples;
  int plane_count;
  imaging_plane planes[3];
  uint8_t *buffers[3];
  JSAMPROW rows[3][max_band_rows];
};

// A progressive file can ask for thousands of passes over the picture in a few kilobytes.
static void count_scans(j_common_ptr codec) {
  imaging_jpeg_reader *reader = codec->client_data;
  if (!codec->is_decompressor) return;
  if (((j_decompress_ptr)codec)->input_scan_number > reader->limits.max_scans)
    imaging_fail(codec, IMAGING_LIMIT, "too many scans");
}

static void check_header(imaging_jpeg_reader *reader) {
  j_decompress_ptr codec = &reader->codec;
  int64_t pixels = (int64_t)codec->image_width * codec->image_height;
  int side = (int)(codec->image_width > codec->image_height ? codec->image_width : codec->image_height);
  if (side > reader->limits.max_side || pixels > reader->limits.max_pixels)
    imaging_fail((j_common_ptr)codec, IMAGING_LIMIT, "too many pixels");
  if (codec->data_precision != 8 || codec->arith_code)
    imaging_fail((j_common_ptr)codec, IMAGING_UNSUPPORTED, "coding not read");
}

imaging_jpeg_reader *imaging_jpeg_open(
  const uint8_t *bytes, size_t count, imaging_limits limits, imaging_status *status) {
  imaging_jpeg_reader *reader = calloc(1, sizeof *reader);
  *status = IMAGING_NO_MEMORY;
  if (!reader) return NULL;
  reader->limits = limits;
  reader->codec.err = imaging_errors_init(&reader->errors);
  if (setjmp(reader->errors.jump)) {
    *status = reader->errors.status;
    return reader;
  }
  jpeg_create_decompress(&reader->codec);
  reader->codec.client_data = reader;
  reader->codec.mem->max_memory_to_use = limits.max_memory;
  reader->progress.progress_monitor = count_scans;
  reader->codec.progress = &reader->progress;
  jpeg_mem_src(&reader->codec, (unsigned char *)bytes, (unsigned long)count);
  jpeg_read_header(&reader->codec, TRUE);
  check_header(reader);
  imaging_watch_restarts(&reader->codec);
  reader->errors.header_done = 1;
  *status = IMAGING_OK;
  return reader;
}

// The resampler knows chroma at full, half and quarter size; libjpeg itself brings chroma at a third to full size.
static int is_planar_step(int whole, int part) {
  return part > 0 && (whole == part || whole == 2 * part || whole == 4 * part);
}

// Planes can be taken as they are when luma is the finest and both chroma planes are equal and evenly spaced.
static int can_stay_planar(const struct jpeg_decompress_struct *codec) {
  const jpeg_component_info *component = codec->comp_info;
  if (codec->jpeg_color_space == JCS_GRAYSCALE) return 1;
  if (codec->jpeg_color_space != JCS_YCbCr) return 0;
  return component[0].h_samp_factor == codec->max_h_samp_factor
    && component[0].v_samp_factor == codec->max_v_samp_factor
    && component[1].h_samp_factor == component[2].h_samp_factor
    && component[1].v_samp_factor == component[2].v_samp_factor
    && is_planar_step(codec->max_h_samp_factor, component[1].h_samp_factor)
    && is_planar_step(codec->max_v_samp_factor, component[1].v_samp_factor);
}

static void choose_samples(imaging_jpeg_reader *reader) {
  j_decompress_ptr codec = &reader->codec;
  reader->samples = IMAGING_PLANES;
  if (can_stay_planar(codec)) {
    codec->raw_data_out = TRUE;
    codec->out_color_space = codec->jpeg_color_space;
    return;
  }
  switch (codec->jpeg_color_space) {
    case JCS_YCbCr:
      reader->samples = IMAGING_YCC;
      codec->out_color_space = JCS_YCbCr;
      return;
    case JCS_RGB:
      reader->samples = IMAGING_RGB;
      codec->out_color_space = JCS_RGB;
      return;
    case JCS_CMYK:
    case JCS_YCCK:
      // Most files that lack Adobe's marker are inverted like those that have it, and most programs show them so.
      reader->samples = IMAGING_CMYK_INVERTED;
      codec->out_color_space = JCS_CMYK;
      return;
    default: imaging_fail((j_common_ptr)codec, IMAGING_UNSUPPORTED, "colour model not read");
  }
}

static void make_plane(imaging_jpeg_reader *reader, int index, int width, int height, size_t bytes, int band) {
  size_t stride = (bytes + 2 * IMAGING_ROW_SLACK - 1) / IMAGING_ROW_SLACK * IMAGING_ROW_SLACK;
  uint8_t *buffer = calloc((size_t)band, stride);
  if (!buffer) imaging_fail((j_common_ptr)&reader->codec, IMAGING_NO_MEMORY, "no memory for rows");
  reader->buffers[index] = buffer;
  reader->planes[index] = (imaging_plane){width, height, (int)stride, buffer, band};
  for (int row = 0; row < max_band_rows; row++)
    reader->rows[index][row] = buffer + (size_t)(row < band ? row : band - 1) * stride;
}

static void make_planes(imaging_jpeg_reader *reader) {
  j_decompress_ptr codec = &reader->codec;
  if (reader->samples != IMAGING_PLANES) {
    reader->plane_count = 1;
    make_plane(reader, 0, (int)codec->output_width, (int)codec->output_height,
      (size_t)codec->output_width * codec->output_components, 16);
    return;
  }
  reader->plane_count = codec->num_components;
  for (int index = 0; index < codec->num_components; index++) {
    const jpeg_component_info *component = &codec->comp_info[index];
    size_t bytes = (size_t)component->width_in_blocks * SCALED_H(component);
    make_plane(reader, index, (int)component->downsampled_width, (int)component->downsampled_height,
      bytes, component->v_samp_factor * SCALED(component));
  }
}

imaging_status imaging_jpeg_start(imaging_jpeg_reader *reader, int eighths) {
  if (!reader || !reader->errors.header_done || reader->plane_count) return IMAGING_MISUSE;
  if (setjmp(reader->errors.jump)) return reader->errors.status;
  j_decompress_ptr codec = &reader->codec;
  codec->scale_num = (unsigned)eighths;
  codec->scale_denom = 8;
  codec->dct_method = JDCT_ISLOW;
  codec->do_block_smoothing = FALSE;
  choose_samples(reader);
  jpeg_start_decompress(codec);
  make_planes(reader);
  return IMAGING_OK;
}

static void read_planes(imaging_jpeg_reader *reader) {
  JSAMPARRAY planes[3] = {reader->rows[0], reader->rows[1], reader->rows[2]};
  j_decompress_ptr codec = &reader->codec;
  JDIMENSION lines = (JDIMENSION)(codec->max_v_samp_factor * MIN_SCALED(codec));
  jpeg_read_raw_data(codec, planes, lines);
}

static void read_interleaved(imaging_jpeg_reader *reader) {
  j_decompress_ptr codec = &reader->codec;
  JDIMENSION done = 0, left = codec->output_height - codec->output_scanline;
  JDIMENSION wanted = left < 16 ? left : 16;
  while (done < wanted) done += jpeg_read_scanlines(codec, reader->rows[0] + done, wanted - done);
}

imaging_status imaging_jpeg_read_band(imaging_jpeg_reader *reader, int *more) {
  *more = 0;
  if (!reader || !reader->plane_count) return IMAGING_MISUSE;
  if (setjmp(reader->errors.jump)) return reader->errors.status;
  if (reader->codec.output_scanline >= reader->codec.output_height) return IMAGING_MISUSE;
  if (reader->samples == IMAGING_PLANES) read_planes(reader);
  else read_interleaved(reader);
  *more = reader->codec.output_scanline < reader->codec.output_height;
  return IMAGING_OK;
}

imaging_status imaging_jpeg_finish(imaging_jpeg_reader *reader) {
  if (!reader || !reader->plane_count) return IMAGING_MISUSE;
  if (setjmp(reader->errors.jump)) return reader->errors.status;
  reader->errors.disorder.picture_done = 1;
  jpeg_finish_decompress(&reader->codec);
  return IMAGING_OK;
}

imaging_samples imaging_jpeg_samples(const imaging_jpeg_reader *reader) { return reader->samples; }
long imaging_jpeg_strays(const imaging_jpeg_reader *reader) { return reader->errors.disorder.strays; }

imaging_plane imaging_jpeg_plane(const imaging_jpeg_reader *reader, int index) {
  imaging_plane none = {0, 0, 0, NULL, 0};
  return index >= 0 && index < reader->plane_count ? reader->planes[index] : none;
}

imaging_message imaging_jpeg_message(const imaging_jpeg_reader *reader) { return reader->errors.message; }

void imaging_jpeg_close(imaging_jpeg_reader *reader) {
  if (!reader) return;
  jpeg_destroy_decompress(&reader->codec);
  for (int index = 0; index < 3; index++) free(reader->buffers[index]);
  free(reader);
}
