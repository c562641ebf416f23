// libjpeg and libpng behind functions that return a status: setjmp and longjmp stay inside one C frame,
// and no function here ever calls back into Swift. All buffers are zeroed when they are made.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// How a call ended.
typedef enum __attribute__((enum_extensibility(closed))) {
  IMAGING_OK = 0,
  /// The data is broken or ends early.
  IMAGING_DAMAGED = 1,
  /// A variant that the library does not read.
  IMAGING_UNSUPPORTED = 2,
  /// A limit on scans, size or memory was reached.
  IMAGING_LIMIT = 3,
  /// The system gave no memory.
  IMAGING_NO_MEMORY = 4,
  /// A call out of order: a programming error.
  IMAGING_MISUSE = 5,
} imaging_status;

/// The library's own words on a failure: never anything from the picture's metadata.
typedef struct {
  char text[160];
} imaging_message;

/// What was compiled against; libpng also says what is loaded, libjpeg does not.
const char *imaging_jpeg_name(void);
const char *imaging_jpeg_version(void);
const char *imaging_png_version_compiled(void);
const char *imaging_png_version_loaded(void);

// MARK: JPEG in

/// What the samples of one row mean.
typedef enum __attribute__((enum_extensibility(closed))) {
  /// One plane of luma, or luma and two planes of chroma at sizes of their own.
  IMAGING_PLANES = 0,
  /// Interleaved Y, Cb, Cr.
  IMAGING_YCC = 1,
  /// Interleaved R, G, B.
  IMAGING_RGB = 2,
  /// Interleaved C, M, Y, K as Adobe writes it: 0 is full ink.
  IMAGING_CMYK_INVERTED = 3,
} imaging_samples;

/// Rows of one component, or of all components interleaved.
typedef struct {
  /// Samples (interleaved: pixels) in a row, rows in the picture.
  int width, height;
  /// Bytes from row to row.
  int stride;
  /// The rows of the current band.
  const uint8_t *rows;
  /// How many rows a full band has; the last band may have fewer within `height`.
  int band_rows;
} imaging_plane;

typedef struct imaging_jpeg_reader imaging_jpeg_reader;

/// What a reader may use and produce.
typedef struct {
  int max_side;
  int64_t max_pixels;
  int max_scans;
  long max_memory;
} imaging_limits;

/// Makes a reader and reads the header; `bytes` must outlive it. NULL when there is no memory.
imaging_jpeg_reader *imaging_jpeg_open(
  const uint8_t *bytes, size_t count, imaging_limits limits, imaging_status *status);
/// Starts decoding at `eighths` (1, 2, 4, 8) of the size; progressive input is read whole here.
imaging_status imaging_jpeg_start(imaging_jpeg_reader *reader, int eighths);
/// Reads the next band into the planes; `*more` becomes 0 once the picture is complete.
imaging_status imaging_jpeg_read_band(imaging_jpeg_reader *reader, int *more);
/// Reads to the end of the picture, so that damage in the last bytes is seen.
imaging_status imaging_jpeg_finish(imaging_jpeg_reader *reader);
/// What the planes hold, valid after the start.
imaging_samples imaging_jpeg_samples(const imaging_jpeg_reader *reader);
/// Bytes that belong to no block and no marker, and were passed over so far.
long imaging_jpeg_strays(const imaging_jpeg_reader *reader);
/// The first plane, the only one of gray or interleaved rows; blue and red are empty then.
imaging_plane imaging_jpeg_plane(const imaging_jpeg_reader *reader, int index);
imaging_message imaging_jpeg_message(const imaging_jpeg_reader *reader);
void imaging_jpeg_close(imaging_jpeg_reader *reader);

/// 1 for a file that the reader would read to its end without a word and without strays, told from its codes alone in
/// 0.25 (progressive) to 0.45 of the time; 0 where that isn't certain.
int imaging_jpeg_is_sound(const uint8_t *bytes, size_t count, imaging_limits limits);

// MARK: JPEG out

/// A gray (`blue` and `red` NULL) or 4:2:0 picture, planes without padding.
typedef struct {
  int width, height;
  const uint8_t *luma, *blue, *red;
} imaging_picture;

/// How many codes there are of each length, and the symbols from the shortest code to the longest.
typedef struct {
  uint8_t bits[17];
  uint8_t values[256];
} imaging_huffman_table;

/// Tables for luma and, where `count` is 2, for chroma.
typedef struct {
  int count;
  imaging_huffman_table dc[2], ac[2];
} imaging_huffman_tables;

