/* The least that the image job can cost: libjpeg and libpng, a Lanczos resize, and nothing around them.
 *
 *   cc -O3 -march=x86-64-v3 floor.c -o floor -ljpeg -lpng -lm
 *   floor EDGE BYTES FOLDER FILE...
 *
 * Decode at the cheapest DCT scale that is not below EDGE, shrink to EDGE, turn upright, encode at quality 85, or at
 * less where that is over BYTES. It trusts its input, checks nothing and holds whole pictures: a yardstick, no tool. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

typedef struct { int width, height, channels; uint8_t *samples; } Picture;

static Picture blank(int width, int height, int channels) {
  Picture made = {width, height, channels, malloc((size_t)width * height * channels)};
  return made;
}

static void fit(int width, int height, int edge, int *to_width, int *to_height) {
  int longer = width > height ? width : height;
  double factor = longer > edge ? (double)edge / longer : 1;
  *to_width = (int)lrint(width * factor);
  *to_height = (int)lrint(height * factor);
}

/* ---- decode ---- */

static unsigned number(const uint8_t *from, int count, int big) {
  unsigned value = 0;
  for (int i = 0; i < count; i++) value = value << 8 | from[big ? i : count - 1 - i];
  return value;
}

/* EXIF tag 0x112 of the first directory, 1 where there is none. */
static int orientation(const uint8_t *block, size_t size) {
  if (size < 14) return 1;
  int big = block[0] == 'M';
  size_t place = number(block + 4, 4, big);
  if (place + 2 > size) return 1;
  int entries = (int)number(block + place, 2, big);
  for (place += 2; entries-- > 0 && place + 12 <= size; place += 12)
    if (number(block + place, 2, big) == 0x112) return (int)number(block + place + 8, 2, big);
  return 1;
}

static Picture decode_jpeg(const uint8_t *file, size_t size, int edge, int *turn) {
  struct jpeg_decompress_struct reader;
  struct jpeg_error_mgr errors;
  reader.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&reader);
  jpeg_mem_src(&reader, file, size);
  jpeg_save_markers(&reader, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&reader, TRUE);
  for (jpeg_saved_marker_ptr mark = reader.marker_list; mark; mark = mark->next)
    if (mark->data_length > 6 && !memcmp(mark->data, "Exif", 5)) {
      *turn = orientation(mark->data + 6, mark->data_length - 6);
      break;
    }
  int width, height, eighths = 1;
  fit(reader.image_width, reader.image_height, edge, &width, &height);
  while (eighths < 8 && (int)reader.image_width * eighths < width * 8) eighths *= 2;
  reader.scale_num = eighths;
  reader.scale_denom = 8;
  reader.out_color_space = reader.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&reader);
  Picture made = blank(reader.output_width, reader.output_height, reader.output_components);
  while (reader.output_scanline < reader.output_height) {
    JSAMPROW row = made.samples + (size_t)reader.output_scanline * made.width * made.channels;
    jpeg_read_scanlines(&reader, &row, 1);
  }
  jpeg_finish_decompress(&reader);
  jpeg_destroy_decompress(&reader);
  return made;
}

static Picture decode_png(const uint8_t *file, size_t size) {
  png_image reader = {.version = PNG_IMAGE_VERSION};
  Picture made = {0};
  if (!png_image_begin_read_from_memory(&reader, file, size)) return made;
  int gray = !(reader.format & PNG_FORMAT_FLAG_COLOR);
  reader.format = gray ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  made = blank(reader.width, reader.height, gray ? 1 : 3);
  png_color white = {255, 255, 255};
  png_image_finish_read(&reader, &white, made.samples, 0, NULL);
  return made;
}

/* ---- resize ---- */

typedef struct { int count; int *first; int16_t *weights; } Taps;

static double lanczos(double x) {
  if (fabs(x) < 1e-9) return 1;
  return fabs(x) < 3 ? 3 * sin(M_PI * x) * sin(M_PI * x / 3) / (M_PI * M_PI * x * x) : 0;
}

/* 14-bit weights that add up to one exactly; the rounding goes to the heaviest. */
static Taps taps_for(int from, int to) {
  double ratio = (double)from / to, scale = ratio > 1 ? ratio : 1, reach = 3 * scale;
  Taps taps = {(int)ceil(2 * reach) + 1, malloc(to * sizeof(int)), NULL};
  if (taps.count > from) taps.count = from;
  taps.weights = malloc((size_t)to * taps.count * sizeof(int16_t));
  double *exact = malloc(taps.count * sizeof(double));
  for (int i = 0; i < to; i++) {
    double middle = (i + .5) * ratio - .5, sum = 0;
    int first = (int)ceil(middle - reach), left = 16384, heaviest = 0;
    if (first > from - taps.count) first = from - taps.count;
    if (first < 0) first = 0;
    for (int k = 0; k < taps.count; k++) sum += exact[k] = lanczos((first + k - middle) / scale);
    int16_t *weights = taps.weights + (size_t)i * taps.count;
    for (int k = 0; k < taps.count; k++) {
      left -= weights[k] = (int16_t)lrint(16384 * exact[k] / sum);
      if (weights[k] > weights[heaviest]) heaviest = k;
    }
    weights[heaviest] += left;
    taps.first[i] = first;
  }
  free(exact);
  return taps;
}

