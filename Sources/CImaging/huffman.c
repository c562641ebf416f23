#include "huffman.h"

#include <string.h>

enum { symbols = 256, reserved = symbols, longest = 16, deepest = 64 };

int imaging_is_possible(int symbol, int is_dc) {
  if (is_dc) return symbol <= 11;
  return symbol == 0x00 || symbol == 0xF0 || ((symbol & 15) >= 1 && (symbol & 15) <= 10);
}

// A code of n bits stands for a share of 2^-n; what the sample has not met counts as rarer than anything it has.
static void estimate_counts(const JHUFF_TBL *table, int is_dc, long *counts) {
  for (int symbol = 0; symbol < symbols; symbol++) counts[symbol] = imaging_is_possible(symbol, is_dc);
  for (int length = 1, index = 0; length <= longest; length++)
    for (int k = 0; k < table->bits[length] && index < symbols; k++, index++)
      counts[table->huffval[index]] = 1L << (longest + 2 - length);
  // Takes the code of all ones, which JPEG does not allow.
  counts[reserved] = 1;
}

static int rarest(const long *counts, int other) {
  int found = -1;
  for (int node = 0; node <= reserved; node++)
    if (counts[node] > 0 && node != other && (found < 0 || counts[node] <= counts[found])) found = node;
  return found;
}

// Huffman's construction: the two rarest trees become one; a list through `next` holds a tree's leaves.
static void measure_lengths(long *counts, int *lengths) {
  int next[symbols + 1];
  for (int node = 0; node <= reserved; node++) next[node] = -1, lengths[node] = 0;
  for (;;) {
    int a = rarest(counts, -1), b = rarest(counts, a);
    if (b < 0) return;
    counts[b] += counts[a];
    counts[a] = 0;
    int last = b;
    for (int leaf = b; leaf >= 0; leaf = next[leaf]) lengths[leaf]++, last = leaf;
    next[last] = a;
    for (int leaf = a; leaf >= 0; leaf = next[leaf]) lengths[leaf]++;
  }
}

// Annex K.3 of the standard: codes beyond 16 bits are paired with shorter ones until none is left.
static void limit_lengths(int *numbers) {
  for (int length = deepest; length > longest; length--)
    while (numbers[length] > 0) {
      int shorter = length - 2;
      while (numbers[shorter] == 0) shorter--;
      numbers[length] -= 2;
      numbers[length - 1]++;
      numbers[shorter + 1] += 2;
      numbers[shorter]--;
    }
  int length = longest;
  while (numbers[length] == 0) length--;
  numbers[length]--;
}

static void complete(const JHUFF_TBL *table, int is_dc, imaging_huffman_table *out) {
  long counts[symbols + 1];
  int lengths[symbols + 1], numbers[deepest + 1] = {0}, count = 0;
  estimate_counts(table, is_dc, counts);
  measure_lengths(counts, lengths);
  for (int node = 0; node <= reserved; node++)
    numbers[lengths[node] < deepest ? lengths[node] : deepest]++;
  numbers[0] = 0;
  limit_lengths(numbers);
  memset(out, 0, sizeof *out);
  for (int length = 1; length <= longest; length++) out->bits[length] = (uint8_t)numbers[length];
  for (int length = 1; length <= deepest; length++)
    for (int symbol = 0; symbol < symbols; symbol++)
      if (lengths[symbol] == length) out->values[count++] = (uint8_t)symbol;
}

void imaging_tables_take(imaging_huffman_tables *tables, const struct jpeg_compress_struct *codec) {
  tables->count = codec->num_components > 1 ? 2 : 1;
  for (int index = 0; index < tables->count; index++) {
    complete(codec->dc_huff_tbl_ptrs[index], 1, &tables->dc[index]);
    complete(codec->ac_huff_tbl_ptrs[index], 0, &tables->ac[index]);
  }
}

static void put(const imaging_huffman_table *table, JHUFF_TBL **place, j_compress_ptr codec) {
  if (!*place) *place = jpeg_alloc_huff_table((j_common_ptr)codec);
  memcpy((*place)->bits, table->bits, sizeof table->bits);
  memcpy((*place)->huffval, table->values, sizeof table->values);
  (*place)->sent_table = FALSE;
}

void imaging_tables_use(const imaging_huffman_tables *tables, j_compress_ptr codec) {
  for (int index = 0; index < tables->count; index++) {
    put(&tables->dc[index], &codec->dc_huff_tbl_ptrs[index], codec);
    put(&tables->ac[index], &codec->ac_huff_tbl_ptrs[index], codec);
  }
}
