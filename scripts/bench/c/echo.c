/*
 * The echo workload in C: a driver and a device on one memory, in one thread. See ../echo/workload.ts for what
 * lies where. Commands on standard input: "run N" does N batches and prints the CPU seconds they took, "digest"
 * prints a hash of the memory.
 *
 *   echo split|packed BATCH
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  QUEUE_SIZE = 1024,
  SLOTS = QUEUE_SIZE / 2,
  MEMORY_BYTES = 0x20000,
  DESC_AT = 0x1000,
  DRIVER_AT = 0x5000,
  DEVICE_AT = 0x6000,
  BUFFERS_AT = 0x10000,
  BUFFER_BYTES = 128,
  REPLY_AT = 64,
  MIN_REQUEST_BYTES = 24,
  MAX_REQUEST_BYTES = 64,
  REPLY_BYTES = 24,
  REPLY_TYPE = 0x1100,
};

enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4, F_AVAIL = 1 << 7, F_USED = 1 << 15 };

struct split_desc {
  uint64_t addr;
  uint32_t len;
  uint16_t flags;
  uint16_t next;
};

struct packed_desc {
  uint64_t addr;
  uint32_t len;
  uint16_t id;
  uint16_t flags;
};

struct avail {
  uint16_t flags;
  uint16_t idx;
  uint16_t ring[QUEUE_SIZE];
};

struct used {
  uint16_t flags;
  uint16_t idx;
  struct {
    uint32_t id;
    uint32_t len;
  } ring[QUEUE_SIZE];
};

struct suppress {
  uint16_t desc;
  uint16_t flags;
};

static _Alignas(4096) uint8_t memory[MEMORY_BYTES];
static uint32_t sums[SLOTS];
static uint32_t batch;
static uint32_t submitted, collected;

static void die(const char *what) {
  fprintf(stderr, "echo: %s\n", what);
  exit(1);
}

static inline uint16_t acquire16(const uint16_t *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
static inline void release16(uint16_t *at, uint16_t value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }

/* Driver */

static inline uint32_t write_request(uint32_t number, uint32_t slot) {
  uint32_t length = MIN_REQUEST_BYTES + number % 6 * 8;
  uint32_t *words = (uint32_t *)(memory + BUFFERS_AT + slot * BUFFER_BYTES);
  uint32_t sum = 0, word = number * 0x9e3779b1u;
  for (uint32_t i = 0; i < length / 4; i++) {
    words[i] = word;
    sum += word;
    word += 0x01000193;
  }
  sums[slot] = sum;
  return length;
}

static inline void check_reply(uint32_t slot) {
  const uint32_t *reply = (const uint32_t *)(memory + BUFFERS_AT + slot * BUFFER_BYTES + REPLY_AT);
  if (reply[0] != REPLY_TYPE || reply[1] != sums[slot]) die("a reply is wrong");
}

static __attribute__((noinline)) void split_submit(void) {
  struct split_desc *desc = (struct split_desc *)(memory + DESC_AT);
  struct avail *avail = (struct avail *)(memory + DRIVER_AT);
  uint32_t number = submitted;
  for (uint32_t left = batch; left > 0; left--, number++) {
    uint32_t slot = number & (SLOTS - 1), head = slot * 2;
    uint32_t length = write_request(number, slot);
    uint64_t address = BUFFERS_AT + slot * BUFFER_BYTES;
    desc[head] = (struct split_desc){address, length, F_NEXT, (uint16_t)(head + 1)};
    desc[head + 1] = (struct split_desc){address + REPLY_AT, REPLY_BYTES, F_WRITE, 0};
    avail->ring[number & (QUEUE_SIZE - 1)] = (uint16_t)head;
  }
  submitted = number;
  release16(&avail->idx, (uint16_t)number);
}

static __attribute__((noinline)) void split_collect(void) {
  const struct used *used = (const struct used *)(memory + DEVICE_AT);
  if (acquire16(&used->idx) != (uint16_t)submitted) die("the used index is wrong");
  for (; collected != submitted; collected++) {
    uint32_t slot = collected & (SLOTS - 1), at = collected & (QUEUE_SIZE - 1);
    if (used->ring[at].id != slot * 2 || used->ring[at].len != REPLY_BYTES) die("a used entry is wrong");
    check_reply(slot);
  }
}

static __attribute__((noinline)) void packed_submit(void) {
  struct packed_desc *desc = (struct packed_desc *)(memory + DESC_AT);
  uint32_t number = submitted;
  for (uint32_t left = batch; left > 0; left--, number++) {
    uint32_t slot = number & (SLOTS - 1);
    uint32_t length = write_request(number, slot);
    uint64_t address = BUFFERS_AT + slot * BUFFER_BYTES;
    uint16_t flags = (number & SLOTS) == 0 ? F_AVAIL : F_USED;
    struct packed_desc *first = desc + slot * 2;
    first[1] = (struct packed_desc){address + REPLY_AT, REPLY_BYTES, (uint16_t)slot, flags | F_WRITE};
    first->addr = address;
    first->len = length;
    first->id = (uint16_t)slot;
    release16(&first->flags, flags | F_NEXT);
  }
  submitted = number;
}

static __attribute__((noinline)) void packed_collect(void) {
  const struct packed_desc *desc = (const struct packed_desc *)(memory + DESC_AT);
  for (; collected != submitted; collected++) {
    uint32_t slot = collected & (SLOTS - 1);
    const struct packed_desc *first = desc + slot * 2;
    uint16_t flags = (collected & SLOTS) == 0 ? F_AVAIL | F_USED : 0;
    if (acquire16(&first->flags) != (flags | F_WRITE) || first->id != slot || first->len != REPLY_BYTES) {
      die("a used descriptor is wrong");
    }
    check_reply(slot);
  }
}

