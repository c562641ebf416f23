// What the JPEG reader and writer share: an error manager that jumps back and remembers why.
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

#include "CImaging.h"

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  imaging_status status;
  imaging_message message;
  /// Set once the header is read: stray data before it is harmless, after it a sign of damage.
  int header_done;
} imaging_errors;

/// Fills in the error manager; the caller sets the jump before each phase.
struct jpeg_error_mgr *imaging_errors_init(imaging_errors *errors);
/// Leaves the phase with a status of our own.
_Noreturn void imaging_fail(j_common_ptr codec, imaging_status status, const char *text);
