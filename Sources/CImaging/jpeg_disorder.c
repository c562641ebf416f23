// Damage told from disorder. The question is whether every block was decoded from intact data: what lies between
// blocks and markers may be dropped when it can be nothing else than padding, or rows that the picture doesn't have.
#include "failure.h"

#include <jpegint.h>

// Cameras end a scan with a byte or two too many; lost synchronisation leaves far more, and not all alike.
enum { harmless_strays = 2, harmless_strays_at_end = 4 };

static int are_alike(const JOCTET *bytes, size_t count) {
  for (size_t i = 1; i < count; i++)
    if (bytes[i] != bytes[0]) return 0;
  return 1;
}

// Whether so many bytes before `end`, none of which is before the file, are padding.
static int are_padding(const JOCTET *end, long count) {
  return count <= harmless_strays || are_alike(end - count, (size_t)count);
}

// Called when all blocks of an interval are decoded. libjpeg has counted the bytes that it had read ahead.
static boolean read_restart(j_decompress_ptr codec) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  struct jpeg_source_mgr *source = codec->src;
  const JOCTET *end = source->next_input_byte + source->bytes_in_buffer;
  const JOCTET *marker = source->next_input_byte;
  long strays = (long)codec->marker->discarded_bytes;
  if (codec->unread_marker != 0) marker -= 2;
  else
    while (marker + 1 < end && (marker[0] != 0xFF || marker[1] == 0 || marker[1] == 0xFF)) marker++, strays++;
  if (strays > 0) {
    if (!are_padding(marker, strays))
      imaging_fail((j_common_ptr)codec, IMAGING_DAMAGED, "data is left over before a restart marker");
    errors->disorder.strays += strays;
    codec->marker->discarded_bytes = 0;
    if (codec->unread_marker == 0) {
      source->next_input_byte = marker;
      source->bytes_in_buffer = (size_t)(end - marker);
    }
  }
  return errors->disorder.read_restart(codec);
}

void imaging_watch_restarts(j_decompress_ptr codec) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  errors->disorder.read_restart = codec->marker->read_restart_marker;
  codec->marker->read_restart_marker = read_restart;
}

// A marker without content: after the last block, only the restart that is due may come.
static int is_due(j_decompress_ptr codec, int marker) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  if (!errors->disorder.picture_done || marker < JPEG_RST0 || marker > JPEG_RST0 + 7) return 1;
  int due = (codec->marker->next_restart_num + errors->disorder.extra_restarts) & 7;
  if (codec->restart_interval == 0 || marker != JPEG_RST0 + due)
    imaging_fail((j_common_ptr)codec, IMAGING_DAMAGED, "restart markers are out of order");
  errors->disorder.extra_restarts++;
  return 1;
}

// Bytes that were passed over on the way to a marker; they end where libjpeg stands.
static int are_harmless(j_decompress_ptr codec, long count, int marker) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  if (!errors->header_done) return 1;
  if (marker == JPEG_EOI && count <= harmless_strays_at_end) return 1;
  if (errors->disorder.extra_restarts == 0 && !are_padding(codec->src->next_input_byte, count)) return 0;
  errors->disorder.strays += count;
  return 1;
}

int imaging_is_disorder(j_common_ptr codec) {
  imaging_errors *errors = (imaging_errors *)codec->err;
  const int *values = errors->base.msg_parm.i;
  switch (errors->base.msg_code) {
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    // What the header of a sequential scan says of coefficients means nothing: Samsung's telephones write zeros.
    case JWRN_NOT_SEQUENTIAL: return 1;
    case JTRC_PARMLESS_MARKER: return codec->is_decompressor && is_due((j_decompress_ptr)codec, values[0]);
    case JWRN_EXTRANEOUS_DATA: return are_harmless((j_decompress_ptr)codec, values[0], values[1]);
    default: return 0;
  }
}