typedef struct {
  /// 1 to 100 on the IJG scale.
  int quality;
  /// Whether to make Huffman tables for this picture (2.3 times the time, 2 to 7 % fewer bytes).
  int optimized;
  /// 1 encodes everything; n > 1 encodes an nth of every strip of 16 rows, to predict the size; n is prime to 3.
  int sample_parts;
  /// Tables to encode with in one pass, instead of the standard ones; a count of 0 for those.
  imaging_huffman_tables tables;
  /// Dots per inch for the JFIF header, 0 for none.
  int density;
  /// An ICC profile of at most 65,519 bytes, or NULL.
  const uint8_t *profile;
  size_t profile_size;
} imaging_jpeg_options;

/// Encodes into `out`; `*size` is what it takes, also when that is more than `capacity` and `out` is of no use.
/// An optimized encode leaves its tables in `made`, completed so that they serve for any picture.
imaging_status imaging_jpeg_write(
  const imaging_picture *picture, const imaging_jpeg_options *options, uint8_t *out,
  size_t capacity, size_t *size, imaging_huffman_tables *made);

/// Pixels of each strip that a sample encodes: whole blocks of 16, 0 where there are none.
int imaging_sample_width(int width, int parts);

// MARK: PNG in

typedef struct imaging_png_reader imaging_png_reader;

/// A part of the file that libpng is shown.
typedef struct {
  size_t offset, count;
} imaging_range;

/// What libpng will deliver: 8 bits a sample.
typedef struct {
  int width, height;
  /// 1 gray or palette index, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
  int channels;
  int interlaced;
} imaging_png_layout;

/// Makes a reader that sees only the given ranges of `bytes` and reads the header; `bytes` must outlive it.
imaging_png_reader *imaging_png_open(
  const uint8_t *bytes, const imaging_range *ranges, size_t range_count, imaging_limits limits,
  imaging_status *status);
/// The colour profile, valid as long as the reader; NULL when the ranges have none that is whole.
const uint8_t *imaging_png_profile(const imaging_png_reader *reader, size_t *size);
imaging_png_layout imaging_png_get_layout(const imaging_png_reader *reader);
/// Reads the next `count` rows of at most `stride` bytes each; for an interlaced picture all rows at once.
imaging_status imaging_png_read_rows(
  imaging_png_reader *reader, uint8_t *rows, size_t stride, int count);
/// Checks what follows the last row.
imaging_status imaging_png_finish(imaging_png_reader *reader);
imaging_message imaging_png_message(const imaging_png_reader *reader);
void imaging_png_close(imaging_png_reader *reader);

// MARK: Resampling

/// Bytes that every row of samples must have allocated beyond its width, on the right.
#define IMAGING_ROW_SLACK 64
/// Fractional bits of the 16-bit rows between the vertical and the horizontal pass.
#define IMAGING_FRACTION_BITS 5
/// Fractional bits of filter weights.
#define IMAGING_WEIGHT_BITS 14

/// Vertical pass: out = sum of rows[k] * weights[k]; `taps` is even, rows have slack.
void imaging_blend_rows(
  const uint8_t *const *rows, const int16_t *weights, int taps, int width, int16_t *out);
/// Horizontal pass: `taps` weights (a multiple of 8) for each output sample from `starts[i]` on.
void imaging_filter_row(
  const int16_t *row, const int32_t *starts, const int16_t *weights, int taps, int count,
  uint8_t *out);
/// 8 bits to 16 with fraction, and back with rounding.
void imaging_widen_row(const uint8_t *row, int width, int16_t *out);
void imaging_narrow_row(const int16_t *row, int width, uint8_t *out);
/// Means of 2 x 1, 1 x 2 and 2 x 2 samples; an odd last column stands for itself.
void imaging_halve_row(const uint8_t *row, int width, uint8_t *out);
void imaging_average_rows(const uint8_t *a, const uint8_t *b, int width, uint8_t *out);
void imaging_quarter_rows(const uint8_t *a, const uint8_t *b, int width, uint8_t *out);

// MARK: Colour

/// Interleaved rows to full-size Y, Cb, Cr rows (BT.601 full range); alpha goes over white, unless all is `opaque`.
void imaging_split_rgb(
  const uint8_t *row, int channels, int opaque, int width, uint8_t *luma, uint8_t *blue, uint8_t *red);
void imaging_split_gray_alpha(const uint8_t *row, int opaque, int width, uint8_t *luma);
void imaging_split_ycc(
  const uint8_t *row, int width, uint8_t *luma, uint8_t *blue, uint8_t *red);
void imaging_split_cmyk(
  const uint8_t *row, int width, uint8_t *luma, uint8_t *blue, uint8_t *red);
/// Replaces each sample by its entry in a table of 256.
void imaging_look_up(const uint8_t *row, const uint8_t *table, int width, uint8_t *out);

// MARK: Geometry

/// Copies a plane so that a picture of that EXIF orientation (1 to 8) stands upright.
void imaging_turn_plane(
  const uint8_t *source, int width, int height, int orientation, uint8_t *out);
