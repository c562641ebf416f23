#include <stdio.h>
#include <jpeglib.h>
#include <png.h>

#include "CImaging.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

#ifdef LIBJPEG_TURBO_VERSION
const char *imaging_jpeg_name(void) { return "libjpeg-turbo"; }
const char *imaging_jpeg_version(void) { return TEXT(LIBJPEG_TURBO_VERSION); }
#else
const char *imaging_jpeg_name(void) { return "libjpeg"; }
const char *imaging_jpeg_version(void) { return TEXT(JPEG_LIB_VERSION); }
#endif

const char *imaging_png_version_compiled(void) { return PNG_LIBPNG_VER_STRING; }
const char *imaging_png_version_loaded(void) { return png_get_libpng_ver(NULL); }
