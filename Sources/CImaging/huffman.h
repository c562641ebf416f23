// Huffman tables that were made for a sample of a picture and serve for the whole.
#pragma once

#include <stdio.h>
#include <jpeglib.h>

#include "CImaging.h"

/// Takes the tables a finished encode has made, and gives a code to every symbol the sample did not have.
void imaging_tables_take(imaging_huffman_tables *tables, const struct jpeg_compress_struct *codec);
/// Puts the tables in the place of the standard ones.
void imaging_tables_use(const imaging_huffman_tables *tables, j_compress_ptr codec);
/// Whether 8-bit baseline coding can need the symbol: a DC size up to 11, or an AC run with a size up to 10.
int imaging_is_possible(int symbol, int is_dc);
