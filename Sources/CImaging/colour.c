// Colour rows to planes, and turning planes upright.
#include "CImaging.h"
#include "wide.h"

// BT.601 full range as JFIF defines it, 15 fractional bits; each triple adds up to exactly 1 or 0.
enum {
  yr = 9798, yg = 19235, yb = 3735,
  br = -5529, bg = -10855, bb = 16384,
  rr = 16384, rg = -13720, rb = -2664,
};

static inline void store(
  int r, int g, int b, int x, uint8_t *luma, uint8_t *blue, uint8_t *red) {
  luma[x] = (uint8_t)((yr * r + yg * g + yb * b + 16384) >> 15);
  // The half is kept one short, so that pure blue and pure red stay at 255.
  blue[x] = (uint8_t)((br * r + bg * g + bb * b + (128 << 15) + 16383) >> 15);
  red[x] = (uint8_t)((rr * r + rg * g + rb * b + (128 << 15) + 16383) >> 15);
}

static inline int over_white(int value, int alpha) {
  int sum = value * alpha + 255 * (255 - alpha) + 128;
  return (sum + (sum >> 8)) >> 8;
}

IMAGING_WIDE static void split_opaque(
  const uint8_t *row, int width, uint8_t *luma, uint8_t *blue, uint8_t *red) {
  for (int x = 0; x < width; x++)
    store(row[3 * x], row[3 * x + 1], row[3 * x + 2], x, luma, blue, red);
}

IMAGING_WIDE void imaging_split_rgb(
  const uint8_t *row, int channels, int opaque, int width, uint8_t *luma, uint8_t *blue, uint8_t *red) {
  if (channels == 3) {
    split_opaque(row, width, luma, blue, red);
    return;
  }
  for (int x = 0; x < width; x++) {
    int alpha = opaque ? 255 : row[4 * x + 3];
    store(over_white(row[4 * x], alpha), over_white(row[4 * x + 1], alpha),
      over_white(row[4 * x + 2], alpha), x, luma, blue, red);
  }
}

IMAGING_WIDE void imaging_split_gray_alpha(const uint8_t *row, int opaque, int width, uint8_t *luma) {
  for (int x = 0; x < width; x++) luma[x] = (uint8_t)over_white(row[2 * x], opaque ? 255 : row[2 * x + 1]);
}

IMAGING_WIDE void imaging_split_ycc(
  const uint8_t *row, int width, uint8_t *luma, uint8_t *blue, uint8_t *red) {
  for (int x = 0; x < width; x++) {
    luma[x] = row[3 * x];
    blue[x] = row[3 * x + 1];
    red[x] = row[3 * x + 2];
  }
}

static inline int scaled(int a, int b) {
  int product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

IMAGING_WIDE void imaging_split_cmyk(
  const uint8_t *row, int width, uint8_t *luma, uint8_t *blue, uint8_t *red) {
  for (int x = 0; x < width; x++) {
    int k = row[4 * x + 3];
    store(scaled(row[4 * x], k), scaled(row[4 * x + 1], k), scaled(row[4 * x + 2], k), x, luma, blue, red);
  }
}

void imaging_look_up(const uint8_t *row, const uint8_t *table, int width, uint8_t *out) {
  for (int x = 0; x < width; x++) out[x] = table[row[x]];
}

// Where the first sample goes and how far a step right or down moves in the output, per EXIF orientation.
typedef struct {
  ptrdiff_t first, right, down;
} turn_steps;

static turn_steps steps_of(int orientation, int width, int height) {
  ptrdiff_t w = width, h = height;
  switch (orientation) {
    case 2: return (turn_steps){w - 1, -1, w};
    case 3: return (turn_steps){w * h - 1, -1, -w};
    case 4: return (turn_steps){w * (h - 1), 1, -w};
    case 5: return (turn_steps){0, h, 1};
    case 6: return (turn_steps){h - 1, h, -1};
    case 7: return (turn_steps){w * h - 1, -h, -1};
    case 8: return (turn_steps){h * (w - 1), -h, 1};
    default: return (turn_steps){0, 1, w};
  }
}

void imaging_turn_plane(
  const uint8_t *source, int width, int height, int orientation, uint8_t *out) {
  // Blocks of 32 x 32 keep the lines that a column touches in the first-level cache.
  enum { block = 32 };
  turn_steps step = steps_of(orientation, width, height);
  for (int top = 0; top < height; top += block)
    for (int left = 0; left < width; left += block) {
      int bottom = top + block < height ? top + block : height;
      int right = left + block < width ? left + block : width;
      for (int y = top; y < bottom; y++) {
        const uint8_t *row = source + (ptrdiff_t)y * width;
        uint8_t *to = out + step.first + y * step.down;
        for (int x = left; x < right; x++) to[x * step.right] = row[x];
      }
    }
}