/* Device */

struct chain {
  uint32_t words;
  uint32_t reply_at;
  uint32_t writable;
  uint32_t request[MAX_REQUEST_BYTES / 4];
};

static inline void add_element(struct chain *chain, uint64_t address, uint32_t length, uint16_t flags) {
  if (flags & F_INDIRECT) die("indirect descriptors were not negotiated");
  if (address > MEMORY_BYTES || length > MEMORY_BYTES - address) die("the address is out of range");
  if (flags & F_WRITE) {
    if (chain->writable == 0) {
      chain->reply_at = (uint32_t)address;
      chain->writable = length;
    }
  } else {
    if (chain->writable != 0) die("readable after writable");
    uint32_t words = length / 4, room = MAX_REQUEST_BYTES / 4 - chain->words;
    if (words > room) words = room;
    memcpy(chain->request + chain->words, memory + address, words * 4);
    chain->words += words;
  }
}

static inline uint32_t handle(const struct chain *chain) {
  if (chain->words < MIN_REQUEST_BYTES / 4 || chain->writable < REPLY_BYTES) return 0;
  uint32_t reply[REPLY_BYTES / 4] = {REPLY_TYPE, 0, chain->words * 4};
  for (uint32_t i = 0; i < chain->words; i++) reply[1] += chain->request[i];
  memcpy(memory + chain->reply_at, reply, REPLY_BYTES);
  return REPLY_BYTES;
}

static __attribute__((noinline)) int split_drain(void) {
  static uint16_t next, used_idx;
  const struct split_desc *desc = (const struct split_desc *)(memory + DESC_AT);
  const struct avail *avail = (const struct avail *)(memory + DRIVER_AT);
  struct used *used = (struct used *)(memory + DEVICE_AT);
  uint16_t start = used_idx;
  for (;;) {
    uint16_t available = acquire16(&avail->idx);
    uint16_t pending = available - next;
    if (pending == 0) break;
    if (pending > QUEUE_SIZE) die("the available index jumped");
    for (; next != available; next++) {
      uint16_t head = avail->ring[next & (QUEUE_SIZE - 1)], index = head;
      if (head >= QUEUE_SIZE) die("the head is out of range");
      struct chain chain;
      chain.words = chain.writable = 0;
      for (uint32_t count = 1;; count++) {
        if (count > QUEUE_SIZE) die("the chain is too long");
        struct split_desc d = desc[index];
        add_element(&chain, d.addr, d.len, d.flags);
        if (!(d.flags & F_NEXT)) break;
        index = d.next;
        if (index >= QUEUE_SIZE) die("next is out of range");
      }
      uint32_t at = used_idx++ & (QUEUE_SIZE - 1);
      used->ring[at].len = handle(&chain);
      used->ring[at].id = head;
    }
    release16(&used->idx, used_idx);
  }
  return used_idx != start && !(acquire16(&avail->flags) & 1);
}

static __attribute__((noinline)) int packed_drain(void) {
  static uint32_t next;
  static uint16_t mark = F_AVAIL;
  struct packed_desc *desc = (struct packed_desc *)(memory + DESC_AT);
  const struct suppress *driver = (const struct suppress *)(memory + DRIVER_AT);
  struct packed_desc *pending = NULL;
  uint16_t pending_flags = 0;
  for (;;) {
    struct packed_desc *first = desc + next;
    uint16_t first_mark = mark, id = 0;
    uint32_t count = 0;
    struct chain chain;
    chain.words = chain.writable = 0;
    for (;;) {
      const struct packed_desc *at = desc + next;
      uint16_t flags = acquire16(&at->flags);
      if ((flags & (F_AVAIL | F_USED)) != mark) {
        if (count == 0) break;
        die("the list is incomplete");
      }
      if (++count > QUEUE_SIZE) die("the chain is too long");
      add_element(&chain, at->addr, at->len, flags);
      id = at->id;
      if (++next == QUEUE_SIZE) {
        next = 0;
        mark ^= F_AVAIL | F_USED;
      }
      if (!(flags & F_NEXT)) break;
    }
    if (count == 0) break;
    uint32_t written = handle(&chain);
    uint16_t flags = (first_mark == F_AVAIL ? F_AVAIL | F_USED : 0) | (written > 0 ? F_WRITE : 0);
    first->len = written;
    first->id = id;
    if (pending == NULL) {
      pending = first;
      pending_flags = flags;
    } else {
      first->flags = flags;
    }
  }
  if (pending == NULL) return 0;
  release16(&pending->flags, pending_flags);
  return (acquire16(&driver->flags) & 3) != 1;
}

/* Commands */

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 3) die("usage: echo split|packed BATCH");
  int packed = strcmp(argv[1], "packed") == 0;
  batch = (uint32_t)strtoul(argv[2], NULL, 10);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "run ", 4) == 0) {
      unsigned long batches = strtoul(line + 4, NULL, 10);
      double before = cpu_seconds();
      for (unsigned long i = 0; i < batches; i++) {
        if (packed) {
          packed_submit();
          if (!packed_drain()) die("no used-buffer notification");
          packed_collect();
        } else {
          split_submit();
          if (!split_drain()) die("no used-buffer notification");
          split_collect();
        }
      }
      printf("%.9f\n", cpu_seconds() - before);
    } else {
      uint32_t hash = 0x811c9dc5;
      for (uint32_t i = 0; i < MEMORY_BYTES / 4; i++) hash = (hash ^ ((uint32_t *)memory)[i]) * 0x01000193;
      printf("%08x\n", hash);
    }
    fflush(stdout);
  }
  return 0;
}
