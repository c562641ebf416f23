// What the JPEG reader and writer share: an error manager that jumps back and remembers why.
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

#include "CImaging.h"

/// Bytes that belong to nothing, and what may still follow.
typedef struct {
  /// Bytes between blocks and markers that were passed over.
  long strays;
  /// Set once the last block is decoded: whole rows of blocks may follow that nobody needs.
  int picture_done;
  /// Restart markers after the last block: the scanner coded more rows than the picture has.
  int extra_restarts;
  /// libjpeg's own way to read a restart marker.
  boolean (*read_restart)(j_decompress_ptr codec);
} imaging_disorder;

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  imaging_status status;
  imaging_message message;
  /// Set once the header is read: stray data before it is harmless, after it a sign of damage.
  int header_done;
  /// What a reader makes of disorder that follows; see jpeg_disorder.c.
  imaging_disorder disorder;
} imaging_errors;

/// Has restart markers read here; the header has been read.
void imaging_watch_restarts(j_decompress_ptr codec);
/// Whether a message of libjpeg is about mere disorder: no picture data is missing or wrong.
int imaging_is_disorder(j_common_ptr codec);

/// Fills in the error manager; the caller sets the jump before each phase.
struct jpeg_error_mgr *imaging_errors_init(imaging_errors *errors);
/// Leaves the phase with a status of our own.
_Noreturn void imaging_fail(j_common_ptr codec, imaging_status status, const char *text);
