/*
 * Copies pixels from scattered pages, as a device does for TRANSFER_TO_HOST_2D, without the device: memcpy per page or
 * per part of a row. See ../gpu/workloads.ts for what is copied. Commands on standard input: "run N" copies N
 * rectangles and prints the CPU seconds that took, "digest" prints a hash of the target.
 *
 *   copy frame
 *   copy damage POSITIONS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  FRAME_WIDTH = 1920,
  FRAME_HEIGHT = 1080,
  STRIDE = FRAME_WIDTH * 4,
  DAMAGE_PIXELS = 64,
  PAGE_BYTES = 4096,
  POOL_PAGES = 4096,
  FRAME_PAGES = STRIDE * FRAME_HEIGHT / PAGE_BYTES,
};

static uint8_t *pool;
static uint8_t *target;
static uint32_t pages[POOL_PAGES];
static uint32_t *xs, *ys;
static uint32_t positions;

static void die(const char *what) {
  fprintf(stderr, "copy: %s\n", what);
  exit(1);
}

static uint32_t below(uint32_t *state, uint32_t limit) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state % limit;
}

/* Pages are as large as memory is aligned, so both sides meet the same caches. */
static uint8_t *allocate(size_t bytes) {
  uint8_t *memory = aligned_alloc(PAGE_BYTES, bytes);
  if (memory == NULL) die("no memory");
  memset(memory, 0, bytes);
  return memory;
}

static void prepare(void) {
  uint32_t state = 0x2545f491;
  pool = allocate((size_t)POOL_PAGES * PAGE_BYTES);
  target = allocate((size_t)STRIDE * FRAME_HEIGHT);
  for (uint32_t i = 0; i < POOL_PAGES * PAGE_BYTES / 4; i++) ((uint32_t *)pool)[i] = i * 0x9e3779b1u;
  for (uint32_t i = 0; i < POOL_PAGES; i++) pages[i] = i;
  for (uint32_t i = 0; i < FRAME_PAGES; i++) {
    uint32_t other = i + below(&state, POOL_PAGES - i), page = pages[i];
    pages[i] = pages[other];
    pages[other] = page;
  }
}

static __attribute__((noinline)) void copy_frame(void) {
  for (uint32_t i = 0; i < FRAME_PAGES; i++) {
    memcpy(target + (size_t)i * PAGE_BYTES, pool + (size_t)pages[i] * PAGE_BYTES, PAGE_BYTES);
  }
}

static __attribute__((noinline)) void copy_damage(uint32_t x, uint32_t y) {
  for (uint32_t row = 0; row < DAMAGE_PIXELS; row++) {
    uint32_t from = (y + row) * STRIDE + x * 4, end = from + DAMAGE_PIXELS * 4;
    while (from < end) {
      uint32_t inner = from % PAGE_BYTES, part = PAGE_BYTES - inner;
      if (part > end - from) part = end - from;
      memcpy(target + from, pool + (size_t)pages[from / PAGE_BYTES] * PAGE_BYTES + inner, part);
      from += part;
    }
  }
}

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  int frame = argc == 2 && strcmp(argv[1], "frame") == 0;
  if (!frame && (argc != 3 || strcmp(argv[1], "damage") != 0)) die("usage: copy frame | copy damage POSITIONS");
  prepare();
  if (!frame) {
    uint32_t state = 0x1b873593;
    positions = (uint32_t)strtoul(argv[2], NULL, 10);
    xs = calloc(positions, sizeof *xs);
    ys = calloc(positions, sizeof *ys);
    if (positions == 0 || xs == NULL || ys == NULL) die("no positions");
    for (uint32_t i = 0; i < positions; i++) {
      xs[i] = below(&state, FRAME_WIDTH - DAMAGE_PIXELS);
      ys[i] = below(&state, FRAME_HEIGHT - DAMAGE_PIXELS);
    }
  }
  uint32_t next = 0;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "run ", 4) == 0) {
      unsigned long count = strtoul(line + 4, NULL, 10);
      double before = cpu_seconds();
      for (unsigned long i = 0; i < count; i++) {
        if (frame) {
          copy_frame();
        } else {
          copy_damage(xs[next], ys[next]);
          if (++next == positions) next = 0;
        }
      }
      printf("%.9f\n", cpu_seconds() - before);
    } else {
      uint32_t hash = 0x811c9dc5;
      for (uint32_t i = 0; i < STRIDE * FRAME_HEIGHT / 4; i++) hash = (hash ^ ((uint32_t *)target)[i]) * 0x01000193;
      printf("%08x\n", hash);
    }
    fflush(stdout);
  }
  return 0;
}
