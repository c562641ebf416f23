// The way through the data of a JPEG's scans, from code to code, without decoding any pixel.
#pragma once

#include "CImaging.h"
#include "jpeg_codes.h"

enum {
  max_components = 3,
  max_blocks = 10,
  /// Bytes that the codes of one block can take beyond the end of the data, where they are broken: 63 of 27 bits.
  walk_slack = 256,
};

typedef struct {
  int name, across, down, quantizer;
  /// Blocks that the picture needs.
  size_t width, height;
  /// The lowest bit that is known of each coefficient, -1 for none.
  int8_t known[64];
  /// For each block of a progressive picture, a bit for each coefficient that isn't 0.
  uint64_t *filled;
} jpeg_component;

typedef struct {
  const uint8_t *bytes;
  size_t count, at;
  imaging_limits limits;
  /// The data of an interval without its stuffing: bytes, and the bit where the walk stands.
  uint8_t *data;
  size_t length, position;
  int is_progressive, component_count, across, down, width, height, scans;
  unsigned quantizers;
  size_t interval;
  jpeg_component components[max_components];
  jpeg_codes codes[2][4];
  jpeg_steps steps[max_components];
} jpeg_walk;

/// A block of an MCU of a sequential scan.
typedef struct jpeg_turn {
  const jpeg_steps *steps;
  /// The steps within it and from the start of the block behind it, in reach of one load.
  const uint16_t *rest, *next;
  const struct jpeg_turn *following;
} jpeg_turn;

/// A scan: MCUs, the blocks of each, and what a progressive one brings.
typedef struct {
  size_t units;
  int count, added, blocks;
  /// The first, or the only one.
  jpeg_component *component;
  const jpeg_codes *dc[max_blocks], *ac;
  /// For a sequential one.
  jpeg_turn turns[max_blocks];
  int first, last, high, low;
} jpeg_scan;

/// Over all intervals of a scan: each has the marker that is due behind it, and at most 7 bits too many.
int jpeg_walk_scan(jpeg_walk *walk, const jpeg_scan *scan);
