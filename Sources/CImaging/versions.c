#include <stdio.h>
#include <jpeglib.h>
#include <png.h>

#include "CImaging.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

const char *imaging_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "libjpeg " TEXT(JPEG_LIB_VERSION);
#endif
}

const char *imaging_png_version_compiled(void) { return PNG_LIBPNG_VER_STRING; }
const char *imaging_png_version_loaded(void) { return png_get_libpng_ver(NULL); }
