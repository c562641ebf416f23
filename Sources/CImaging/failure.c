#include "failure.h"

#include <string.h>

static imaging_status status_of(int code) {
  switch (code) {
    case JERR_OUT_OF_MEMORY: return IMAGING_NO_MEMORY;
    // libjpeg asks for a temporary file once the memory fence is reached, and none is configured.
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG: return IMAGING_LIMIT;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: return IMAGING_UNSUPPORTED;
    default: return IMAGING_DAMAGED;
  }
}

_Noreturn void imaging_fail(j_common_ptr codec, imaging_status status, const char *text) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  errors->status = status;
  snprintf(errors->message.text, sizeof errors->message.text, "%s", text);
  longjmp(errors->jump, 1);
}

static void leave(j_common_ptr codec) {
  char text[JMSG_LENGTH_MAX];
  (*codec->err->format_message)(codec, text);
  imaging_fail(codec, status_of(codec->err->msg_code), text);
}

// A truncated or broken JPEG "decodes" with a gray half and no more than a warning: those are errors here.
static void judge_message(j_common_ptr codec, int level) {
  if (!imaging_is_disorder(codec) && level < 0) leave(codec);
}

static void print_nothing(j_common_ptr codec) { (void)codec; }

struct jpeg_error_mgr *imaging_errors_init(imaging_errors *errors) {
  memset(errors, 0, sizeof *errors);
  struct jpeg_error_mgr *base = jpeg_std_error(&errors->base);
  base->error_exit = leave;
  base->emit_message = judge_message;
  base->output_message = print_nothing;
  return base;
}