static inline uint8_t clamped(int value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

static void shrink_row(const uint8_t *from, uint8_t *to, int width, int channels, Taps taps) {
  for (int x = 0; x < width; x++) {
    const int16_t *weights = taps.weights + (size_t)x * taps.count;
    const uint8_t *source = from + (size_t)taps.first[x] * channels;
    int sums[3] = {8192, 8192, 8192};
    if (channels == 3)
      for (int k = 0; k < taps.count; k++)
        for (int c = 0; c < 3; c++) sums[c] += weights[k] * source[3 * k + c];
    else
      for (int k = 0; k < taps.count; k++) sums[0] += weights[k] * source[k];
    for (int c = 0; c < channels; c++) to[x * channels + c] = clamped(sums[c] >> 14);
  }
}

static Picture resized(Picture from, int width, int height) {
  if (from.width == width && from.height == height) return from;
  Picture made = blank(width, height, from.channels);
  Taps down = taps_for(from.height, height), across = taps_for(from.width, width);
  size_t stride = (size_t)from.width * from.channels;
  int *sums = malloc(stride * sizeof(int));
  uint8_t *row = malloc(stride);
  for (int y = 0; y < height; y++) {
    const int16_t *weights = down.weights + (size_t)y * down.count;
    const uint8_t *source = from.samples + down.first[y] * stride;
    for (size_t i = 0; i < stride; i++) sums[i] = 8192;
    int k = 0;
    for (; k + 1 < down.count; k += 2) {
      const uint8_t *upper = source + k * stride, *lower = upper + stride;
      int w0 = weights[k], w1 = weights[k + 1];
      for (size_t i = 0; i < stride; i++) sums[i] += w0 * upper[i] + w1 * lower[i];
    }
    for (; k < down.count; k++)
      for (size_t i = 0; i < stride; i++) sums[i] += weights[k] * source[k * stride + i];
    for (size_t i = 0; i < stride; i++) row[i] = clamped(sums[i] >> 14);
    shrink_row(row, made.samples + (size_t)y * width * made.channels, width, made.channels, across);
  }
  free(sums), free(row), free(from.samples);
  free(down.first), free(down.weights), free(across.first), free(across.weights);
  return made;
}

static Picture turned(Picture from, int turn) {
  if (turn < 2 || turn > 8) return from;
  int sideways = turn >= 5;
  Picture made = blank(sideways ? from.height : from.width, sideways ? from.width : from.height, from.channels);
  for (int y = 0; y < from.height; y++)
    for (int x = 0; x < from.width; x++) {
      int to_x = sideways ? y : x, to_y = sideways ? x : y;
      if (turn == 2 || turn == 3 || turn == 6 || turn == 7) to_x = made.width - 1 - to_x;
      if (turn == 3 || turn == 4 || turn == 7 || turn == 8) to_y = made.height - 1 - to_y;
      memcpy(made.samples + ((size_t)to_y * made.width + to_x) * from.channels,
             from.samples + ((size_t)y * from.width + x) * from.channels, from.channels);
    }
  free(from.samples);
  return made;
}

/* ---- encode ---- */

static size_t encode(Picture picture, int quality, uint8_t **file) {
  struct jpeg_compress_struct writer;
  struct jpeg_error_mgr errors;
  unsigned long size = 0;
  *file = NULL;
  writer.err = jpeg_std_error(&errors);
  jpeg_create_compress(&writer);
  jpeg_mem_dest(&writer, file, &size);
  writer.image_width = picture.width;
  writer.image_height = picture.height;
  writer.input_components = picture.channels;
  writer.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&writer);
  jpeg_set_quality(&writer, quality, TRUE);
  writer.optimize_coding = TRUE;
  jpeg_start_compress(&writer, TRUE);
  while (writer.next_scanline < writer.image_height) {
    JSAMPROW row = picture.samples + (size_t)writer.next_scanline * picture.width * picture.channels;
    jpeg_write_scanlines(&writer, &row, 1);
  }
  jpeg_finish_compress(&writer);
  jpeg_destroy_compress(&writer);
  return size;
}

static double scale_of(int quality) { return quality < 50 ? 5000.0 / quality : 200 - 2.0 * quality; }

/* The size goes with the table scale to a power near -0.6: two or three tries find the quality that fits. */
static size_t encode_within(Picture picture, size_t limit, uint8_t **file) {
  int quality = 85;
  size_t size = encode(picture, quality, file);
  while (size > limit && quality > 1) {
    double scale = scale_of(quality) * pow(size / (.98 * limit), 1 / .6);
    int next = (int)(scale > 100 ? 5000 / scale : (200 - scale) / 2);
    quality = next < quality ? next : quality - 1;
    free(*file);
    size = encode(picture, quality, file);
  }
  return size;
}

int main(int count, char **words) {
  if (count < 5) return fprintf(stderr, "usage: floor EDGE BYTES FOLDER FILE...\n"), 2;
  int edge = atoi(words[1]);
  for (int i = 4; i < count; i++) {
    FILE *in = fopen(words[i], "rb");
    if (!in) return perror(words[i]), 1;
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    uint8_t *file = malloc(size), *made;
    rewind(in);
    if (fread(file, 1, size, in) != size) return perror(words[i]), 1;
    fclose(in);
    int turn = 1, width, height;
    Picture picture = file[0] == 0xFF ? decode_jpeg(file, size, edge, &turn) : decode_png(file, size);
    free(file);
    if (!picture.samples) return fprintf(stderr, "%s: not decoded\n", words[i]), 1;
    fit(picture.width, picture.height, edge, &width, &height);
    picture = turned(resized(picture, width, height), turn);
    size = encode_within(picture, strtoul(words[2], NULL, 10), &made);
    char path[4096], *name = strrchr(words[i], '/');
    snprintf(path, sizeof path, "%s/%s.jpg", words[3], name ? name + 1 : words[i]);
    FILE *out = fopen(path, "wb");
    if (!out) return perror(path), 1;
    fwrite(made, 1, size, out);
    fclose(out);
    free(made), free(picture.samples);
  }
  return 0;
}
